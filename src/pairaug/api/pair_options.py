"""The options on pairs as a user gives them, in a shell or in Python: which files are meant, what their values mean.

Enters: text and numbers as typed. Leaves: the ``Selection`` and the ``CheckPolicy`` that the library works with.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pairaug.errors import UsageError

if TYPE_CHECKING:
    from pairaug.pairs.checked import CheckPolicy
    from pairaug.pairs.pair import Several, Side
    from pairaug.pairs.source import Selection


@dataclass(frozen=True)
class PairOptions:
    """As given; ``selection()`` and ``policy()`` check them and give the library's values. They raise UsageError."""

    only: list[str] | None = None
    exclude: list[str] | None = None
    limit: int | None = None
    pair: str | None = None
    images: str | None = None
    masks: str | None = None
    unite: bool = False
    classes_from_names: bool = False
    split: str | None = None
    glued: str | None = None
    group_by: str | None = None
    slices: str = "axial"
    empty_slices: bool = False
    only_originals: bool = False
    threshold: int | None = None
    labels: str | None = None
    background: str | None = None
    ignore_label: str | None = None
    alpha: str = "refuse"
    palette: str = "auto"
    exif: str = "apply"
    max_pixels: int | None = None
    window: str | None = None
    skip_bad: bool = False

    def selection(self) -> Selection:
        """Which files are meant."""
        from pairaug.pairs.slices import AXES
        from pairaug.pairs.source import Selection

        if self.limit is not None and self.limit < 1:
            raise UsageError(f"--limit {self.limit}: must be 1 or more")
        if self.glued not in (None, "left", "right"):
            raise UsageError(f"--glued {self.glued}: must be 'left' or 'right', the side of the mask")
        if self.slices not in AXES:
            raise UsageError(f"--slices {self.slices}: must be {', '.join(AXES)}")
        if self.unite and self.classes_from_names:
            raise UsageError("--unite and --classes-from-names exclude each other; give one")
        side: Side | None = "left" if self.glued == "left" else "right" if self.glued else None
        several: Several = "parts" if self.unite else "classes" if self.classes_from_names else "ask"
        return Selection(
            only=tuple(map(_slashed, self.only or ())),
            exclude=tuple(map(_slashed, self.exclude or ())),
            limit=self.limit,
            pair=self.pair and _slashed(self.pair),
            images=self.images and _slashed(self.images),
            masks=self.masks and _slashed(self.masks),
            several=several,
            split=self.split,
            glued=side,
            group_by=self.group_by,
            slices=AXES[self.slices],
            empty_slices=self.empty_slices,
            only_originals=self.only_originals,
            most_voxels=self._max_pixels() or Selection.most_voxels,
        )

    def policy(self) -> CheckPolicy:
        """What the content of the files means."""
        from pairaug.pairs.checked import CheckPolicy
        from pairaug.pairs.form import ALPHA, EXIF, PALETTE, DecodePolicy
        from pairaug.pairs.labels import Cleaning

        for flag, value, known in (
            ("--alpha", self.alpha, ALPHA),
            ("--palette", self.palette, PALETTE),
            ("--exif", self.exif, EXIF),
        ):
            if value not in known:
                raise UsageError(f"{flag} {value}: must be {', '.join(known[:-1])} or {known[-1]}")
        if self.threshold is not None and self.labels is not None:
            raise UsageError("--threshold and --labels exclude each other; give one")
        as_found = self.labels == "all"
        values = () if self.labels is None or as_found else _label_values("--labels", self.labels)
        if len(values) == 1:
            raise UsageError(f"--labels {self.labels}: needs at least two values, or 'all'")
        grounds = () if self.background is None else _label_values("--background", self.background)
        if len(grounds) > 1:
            raise UsageError(f"--background {self.background}: must be one value")
        ignored = () if self.ignore_label is None else _label_values("--ignore-label", self.ignore_label)
        cleaning = Cleaning(self.threshold, values, as_found, grounds[0] if grounds else None, ignored)
        most = self._max_pixels()
        pixels, voxels = most or DecodePolicy.max_pixels, most or DecodePolicy.max_voxels
        decode = DecodePolicy(self.alpha, pixels, _window(self.window), self.exif, self.palette, voxels)
        return CheckPolicy(decode, cleaning, self.skip_bad)

    def _max_pixels(self) -> int | None:
        if self.max_pixels is not None and self.max_pixels < 1:
            raise UsageError(f"--max-pixels {self.max_pixels}: must be 1 or more")
        return self.max_pixels


def _slashed(pattern: str) -> str:
    """A pattern as it is matched, with ``/`` between folders whatever this system puts there."""
    return pattern.replace(os.sep, "/")


def _window(text: str | None) -> tuple[float, float] | None:
    if text is None:
        return None
    try:
        low, high = (float(part) for part in text.split(","))
        if not float("-inf") < low < high < float("inf"):
            raise ValueError
    except ValueError:
        raise UsageError(f"--window {text}: must be two numbers, the lower first, such as -1000,400") from None
    return low, high


def _label_values(flag: str, text: str) -> tuple[int, ...]:
    from pairaug.pairs.labels import parse_label

    try:
        values = tuple(sorted({parse_label(part) for part in text.split(",")}))
    except ValueError:
        raise UsageError(f"{flag} {text}: must be values such as 0,128,255 or #000000,#ff0000") from None
    if values[0] < 0:
        raise UsageError(f"{flag} {text}: no label value is below 0")
    return values
