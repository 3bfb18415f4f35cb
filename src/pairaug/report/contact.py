"""The contact sheet of a data set: real pairs beside synthetic ones.

Enters: pictures and classes as arrays. Leaves: one picture to look at before anything is believed.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pairaug.report.sheets import mask_picture, outlined, sheet

Picture = tuple[NDArray[np.uint8], NDArray[np.uint8]]  # image (H, W[, 3]) uint8, classes (H, W)


def contact_sheet(real: Sequence[Picture], synthetic: Sequence[Picture], *, cell: int = 192) -> Image.Image:
    """A row for each pair of pairs: real mask and image, then synthetic mask, image, and image with its outline."""
    rows = [
        [mask_picture(mask), image, mask_picture(new_mask), new_image, outlined(new_image, new_mask)]
        for (image, mask), (new_image, new_mask) in zip(real, synthetic, strict=False)
    ]
    captions = ("real mask", "real image", "synthetic mask", "synthetic image", "with its outline")
    return sheet(rows, captions, cell=cell)


def viewable(pixels: NDArray[np.uint8] | NDArray[np.uint16]) -> NDArray[np.uint8]:
    """8-bit pixels as they are; 16-bit ones stretched over their own range."""
    if pixels.dtype == np.uint8:
        return pixels.astype(np.uint8)
    low, high = int(pixels.min()), int(pixels.max())
    return ((pixels.astype(np.float32) - low) * (255 / max(high - low, 1))).astype(np.uint8)
