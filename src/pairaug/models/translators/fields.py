"""The field of view: where a picture shows anything at all.

Many cameras leave a part of the picture black: around the disc of a fundus picture, beside the fan of an ultrasound
probe. Nothing can stand there. In other pictures the ground itself is black and objects stand everywhere on it. So the
dark part at the border is taken for the outside of a field of view only where the objects of the pairs keep out of it.

Enters: pictures (C, H, W) in [-1, 1], without their objects, and masks (H, W). Leaves: regions (H, W).
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pairaug.models.translators.erasing import Picture
from pairaug.models.translators.surroundings import Labels

Region = NDArray[np.bool_]

DARK = 0.05  # of the way from the darkest level to the brightest
LEAST = 0.01  # of the picture: a smaller part is no outside
RIM = 0.006  # of the longer side: how soft the edge of a field of view is
STRAY = 0.01  # of all pixels of objects may lie there, for masks that run over the rim


def outside(picture: Picture) -> Region:
    """The dark that touches the border, with its soft rim, where it is large enough to mean something."""
    found = _dark(picture)
    rim = max(2, round(RIM * max(found.shape)))
    return ndimage.binary_dilation(found, iterations=rim) if found.any() else found


def keep_inside(pairs: Iterable[tuple[Picture, Labels]]) -> bool:
    """Whether objects keep out of what looks like the outside: of pictures without their objects, and their masks."""
    stray = standing = beyond = 0
    for picture, mask in pairs:
        out = _dark(picture)
        beyond += int(out.sum())
        stray += int((out & (mask > 0)).sum())
        standing += int((mask > 0).sum())
    return beyond > 0 and stray <= STRAY * standing


def _dark(picture: Picture) -> Region:
    brightest = picture.max(axis=0)
    low, high = np.percentile(brightest[::4, ::4], [0.5, 99.5])
    parts, _ = ndimage.label(brightest < low + DARK * (high - low))
    border = np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]])
    found: Region = np.isin(parts, np.setdiff1d(border, 0))
    return found if found.mean() >= LEAST else np.zeros_like(found)
