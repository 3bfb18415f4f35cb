"""The options that several commands share, each named and explained once. Those on pairs stand in ``pair_options``."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from pairaug.errors import UsageError

WHAT, LENGTH = "What to make", "Model and training"
FILES, VALUES, RUN = "Which files", "What the values mean", "Running"


def option(*names: str, panel: str, help: str, metavar: str | None = None) -> Any:
    flag = next(name for name in names if name.startswith("--"))
    variable = "PAIRAUG_" + flag.split("/")[0].lstrip("-").upper().replace("-", "_")
    return typer.Option(
        *names,
        help=help,
        rich_help_panel=panel,
        envvar=variable,
        show_envvar=False,
        show_default=False,
        metavar=metavar,
    )


Source = Annotated[
    str, typer.Argument(help="Folder of pairs, or '-' to read a list from stdin.", metavar="SOURCE", show_default=False)
]
OptionalSource = Annotated[
    str | None,
    typer.Argument(help="Folder of pairs, or '-' to read a list from stdin.", metavar="SOURCE", show_default=False),
]
ListFile = Annotated[
    Path | None,
    option(
        "--list",
        panel=FILES,
        help="Read the pairs from FILE; each line is 'image TAB mask' or a JSON object.",
        metavar="FILE",
    ),
]
Unlabelled = Annotated[
    Path | None,
    option(
        "--unlabelled",
        panel=FILES,
        help="Images without masks to learn from too: a folder, whose masks are ignored, or a list.",
        metavar="SOURCE",
    ),
]
Models = Annotated[
    Path, option("--models", panel=RUN, help="Folder of the fitted models (default pairaug-models).", metavar="DIR")
]
Seed = Annotated[int, option("--seed", panel=RUN, help="Seed of everything random (default 0).", metavar="N")]
Device = Annotated[
    str, option("--device", panel=RUN, help="Where to compute: auto, cpu, cuda or mps (default auto).", metavar="NAME")
]
Threads = Annotated[
    int | None, option("--threads", panel=RUN, help="Processor threads (default: one for each core).", metavar="N")
]
Format = Annotated[
    str,
    option(
        "--format",
        panel=WHAT,
        help="Layout to write: mirror, nnunet, coco, yolo or webdataset (default mirror).",
        metavar="NAME",
    ),
]
ImagesAs = Annotated[
    str | None,
    option("--images-as", panel=WHAT, help="Write images as png (default: as the originals are).", metavar="KIND"),
]
MasksAs = Annotated[
    str | None,
    option(
        "--masks-as",
        panel=WHAT,
        help="Write masks as png, with their label values, or as classes: PNG that hold 0 to K-1 "
        "(default: as the originals are).",
        metavar="KIND",
    ),
]
ClassNames = Annotated[
    str | None,
    option(
        "--class-names",
        panel=WHAT,
        help="Names of the classes above the background, in the order of their label values "
        "(default: those of the originals, or the values).",
        metavar="A,B",
    ),
]
Prefix = Annotated[
    str,
    option(
        "--prefix",
        panel=WHAT,
        help="What the names of new pairs begin with (default synthetic_).",
        metavar="TEXT",
    ),
]
License = Annotated[
    str | None, option("--license", panel=WHAT, help="Terms of use to name in the records.", metavar="TEXT")
]
Gates = Annotated[
    str,
    option(
        "--gates",
        panel=WHAT,
        help="What new pairs have to pass: all, none, or their names (default all).",
        metavar="NAME,...",
    ),
]
Overwrite = Annotated[
    bool,
    typer.Option("--overwrite", help="Replace the files of another set that pairaug wrote.", rich_help_panel=RUN),
]
TrainingBatch = Annotated[
    int, option("--batch-size", panel=LENGTH, help="Pairs in each training step (default 1).", metavar="N")
]
Size = Annotated[
    int | None,
    option("--size", panel=LENGTH, help="Working side in pixels (default: the model's own).", metavar="N"),
]
Precision = Annotated[
    str,
    option(
        "--precision",
        panel=RUN,
        help="Numbers to compute with: float32, bfloat16, or auto, the quicker one here (default float32).",
        metavar="NAME",
    ),
]
Fresh = Annotated[bool, typer.Option("--fresh", help="Discard an earlier run and start again.", rich_help_panel=RUN)]
NoGate = Annotated[
    bool,
    option("--no-gate", panel=RUN, help="Fit no gate beside the model, which new pairs have to pass."),
]
TensorBoard = Annotated[
    Path | None,
    option(
        "--tensorboard",
        panel=RUN,
        help="Write curves and sample sheets for TensorBoard to DIR; needs pairaug[tensorboard].",
        metavar="DIR",
    ),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", "-n", help="Say what would be done, and do nothing.", rich_help_panel=RUN)
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.", rich_help_panel=RUN)]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="Print the result, warnings and errors only.", rich_help_panel=RUN)
]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Print more about the progress.", rich_help_panel=RUN)]


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
