"""``pairaug verify``: is a data set still what its manifest says?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pairaug.cli import options as opt
from pairaug.cli.help import Command
from pairaug.cli.output import ConsoleReporter, emit, emit_json
from pairaug.errors import DataError

_EXAMPLE = "pairaug verify ./augmented"


def register(app: typer.Typer) -> None:
    app.command("verify", cls=Command, epilog=_EXAMPLE, short_help="Compare a data set with its manifest.")(verify)


def verify(
    out: Annotated[
        Path, typer.Argument(help="Folder that 'pairaug synthesize' wrote.", metavar="DIR", show_default=False)
    ],
    as_json: opt.AsJson = False,
    quiet: opt.Quiet = False,
) -> None:
    """Hash every file of an augmented data set and compare it with the manifest."""
    from pairaug.synthesis.manifest import REPAIR
    from pairaug.synthesis.verify import verify as verify_folder

    result = verify_folder(out)
    reporter = ConsoleReporter(quiet=quiet)
    if result.unlisted:
        reporter.warn(f"{len(result.unlisted)} images are not in the manifest, such as {result.unlisted[0]}")
    if result.differing:
        text = f"{out}: {len(result.differing)} files differ from the manifest; {REPAIR}"
        raise DataError(text, result.differing)
    if as_json:
        emit_json({"out": str(out), "pairs": result.pairs, "differing": [], "unlisted": list(result.unlisted)})
    else:
        emit(f"{out}: {result.pairs} pairs, all as written")
