"""The options on pairs, for every command that reads some: which files are meant, and what their values mean."""

from __future__ import annotations

from typing import Annotated

from pairaug.api.pair_options import PairOptions
from pairaug.cli.options import FILES, VALUES, option

Only = Annotated[
    list[str] | None,
    option(
        "--only",
        panel=FILES,
        help="Keep only pairs with a file that matches; may be repeated (default: all).",
        metavar="GLOB",
    ),
]
Exclude = Annotated[
    list[str] | None, option("--exclude", panel=FILES, help="Ignore files that match; may be repeated.", metavar="GLOB")
]
Limit = Annotated[
    int | None,
    option(
        "--limit",
        panel=FILES,
        help="Use at most N pairs; those of the training split come first (default: all).",
        metavar="N",
    ),
]
PairTemplate = Annotated[
    str | None,
    option(
        "--pair",
        panel=FILES,
        help="How images and masks are named, such as 'images/{id}.tif=masks/{id}.gif' (default: found out).",
        metavar="IMAGE=MASK",
    ),
]
Images = Annotated[
    str | None,
    option("--images", panel=FILES, help="Files that match are images (default: found out).", metavar="GLOB"),
]
Masks = Annotated[
    str | None, option("--masks", panel=FILES, help="Files that match are masks (default: found out).", metavar="GLOB")
]
Unite = Annotated[bool, option("--unite", panel=FILES, help="Join the several masks of an image into one.")]
ClassesFromNames = Annotated[
    bool,
    option(
        "--classes-from-names",
        panel=FILES,
        help="Make each of the several masks of an image a class, called by its name.",
    ),
]
Glued = Annotated[
    str | None,
    option(
        "--glued",
        panel=FILES,
        help="Each file shows image and mask side by side; the mask is on the left or right.",
        metavar="SIDE",
    ),
]
Split = Annotated[
    str | None,
    option(
        "--split",
        panel=FILES,
        help="Use only this split: train, val or test (default: train, where there is one; check takes all).",
        metavar="NAME",
    ),
]
GroupBy = Annotated[
    str | None,
    option(
        "--group-by",
        panel=FILES,
        help="Regular expression on the path; its first group, or else the whole match, is the patient.",
        metavar="REGEX",
    ),
]
Slices = Annotated[
    str,
    option(
        "--slices",
        panel=FILES,
        help="Cut volumes into axial, coronal or sagittal slices (default axial).",
        metavar="HOW",
    ),
]
EmptySlices = Annotated[bool, option("--empty-slices", panel=FILES, help="Keep slices of volumes whose mask is empty.")]
OnlyOriginals = Annotated[
    bool, option("--only-originals", panel=FILES, help="Leave out the pairs that their set calls synthetic.")
]

Threshold = Annotated[
    int | None,
    option(
        "--threshold", panel=VALUES, help="Make two classes: values of V and above are the foreground.", metavar="V"
    ),
]
Labels = Annotated[
    str | None,
    option(
        "--labels",
        panel=VALUES,
        help="The label values; others go to the nearest; all keeps every value as a class (default: those found).",
        metavar="A,B,...",
    ),
]
Background = Annotated[
    str | None,
    option("--background", panel=VALUES, help="Value of the background (default: the lowest value).", metavar="V"),
]
IgnoreLabel = Annotated[
    str | None,
    option(
        "--ignore-label",
        panel=VALUES,
        help="Values that mean 'not annotated'; these pixels take the nearest label.",
        metavar="V,...",
    ),
]
Alpha = Annotated[
    str,
    option(
        "--alpha",
        panel=VALUES,
        help="Files with an alpha channel: refuse them, drop the channel, or take it for the mask; refuse, drop or "
        "mask (default refuse).",
        metavar="HOW",
    ),
]
Palette = Annotated[
    str,
    option(
        "--palette",
        panel=VALUES,
        help="Masks with a palette or of 1 bit: take the stored numbers, the colours shown, or these only where files "
        "disagree on the numbers; index, colour or auto (default auto).",
        metavar="HOW",
    ),
]
Exif = Annotated[
    str,
    option(
        "--exif", panel=VALUES, help="Turn images as their EXIF says: apply or ignore (default apply).", metavar="HOW"
    ),
]
MaxPixels = Annotated[
    int | None,
    option(
        "--max-pixels",
        panel=VALUES,
        help="Refuse larger files; N counts pixels, or the voxels of volumes (default: 25 and 89 million).",
        metavar="N",
    ),
]
Window = Annotated[
    str | None,
    option(
        "--window",
        panel=VALUES,
        help="Range of NIfTI and DICOM values to keep, such as -1000,400 (default: all).",
        metavar="A,B",
    ),
]
SkipBad = Annotated[
    bool, option("--skip-bad", panel=VALUES, help="Leave out pairs that cannot be used; the exit code is then 8.")
]


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
    only_originals: OnlyOriginals
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
