"""The options on pairs, for every command that reads some: which files are meant, and what their values mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pairaug.cli.options import FILES, VALUES, option
from pairaug.errors import UsageError

if TYPE_CHECKING:
    from pairaug.pairs.checked import CheckPolicy
    from pairaug.pairs.pair import Several, Side
    from pairaug.pairs.source import Selection

Only = Annotated[list[str] | None, option("--only", panel=FILES, help="Keep pairs that match.", metavar="GLOB")]
Exclude = Annotated[list[str] | None, option("--exclude", panel=FILES, help="Ignore files.", metavar="GLOB")]
Limit = Annotated[
    int | None, option("--limit", panel=FILES, help="The first N pairs, of the training split first.", metavar="N")
]
PairTemplate = Annotated[
    str | None, option("--pair", panel=FILES, help="'images/{id}.tif=masks/{id}.gif'.", metavar="IMAGE=MASK")
]
Images = Annotated[str | None, option("--images", panel=FILES, help="Which files are images.", metavar="GLOB")]
Masks = Annotated[str | None, option("--masks", panel=FILES, help="Which files are masks.", metavar="GLOB")]
Unite = Annotated[bool, option("--unite", panel=FILES, help="Several masks of one image are parts of one.")]
ClassesFromNames = Annotated[
    bool, option("--classes-from-names", panel=FILES, help="Several masks of one image are classes, by their names.")
]
Glued = Annotated[
    str | None,
    option("--glued", panel=FILES, help="Each file holds image and mask; the mask is left or right.", metavar="SIDE"),
]
Split = Annotated[str | None, option("--split", panel=FILES, help="train, val or test.", metavar="NAME")]
GroupBy = Annotated[
    str | None,
    option(
        "--group-by",
        panel=FILES,
        help="Regular expression on the path; what it finds is the patient, as 'patient[0-9]+'.",
        metavar="REGEX",
    ),
]
Slices = Annotated[
    str,
    option("--slices", panel=FILES, help="How to cut volumes: axial (default), coronal, sagittal.", metavar="HOW"),
]
EmptySlices = Annotated[bool, option("--empty-slices", panel=FILES, help="Keep slices of volumes with an empty mask.")]

Threshold = Annotated[
    int | None, option("--threshold", panel=VALUES, help="Two classes: this value and above.", metavar="V")
]
Labels = Annotated[
    str | None,
    option(
        "--labels",
        panel=VALUES,
        help="The true values; others go to the nearest. 'all': keep every value as a class.",
        metavar="A,B,...",
    ),
]
Background = Annotated[
    str | None, option("--background", panel=VALUES, help="The background's value (default: the lowest).", metavar="V")
]
IgnoreLabel = Annotated[
    str | None, option("--ignore-label", panel=VALUES, help="Not annotated: takes the nearest label.", metavar="V,...")
]
Alpha = Annotated[
    str,
    option(
        "--alpha",
        panel=VALUES,
        help="Transparency: refuse (default), drop, or mask where the alpha channel is the mask.",
        metavar="HOW",
    ),
]
Palette = Annotated[
    str,
    option(
        "--palette",
        panel=VALUES,
        help="Palette and 1-bit masks: index (the numbers stored), colour (those shown), auto (default).",
        metavar="HOW",
    ),
]
Exif = Annotated[
    str,
    option("--exif", panel=VALUES, help="Turn images as EXIF says: apply (default) or ignore.", metavar="HOW"),
]
MaxPixels = Annotated[
    int | None,
    option(
        "--max-pixels",
        panel=VALUES,
        help="Refuse files of more pixels (default 25 million) or voxels (default 89 million).",
        metavar="N",
    ),
]
Window = Annotated[
    str | None,
    option("--window", panel=VALUES, help="Range to keep of NIfTI and DICOM values, as -1000,400.", metavar="A,B"),
]
SkipBad = Annotated[bool, option("--skip-bad", panel=VALUES, help="Leave out what cannot be used (then exit 8).")]


@dataclass(frozen=True)
class PairOptions:
    """As typed; ``selection()`` and ``policy()`` check them and give the library's values. They raise UsageError."""

    only: Only = None
    exclude: Exclude = None
    limit: Limit = None
    pair: PairTemplate = None
    images: Images = None
    masks: Masks = None
    unite: Unite = False
    classes_from_names: ClassesFromNames = False
    split: Split = None
    glued: Glued = None
    group_by: GroupBy = None
    slices: Slices = "axial"
    empty_slices: EmptySlices = False
    threshold: Threshold = None
    labels: Labels = None
    background: Background = None
    ignore_label: IgnoreLabel = None
    alpha: Alpha = "refuse"
    palette: Palette = "auto"
    exif: Exif = "apply"
    max_pixels: MaxPixels = None
    window: Window = None
    skip_bad: SkipBad = False

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
            only=tuple(self.only or ()),
            exclude=tuple(self.exclude or ()),
            limit=self.limit,
            pair=self.pair,
            images=self.images,
            masks=self.masks,
            several=several,
            split=self.split,
            glued=side,
            group_by=self.group_by,
            slices=AXES[self.slices],
            empty_slices=self.empty_slices,
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
