"""A gate as one file beside its model: tensors, and in the header what was decided, with the model that it belongs to.

Enters: tensors by name and facts for JSON. Leaves: the same, after every part has been looked at, or a ModelError.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from pairaug.errors import ModelError
from pairaug.files import digest_bytes, write_atomic
from pairaug.fitted.header import read_metadata
from pairaug.json_text import json_text, parse_json

GATE_VERSION = 1


@dataclass(frozen=True)
class Stored:
    """``digest``: SHA-256 of the file, which all of a gate's judgements follow from."""

    tensors: Mapping[str, Tensor]
    facts: Mapping[str, Any]
    digest: str


def save_gate(path: Path, model: str, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> str:
    """Write the gate of the model with the digest ``model``; returns its own digest."""
    info = {"gate_version": GATE_VERSION, "model_sha256": model, **facts}
    whole = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    data = save_tensors(whole, metadata={"gate": json_text(info)})
    write_atomic(path, data)
    return digest_bytes(data)


def read_gate(path: Path, model: str) -> Stored:
    """The inverse. Raises ModelError for a damaged file and for the gate of another model."""
    try:
        data = path.read_bytes()
        facts = parse_json(read_metadata(data)["gate"])
        if facts["gate_version"] != GATE_VERSION:
            raise ValueError("another version of pairaug wrote it")
        if facts["model_sha256"] != model:
            raise ValueError("it belongs to another model")
        return Stored(load_tensors(data), facts, digest_bytes(data))
    except Exception as error:  # a damaged file may raise anything
        raise unusable(path, error) from None


def unusable(path: Path, error: Exception) -> ModelError:
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return ModelError(f"{path}: not a usable gate ({reason}); delete it and run the fit again, or give --gates none")
