"""The names of the gates and of their files beside a model, and what they cost; nothing here needs torch."""

from __future__ import annotations

from pairaug.errors import UsageError, did_you_mean
from pairaug.registry import Kind
from pairaug.segmenter.presets import PRESETS

GATE_OF: dict[Kind, str] = {"masks": "novelty", "translator": "agreement"}
GATE_FILES = {name: f"gate-{name}.safetensors" for name in GATE_OF.values()}
ALL, NONE = "all", "none"

CELLS = 64  # a side, of the grid in which a training mask is kept where it may be
PRESET, FITS = "quick", 3  # segmenters that a gate of images takes: one of all pairs, two of half of them
_SEGMENTER_BYTES = 3_300_000


def wanted_gates(text: str) -> tuple[str, ...]:
    """The names in ``all``, ``none`` or ``novelty,agreement``. Raises UsageError."""
    if text in (ALL, NONE):
        return tuple(GATE_FILES) if text == ALL else ()
    names = [part.strip() for part in text.split(",")]
    for name in names:
        if name not in GATE_FILES:
            raise UsageError(f"--gates {text}: no gate {name!r}; {did_you_mean(name, [*GATE_FILES, ALL, NONE])}")
    return tuple(name for name in GATE_FILES if name in names)


def gate_seconds(kind: Kind, pairs: int, threads: int) -> float:
    """About how long it takes to fit the gate of a model, at most."""
    if kind not in GATE_OF or kind == "masks":
        return 0.0
    return PRESETS[PRESET].expected_seconds(pairs) * FITS / min(FITS, threads)


def gate_bytes(kind: Kind, pairs: int, classes: int) -> int:
    """How much of the disk the gate of a model takes, at most."""
    return pairs * CELLS**2 * (classes - 1) if kind == "masks" else _SEGMENTER_BYTES
