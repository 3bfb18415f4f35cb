"""What a row of ``metadata.jsonl`` says: one table of its keys, from which rows are made and described to readers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pairaug.gates.base import Reject
from pairaug.pairs.labels import LabelMap, show_value
from pairaug.synthesis.ancestry import Descent
from pairaug.synthesis.formats.base import Place

Origin = Literal["synthetic", "original"]


@dataclass(frozen=True)
class Column:
    """``kind``: text, integer, number, or table (label value -> pixels); ``many``: a list of them.

    ``length``: how many there are in such a list; 0: any number.
    """

    kind: Literal["text", "integer", "number", "table"]
    meaning: str
    many: bool = False
    length: int = 0


COLUMNS = {
    "file_name": Column("text", "The image, relative to this folder; inside its tar file where there is a shard."),
    "mask_file_name": Column("text", "The mask of the image, in the same way."),
    "index": Column("integer", "The place of the pair in the set; originals come first."),
    "origin": Column("text", "'synthetic', or 'original' for a training pair that was taken over."),
    "seed": Column("integer", "From which the image was drawn, below 2**53; null for an original."),
    "attempt": Column("integer", "How many drawings of the pair were rejected before this one; 0 for an original."),
    "image_sha256": Column("text", "SHA-256 of the image file."),
    "mask_sha256": Column("text", "SHA-256 of the mask file."),
    "size": Column("integer", "Width and height in pixels.", many=True, length=2),
    "class_pixels": Column("table", "Label value of the training data -> pixels of it in the mask."),
    "derived_from": Column("text", "SHA-256 of the training masks that the mask was made from.", many=True),
    "displacement": Column("number", "How far the mask was moved from them, in pixels."),
    "pixels_from": Column("text", "SHA-256 of the training images that gave it pixels.", many=True),
    "largest_share": Column("number", "The largest share of the image that comes from one of them; null where none."),
    "group": Column("integer", "Numbers of the groups (patients, say) that it descends from.", many=True),
    "parents": Column("text", "Images of this set that gave it its mask or pixels, as far as known.", many=True),
    "nearest_mask": Column("text", "SHA-256 of the most similar training mask; null until measured."),
    "nearest_distance": Column("number", "The distance to it; null until measured."),
    "agreement": Column("number", "How well a segmenter finds the mask in the image; null until measured."),
    "glued": Column("text", "The side of the mask where one file holds both; this key is there in glued sets alone."),
    "fold": Column(
        "integer",
        "The fold that validates on an original, or that trains on a synthetic pair; this key is there in folds alone.",
    ),
    "shard": Column("text", "The tar file that holds the pair; this key is there in sharded sets alone."),
}


# Sets of a kind; sets of an earlier version.
_SOMETIMES = {"glued", "shard", "pixels_from", "largest_share", "group", "parents", "fold"}
_KINDS: dict[str, type | tuple[type, ...]] = {"text": str, "integer": int, "number": (int, float), "table": dict}


def is_row(row: Mapping[str, Any]) -> bool:
    """Whether every key is there, no other, and each holds what it should or null."""
    return set(row) | _SOMETIMES == set(COLUMNS) and all(_fits(COLUMNS[name], row[name]) for name in row)


_NOTHING: dict[str, Any] = {"text": "", "integer": -1, "number": -1.0, "table": {}}


def filled(row: Mapping[str, Any]) -> dict[str, Any]:
    """``row`` without nulls and empty lists, for readers that take the type of a column from the first rows they meet.

    What is not known is "" or -1, and a list of one such where a list is empty; every number is written as a fraction.
    """
    return {name: _filled(COLUMNS[name], value) for name, value in row.items()}


def _filled(column: Column, value: Any) -> Any:
    if column.many:
        return value or [_NOTHING[column.kind]]
    if value is None:
        return _NOTHING[column.kind]
    return float(value) if column.kind == "number" else value


def _fits(column: Column, value: Any) -> bool:
    if column.many:
        held = isinstance(value, list) and all(isinstance(one, _KINDS[column.kind]) for one in value)
        return held and (not column.length or len(value) == column.length)
    if column.kind == "table":
        return isinstance(value, dict) and all(type(pixels) is int and pixels >= 0 for pixels in value.values())
    return value is None or isinstance(value, _KINDS[column.kind])


@dataclass(frozen=True)
class Made:
    """A pair to be written: each file as bytes, or as the path of one to take over; its row; rejects before it."""

    image: bytes | Path
    mask: bytes | Path
    row: dict[str, Any]
    rejects: tuple[Reject, ...] = ()

    @property
    def index(self) -> int:
        return int(self.row["index"])


@dataclass(frozen=True)
class Gap:
    """A pair that was given up: its index in the set, and every attempt that was rejected."""

    index: int
    rejects: tuple[Reject, ...]


Outcome = Made | Gap


def pair_row(
    place: Place,
    index: int,
    origin: Origin,
    digests: tuple[str, str],
    classes: NDArray[np.uint8],
    label_map: LabelMap,
    descent: Descent,
    *,
    seed: int | None = None,
    attempt: int = 0,
    derived_from: Sequence[str] = (),
    displacement: float | None = None,
    pixels_from: Mapping[str, float] | None = None,
    glues: bool = False,
    shard: str | None = None,
) -> dict[str, Any]:
    """The row of one pair; ``classes`` is its mask (H, W), ``digests`` those of its image and its mask file.

    ``descent``: its groups and parents; ``pixels_from``: digest of a training image -> the share of the image that
    comes from it; ``glues``, ``shard``: for a set of that kind.
    """
    counts = np.bincount(classes.ravel(), minlength=label_map.classes)
    row = {
        "file_name": place.image_name,
        "mask_file_name": place.mask_name,
        "index": index,
        "origin": origin,
        "seed": seed,
        "attempt": attempt,
        "image_sha256": digests[0],
        "mask_sha256": digests[1],
        "size": [classes.shape[1], classes.shape[0]],
        "class_pixels": {show_value(value): int(counts[label]) for label, value in enumerate(label_map.values)},
        "derived_from": list(derived_from),
        "displacement": None if displacement is None else round(displacement, 3),
        "pixels_from": sorted(pixels_from or {}),
        "largest_share": round(max(pixels_from.values()), 3) if pixels_from else None,
        "group": list(descent.groups),
        "parents": list(descent.parents),
        "nearest_mask": None,
        "nearest_distance": None,
        "agreement": None,
    }
    kind = ({"glued": place.glued} if glues else {}) | ({} if shard is None else {"shard": shard})
    return row | kind
