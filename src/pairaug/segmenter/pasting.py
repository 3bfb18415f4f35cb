"""Copy-paste: real objects in other real pictures, anew at every draw (Ghiasi et al. 2021; TumorCP, Yang et al. 2021).

An object is a connected part of everything that is not class 0, so that a nucleus moves with its cytoplasm. It is
flipped, turned, scaled and pasted anywhere: the cheap rival of every generator, with no thought for where it belongs.
What covers the frame is the object alone, as far as its classes fill each pixel: labels are replaced in that share,
the picture in the same share feathered over 1 to 3 pixels.
A part that is spread out and thin, a tree of vessels or a rim, has no inside that could be moved. Of it a random round
window of 1/6 to 1/3 of the frame's long side is taken each time; beside such a part, smaller ones are taken for its
fragments and left where they are.
Enters: Frames. Leaves: a Frame.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, find_objects, gaussian_filter, label
from torch.nn import functional

from pairaug.segmenter.frames import KEPT_BYTES, Frame, Frames, as_floats, frame_of, standardised

MOST = 3  # objects a draw
SCALE = (0.7, 1.4)
FEATHER = (1.0, 3.0)  # pixels in which the cover rises from 10 % to 90 %; 2.56 deviations of a Gaussian
SMALLEST = 16  # pixels; smaller parts are taken for specks
SPREAD, THIN = 0.5, 0.25  # a part longer than this share of the frame that fills less than that share of its box
WINDOW = (1 / 6, 1 / 3)
TRIES = 8  # frames looked at for one that holds objects
MARGIN = 4  # pixels around an object that its feathered edge may show
EVERYWHERE = np.ones((3, 3), bool)


Box = tuple[int, slice, slice]  # the number of a part, its rows and its columns


@dataclass(frozen=True)
class Parts:
    """The objects of a frame: ``numbers`` (H, W) of all parts, 0 elsewhere, and the boxes of those worth pasting."""

    numbers: NDArray[np.int32]
    boxes: list[Box]
    spread: bool  # whether windows are taken of them


class Paster:
    """Pastes objects of ``frames`` into other frames."""

    def __init__(self, frames: Frames) -> None:
        self._frames = frames
        self._kept: dict[int, Parts] = {}
        self._bytes = 0

    def pasted(self, frame: Frame, rng: np.random.Generator) -> Frame:
        """``frame`` with one to ``MOST`` objects of others, of its own where there is no other; itself without any."""
        found = [self._object(frame, rng) for _ in range(int(rng.integers(1, MOST + 1)))]
        patches = [transformed(patch, frame.channels, rng) for patch in found if patch is not None]
        if not patches:
            return frame
        planes = as_floats(frame.planes)
        for patch in patches:
            paste(planes, frame.channels, patch, rng)
        return frame_of(standardised(planes[: frame.channels]), planes[frame.channels :])

    def _object(self, frame: Frame, rng: np.random.Generator) -> NDArray[np.float32] | None:
        """One of a random frame that holds any, as ``cut`` gives it; the frame pasted into comes last."""
        own = None
        for index in map(int, rng.permutation(len(self._frames))[:TRIES]):
            parts = self._parts(index)
            if own is None and _same(self._frames[index], frame):
                own = index
            elif parts.boxes:
                return cut(self._frames[index], parts, int(rng.integers(len(parts.boxes))), rng)
        if own is None or not self._parts(own).boxes:
            return None
        return cut(frame, self._parts(own), int(rng.integers(len(self._parts(own).boxes))), rng)

    def _parts(self, index: int) -> Parts:
        found = self._kept.get(index)
        if found is None:
            found = parts_of(self._frames[index])
            if self._bytes + found.numbers.nbytes <= KEPT_BYTES // 4:
                self._kept[index] = found
                self._bytes += found.numbers.nbytes
        return found


def parts_of(frame: Frame) -> Parts:
    """The connected parts, by sides and corners, of what is not class 0; specks only where there is nothing else."""
    numbers, _ = label(frame.planes[frame.channels] < 0.5, EVERYWHERE)
    sizes = np.bincount(numbers.ravel())
    boxes: list[Box] = [(number, *box) for number, box in enumerate(find_objects(numbers), 1)]
    extents = [(rows.stop - rows.start, columns.stop - columns.start) for _, rows, columns in boxes]
    spread = [
        box
        for box, (height, width) in zip(boxes, extents, strict=True)
        if max(height, width) > SPREAD * max(numbers.shape) and sizes[box[0]] < THIN * height * width
    ]
    large = [box for box in boxes if sizes[box[0]] >= SMALLEST]
    return Parts(numbers.astype(np.int32), spread or large or boxes, bool(spread))


def cut(frame: Frame, parts: Parts, which: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Object ``which`` with its surroundings: (C + K, h, w), the picture, then how much of each pixel is the object's.

    The plane of class 0 holds all of it, the others what is of each class. One pixel beside the part still counts:
    there lies the part of its edge pixels that fills less than half of them.
    """
    number, rows, columns = parts.boxes[which]
    place, radius = rng.random(), rng.uniform(*WINDOW) * max(parts.numbers.shape) / 2
    if parts.spread:
        held = np.flatnonzero(parts.numbers == number)
        row, column = divmod(int(held[int(place * held.size)]), parts.numbers.shape[1])
        rows, columns = (slice(max(0, int(at - radius)), int(at + radius) + 1) for at in (row, column))
    rows, columns = _wider(rows), _wider(columns)
    others = parts.numbers[rows, columns]
    mine = binary_dilation(others == number, EVERYWHERE) & ((others == 0) | (others == number))
    if parts.spread:
        down, across = (np.arange(count) + part.start for count, part in zip(mine.shape, (rows, columns), strict=True))
        mine &= (down[:, None] - row) ** 2 + (across - column) ** 2 <= radius**2
    patch = as_floats(frame.planes[:, rows, columns])
    shares = patch[frame.channels :]
    shares *= mine
    shares[0] = shares[1:].sum(axis=0)
    return patch


def transformed(patch: NDArray[np.float32], channels: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Flipped, turned by any angle and scaled, on as many pixels as that takes."""
    flips, angle = rng.choice([-1.0, 1.0], size=2), rng.uniform(0, 2 * math.pi)
    scale = math.exp(rng.uniform(math.log(SCALE[0]), math.log(SCALE[1])))
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    size = np.array(patch.shape[1:])
    height, width = (math.ceil(extent) for extent in np.abs(turn) @ size * scale)
    offsets = np.stack(np.meshgrid(*(np.arange(n) + 0.5 - n / 2 for n in (height, width)), indexing="ij"), axis=-1)
    places = offsets @ turn / scale * flips / (size / 2)  # [-1, 1] over the patch, row before column
    grid = torch.from_numpy(places[None, ..., ::-1].astype(np.float32))
    planes = torch.from_numpy(patch)[None]
    picture, shares = (
        functional.grid_sample(part, grid, mode="bilinear", padding_mode=padding, align_corners=False)[0].numpy()
        for part, padding in ((planes[:, :channels], "border"), (planes[:, channels:], "zeros"))
    )
    return np.concatenate([picture, shares])


def paste(planes: NDArray[np.float32], channels: int, patch: NDArray[np.float32], rng: np.random.Generator) -> None:
    """Lay an object over the planes of a frame, its middle anywhere in it; what lies beyond the frame is lost."""
    cover = gaussian_filter(patch[channels], rng.uniform(*FEATHER) / 2.56)
    inner, outer = [], []
    for place, size, whole in zip(rng.random(2), patch.shape[1:], planes.shape[1:], strict=True):
        start = int(place * whole) - size // 2
        outer.append(slice(max(start, 0), min(start + size, whole)))
        inner.append(slice(outer[-1].start - start, outer[-1].stop - start))
    below, above = planes[:, *outer], patch[:, *inner]
    below[:channels] += cover[tuple(inner)] * (above[:channels] - below[:channels])
    below[channels:] *= 1 - above[channels]
    below[channels + 1 :] += above[channels + 1 :]


def _same(one: Frame, other: Frame) -> bool:
    """Whether two frames show one pair; a few pixels tell most of them apart."""
    if one.planes is other.planes or one.planes.shape != other.planes.shape:
        return one.planes is other.planes
    return np.array_equal(one.planes[:, ::16, ::16], other.planes[:, ::16, ::16]) and np.array_equal(
        one.planes, other.planes
    )


def _wider(part: slice) -> slice:
    """With ``MARGIN`` on both sides; beyond the end of an axis a slice ends by itself."""
    return slice(max(0, part.start - MARGIN), part.stop + MARGIN)
