"""Which segmenter it is: kept fits and scores are worth something only while the code that made them is the same."""

from __future__ import annotations

from functools import lru_cache
from importlib import resources

from pairaug.evaluation.segmenter.presets import Preset
from pairaug.files import digest_bytes
from pairaug.training.device import processor_precision


def identity_of(preset: Preset) -> str:
    """A name that changes with the preset, the precision and the source of the segmenter."""
    return f"{preset!r} {str(processor_precision()).removeprefix('torch.')} code {_code_digest()[:16]}"


@lru_cache(maxsize=1)
def _code_digest() -> str:
    folder = resources.files(__package__)
    sources = sorted((entry for entry in folder.iterdir() if entry.name.endswith(".py")), key=lambda entry: entry.name)
    return digest_bytes(b"\0".join(entry.read_bytes() for entry in sources))
