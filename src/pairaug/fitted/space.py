"""How much of the disk a fit or a synthesis will fill: one upper estimate each, for the run and for its dry run."""

from __future__ import annotations

from collections.abc import Iterable

from pairaug.pairs.form import Form
from pairaug.registry import Keeps

Size = tuple[int, int]

_MODEL, _CHECKPOINTS, _MOMENTS = 1, 2, 2
# Of its plain bytes a photograph takes at most so much as PNG or good JPEG; a mask so much of a byte a pixel.
_PACKED_IMAGE, _PACKED_MASK = 0.8, 0.1


def bytes_of_fit(parameters: int, pairs: Iterable[Size], planes: int) -> int:
    """The model's file and two checkpoints with two moments a weight, and what the file keeps of the pairs.

    ``planes``: how many planes of each pair are kept: 0, 1 for masks alone, more for pictures.
    """
    return 4 * parameters * (_MODEL + _CHECKPOINTS * (1 + _MOMENTS)) + planes * _pixels(pairs)


def planes_kept(keeps: Keeps, channels: int) -> int:
    """What a model keeps of each training pair, in planes."""
    return {"nothing": 0, "masks": 1, "pictures": 1 + channels}[keeps]


def bytes_of_pairs(count: int, trained: Iterable[Size], plain: float) -> int:
    """``count`` pairs of the sizes of the training pairs; ``plain``: bytes a pixel of an image that is not packed."""
    sizes = list(trained)
    return int(count * _pixels(sizes) / len(sizes) * (plain * _PACKED_IMAGE + _PACKED_MASK))


def plain_bytes(forms: Iterable[Form]) -> int:
    """Bytes a pixel, not packed, of the largest of these forms of images."""
    return max(form.channels * ((form.bits + 7) // 8) for form in forms)


def _pixels(sizes: Iterable[Size]) -> int:
    return sum(width * height for width, height in sizes)
