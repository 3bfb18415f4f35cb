"""``pairaug folds``: models and new pairs for each fold of a cross-validation, in one set with its splits."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pairaug.cli import options as opt
from pairaug.cli.flatten import flattened
from pairaug.cli.help import Command
from pairaug.cli.output import ConsoleReporter, emit, emit_json
from pairaug.cli.pair_options import PairFlags
from pairaug.errors import ShortfallError

if TYPE_CHECKING:
    from pairaug.pairs.checked import Checked

_EXAMPLE = """\
pairaug folds ./drive --folds 5 --count 200 --out ./five-folds
pairaug folds ./patients --group-by 'pat[0-9]+' --format nnunet --out ./five
"""


def register(app: typer.Typer) -> None:
    app.command(
        "folds", cls=Command, epilog=_EXAMPLE, short_help="Write new pairs for each fold of a cross-validation."
    )(flattened(folds))


def folds(
    ctx: typer.Context,
    out: Annotated[Path, opt.option("--out", "-o", panel=opt.WHAT, help="Folder of the new data set.", metavar="DIR")],
    source: opt.OptionalSource = None,
    list_file: opt.ListFile = None,
    unlabelled: opt.Unlabelled = None,
    pairs: PairFlags = PairFlags(),
    folds: Annotated[
        int, opt.option("--folds", panel=opt.WHAT, help="Number of folds, 2 or more (default 5).", metavar="K")
    ] = 5,
    count: Annotated[
        int | None, opt.option("--count", panel=opt.WHAT, help="New pairs for each fold (default 100).", metavar="N")
    ] = None,
    format: opt.Format = "mirror",
    images_as: opt.ImagesAs = None,
    masks_as: opt.MasksAs = None,
    class_names: opt.ClassNames = None,
    prefix: opt.Prefix = "synthetic_",
    license: opt.License = None,
    gates: opt.Gates = "all",
    model: Annotated[
        str | None,
        opt.option(
            "--model",
            panel=opt.LENGTH,
            help="Translator to fit; 'auto' chooses by the data (default: auto).",
            metavar="NAME",
        ),
    ] = None,
    mask_model: Annotated[
        str | None,
        opt.option(
            "--mask-model",
            panel=opt.LENGTH,
            help="Mask model to fit; 'auto' chooses by the data (default: auto).",
            metavar="NAME",
        ),
    ] = None,
    epochs: Annotated[
        int | None,
        opt.option(
            "--epochs", panel=opt.LENGTH, help="Passes of the translator (default: the model's own).", metavar="N"
        ),
    ] = None,
    minutes: Annotated[
        float | None,
        opt.option(
            "--minutes",
            panel=opt.LENGTH,
            help="Train each translator for about M minutes (default: no limit).",
            metavar="M",
        ),
    ] = None,
    batch_size: opt.TrainingBatch = 1,
    size: opt.Size = None,
    settings: Annotated[
        list[str] | None,
        opt.option(
            "--set",
            panel=opt.LENGTH,
            help="Change a setting of the translator, such as base=32; may be repeated.",
            metavar="KEY=VALUE",
        ),
    ] = None,
    models: opt.Models = Path("pairaug-models"),
    seed: opt.Seed = 0,
    device: opt.Device = "auto",
    precision: opt.Precision = "float32",
    threads: opt.Threads = None,
    fresh: opt.Fresh = False,
    no_gate: opt.NoGate = False,
    overwrite: opt.Overwrite = False,
    dry_run: opt.DryRun = False,
    as_json: opt.AsJson = False,
    quiet: opt.Quiet = False,
    verbose: opt.Verbose = False,
) -> None:
    """For each fold fit models and make pairs without the originals that it validates on, and print the folder.

    The set holds the originals, the new pairs of all folds, and the splits: a new pair is trained on in its own fold
    and in no other, and only originals are validated on. The same command continues an interrupted run.
    """
    from pairaug.api.folding import folds_options

    reporter = ConsoleReporter(quiet=quiet, verbose=verbose)
    name, lines = opt.source_and_lines(source, list_file)
    options = folds_options(
        folds=folds,
        count=count,
        format=format,
        images_as=images_as,
        masks_as=masks_as,
        class_names=class_names,
        prefix=prefix,
        license=license,
        gates=gates,
        model=model,
        mask_model=mask_model,
        epochs=epochs,
        minutes=minutes,
        batch_size=batch_size,
        size=size,
        settings=opt.settings_of(settings),
        unlabelled=unlabelled,
        models=models,
        seed=seed,
        device=device,
        precision=precision,
        threads=threads,
        fresh=fresh,
        no_gate=no_gate,
        overwrite=overwrite,
        command=opt.typed_command(),
        origins=opt.origins_of(ctx),
    )
    selection, policy = pairs.selection(), pairs.policy()
    if dry_run:
        from pairaug.training.plan import checked_source

        _dry_run(checked_source("translator", name, selection, policy, lines, reporter), folds, seed, as_json)
        return
    from pairaug.synthesis.folds.run import synthesize_folds

    try:
        path, rows, given_up = synthesize_folds(
            name, out, options, selection=selection, policy=policy, lines=lines, reporter=reporter
        )
    finally:
        reporter.end_progress()
    if as_json:
        emit_json({"out": str(path), "pairs": len(rows), "manifest": str(path / "manifest.json"), "folds": folds})
    else:
        emit(str(path))
    if given_up:
        raise ShortfallError(f"{given_up} pairs were given up by the gates; manifest.json says why")


def _dry_run(checked: Checked, folds: int, seed: int, as_json: bool) -> None:
    """Which originals each fold would validate on."""
    from pairaug.synthesis.folds.dealing import deal

    dealt = deal(checked, folds, seed)
    held_out = [[checked.pairs[place].pair.name for place in dealt.held_out(fold)] for fold in range(folds)]
    if as_json:
        emit_json({"pairs": len(checked.pairs), "groups": max(dealt.groups) + 1, "validation": held_out})
        return
    for fold, names in enumerate(held_out):
        emit(f"fold {fold} would validate on {len(names)} of {len(checked.pairs)} pairs: {', '.join(names)}")
