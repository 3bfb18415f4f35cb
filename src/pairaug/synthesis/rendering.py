"""One synthetic pair from its index: what it looks like and what it is called.

Enters: the fitted models, a seed, an index. Leaves: two files' bytes, their names and a manifest row. Nothing else
has any influence: not the other pairs, not how many are made at once, not how often the run was interrupted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pairaug.arrays.resampling import resize_image, resize_labels
from pairaug.arrays.tensors import to_pixels
from pairaug.errors import DataError
from pairaug.files import digest_bytes
from pairaug.fitted.model_file import FittedModel
from pairaug.machine.randomness import derive, numpy_generator, torch_generator
from pairaug.models.base import MaskGenerator, Translator
from pairaug.pairs.checked import Checked
from pairaug.pairs.checking import load_classes
from pairaug.pairs.encoding import encode_glued, encode_image, encode_mask
from pairaug.pairs.form import Form
from pairaug.pairs.labels import LabelMap, show_value
from pairaug.pairs.levels import deep_pixels, shallow_pixels
from pairaug.synthesis.formats.base import Format
from pairaug.synthesis.rows import Made, pair_row
from pairaug.synthesis.shards import shard_name

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
class Renderer:
    """Makes pair i of a data set from (seed, i) alone; ``first`` is the index in the set of pair 0."""

    masks: GeneratedMasks | GivenMasks
    translator: FittedModel
    format: Format
    seed: int
    per_mask: int
    first: int = 0

    def render(self, number: int) -> Made:
        translator, network = self.translator, self.translator.network
        assert isinstance(network, Translator)
        mask_number = number // self.per_mask
        seed = derive(self.seed, "pair", number)
        mask_seed = derive(self.seed, "pair", mask_number * self.per_mask)
        pair = translator.pairs[int(numpy_generator(mask_seed, "reference").integers(len(translator.pairs)))]
        drawn = self.masks.draw(mask_number, mask_seed, (pair.size[1], pair.size[0]))
        height, width = drawn.classes.shape
        labels = resize_labels(drawn.classes, translator.shape.height, translator.shape.width)
        painted = network.translate(torch.from_numpy(labels).long()[None], [torch_generator(seed, "image")])[0]
        pixels = resize_image(to_pixels(painted, translator.intensity), height, width)
        place = self.format.place(pair, f"synthetic_{number:06d}")
        pixels, values = as_form(pixels, place.image_form, translator.intensity), self.format.to_values(drawn.classes)
        if place.glued:
            image = mask = encode_glued(pixels, values, place.mask_form, place.glued)
        else:
            image, mask = encode_image(pixels, place.image_form), encode_mask(values, place.mask_form)
        index = self.first + number
        row = pair_row(
            place,
            index,
            "synthetic",
            (digest_bytes(image), digest_bytes(mask)),
            drawn.classes,
            self.format.label_map,
            seed=seed,
            derived_from=drawn.derived_from,
            displacement=drawn.displacement,
            glues=self.format.glues,
            shard=shard_name(index) if self.format.sharded else None,
        )
        return Made(image, mask, row)


def as_form(pixels: NDArray[Any], form: Form, intensity: tuple[int, int]) -> NDArray[Any]:
    """(H, W, C) -> (H, W[, C]) in the channels and the depth of ``form``; ``intensity``: black and white of the set."""
    if form.channels == 1 and pixels.shape[2] == 3:
        pixels = np.rint(pixels @ _LUMA).astype(pixels.dtype)
    elif form.channels == 1:
        pixels = pixels[..., 0]
    elif pixels.shape[2] == 1:
        pixels = np.repeat(pixels, 3, axis=2)
    if pixels.dtype == np.uint16 and form.bits < 16:
        return shallow_pixels(pixels, intensity)
    if pixels.dtype == np.uint8 and form.bits == 16:
        return deep_pixels(pixels, intensity)
    return pixels
