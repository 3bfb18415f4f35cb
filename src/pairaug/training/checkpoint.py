"""Checkpoints: everything that training needs to go on as if nothing had happened, and no pickle.

One file holds all weights (the model's, those of other networks, their average), the optimisers' moments and, in its
header, how far training had come and of which run it is; that of another run is never gone on from. Random state is
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
from pairaug.fitted.header import read_metadata
from pairaug.json_text import parse_json
from pairaug.training.objectives.base import Objective

KEPT = 2
_DIGITS = 16


@dataclass
class Progress:
    """How far training has come. ``sums`` and ``counted`` are the losses since the last line of the history.

    ``seconds``: time spent in steps. ``minutes``: the time budget last asked for; ``budget``: the images that it was
    found to allow, None before that.
    """

    images: int = 0
    seconds: float = 0.0
    minutes: float | None = None
    budget: int | None = None
    batch_size: int = 1
    lines: int = 0
    sums: dict[str, float] = field(default_factory=dict)
    counted: int = 0
    skipped: int = 0
    rate_scale: float = 1.0


def save_checkpoint(folder: Path, objective: Objective, progress: Progress, run: str) -> bool:
    """Write a checkpoint of the run with the identity ``run``, in the place of one at the same number of images.

    All but the last two are removed. False, and nothing is written, where a weight or a moment is not finite.
    """
    tensors = {f"weights.{name}": tensor for name, tensor in objective.state_dict().items()}
    for name, optimizer in objective.optimizers.items():
        for index, state in optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{name}.{index}.{key}": value for key, value in state.items()}
    contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    if not all(bool(torch.isfinite(tensor).all()) for tensor in contiguous.values()):
        return False
    data = save_tensors(contiguous, metadata={"progress": json.dumps(asdict(progress)), "run": run})
    written = folder / f"{progress.images:010d}-{digest_bytes(data)[:_DIGITS]}.safetensors"
    write_atomic(written, data)
    for replaced in folder.glob(f"{progress.images:010d}-*.safetensors"):
        if replaced != written:
            replaced.unlink(missing_ok=True)
    keep_last(folder, KEPT)
    return True


def keep_last(folder: Path, count: int) -> None:
    for stale in sorted(folder.glob("*.safetensors"))[:-count]:
        stale.unlink(missing_ok=True)


def forget_others(folder: Path, run: str) -> int:
    """Remove the checkpoints of other runs and those that are damaged; how many there were."""
    others = [path for path in folder.glob("*.safetensors") if _content(path, run) is None]
    for path in others:
        path.unlink(missing_ok=True)
    return len(others)


def load_checkpoint(folder: Path, objective: Objective, run: str) -> Progress | None:
    """Bring ``objective`` to the latest whole checkpoint of the run ``run``; None where there is none."""
    for path in sorted(folder.glob("*.safetensors"), reverse=True):
        content = _content(path, run)
        if content is not None:
            tensors, progress = content
            _restore(objective, tensors)
            return progress
    return None


def _content(path: Path, run: str) -> tuple[dict[str, Tensor], Progress] | None:
    """What a checkpoint holds; None where it is damaged or of another run."""
    data = path.read_bytes()
    if digest_bytes(data)[:_DIGITS] != path.stem.rpartition("-")[2]:
        return None
    try:
        header = read_metadata(data)
        if header.get("run") != run:
            return None
        return load_tensors(data), Progress(**parse_json(header["progress"]))
    except (SafetensorError, ValueError, KeyError, TypeError):
        return None


def _restore(objective: Objective, tensors: Mapping[str, Tensor]) -> None:
    prefix = "weights."
    objective.load_state_dict({k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)})
    for name, optimizer in objective.optimizers.items():
        content = optimizer.state_dict()
        content["state"] = {}
        prefix = f"optimizer.{name}."
        for key, tensor in tensors.items():
            if key.startswith(prefix):
                index, _, entry = key.removeprefix(prefix).partition(".")
                content["state"].setdefault(int(index), {})[entry] = tensor
        optimizer.load_state_dict(content)
