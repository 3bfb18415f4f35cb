"""The options that several commands share, each named and explained once, and how they become library values."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pairaug.errors import UsageError

if TYPE_CHECKING:
    from pairaug.pairs.checked import CheckPolicy
    from pairaug.pairs.pair import Side
    from pairaug.pairs.source import Selection

_FILES, _VALUES, _RUN = "Which files", "What is in them", "Running"


def _option(*names: str, panel: str, help: str, metavar: str | None = None) -> Any:
    flag = next(name for name in names if name.startswith("--"))
    variable = "PAIRAUG_" + flag.split("/")[0].lstrip("-").upper().replace("-", "_")
    return typer.Option(
        *names,
        help=_literal(help),
        rich_help_panel=panel,
        envvar=variable,
        show_envvar=False,
        show_default=False,
        metavar=metavar,
    )


def _literal(text: str) -> str:
    """Words in square brackets, which Rich would swallow as its markup, as they stand."""
    return re.sub(r"\[(?=[a-z#/@])", r"\\[", text)


Source = Annotated[str, typer.Argument(help="Folder of pairs, or '-' for a list on stdin.", show_default=False)]
OptionalSource = Annotated[
    str | None, typer.Argument(help="Folder of pairs, or '-' for a list on stdin.", show_default=False)
]
ListFile = Annotated[
    Path | None,
    _option("--list", panel=_FILES, help="File of pairs: 'image TAB mask' or JSON lines.", metavar="FILE"),
]
Only = Annotated[list[str] | None, _option("--only", panel=_FILES, help="Keep pairs that match.", metavar="GLOB")]
Exclude = Annotated[list[str] | None, _option("--exclude", panel=_FILES, help="Ignore files.", metavar="GLOB")]
Limit = Annotated[int | None, _option("--limit", panel=_FILES, help="The first N pairs.", metavar="N")]
PairTemplate = Annotated[
    str | None,
    _option("--pair", panel=_FILES, help="'images/{id}.tif=masks/{id}.gif'.", metavar="IMAGE=MASK"),
]
Images = Annotated[str | None, _option("--images", panel=_FILES, help="Which files are images.", metavar="GLOB")]
Masks = Annotated[str | None, _option("--masks", panel=_FILES, help="Which files are masks.", metavar="GLOB")]
Glued = Annotated[
    str | None,
    _option("--glued", panel=_FILES, help="Each file holds image and mask; the mask is left or right.", metavar="SIDE"),
]
Split = Annotated[str | None, _option("--split", panel=_FILES, help="train, val or test.", metavar="NAME")]

Slices = Annotated[
    str,
    _option("--slices", panel=_FILES, help="How to cut volumes: axial (default), coronal, sagittal.", metavar="HOW"),
]
EmptySlices = Annotated[
    bool, _option("--empty-slices", panel=_FILES, help="Keep slices of volumes that have an empty mask.")
]

GroupBy = Annotated[
    str | None, _option("--group-by", panel=_FILES, help="Finds the patient, say, in a path.", metavar="REGEX")
]

Threshold = Annotated[
    int | None, _option("--threshold", panel=_VALUES, help="Two classes: this value and above.", metavar="V")
]
Labels = Annotated[
    str | None,
    _option(
        "--labels", panel=_VALUES, help="The true values; others go to the nearest. 'all': no dirt.", metavar="A,B,..."
    ),
]
Background = Annotated[
    str | None,
    _option("--background", panel=_VALUES, help="The background's value (default: the lowest).", metavar="V"),
]
IgnoreLabel = Annotated[
    str | None,
    _option("--ignore-label", panel=_VALUES, help="Not annotated: takes the nearest label.", metavar="V,..."),
]
Alpha = Annotated[str, _option("--alpha", panel=_VALUES, help="'drop' ignores transparency.", metavar="HOW")]
MaxPixels = Annotated[
    int | None,
    _option(
        "--max-pixels", panel=_VALUES, help="Refuse larger files. [default: 25 million; of a volume 89]", metavar="N"
    ),
]
Window = Annotated[
    str | None,
    _option("--window", panel=_VALUES, help="Range to keep of NIfTI and DICOM values, as -1000,400.", metavar="A,B"),
]
SkipBad = Annotated[bool, _option("--skip-bad", panel=_VALUES, help="Leave out what cannot be used (then exit 8).")]

Models = Annotated[
    Path, _option("--models", panel=_RUN, help="Folder of fitted models (default pairaug-models).", metavar="DIR")
]
Seed = Annotated[int, _option("--seed", panel=_RUN, help="Everything random derives from it (default 0).", metavar="N")]
Threads = Annotated[int | None, _option("--threads", panel=_RUN, help="Processor threads.", metavar="N")]
DryRun = Annotated[bool, typer.Option("--dry-run", "-n", help="Say what would be done.", rich_help_panel=_RUN)]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.", rich_help_panel=_RUN)]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Only the result and errors.", rich_help_panel=_RUN)]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Say more.", rich_help_panel=_RUN)]


def selection_of(
    only: list[str] | None,
    exclude: list[str] | None,
    limit: int | None,
    pair: str | None,
    images: str | None,
    masks: str | None,
    split: str | None,
    glued: str | None = None,
    group_by: str | None = None,
    slices: str = "axial",
    empty_slices: bool = False,
    max_pixels: int | None = None,
) -> Selection:
    from pairaug.pairs.slices import AXES
    from pairaug.pairs.source import Selection

    if limit is not None and limit < 1:
        raise UsageError(f"--limit {limit}: must be 1 or more")
    if glued not in (None, "left", "right"):
        raise UsageError(f"--glued {glued}: must be 'left' or 'right', the side of the mask")
    if slices not in AXES:
        raise UsageError(f"--slices {slices}: must be {', '.join(AXES)}")
    if max_pixels is not None and max_pixels < 1:
        raise UsageError(f"--max-pixels {max_pixels}: must be 1 or more")
    side: Side | None = "left" if glued == "left" else "right" if glued else None
    kept, left_out = tuple(only or ()), tuple(exclude or ())
    voxels = max_pixels or Selection.most_voxels
    return Selection(
        kept, left_out, limit, pair, images, masks, split, side, group_by, AXES[slices], empty_slices, voxels
    )


def policy_of(
    threshold: int | None,
    labels: str | None,
    alpha: str,
    max_pixels: int | None,
    skip_bad: bool,
    background: str | None = None,
    ignore_label: str | None = None,
    window: str | None = None,
) -> CheckPolicy:
    from pairaug.pairs.checked import CheckPolicy
    from pairaug.pairs.form import DecodePolicy
    from pairaug.pairs.labels import Cleaning

    if alpha not in ("refuse", "drop"):
        raise UsageError(f"--alpha {alpha}: must be 'refuse' or 'drop'")
    if threshold is not None and labels is not None:
        raise UsageError("--threshold and --labels exclude each other; give one")
    if max_pixels is not None and max_pixels < 1:
        raise UsageError(f"--max-pixels {max_pixels}: must be 1 or more")
    as_found = labels == "all"
    values = () if labels is None or as_found else _label_values("--labels", labels)
    if len(values) == 1:
        raise UsageError(f"--labels {labels}: needs at least two values, or 'all'")
    grounds = () if background is None else _label_values("--background", background)
    if len(grounds) > 1:
        raise UsageError(f"--background {background}: must be one value")
    ignored = () if ignore_label is None else _label_values("--ignore-label", ignore_label)
    cleaning = Cleaning(threshold, values, as_found, grounds[0] if grounds else None, ignored)
    decode = DecodePolicy(alpha, max_pixels or DecodePolicy.max_pixels, _window(window))
    return CheckPolicy(decode, cleaning, skip_bad)


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


def source_and_lines(source: str | None, list_file: Path | None) -> tuple[str, Iterable[str] | None]:
    """SOURCE as the library takes it: a folder, or the name and the lines of a list."""
    if (source is None) == (list_file is None):
        raise UsageError("give one SOURCE: a folder, '-' for a list on stdin, or --list FILE")
    if source == "-":
        return "-", sys.stdin
    if list_file is not None:
        if not list_file.is_file():
            raise UsageError(f"--list {list_file}: no such file")
        from pairaug.pairs.listing import read_list

        return str(list_file), read_list(list_file)
    assert source is not None
    return source, None


def settings_of(settings: list[str] | None) -> dict[str, str]:
    """``--set key=value`` as a table."""
    parsed = {}
    for text in settings or []:
        key, equals, value = text.partition("=")
        if not equals or not re.fullmatch(r"[a-z][a-z0-9_]*", key):
            raise UsageError(f"--set {text}: must read key=value")
        parsed[key] = value
    return parsed


def origins_of(ctx: typer.Context) -> dict[str, str]:
    """Where each option's value came from: flag, environment, config file or default."""
    words = {"COMMANDLINE": "flag", "ENVIRONMENT": "environment", "DEFAULT_MAP": "config"}
    origins = {}
    for name in ctx.params:
        source = ctx.get_parameter_source(name)
        origins[name] = words.get(source.name, "default") if source else "default"
    return origins


def typed_command() -> str:
    """The command as it was typed, without the path of the program."""
    import shlex

    return shlex.join(["pairaug", *sys.argv[1:]])
