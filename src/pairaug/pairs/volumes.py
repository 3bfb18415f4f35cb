"""From pairs of volumes to pairs of slices.

Enters: pairs whose image, masks or both are whole NIfTI volumes. Leaves: for each slice a pair named as in ``slices``,
the slices left out because their mask holds nothing but 0, and the pairs that cannot be cut with the reason. All
slices of a volume are one group, so that no slice is measured against its own neighbours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from pairaug.errors import DataError
from pairaug.pairs.form import DecodePolicy
from pairaug.pairs.medical import Volume, read_volume
from pairaug.pairs.pair import Pair, Skipped
from pairaug.pairs.slices import Axis, is_volume, slice_name, split_ending

EMPTY = "a slice whose mask is empty"
# Farther apart than this share of a voxel at any corner, image and mask do not show the same place.
_MOST_APART = 0.5


@dataclass(frozen=True)
class Cut:
    pairs: tuple[Pair, ...]
    empty: tuple[Skipped, ...]
    bad: tuple[Skipped, ...]


def cut_volumes(root: Path, pairs: Sequence[Pair], axis: Axis, *, keep_empty: bool, most_voxels: int) -> Cut:
    """Every volume of ``pairs`` as slices along ``axis``; other pairs as they are.

    Raises DataError where every slice is empty, or the library that reads volumes is not there.
    """
    policy = DecodePolicy(max_voxels=most_voxels)
    kept: list[Pair] = []
    empty: list[Skipped] = []
    bad: list[Skipped] = []
    for pair in pairs:
        if not any(map(is_volume, (pair.image, *pair.masks))):
            kept.append(pair)
            continue
        try:
            for one, marked in _cut(root, pair, axis, policy):
                if marked or keep_empty:
                    kept.append(one)
                else:
                    empty.append(Skipped(one.masks[0], EMPTY))
        except DataError as error:
            if isinstance(error.__cause__, ImportError):
                raise
            bad.append(Skipped(pair.name, error.message))
    if not kept and not bad:
        raise DataError(f"{root}: all {len(empty)} slices have an empty mask; keep them with --empty-slices")
    return Cut(tuple(kept), tuple(empty), tuple(bad))


def _cut(root: Path, pair: Pair, axis: Axis, policy: DecodePolicy) -> list[tuple[Pair, bool]]:
    """The slices of one pair, each with whether its mask holds anything but 0."""
    names = [path for path in (pair.image, *pair.masks) if path]
    volumes = {path: read_volume(root / path, policy) for path in names if is_volume(path)}
    lengths = {path: volumes[path].length(axis) if path in volumes else 1 for path in names}
    first, *others = volumes
    for other in others:
        _refuse_apart(first, volumes[first], other, volumes[other])
    for path, length in lengths.items():
        if length != lengths[first]:
            raise DataError(
                f"{first} has {lengths[first]} slices but {path} is one picture; give a volume for a volume"
            )

    def at(path: str, index: int) -> str:
        return slice_name(path, axis, index) if path in volumes else path

    group = pair.group or split_ending(first)[0]
    slices = []
    for index in range(lengths[first]):
        one = replace(pair, image=at(pair.image, index), masks=tuple(at(m, index) for m in pair.masks), group=group)
        marked = any(path not in volumes or volumes[path].has_foreground(axis, index) for path in pair.masks)
        slices.append((one, marked))
    return slices


def _refuse_apart(one_path: str, one: Volume, other_path: str, other: Volume) -> None:
    if one.stored.shape != other.stored.shape:
        raise DataError(
            f"{one_path} has {_shape(one)} voxels but {other_path} has {_shape(other)}; resample one to the other"
        )
    corners = np.array(np.meshgrid(*((0, side - 1) for side in one.stored.shape))).reshape(3, -1)
    corners = np.vstack([corners, np.ones(corners.shape[1])])
    apart = np.abs((one.affine - other.affine) @ corners)[:3].max()
    voxel = np.linalg.norm(one.affine[:3, :3], axis=0).min()
    if apart > _MOST_APART * voxel:
        raise DataError(
            f"{one_path} and {other_path} lie in different places of space (up to {apart:.1f} mm apart); "
            "resample one to the other, or give both one affine"
        )


def _shape(volume: Volume) -> str:
    return "x".join(str(side) for side in volume.stored.shape)
