"""The options on pairs, for every command that reads some: which files are meant, and what their values mean."""

from __future__ import annotations

from typing import Annotated

from pairaug.api.pair_options import PairOptions
from pairaug.cli.options import FILES, VALUES, option

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


class PairFlags(PairOptions):
    """``PairOptions`` with the flag and the help of each; types and defaults are those of ``PairOptions``."""

    only: Only
    exclude: Exclude
    limit: Limit
    pair: PairTemplate
    images: Images
    masks: Masks
    unite: Unite
    classes_from_names: ClassesFromNames
    split: Split
    glued: Glued
    group_by: GroupBy
    slices: Slices
    empty_slices: EmptySlices
    threshold: Threshold
    labels: Labels
    background: Background
    ignore_label: IgnoreLabel
    alpha: Alpha
    palette: Palette
    exif: Exif
    max_pixels: MaxPixels
    window: Window
    skip_bad: SkipBad
