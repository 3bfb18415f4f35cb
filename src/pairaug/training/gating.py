"""Fitting the gate of a model, once the model is on the disk: novelty beside a mask model, agreement by a translator.

Enters: the folder of a saved model and the data that it was fitted on. Leaves: the gate's file beside the model, and
name and digest of it for the run's record. A gate follows from the model, the data and the seed alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pairaug.arrays.examples import Examples
from pairaug.arrays.resampling import resize_image, resize_labels
from pairaug.arrays.tensors import to_pixels
from pairaug.fitted.model_file import FittedModel, load_model
from pairaug.gates.agreement import AgreementGate, limits_of, look, mirrored, save_agreement, thin_classes, tried
from pairaug.gates.base import Pixels
from pairaug.gates.names import GATE_FILES, GATE_OF, PRESET
from pairaug.gates.novelty import BLIND, FINE, LOOKED_AT_SIDE, TRIED, NoveltyGate, fit_novelty, save_novelty
from pairaug.machine.randomness import derive, numpy_generator, torch_generator
from pairaug.machine.threads import one_thread_each
from pairaug.machine.work import Work
from pairaug.models.base import MaskGenerator, Translator
from pairaug.pairs.checked import Checked
from pairaug.pairs.checking import load_classes
from pairaug.registry import Kind
from pairaug.reporting import Reporter
from pairaug.segmenter.base import Example, Recipe
from pairaug.segmenter.fit import UNetSegmenter
from pairaug.segmenter.folds import grouped_folds
from pairaug.segmenter.reference import ReferenceSegmenter

Classes = NDArray[np.uint8]

ALL = 2  # the one of all pairs, beside those of the halves 0 and 1
LOOKED_AT = 20  # masks that tell which classes are thin
PAINTED = 12  # images to try the gate on


def fit_gate(kind: Kind, folder: Path, checked: Checked, seed: int, reporter: Reporter, workers: int) -> dict[str, Any]:
    """Fit the gate of the model in ``folder`` and write it there; its name and what was decided."""
    model = load_model(folder, kind)
    name = GATE_OF[kind]
    path = folder / GATE_FILES[name]
    gate: NoveltyGate | AgreementGate
    with one_thread_each():  # the same gate whatever the number of threads
        if kind == "masks":
            gate = _novelty(model, checked, seed)
            digest = save_novelty(gate, path, model.digest)
        else:
            gate = _agreement(model, checked, seed, Work(workers, reporter))
            digest = save_agreement(gate, path, model.digest)
    if gate.remark():
        reporter.note(gate.remark())
    return {name: {"sha256": digest, **gate.manifest(), "rejected": gate.facts.rejected}}


def _novelty(model: FittedModel, checked: Checked, seed: int) -> NoveltyGate:
    return fit_novelty(
        Masks(checked),
        _groups(model),
        len(model.label_values),
        _drawn(model, seed),
        numpy_generator(seed, "novelty gate"),
        cells=BLIND if model.entry.keeps == "nothing" else FINE,
    )


def _agreement(model: FittedModel, checked: Checked, seed: int, work: Work) -> AgreementGate:
    """Two segmenters of half of the pairs each, for the limits, and one of all pairs, which judges."""
    examples, classes, groups = _Pairs(checked, model), len(model.label_values), _groups(model)
    halves = len(set(groups)) > 1
    parts = grouped_folds(groups, numpy_generator(seed, "agreement gate")) if halves else (ALL,) * len(groups)
    thin = thin_classes([examples[index].labels for index in range(min(len(examples), LOOKED_AT))], classes)
    names = [ALL, *sorted({*parts} - {ALL})]
    trainer = ReferenceSegmenter(PRESET)

    def fit(place: int) -> UNetSegmenter:
        part = names[place]
        learnt = [index for index, own in enumerate(parts) if part == ALL or own != part]
        recipe = Recipe(_Pairs(checked, model, learnt))
        return trainer.fit(recipe, classes, derive(seed, "agreement gate", part), Reporter())

    segmenters = dict(zip(names, work.each(fit, len(names), "segmenters"), strict=True))
    found = [look(segmenters[part], one.image, one.labels, thin) for part, one in zip(parts, examples, strict=True)]
    limits = limits_of(found, thin, model.intensity, seen=not halves)
    return tried(segmenters[ALL], limits, _painted(model, examples, seed))


def _painted(model: FittedModel, examples: _Pairs, seed: int) -> list[tuple[Pixels, Classes]]:
    """Images of the translator for mirrored training masks, at their size."""
    assert isinstance(model.network, Translator)
    made = []
    for number in np.linspace(0, len(examples) - 1, min(PAINTED, len(examples)), dtype=int).tolist():
        labels = mirrored(examples[number])
        size = (model.shape.height, model.shape.width) if model.entry.works == "square" else labels.shape
        shown = torch.from_numpy(resize_labels(labels, *size)).long()[None]
        image = model.network.translate(shown, [torch_generator(seed, "agreement gate", number)])[0]
        made.append((resize_image(to_pixels(image, model.intensity), *labels.shape), labels))
    return made


class _Pairs(Sequence[Example]):
    """Training pairs as the segmenter takes them, each decoded when it is asked for; ``chosen``: which (None: all)."""

    def __init__(self, checked: Checked, model: FittedModel, chosen: list[int] | None = None) -> None:
        self._examples = Examples(checked, model.shape.channels, cache_bytes=0)
        self._chosen = list(range(len(self._examples))) if chosen is None else chosen

    def __len__(self) -> int:
        return len(self._chosen)

    def __getitem__(self, index: Any) -> Any:
        one = self._examples[self._chosen[index]]
        assert one.image is not None
        assert one.labels is not None
        low, high = one.intensity
        unit: NDArray[np.float32] = np.clip((one.image.astype(np.float32) - low) / (high - low), 0.0, 1.0)
        return Example(unit, one.labels)

    def __iter__(self) -> Iterator[Example]:
        return (self[index] for index in range(len(self)))


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
