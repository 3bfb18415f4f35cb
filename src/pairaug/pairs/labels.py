"""Label values <-> classes: the only place that knows both.

A mask file holds label *values* (0 and 255; 0, 1 and 2; colours); the models see *classes* 0 .. K-1, numbered in
the order of the values. Class 0 is the background.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pairaug.errors import DataError
from pairaug.pairs.decoding import COLOUR, pack_colours, unpack_colours

MAX_CLASSES = 256
# A value is taken for dirt where it is this rare in every mask that holds it, and few masks hold it.
_STRAY_SHARE = 0.005
_STRAY_MASKS = 0.05


@dataclass(frozen=True)
class LabelMap:
    """The label values of a data set in ascending order; a value's place is its class."""

    values: tuple[int, ...]

    def __post_init__(self) -> None:
        if list(self.values) != sorted(set(self.values)) or not self.values:
            raise ValueError(f"label values must be distinct and ascending, not {self.values}")

    @property
    def classes(self) -> int:
        return len(self.values)

    def to_classes(self, raw: NDArray[np.int32]) -> NDArray[np.uint8]:
        """(H, W) label values -> (H, W) classes in [0, K). Raises DataError for a value that has no class."""
        table = np.asarray(self.values)
        classes = np.searchsorted(table, raw).clip(max=len(table) - 1)
        if not np.array_equal(table[classes], raw):
            strange = sorted(set(np.unique(raw).tolist()) - set(self.values))
            raise DataError(f"label values {strange[:8]} are not among {show_values(self.values)}")
        return classes.astype(np.uint8)

    def to_values(self, classes: NDArray[np.uint8]) -> NDArray[np.int32]:
        """(H, W) classes in [0, K) -> (H, W) label values, exactly."""
        return np.asarray(self.values, dtype=np.int32)[classes]


@dataclass(frozen=True)
class Cleaning:
    """What the user says of the label values: a threshold for two classes, or the list of the true values."""

    threshold: int | None = None
    labels: tuple[int, ...] = ()

    def apply(self, raw: NDArray[np.int32]) -> NDArray[np.int32]:
        """The cleaned mask: {0, 255} by the threshold, or every value moved to the nearest of ``labels``."""
        if self.threshold is not None:
            return np.where(raw >= self.threshold, 255, 0).astype(np.int32)
        if self.labels:
            return self._nearest(raw)
        return raw

    def _nearest(self, raw: NDArray[np.int32]) -> NDArray[np.int32]:
        values, places = np.unique(raw, return_inverse=True)
        labels = np.asarray(sorted(self.labels), dtype=np.int32)
        channels = _channels(np.concatenate([values, labels]))
        distance = np.abs(channels[: len(values), None, :] - channels[None, len(values) :, :]).sum(axis=2)
        return labels[distance.argmin(axis=1)][places].reshape(raw.shape)


def _channels(values: NDArray[np.int32]) -> NDArray[np.int32]:
    """Colours as (n, 3) bytes, so that nearness is nearness of colours; plain values as (n, 1)."""
    return unpack_colours(values).astype(np.int32) if values.max(initial=0) >= COLOUR else values[:, None]


def find_label_map(counts: Mapping[str, Mapping[int, int]], *, settled: bool) -> LabelMap:
    """The label map of masks given as name -> {value: pixels}.

    ``settled``: the user has named the values, so none is dirt. Raises DataError for stray values, for contradicting
    label sets, for masks that are photographs, and where there is no foreground at all.
    """
    values = sorted({value for mask in counts.values() for value in mask})
    if not settled:
        _refuse_strays(counts, values)
    if len(values) > MAX_CLASSES:
        raise DataError(
            f"the masks hold {len(values)} different values: these are pictures or soft masks; "
            "give --threshold 128, or --masks for another folder"
        )
    if len(values) < 2:
        raise DataError(f"all {len(counts)} masks are empty: every pixel has the value {values[0]}; give other masks")
    return LabelMap(tuple(values))


def _refuse_strays(counts: Mapping[str, Mapping[int, int]], values: Sequence[int]) -> None:
    if len(values) <= 2:
        return
    holders = Counter(value for mask in counts.values() for value in mask)
    share = {
        value: max(mask.get(value, 0) / max(sum(mask.values()), 1) for mask in counts.values()) for value in values
    }
    few = max(1, int(_STRAY_MASKS * len(counts)))
    strays = [value for value in values if holders[value] <= few and share[value] < _STRAY_SHARE]
    if len(values) > MAX_CLASSES:  # interpolated or JPEG masks: everything between the two ends
        strays = [value for value in values if share[value] < 0.05]
    kept = [value for value in values if value not in strays]
    if not strays or len(kept) < 2:
        return
    details = []
    for name, mask in counts.items():
        found = {value: mask[value] for value in strays if value in mask}
        if found:
            text = ", ".join(f"{show_value(value)} ({pixels} px)" for value, pixels in list(found.items())[:6])
            details.append(f"{name}: {text}" + (", ..." if len(found) > 6 else ""))
    threshold = " or --threshold 128" if len(kept) == 2 else ""
    listed = ",".join(show_value(value) for value in kept)
    raise DataError(
        f"stray label values in {len(details)} of {len(counts)} masks beside {show_values(kept)}; "
        f"move each to the nearest with --labels {listed}{threshold}, or name all of them if they are classes",
        details=details,
    )


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
