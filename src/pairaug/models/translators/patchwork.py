"""Guided patchwork: paint objects tile by tile with real pixels of places that are labelled alike.

Every tile of the target is described by the signed distances to the edges of each class. Windows of the sources with
like distances, in eight turns and flips, are its candidates; among these the one that best continues what stands
around the tile is taken. A small move along the gradient of the distances brings its edges exactly onto the target's,
and the difference to what is known around the tile, smoothly continued, is added (``erasing.push_pull``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from pairaug.models.translators.erasing import push_pull
from pairaug.models.translators.registration import read, signed_distance

Labels = NDArray[np.uint8]
Picture = NDArray[np.float32]

RIM = 6  # known pixels around a tile in which it is compared
SMALLEST, LARGEST = 12, 28  # pixels: tiles are half as wide as objects are thick
REACH = 8.0  # pixels: distances beyond are alike
CANDIDATES = 24
GRID = 6
COVER = 2.5  # pixels beside an object that are painted with it
WORDS = 12  # principal components that candidates are looked for by
MOST_WINDOWS = 60_000


@dataclass
class Source:
    picture: Picture
    phi: NDArray[np.float32]  # (K - 1, H, W)
    depth: NDArray[np.float32]  # (H, W) distance to the background, as a share of the object's greatest


def distances(mask: Labels, classes: int) -> NDArray[np.float32]:
    return np.stack([signed_distance(mask == k).clip(-REACH, REACH) for k in range(1, classes)]).astype(np.float32)


def relative_depth(mask: Labels) -> NDArray[np.float32]:
    """(H, W) in [0, 1]: how deep inside its object a pixel lies."""
    inside = mask > 0
    depth = ndimage.distance_transform_edt(inside)
    numbers, count = ndimage.label(inside, np.ones((3, 3)))
    most = np.maximum(ndimage.maximum(depth, numbers, np.arange(count + 1)), 1)
    return (depth / np.asarray(most)[numbers]).astype(np.float32)


def thickness(masks: Sequence[Labels]) -> float:
    """The typical greatest depth of objects, weighted by their area, doubled."""
    found, weights = [], []
    for mask in masks:
        inside = mask > 0
        if inside.any():
            depth = ndimage.distance_transform_edt(inside)
            numbers, count = ndimage.label(inside, np.ones((3, 3)))
            found += list(np.atleast_1d(ndimage.mean(depth, numbers, np.arange(1, count + 1))) * 4)
            weights += list(np.bincount(numbers.ravel())[1:])
    return float(np.average(found, weights=weights)) if found else SMALLEST


class Patchwork:
    def __init__(self, masks: Sequence[Labels], pictures: Sequence[Picture], classes: int) -> None:
        self.classes = classes
        self.tile = int(np.clip(thickness(masks) / 2, SMALLEST, LARGEST))
        self.side = self.tile + 2 * RIM
        self.sources = [
            Source(p, distances(m, classes), relative_depth(m)) for m, p in zip(masks, pictures, strict=True)
        ]
        side = self.side
        places = []
        for number, source in enumerate(self.sources):
            inside = source.phi.max(axis=0) > -COVER
            middle = inside[side // 2 : inside.shape[0] - (side - 1) // 2, side // 2 : inside.shape[1] - (side - 1) // 2]
            tops, lefts = np.nonzero(middle)
            places.append(np.stack([np.full_like(tops, number), tops, lefts], axis=1))
        found = np.concatenate(places)
        stride = max(1, len(found) * 8 // MOST_WINDOWS)
        found = found[:: stride]
        keys, words = [], []
        for number, source in enumerate(self.sources):
            tops, lefts = found[found[:, 0] == number][:, 1:].T
            grid = self._grid(source.phi, source.depth, tops, lefts)
            for turn in range(8):
                words.append(_turned(grid, turn).reshape(len(tops), -1))
                keys.append(np.stack([np.full_like(tops, number), tops, lefts, np.full_like(tops, turn)], 1))
        self.keys = np.concatenate(keys)
        every = np.concatenate(words)
        self.mean = every.mean(axis=0)
        centred = every - self.mean
        _, vectors = np.linalg.eigh(centred.T @ centred)
        self.basis = vectors[:, -WORDS:]
        self.tree = cKDTree(centred @ self.basis)

    def _grid(self, phi, depth, tops, lefts):  # type: ignore[no-untyped-def]
        offsets = ((np.arange(GRID) + 0.5) * self.side / GRID).astype(int)
        rows, columns = tops[:, None, None] + offsets[:, None], lefts[:, None, None] + offsets
        fine = phi[:, rows, columns].transpose(1, 0, 2, 3) / REACH
        return np.concatenate([fine, depth[rows, columns][:, None]], axis=1)

    def paint(self, canvas: Picture, mask: Labels, rng: np.random.Generator) -> Picture:
        phi, deep = distances(mask, self.classes), relative_depth(mask)
        near = phi.max(axis=0)
        side, tile, pad = self.side, self.tile, self.side
        height, width = mask.shape
        around = ((0, 0), (pad, pad), (pad, pad))
        big, bphi = np.pad(canvas, around, mode="edge"), np.pad(phi, around, mode="edge")
        bdeep = np.pad(deep, pad, mode="edge")
        open_ = np.pad(near > -COVER, pad)
        outside = ~open_
        cover = np.clip(np.pad(near, pad, mode="edge") + COVER, 0, COVER) / COVER
        tops, lefts = (np.arange(pad, pad + most, tile) for most in (height, width))
        tiles = [(int(t), int(l)) for t in tops for l in lefts if open_[t : t + tile, l : l + tile].any()]
        if not tiles:
            return canvas
        # from the rims of objects inward
        tiles.sort(key=lambda at: (float(bdeep[at[0] : at[0] + tile, at[1] : at[1] + tile].mean()), rng.random()))
        corners = np.array(tiles) - RIM
        words = self._grid(bphi, bdeep, corners[:, 0], corners[:, 1]).reshape(len(tiles), -1)
        noise = rng.normal(0, 0.15, (len(tiles), WORDS))
        _, near_keys = self.tree.query((words - self.mean) @ self.basis + noise, k=CANDIDATES, eps=0.5)
        used: dict[tuple[int, int], tuple[int, int, int, int]] = {}
        ramp = _ramp(side)
        for (top, left), nearest in zip(tiles, near_keys, strict=True):
            window = slice(top - RIM, top - RIM + side), slice(left - RIM, left - RIM + side)
            target, wanted, deeply = big[:, *window], bphi[:, *window], bdeep[window]
            known, plain = ~open_[window], outside[window]
            best, least = None, np.inf
            candidates = [tuple(map(int, key)) for key in self.keys[nearest]] + self._continued(used, top, left)
            neighbours = {used[at][0] for at in self._beside(top, left) if at in used}
            for key in candidates:
                number, t, l, turn = key
                source = self.sources[number]
                if t < 0 or l < 0 or t + side > source.depth.shape[0] or l + side > source.depth.shape[1]:
                    continue
                there = slice(t, t + side), slice(l, l + side)
                guide = float(np.abs(_turned(source.phi[:, *there], turn) - wanted).mean()) / REACH
                guide += 0.5 * float(np.abs(_turned(source.depth[there], turn) - deeply).mean())
                pixels = _turned(source.picture[:, *there], turn)
                rim = 0.0
                if known.any():
                    apart = (pixels - target)[:, known]
                    rim = float(np.abs(apart - apart.mean(axis=1, keepdims=True)).mean())
                    rim += 1.0 * float(np.abs(apart.mean(axis=1)).mean())
                score = guide + rim + (0.3 if neighbours and number not in neighbours else 0.0)
                if score < least:
                    best, least = key, score
            if best is None:
                continue
            used[top, left] = best
            number, t, l, turn = best
            source, there = self.sources[number], (slice(t, t + side), slice(l, l + side))
            pixels = _moved(_turned(source.picture[:, *there], turn), _turned(source.phi[:, *there], turn), wanted)
            if known.any():
                pixels = pixels + push_pull(np.where(known, target - pixels, 0), known)
            share = cover[window] * np.where(known & ~plain, ramp, 1.0) * ~plain * _frame(side)
            big[:, *window] += share * (pixels - target)
            open_[window][RIM:-RIM, RIM:-RIM] = False
        return big[:, pad:-pad, pad:-pad]

    def _beside(self, top, left):  # type: ignore[no-untyped-def]
        return [(top + d * self.tile, left + a * self.tile) for d in (-1, 0, 1) for a in (-1, 0, 1)]

    def _continued(self, used, top, left):  # type: ignore[no-untyped-def]
        """The windows beside those that the neighbours were painted with."""
        found = []
        for down, across in ((-1, 0), (1, 0), (0, -1), (0, 1), (-1, -1), (1, 1), (-1, 1), (1, -1)):
            key = used.get((top + down * self.tile, left + across * self.tile))
            if key is not None:
                number, t, l, turn = key
                step = _unturned(-down * self.tile, -across * self.tile, turn)
                found.append((number, t + step[0], l + step[1], turn))
        return found


def _ramp(side: int) -> NDArray[np.float32]:
    """Weight of a new tile over painted pixels: none at the window's edge, half at the tile's edge, all inside."""
    line = np.clip((np.minimum(np.arange(side), np.arange(side)[::-1]) + 0.5) / RIM - 0.5, 0, 1)
    return np.minimum(line[:, None], line).astype(np.float32)


def _frame(side: int) -> NDArray[np.float32]:
    """One but for the outer half of the rim."""
    line = (np.minimum(np.arange(side), np.arange(side)[::-1]) >= RIM // 2).astype(np.float32)
    return np.minimum(line[:, None], line)


def _unturned(down: int, across: int, turn: int) -> tuple[int, int]:
    """A step in a turned window as a step in the source: rot90 by turn % 4, then mirrored from 4 on."""
    if turn >= 4:
        across = -across
    for _ in range(turn % 4):  # rot90 takes (row, column) of the result from (column, -row) of the source
        down, across = across, -down
    return down, across


def _turned(part: NDArray[np.float32], turn: int) -> NDArray[np.float32]:
    part = np.rot90(part, turn % 4, axes=(-2, -1))
    return part[..., ::-1] if turn >= 4 else part


def _moved(pixels: Picture, phi: NDArray[np.float32], wanted: NDArray[np.float32]) -> Picture:
    """The window moved so that its edges lie on the wanted ones."""
    which = int(np.abs(wanted).min(axis=(1, 2)).argmin())
    if np.abs(wanted[which]).min() > REACH / 2:
        return pixels
    have, want = (ndimage.gaussian_filter(one[which], 0.7) for one in (phi, wanted))
    places = np.indices(have.shape, dtype=float)
    slopes = np.gradient(have)
    for _ in range(2):
        miss = (want - read(have, places)) * (np.abs(want) < REACH - 1)
        slope = np.stack([read(part, places) for part in slopes])
        move = slope * miss / np.maximum((slope**2).sum(axis=0), 0.25)
        places = places + np.stack([ndimage.gaussian_filter(np.clip(part, -3, 3), 1.0) for part in move])
    return np.stack([read(channel, places) for channel in pixels]).astype(np.float32)
