"""Checkpoints: everything that training needs to go on as if nothing had happened, and no pickle.

One file holds the weights, the optimisers' moments and, in its header, how far training had come. Random state is
not kept: it is derived from the seed and the images seen. The last two files are kept; a file's name carries the
beginning of its digest, so that a damaged one is known and the one before it used.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from pairaug.files import digest_bytes, write_atomic
from pairaug.models.base import Model

KEPT = 2
_DIGITS = 16


@dataclass
class Progress:
    """How far training has come. ``sums`` and ``counted`` are the losses since the last line of the history."""

    images: int = 0
    total: int | None = None
    batch_size: int = 1
    lines: int = 0
    sums: dict[str, float] = field(default_factory=dict)
    counted: int = 0
    skipped: int = 0
    rate_scale: float = 1.0


def save_checkpoint(folder: Path, model: Model, progress: Progress) -> None:
    """Write a checkpoint and remove all but the last two."""
    tensors = {f"model.{name}": tensor for name, tensor in model.state_dict().items()}
    for name, optimizer in model.optimizers.items():
        for index, state in optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{name}.{index}.{key}": value for key, value in state.items()}
    contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    data = save_tensors(contiguous, metadata={"progress": json.dumps(asdict(progress))})
    write_atomic(folder / f"{progress.images:010d}-{digest_bytes(data)[:_DIGITS]}.safetensors", data)
    keep_last(folder, KEPT)


def keep_last(folder: Path, count: int) -> None:
    for stale in sorted(folder.glob("*.safetensors"))[:-count]:
        stale.unlink(missing_ok=True)


def load_checkpoint(folder: Path, model: Model) -> Progress | None:
    """Bring ``model`` to the latest whole checkpoint; None where there is none."""
    for path in sorted(folder.glob("*.safetensors"), reverse=True):
        data = path.read_bytes()
        if digest_bytes(data)[:_DIGITS] != path.stem.rpartition("-")[2]:
            continue
        try:
            tensors, header = load_tensors(data), _metadata(data)
        except SafetensorError:
            continue
        _restore(model, tensors)
        return Progress(**json.loads(header["progress"]))
    return None


def all_finite(model: Model) -> bool:
    return all(bool(torch.isfinite(tensor).all()) for tensor in model.state_dict().values())


def _metadata(data: bytes) -> dict[str, str]:
    length = int.from_bytes(data[:8], "little")
    header: dict[str, dict[str, str]] = json.loads(data[8 : 8 + length])
    return header["__metadata__"]


def _restore(model: Model, tensors: Mapping[str, Tensor]) -> None:
    model.load_state_dict({k.removeprefix("model."): v for k, v in tensors.items() if k.startswith("model.")})
    for name, optimizer in model.optimizers.items():
        content = optimizer.state_dict()
        content["state"] = {}
        prefix = f"optimizer.{name}."
        for key, tensor in tensors.items():
            if key.startswith(prefix):
                index, _, entry = key.removeprefix(prefix).partition(".")
                content["state"].setdefault(int(index), {})[entry] = tensor
        optimizer.load_state_dict(content)
