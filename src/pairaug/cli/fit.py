"""``pairaug fit-masks`` and ``pairaug fit-translator``: the same options, two kinds of model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pairaug.api.keywords import whole_numbers
from pairaug.cli import options as opt
from pairaug.cli.flatten import flattened
from pairaug.cli.help import Command
from pairaug.cli.output import ConsoleReporter, emit, emit_json
from pairaug.cli.pair_options import PairFlags
from pairaug.errors import ShortfallError, UsageError
from pairaug.reporting import spoken_time

if TYPE_CHECKING:
    from pairaug.pairs.checked import Checked
    from pairaug.registry import Kind
    from pairaug.training.plan import FitOptions

_MASKS_HELP = """Learn to draw new masks from a folder of masks or of pairs, and print the path of the fitted model.

The same command continues an interrupted run.
"""
_TRANSLATOR_HELP = """Learn to paint images for masks from a data set of pairs, and print the path of the fitted model.

The same command continues an interrupted run; more --epochs or --minutes train it further.
"""
_TRANSLATOR_EXAMPLE = """\
pairaug fit-translator ./drive
pairaug fit-translator ./drive --minutes 60 --models ./hour
"""


def register(app: typer.Typer) -> None:
    app.command(
        "fit-masks",
        cls=Command,
        help=_MASKS_HELP,
        epilog="pairaug fit-masks ./drive/masks",
        short_help="Learn to draw new masks.",
    )(_command("masks"))
    app.command(
        "fit-mask-generator",
        cls=Command,
        help=_MASKS_HELP,
        epilog="pairaug fit-mask-generator ./drive/masks",
        hidden=True,
    )(_command("masks"))
    app.command(
        "fit-translator",
        cls=Command,
        help=_TRANSLATOR_HELP,
        epilog=_TRANSLATOR_EXAMPLE,
        short_help="Learn to paint images for masks.",
    )(_command("translator"))


def _command(kind: Kind) -> Callable[..., None]:
    def command(
        ctx: typer.Context,
        source: opt.OptionalSource = None,
        list_file: opt.ListFile = None,
        unlabelled: opt.Unlabelled = None,
        pairs: PairFlags = PairFlags(),
        model: Annotated[
            str | None,
            opt.option(
                "--model",
                panel=opt.LENGTH,
                help="Model to fit; 'auto' chooses by the data (default: auto).",
                metavar="NAME",
            ),
        ] = None,
        epochs: Annotated[
            int | None,
            opt.option(
                "--epochs",
                panel=opt.LENGTH,
                help="Passes over the training pairs (default: the model's own).",
                metavar="N",
            ),
        ] = None,
        minutes: Annotated[
            float | None,
            opt.option(
                "--minutes", panel=opt.LENGTH, help="Train for about M minutes (default: no limit).", metavar="M"
            ),
        ] = None,
        batch_size: opt.TrainingBatch = 1,
        size: opt.Size = None,
        settings: Annotated[
            list[str] | None,
            opt.option(
                "--set",
                panel=opt.LENGTH,
                help="Change a setting of the model, such as base=32; may be repeated.",
                metavar="KEY=VALUE",
            ),
        ] = None,
        sample_epochs: Annotated[
            str | None,
            opt.option(
                "--sample-epochs",
                panel=opt.LENGTH,
                help="Draw sample sheets after these epochs, such as 1,6,11 (default: powers of two).",
                metavar="N,...",
            ),
        ] = None,
        models: opt.Models = Path("pairaug-models"),
        seed: opt.Seed = 0,
        device: opt.Device = "auto",
        precision: opt.Precision = "float32",
        threads: opt.Threads = None,
        tensorboard: opt.TensorBoard = None,
        fresh: opt.Fresh = False,
        no_gate: opt.NoGate = False,
        dry_run: opt.DryRun = False,
        as_json: opt.AsJson = False,
        quiet: opt.Quiet = False,
        verbose: opt.Verbose = False,
    ) -> None:
        reporter = ConsoleReporter(quiet=quiet, verbose=verbose)
        name, lines = opt.source_and_lines(source, list_file)
        selection, policy = pairs.selection(), pairs.policy()
        if threads is not None and threads < 1:
            raise UsageError(f"--threads {threads}: must be 1 or more")
        from pairaug.training.plan import FitOptions, asked_model, checked_source

        options = FitOptions(
            model=model,
            models=models,
            epochs=epochs,
            minutes=minutes,
            batch_size=batch_size,
            size=size,
            seed=seed,
            device=device,
            precision=precision,
            threads=threads,
            settings=opt.settings_of(settings),
            sample_epochs=whole_numbers("--sample-epochs", sample_epochs),
            fresh=fresh,
            gate=not no_gate,
            unlabelled=unlabelled,
            tensorboard=tensorboard,
            command=opt.typed_command(),
            origins=opt.origins_of(ctx),
        )
        asked_model(kind, options)  # refuses what cannot be before torch and the data are loaded
        if dry_run:
            _dry_run(kind, checked_source(kind, name, selection, policy, lines, reporter), options, as_json)
            return
        from pairaug.training.fit import fit

        path, checked = fit(kind, name, options, selection=selection, policy=policy, lines=lines, reporter=reporter)
        reporter.end_progress()
        if as_json:
            emit_json({"model": str(path), "run": str(path.parent), "pairs": len(checked.pairs)})
        else:
            emit(str(path))
        if checked.bad:
            left_out = [entry.reason for entry in checked.bad]
            raise ShortfallError(f"{len(left_out)} pairs were left out by --skip-bad", left_out)

    command.__name__ = f"fit_{kind}"
    return flattened(command, leave_out=() if kind == "translator" else ("unlabelled",))


def _dry_run(kind: Kind, checked: Checked, options: FitOptions, as_json: bool) -> None:
    """What a fit would do, without torch (but where ``--set`` names a model's own settings, which only it knows)."""
    from pairaug.files import human_bytes
    from pairaug.fitted.space import bytes_of_fit, planes_kept
    from pairaug.gates.names import gate_bytes, gate_seconds
    from pairaug.machine.workers import default_threads
    from pairaug.training.choice import settled_model
    from pairaug.training.plan import LOOKING, expected_seconds

    choice = settled_model(kind, options, checked)
    entry = choice.entry
    parameters = entry.parameters
    if options.settings:
        from pairaug.training.fit import parameters_as_asked

        parameters = parameters_as_asked(kind, entry, options, checked)
    size = options.size or entry.size
    seconds = expected_seconds(entry, options, len(checked.pairs), size, parameters)
    held = bytes_of_fit(parameters, [item.size for item in checked.pairs], planes_kept(entry.keeps, checked.channels))
    threads = options.threads or default_threads()
    more = LOOKING.seconds(threads) if options.unlabelled else 0.0
    if options.gate:
        more += gate_seconds(kind, len(checked.pairs), threads)
        held += gate_bytes(kind, len(checked.pairs), checked.label_map.classes)
    if as_json:
        facts = {"pairs": len(checked.pairs), "skipped": len(checked.skipped), "model": entry.name, "size": size}
        emit_json({**facts, "seconds": round(seconds + more), "bytes": held})
        return
    if choice.reason:
        emit(choice.reason)
    emit(f"would fit {entry.name} on {len(checked.pairs)} {'pairs' if checked.channels else 'masks'}")
    for entry_skipped in checked.skipped[:10]:
        emit(f"skips {entry_skipped.path}: {entry_skipped.reason}")
    if len(checked.skipped) > 10:
        emit(f"skips {len(checked.skipped) - 10} more files")
    side = f"working side {size} pixels" if size else "each mask at its own size"
    emit(f"{side}, about {spoken_time(seconds)}, up to {human_bytes(held)} on disk")
    if more:
        parts = ["its gate (--no-gate leaves it out)"] if options.gate else []
        parts += ["what looks for objects in the images of --unlabelled"] if options.unlabelled else []
        emit(f"about {spoken_time(more)} more to fit {' and '.join(parts)}")
