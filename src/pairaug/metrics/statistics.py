"""Shape statistics of a mask, class by class: is a synthetic mask built like a real one?

For a class's region R (the pixels of that class) in a mask of H x W pixels; the frame counts as background:

* ``share``: |R| / (H W).
* ``parts``: 8-connected components; ``loops``: holes, parts minus the Euler number, the latter counted from the 2x2
  neighbourhoods of the mask (Gray 1971): (Q1 - Q3 - 2 Qd) / 4.
* ``skeleton_length``: pixels; the sum of the links between skeleton pixels, 1 for side neighbours and sqrt(2) for
  corner neighbours that no side neighbour joins already (Zhang and Suen 1984, by scikit-image, gives the skeleton).
* ``mean_width``: pixels; twice the mean distance to the background on the skeleton, minus 1. Exact for straight lines
  of odd width, one pixel too small for even ones; it holds for blobs too, where area / length would not.
* ``end_points``: skeleton pixels with exactly one neighbour.
* ``box_dimension``: least-squares slope of log N(s) against log(1/s), N(s) the boxes of side s = 1, 2, 4 ... up to a
  quarter of the shorter side that meet R.
* ``part_diameter`` (pixels, of the disc of the same area), ``part_row``, ``part_column`` (centre, 0 top or left to 1):
  one value a part.

Direction: none by itself; the distribution over a set is compared with that of real masks.
What it cannot see: where parts lie relative to each other, and the image.

Enters: labels (H, W) in [0, K). Leaves: name -> float64 (values,); a statistic that is not defined (the width of
nothing) has no values. A mask's values weigh 1 together.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.morphology import skeletonize

from pairaug.metrics.reduction import check_labels

Region = NDArray[np.bool_]
Values = NDArray[np.float64]

STATISTICS = (
    "share",
    "parts",
    "loops",
    "skeleton_length",
    "mean_width",
    "end_points",
    "box_dimension",
    "part_diameter",
    "part_row",
    "part_column",
)

_EIGHT = np.ones((3, 3), dtype=np.int64)


def mask_statistics(labels: NDArray[np.integer[Any]], classes: int) -> dict[str, Values]:
    """Every statistic of every foreground class of labels (H, W), keyed ``"<class>/<statistic>"``."""
    check_labels(labels, classes)
    return {
        f"{value}/{name}": values
        for value in range(1, classes)
        for name, values in region_statistics(labels == value).items()
    }


def region_statistics(region: Region) -> dict[str, Values]:
    """Every statistic of one region (H, W), in the order of ``STATISTICS``."""
    part_map, parts = ndimage.label(region, structure=_EIGHT)
    skeleton = thin(region)
    scalars = (
        region.mean(),
        parts,
        parts - euler_number(region),
        skeleton_length(skeleton),
        mean_width(region, skeleton),
        end_points(skeleton),
        box_dimension(region),
    )
    values = [np.array([] if scalar is None else [scalar], dtype=np.float64) for scalar in scalars]
    return dict(zip(STATISTICS, [*values, *_part_values(part_map, parts)], strict=True))


def thin(region: Region) -> Region:
    """The one-pixel-wide skeleton of a region, both (H, W)."""
    skeleton: Region = skeletonize(region)  # type: ignore[no-untyped-call]
    return skeleton


def euler_number(region: Region) -> int:
    """Parts minus holes of (H, W), with 8-connected foreground and 4-connected background."""
    padded = np.pad(region, 1).astype(np.int8)
    first, second, third, fourth = padded[:-1, :-1], padded[:-1, 1:], padded[1:, :-1], padded[1:, 1:]
    filled = first + second + third + fourth
    diagonal = (filled == 2) & (first == fourth)
    return (int((filled == 1).sum()) - int((filled == 3).sum()) - 2 * int(diagonal.sum())) // 4


def skeleton_length(skeleton: Region) -> float:
    """Length in pixels of a one-pixel-wide skeleton (H, W): its links, corner links only where no side link is."""
    padded = np.pad(skeleton, 1)
    first, second, third, fourth = padded[:-1, :-1], padded[:-1, 1:], padded[1:, :-1], padded[1:, 1:]
    sides = int((first & second).sum()) + int((first & third).sum())
    corners = int((first & fourth & ~second & ~third).sum()) + int((second & third & ~first & ~fourth).sum())
    return sides + corners * float(np.sqrt(2))


def mean_width(region: Region, skeleton: Region) -> float | None:
    """Mean width in pixels of a region (H, W) along its skeleton, or None for an empty one."""
    if not skeleton.any():
        return None
    depth = ndimage.distance_transform_edt(np.pad(region, 1))[1:-1, 1:-1]
    return 2 * float(depth[skeleton].mean()) - 1


def end_points(skeleton: Region) -> int:
    """How many pixels of the skeleton (H, W) have exactly one of eight neighbours in it."""
    around = ndimage.convolve(skeleton.astype(np.int64), _EIGHT, mode="constant")
    return int((skeleton & (around == 2)).sum())


def box_dimension(region: Region) -> float | None:
    """Box-counting dimension of a region (H, W) in [0, 2], or None if it is empty or smaller than 8 pixels a side."""
    shorter = min(region.shape)
    if not region.any() or shorter < 8:
        return None
    sizes = [2**power for power in range(int(np.log2(shorter // 4)) + 1)]
    counts = []
    boxes = region
    for size in sizes:
        if size > 1:
            boxes = np.pad(boxes, [(0, length % 2) for length in boxes.shape])
            boxes = boxes[::2, ::2] | boxes[1::2, ::2] | boxes[::2, 1::2] | boxes[1::2, 1::2]
        counts.append(int(boxes.sum()))
    return -float(np.polyfit(np.log(sizes), np.log(counts), 1)[0])


def _part_values(part_map: NDArray[np.integer[Any]], parts: int) -> tuple[Values, Values, Values]:
    """Diameter, row and column of every part, each (parts,)."""
    rows, columns = np.nonzero(part_map)
    owner = part_map[rows, columns] - 1
    area = np.bincount(owner, minlength=parts).astype(np.float64)
    row = np.bincount(owner, weights=rows + 0.5, minlength=parts) / area / part_map.shape[0]
    column = np.bincount(owner, weights=columns + 0.5, minlength=parts) / area / part_map.shape[1]
    return 2 * np.sqrt(area / np.pi), row, column
