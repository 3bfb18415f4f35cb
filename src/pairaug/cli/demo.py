"""``pairaug demo``: the whole road on pairs that pairaug draws itself."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pairaug.cli import options as opt
from pairaug.cli.help import Command
from pairaug.cli.output import ConsoleReporter, emit, emit_json

if TYPE_CHECKING:
    from pairaug.report.contact import Picture

PAIRS, SIDE, SYNTHETIC, SHOWN = 20, 256, 12, 6

_EXAMPLE = "pairaug demo"


def register(app: typer.Typer) -> None:
    app.command("demo", cls=Command, epilog=_EXAMPLE, short_help="Try all of it on drawn pairs, in a minute.")(demo)


def demo(
    out: Annotated[
        Path,
        opt.option("--out", "-o", panel="Running", help="Folder to write to (default pairaug-demo).", metavar="DIR"),
    ] = Path("pairaug-demo"),
    seed: opt.Seed = 0,
    threads: opt.Threads = None,
    as_json: opt.AsJson = False,
    quiet: opt.Quiet = False,
) -> None:
    """Draw twenty pairs that look like vessels, learn from them, and make twelve new ones, in about a minute.

    Needs no data. Prints the path of a contact sheet to look at.
    """
    from pairaug.errors import DataError
    from pairaug.files import write_atomic
    from pairaug.pairs.checked import CheckPolicy
    from pairaug.pairs.checking import check_pairs
    from pairaug.pairs.drawing import write_demo_pairs
    from pairaug.pairs.source import find_pairs
    from pairaug.report.contact import contact_sheet
    from pairaug.report.sheets import png
    from pairaug.synthesis.run import SynthesisOptions, synthesize
    from pairaug.synthesis.verify import verify
    from pairaug.training.fit import fit_mask_generator, fit_translator
    from pairaug.training.plan import FitOptions

    reporter = ConsoleReporter(quiet=quiet)
    data, models, augmented = out / "data", out / "models", out / "augmented"
    reporter.note(f"drawing {PAIRS} pairs into {data}")
    write_demo_pairs(data, PAIRS, side=SIDE, seed=seed)
    reporter.note(f"$ pairaug check {data}")
    check_pairs(find_pairs(data), CheckPolicy())
    reporter.note(f"$ pairaug fit-masks {data}/masks --models {models}")
    common = FitOptions(models=models, seed=seed, threads=threads)
    fit_mask_generator(data / "masks", common, reporter=reporter)
    reporter.note(f"$ pairaug fit-translator {data} --models {models} --no-gate")
    fit_translator(data, replace(common, gate=False), reporter=reporter)
    reporter.note(f"$ pairaug synthesize --count {SYNTHETIC} --out {augmented} --models {models} --gates novelty")
    wanted = SynthesisOptions(count=SYNTHETIC, models=models, seed=seed, threads=threads, gates="novelty")
    synthesize(augmented, wanted, reporter=reporter)
    reporter.note(f"$ pairaug verify {augmented}")
    result = verify(augmented)
    if result.differing:
        raise DataError(f"{augmented}: differs from its manifest; remove it and run the demo again", result.differing)
    path = out / "contact-sheet.png"

    write_atomic(path, png(contact_sheet(_pictures(data), _pictures(augmented))))
    reporter.note("look at the contact sheet:")
    if as_json:
        emit_json({"contact_sheet": str(path), "augmented": str(augmented), "pairs": result.pairs})
    else:
        emit(str(path))


def _pictures(folder: Path) -> list[Picture]:
    """The first pairs of a data set as arrays."""
    from pairaug.pairs.checked import CheckPolicy
    from pairaug.pairs.checking import check_pairs, load_classes, load_image
    from pairaug.pairs.source import Selection, find_pairs
    from pairaug.report.contact import viewable

    policy = CheckPolicy()
    checked = check_pairs(find_pairs(folder, Selection(limit=SHOWN)), policy)
    return [
        (
            viewable(load_image(checked.root, item, policy)),
            load_classes(checked.root, item, policy, checked.label_map),
        )
        for item in checked.pairs
    ]
