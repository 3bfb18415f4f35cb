"""The sample sheets of a fit: what the model makes now, beside what is real."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from pairaug.arrays.crops import cut
from pairaug.arrays.tensors import to_pixels
from pairaug.files import write_atomic
from pairaug.machine.randomness import torch_generator
from pairaug.models.base import Example, MaskGenerator, Model, Translator
from pairaug.report.sheets import mask_picture, png, sheet
from pairaug.training.sampler import collate

ROWS = 4
_WHOLE = (0.0, 0.0, 1.0, 1.0)


def draw_sheet(
    path: Path, model: Model, examples: Sequence[Example], seed: int, crop: tuple[int, int] | None
) -> NDArray[np.uint8]:
    """A sheet of the first examples; ``crop``: the (height, width) of their corner that is painted, None: all."""
    shown = [one for one in examples[:ROWS] if one.labels is not None]
    captions: tuple[str, ...] = ("real", "generated", "generated")
    if isinstance(model, MaskGenerator):
        rows = _masks(model, shown, seed)
    else:
        assert isinstance(model, Translator)
        rows, captions = _triples(model, shown, seed, crop), ("mask", "target", "output")
    picture = sheet(rows, captions)
    write_atomic(path, png(picture), sync=False)
    return np.asarray(picture)


def _masks(model: MaskGenerator, examples: Sequence[Example], seed: int) -> list[list[NDArray[np.uint8]]]:
    """Real masks beside generated ones of their size."""
    rows = []
    for i, example in enumerate(examples):
        assert example.labels is not None
        size = (example.labels.shape[0], example.labels.shape[1])
        made = [model.sample(torch_generator(seed, "sheet", i, j), size).labels.cpu().numpy() for j in range(2)]
        rows.append([mask_picture(mask) for mask in (example.labels, *made)])
    return rows


def _triples(
    model: Translator, examples: Sequence[Example], seed: int, crop: tuple[int, int] | None
) -> list[list[NDArray[np.uint8]]]:
    """Mask, target and output."""
    device = next((weight.device for weight in model.parameters()), None)
    rows = []
    for i, example in enumerate(examples):
        part = example if crop is None else cut(example, (0, 0), crop)
        batch = collate([part], [_WHOLE], device)
        assert batch.images is not None
        assert part.labels is not None
        painted = model.translate(batch.labels, [torch_generator(seed, "sheet", i)])
        rows.append([mask_picture(part.labels), *(_viewable(picture[0]) for picture in (batch.images, painted))])
    return rows


def _viewable(image: Tensor) -> NDArray[np.uint8]:
    """(C, H, W) in [-1, 1] -> (H, W[, 3]) uint8 for a sheet, whatever the bit depth of the data."""
    pixels = to_pixels(image, (0, 255)).astype(np.uint8)
    return pixels[..., 0] if pixels.shape[2] == 1 else pixels
