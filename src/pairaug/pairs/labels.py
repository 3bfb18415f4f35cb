"""Label values <-> classes: the only place that knows both.

A mask file holds label *values* (0 and 255; 0, 1 and 2; colours); the models see *classes* 0 .. K-1. Class 0 is the
background: the lowest value, unless the user names another; the others follow in the order of their values.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pairaug.errors import DataError
from pairaug.pairs.decoding import COLOUR, pack_colours, unpack_colours

MAX_CLASSES = 256
_SHOWN, _MOST_COUNTED = 13, 2**16
# A value is taken for dirt where it is this rare in every mask that holds it, and few masks hold it.
_STRAY_SHARE = 0.005
_STRAY_MASKS = 0.05
# So many rare values are no accident but blur, of which everything but the true values' large areas is taken for dirt.
_BLURRED_VALUES = 8
_BLURRED_SHARE = 0.05


@dataclass(frozen=True)
class LabelMap:
    """The label values of a data set, the background's first and the others ascending; a value's place is its class."""

    values: tuple[int, ...]

    def __post_init__(self) -> None:
        others = list(self.values[1:])
        if not self.values or others != sorted(set(others)) or self.values[0] in others:
            raise ValueError(f"label values must be distinct, and ascending after the first, not {self.values}")

    @property
    def classes(self) -> int:
        return len(self.values)

    def to_classes(self, raw: NDArray[np.int32]) -> NDArray[np.uint8]:
        """(H, W) label values -> (H, W) classes in [0, K). Raises DataError for a value that has no class."""
        table = np.asarray(self.values)
        order = np.argsort(table)
        classes: NDArray[np.intp] = order[np.searchsorted(table, raw, sorter=order).clip(max=len(table) - 1)]
        if not np.array_equal(table[classes], raw):
            strange = sorted(set(np.unique(raw).tolist()) - set(self.values))
            raise DataError(f"label values {show_values(strange)} are not among {show_values(self.values)}")
        return classes.astype(np.uint8)

    def to_values(self, classes: NDArray[np.uint8]) -> NDArray[np.int32]:
        """(H, W) classes in [0, K) -> (H, W) label values, exactly."""
        return np.asarray(self.values, dtype=np.int32)[classes]


@dataclass(frozen=True)
class Cleaning:
    """What the user says of the label values. Each part is off unless given.

    ``threshold``: two classes, this value and above is 255. ``labels``: the true values, each other one goes to the
    nearest. ``as_found``: every value is a class, none is dirt. ``background``: the value that is class 0 (otherwise
    the lowest); nothing is changed by it. ``ignore``: values that mean "not annotated"; see ``apply``.
    """

    threshold: int | None = None
    labels: tuple[int, ...] = ()
    as_found: bool = False
    background: int | None = None
    ignore: tuple[int, ...] = ()

    @property
    def settled(self) -> bool:
        """Whether the user has named the values, so that none is dirt."""
        return self.as_found or self.threshold is not None or bool(self.labels)

    @property
    def changes(self) -> bool:
        """Whether a mask may differ after it was applied."""
        return self.threshold is not None or bool(self.labels) or bool(self.ignore)

    def apply(self, raw: NDArray[np.int32]) -> NDArray[np.int32]:
        """The cleaned mask. Pixels that are not annotated take the label of the nearest one that is.

        Raises DataError where no pixel is annotated.
        """
        unknown = np.isin(raw, self.ignore) if self.ignore else None
        if self.threshold is not None:
            raw = np.where(raw >= self.threshold, 255, 0).astype(np.int32)
        elif self.labels:
            raw = self._nearest(raw)
        return raw if unknown is None or not unknown.any() else _filled(raw, unknown)

    def _nearest(self, raw: NDArray[np.int32]) -> NDArray[np.int32]:
        values, places = np.unique(raw, return_inverse=True)
        labels = np.asarray(sorted(self.labels), dtype=np.int32)
        channels = _channels(np.concatenate([values, labels]))
        distance = np.abs(channels[: len(values), None, :] - channels[None, len(values) :, :]).sum(axis=2)
        nearest: NDArray[np.int32] = labels[distance.argmin(axis=1)][places].reshape(raw.shape)
        return nearest


def _filled(raw: NDArray[np.int32], unknown: NDArray[np.bool_]) -> NDArray[np.int32]:
    if unknown.all():
        raise DataError("every pixel has a value of --ignore-label, so nothing is annotated; leave the pair out")
    from scipy.ndimage import distance_transform_edt

    rows, columns = distance_transform_edt(unknown, return_distances=False, return_indices=True)
    filled: NDArray[np.int32] = raw[rows, columns]
    return filled


def _channels(values: NDArray[np.int32]) -> NDArray[np.int32]:
    """Colours as (n, 3) bytes, so that nearness is nearness of colours; plain values as (n, 1)."""
    return unpack_colours(values).astype(np.int32) if values.max(initial=0) >= COLOUR else values[:, None]


def count_values(raw: NDArray[np.int32], what: str = "the mask") -> dict[int, int]:
    """Label value -> number of its pixels, ascending. Raises DataError where ``what`` has more than 65536 values."""
    if raw.size and raw.max() <= 65535:
        counts = np.bincount(raw.ravel())
        present = np.flatnonzero(counts)
        return dict(zip(present.tolist(), counts[present].tolist(), strict=True))
    values, counts = np.unique(raw, return_counts=True)
    if len(values) > _MOST_COUNTED:  # the colours of a photograph, too many to be kept one by one
        raise _too_many(what, len(values), values[:_SHOWN].tolist())
    return dict(zip(values.tolist(), counts.tolist(), strict=True))


def find_label_map(counts: Mapping[str, Mapping[int, int]], cleaning: Cleaning, *, lossy: bool = False) -> LabelMap:
    """The label map of masks given as name -> {value: pixels}; ``lossy``: some of them are JPEG files.

    Raises DataError for stray values, for masks that are photographs or number their objects, for a background that
    does not occur, and where there is no foreground at all.
    """
    values = sorted({value for mask in counts.values() for value in mask})
    if len(values) < 2:
        what = (
            "are empty: every pixel has the value 0"
            if values[0] == 0
            else f"hold one value alone, {show_value(values[0])}"
        )
        raise DataError(f"all {len(counts)} masks {what}; give other masks with --masks or --pair")
    if not cleaning.settled:
        _refuse_strays(counts, values, lossy)
    refuse_too_many("the masks together", values)
    background = values[0] if cleaning.background is None else cleaning.background
    if background not in values:
        raise DataError(f"--background {show_value(background)}: the masks hold {show_values(values)}; choose of these")
    return LabelMap((background, *(value for value in values if value != background)))


def refuse_too_many(what: str, values: Collection[int]) -> None:
    """Raises DataError where there are more values than classes can be."""
    if len(values) > MAX_CLASSES:
        raise _too_many(what, len(values), sorted(values)[:_SHOWN])


def _too_many(what: str, count: int, first: Sequence[int]) -> DataError:
    return DataError(
        f"{what}: {count} values {show_values(first)}, more than the {MAX_CLASSES} classes there can be; if they "
        "number objects, --threshold 1 joins these; if it is a picture, name the masks with --masks"
    )


def _refuse_strays(counts: Mapping[str, Mapping[int, int]], values: Sequence[int], lossy: bool) -> None:
    """Dirt is a value that is rare in every mask, and either few masks hold it or there are many of its kind."""
    if len(values) <= 2:
        return
    holders = Counter(value for mask in counts.values() for value in mask)
    share = dict.fromkeys(values, 0.0)
    for mask in counts.values():
        total = sum(mask.values())
        for value, pixels in mask.items():
            share[value] = max(share[value], pixels / total)
    few = max(1, int(_STRAY_MASKS * len(counts)))
    blurred = lossy or sum(share[value] < _STRAY_SHARE for value in values) >= _BLURRED_VALUES
    if blurred:  # a smooth edge or JPEG: everything between the true values
        strays = [value for value in values if share[value] < _BLURRED_SHARE]
    else:
        strays = [value for value in values if share[value] < _STRAY_SHARE and holders[value] <= few]
    kept = [value for value in values if value not in strays]
    if not strays:
        return
    if len(kept) < 2:
        raise DataError(
            f"the masks hold {len(values)} values {show_values(values)}, most of them on few pixels; if they number "
            f"objects, --threshold 1 joins these; if they are soft, --threshold {(values[-1] + 1) // 2} cuts them; "
            "--labels all takes each value for a class"
        )
    raise DataError(_stray_text(counts, strays, kept), _stray_details(counts, strays))


def _stray_text(counts: Mapping[str, Mapping[int, int]], strays: Sequence[int], kept: Sequence[int]) -> str:
    holding = sum(not mask.keys().isdisjoint(strays) for mask in counts.values())
    middle = (kept[0] + kept[-1] + 1) // 2
    threshold = f" or --threshold {middle}" if len(kept) == 2 and kept[-1] < COLOUR else ""
    listed = ",".join(show_value(value) for value in kept)
    return (
        f"stray label values in {holding} of {len(counts)} masks beside {show_values(kept)}; move each to the "
        f"nearest with --labels {listed}{threshold}, or take all of them for classes with --labels all"
    )


def _stray_details(counts: Mapping[str, Mapping[int, int]], strays: Sequence[int]) -> list[str]:
    details = []
    for name, mask in counts.items():
        found = [(value, mask[value]) for value in strays if value in mask]
        if found:
            text = ", ".join(f"{show_value(value)} ({pixels} px)" for value, pixels in found[:6])
            details.append(f"{name}: {text}" + (f" and {len(found) - 6} more values" if len(found) > 6 else ""))
    return details


def show_value(value: int) -> str:
    return str(value) if value < COLOUR else f"#{value - COLOUR:06x}"


def show_values(values: Sequence[int]) -> str:
    shown = ", ".join(show_value(value) for value in values[:12])
    return "{" + shown + (", ...}" if len(values) > 12 else "}")


def parse_label(text: str) -> int:
    """``128`` or ``#ff0000``. Raises ValueError."""
    text = text.strip()
    if text.startswith("#"):
        if len(text) != 7:
            raise ValueError(f"{text!r} is not a colour such as #ff0000")
        return int(pack_colours(np.frombuffer(bytes.fromhex(text[1:]), dtype=np.uint8)))
    return int(text)


def value_for_json(value: int) -> int | str:
    """A label value as it stands in JSON: a number, or ``"#ff0000"`` for a colour."""
    return value if value < COLOUR else show_value(value)
