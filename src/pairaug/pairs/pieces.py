"""The numbers of a volume, read from its file by pieces: what is packed is never unpacked as a whole.

Enters: a file, gzip or not. Leaves: an array of its numbers, in 4 bytes each where these hold them exactly, so that a
gigabyte holds an image and its mask of the most voxels allowed.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pairaug.errors import DataError
from pairaug.pairs.form import DecodePolicy, open_limited

_READ, _PIECE = 2**18, 2**22  # bytes of a file, and of what they unpack to, at a time
_MOST_BYTES_A_VOXEL = 4  # of the largest volume; smaller ones may take 8


class Content:
    """What a file holds, unpacked where it is gzip, by pieces, so that no more is in memory than what is made of it."""

    def __init__(self, path: Path, policy: DecodePolicy) -> None:
        self._path, self._policy = path, policy

    def start(self, count: int) -> bytes:
        """At most the first ``count`` bytes."""
        for piece in self.pieces(0, count, count):
            return piece
        return b""

    def pieces(self, first: int, count: int, size: int) -> Iterator[bytes]:
        """Bytes ``first`` to ``first + count``, or as far as there are any, in pieces of ``size``, the last shorter."""
        held, left = bytearray(), first + count
        for unpacked in self._unpacked():
            held += unpacked[:left]
            left -= min(left, len(unpacked))
            if first:
                gone = min(first, len(held))
                del held[:gone]
                first -= gone
            while len(held) >= size:
                yield bytes(held[:size])
                del held[:size]
            if not left:
                break
        if held:
            yield bytes(held)

    def _unpacked(self) -> Iterator[bytes]:
        with open_limited(self._path, self._policy.max_voxels) as file:
            piece = file.read(_READ)
            if piece[:2] != b"\x1f\x8b":
                while piece:
                    yield piece
                    piece = file.read(_READ)
                return
            unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
            while piece and not unpacker.eof:
                yield unpacker.decompress(piece, _PIECE)
                piece = unpacker.unconsumed_tail or file.read(_READ)
            yield unpacker.flush()


def read_voxels(
    path: Path, content: Content, offset: int, count: int, dtype: np.dtype[Any], policy: DecodePolicy
) -> NDArray[Any]:
    """(count,) numbers as they are stored; those of 8 bytes in 4 where these hold them exactly."""
    kinds = [np.dtype(f"{dtype.kind}4"), dtype] if dtype.itemsize == 8 else [dtype]
    for kind in kinds:
        stored, there = np.empty(count, kind), 0
        for piece in content.pieces(offset, count * dtype.itemsize, _PIECE // 8 * 8):
            numbers = np.frombuffer(piece, dtype, len(piece) // dtype.itemsize)
            taken = stored[there : there + len(numbers)]
            with np.errstate(all="ignore"):
                taken[:] = numbers
            if kind != dtype and not _same(taken, numbers):
                break
            there += len(numbers)
        else:
            if there < count:
                held, wanted = (offset + number * dtype.itemsize for number in (there, count))
                raise DataError(f"{path}: ends after {held} of {wanted} bytes; restore it")
            return stored
        del stored
        if count * dtype.itemsize > _MOST_BYTES_A_VOXEL * policy.max_voxels:
            raise DataError(f"{path}: {count} voxels of {dtype.name}; store them as float32, or raise --max-pixels")
    raise AssertionError("the last kind is the one that is stored")


def _same(some: NDArray[Any], others: NDArray[Any]) -> bool:
    """Whether all are equal; what is not a number is equal to its like."""
    differing = some != others
    return not differing.any() or bool(np.isnan(some[differing]).all() and np.isnan(others[differing]).all())
