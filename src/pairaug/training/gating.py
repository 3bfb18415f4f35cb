"""Fitting the gate of a model, once the model is on the disk: novelty beside a mask model.

Enters: the folder of a saved model and the data that it was fitted on. Leaves: the gate's file beside the model, and
name and digest of it for the run's record. A gate follows from the model, the data and the seed alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pairaug.arrays.resampling import resize_labels
from pairaug.fitted.model_file import FittedModel, load_model
from pairaug.gates.names import GATE_FILES, GATE_OF
from pairaug.gates.novelty import BLIND, FINE, LOOKED_AT_SIDE, TRIED, fit_novelty, save_novelty
from pairaug.machine.randomness import numpy_generator, torch_generator
from pairaug.machine.threads import one_thread_each
from pairaug.models.base import MaskGenerator
from pairaug.pairs.checked import Checked
from pairaug.pairs.checking import load_classes
from pairaug.registry import Kind
from pairaug.reporting import Reporter

Classes = NDArray[np.uint8]


def fit_gate(kind: Kind, folder: Path, checked: Checked, seed: int, reporter: Reporter) -> dict[str, Any]:
    """Fit the gate of the model in ``folder`` and write it there; its name and what was decided."""
    model = load_model(folder, kind)
    name = GATE_OF[kind]
    with one_thread_each():  # the same gate whatever the number of threads
        gate = fit_novelty(
            Masks(checked),
            _groups(model),
            len(model.label_values),
            _drawn(model, seed),
            numpy_generator(seed, "novelty gate"),
            cells=BLIND if model.entry.keeps == "nothing" else FINE,
        )
    digest = save_novelty(gate, folder / GATE_FILES[name], model.digest)
    if gate.remark():
        reporter.note(gate.remark())
    return {name: {"sha256": digest, **gate.manifest(), "rejected": gate.facts.rejected}}


class Masks(Sequence[Classes]):
    """The masks of a checked set as classes, each decoded when it is asked for."""

    def __init__(self, checked: Checked) -> None:
        self.checked = checked

    def __len__(self) -> int:
        return len(self.checked.pairs)

    def __getitem__(self, index: Any) -> Any:
        checked = self.checked
        return load_classes(checked.root, checked.pairs[index], checked.policy, checked.label_map)

    def __iter__(self) -> Iterator[Classes]:
        return (self[index] for index in range(len(self)))


def _groups(model: FittedModel) -> list[int]:
    """A number for the group of each training pair; a pair without a group is its own."""
    named = [pair.group for pair in model.pairs]
    first = 1 + max((group for group in named if group is not None), default=-1)
    return [first + place if group is None else group for place, group in enumerate(named)]


def _drawn(model: FittedModel, seed: int) -> list[Classes]:
    """Masks of the model to try the gate on, of the training masks' forms, but small."""
    assert isinstance(model.network, MaskGenerator)
    drawn = []
    for number in range(TRIED):
        width, height = model.pairs[number % len(model.pairs)].size
        factor = min(1.0, LOOKED_AT_SIDE / max(width, height))
        size = (max(1, round(height * factor)), max(1, round(width * factor)))
        sample = model.network.sample(torch_generator(seed, "novelty gate", number), size)
        drawn.append(resize_labels(sample.labels.cpu().numpy().astype(np.uint8), *size))
    return drawn
