"""One synthetic pair from its index: what it looks like and what it is called.

Enters: the fitted models, a seed, an index. Leaves: two files' bytes, their names and a manifest row. Nothing else
has any influence: not the other pairs, not how many are made at once, not how often the run was interrupted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pairaug.errors import DataError
from pairaug.files import digest_bytes
from pairaug.models.base import MaskGenerator, Translator
from pairaug.pairs.checking import Checked, load_classes
from pairaug.pairs.decoding import Form
from pairaug.pairs.encoding import encode_image, encode_mask, lossless_form
from pairaug.pairs.labels import LabelMap, show_value
from pairaug.pairs.resampling import resize_image, resize_labels
from pairaug.training.model_file import FittedModel, TrainedPair
from pairaug.training.randomness import derive, numpy_generator, torch_generator
from pairaug.training.tensors import to_pixels

# ITU-R BT.601, what Pillow's own conversion to grey uses.
_LUMA = np.array([0.299, 0.587, 0.114])


@dataclass(frozen=True)
class DrawnMask:
    """A mask at its final size, (H, W) classes; the digests of the masks it derives from, and how far it moved."""

    classes: NDArray[np.uint8]
    derived_from: tuple[str, ...] = ()
    displacement: float | None = None


class GeneratedMasks:
    """Masks by a fitted mask generator."""

    def __init__(self, fitted: FittedModel) -> None:
        assert isinstance(fitted.network, MaskGenerator)
        self.fitted, self.network = fitted, fitted.network

    def draw(self, index: int, seed: int, size: tuple[int, int]) -> DrawnMask:
        """The mask of one seed at ``size`` = (height, width)."""
        sample = self.network.sample(torch_generator(seed, "mask"), size)
        classes = sample.labels.cpu().numpy().astype(np.uint8)
        parents = tuple(self.fitted.pairs[parent].mask_sha256 for parent in sample.parents)
        return DrawnMask(resize_labels(classes, *size), parents, sample.displacement)


class GivenMasks:
    """Masks from a folder, each used as it is, in order."""

    def __init__(self, checked: Checked, label_map: LabelMap) -> None:
        unknown = set(checked.label_map.values) - set(label_map.values)
        if unknown:
            shown = ", ".join(show_value(value) for value in sorted(unknown))
            raise DataError(f"{checked.root}: holds label values that the translator does not know: {shown}")
        self.checked, self.label_map = checked, label_map

    def draw(self, index: int, seed: int, size: tuple[int, int]) -> DrawnMask:
        item = self.checked.pairs[index]
        classes = load_classes(self.checked.root, item, self.checked.policy, self.label_map)
        return DrawnMask(classes, (item.mask_digest,))


@dataclass(frozen=True)
class Rendered:
    """Two files and the row that describes them."""

    image: bytes
    mask: bytes
    row: dict[str, Any]


@dataclass(frozen=True)
class Renderer:
    """Makes pair i of a data set from (seed, i) alone."""

    masks: GeneratedMasks | GivenMasks
    translator: FittedModel
    seed: int
    per_mask: int

    def render(self, index: int) -> Rendered:
        translator, network = self.translator, self.translator.network
        assert isinstance(network, Translator)
        label_map = LabelMap(translator.label_values)
        mask_index = index // self.per_mask
        seed = derive(self.seed, "pair", index)
        mask_seed = derive(self.seed, "pair", mask_index * self.per_mask)
        pair = translator.pairs[int(numpy_generator(mask_seed, "reference").integers(len(translator.pairs)))]
        drawn = self.masks.draw(mask_index, mask_seed, (pair.size[1], pair.size[0]))
        height, width = drawn.classes.shape
        labels = resize_labels(drawn.classes, translator.shape.height, translator.shape.width)
        painted = network.translate(torch.from_numpy(labels).long()[None], torch_generator(seed, "image"))[0]
        pixels = resize_image(to_pixels(painted, translator.intensity), height, width)
        image_name, mask_name, mask_form = pair_names(pair, index)
        assert pair.image_form is not None
        image = encode_image(_as_form(pixels, pair.image_form), pair.image_form)
        mask = encode_mask(label_map.to_values(drawn.classes), mask_form)
        values, counts = np.unique(drawn.classes, return_counts=True)
        row = {
            "file_name": image_name,
            "mask_file_name": mask_name,
            "index": index,
            "seed": seed,
            "image_sha256": digest_bytes(image),
            "mask_sha256": digest_bytes(mask),
            "size": [width, height],
            "class_pixels": {
                show_value(value): int(counts[values == label][0]) if label in values else 0
                for label, value in enumerate(label_map.values)
            },
            "derived_from": list(drawn.derived_from),
            "displacement": None if drawn.displacement is None else round(drawn.displacement, 3),
            "nearest_mask": None,
            "nearest_distance": None,
            "agreement": None,
        }
        return Rendered(image, mask, row)


def pair_names(pair: TrainedPair, index: int) -> tuple[str, str, Form]:
    """The names of synthetic pair ``index`` in the pattern of a training pair, and the form of its mask.

    A mask form that cannot hold label values exactly becomes PNG, its name with it.
    """
    stem = f"synthetic_{index:06d}"
    image = pair.image_template.replace("{id}", stem)
    mask = PurePosixPath(pair.mask_template.replace("{id}", stem))
    form = lossless_form(pair.mask_form)
    if form.suffix != pair.mask_form.suffix:
        mask = mask.with_suffix(form.suffix)
    if str(mask) == image:
        mask = mask.with_stem(mask.stem + "_mask")
    return image, str(mask), form


def changed_mask_formats(pairs: Sequence[TrainedPair]) -> list[str]:
    """The mask formats of the originals that are written as PNG instead."""
    return sorted({p.mask_form.format for p in pairs if lossless_form(p.mask_form) != p.mask_form})


def _as_form(pixels: NDArray[Any], form: Form) -> NDArray[Any]:
    """(H, W, C) as the model painted it -> the channels and the depth of the training picture it stands for."""
    if form.channels == 1 and pixels.shape[2] == 3:
        pixels = np.rint(pixels @ _LUMA).astype(pixels.dtype)
    elif form.channels == 1:
        pixels = pixels[..., 0]
    elif pixels.shape[2] == 1:
        pixels = np.repeat(pixels, 3, axis=2)
    if pixels.dtype == np.uint16 and form.bits < 16:
        return (pixels // 257).astype(np.uint8)
    return pixels.astype(np.uint16) if form.bits == 16 else pixels
