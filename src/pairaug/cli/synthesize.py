"""``pairaug synthesize``: new pairs from the fitted models."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pairaug.cli import options as opt
from pairaug.cli.output import ConsoleReporter, emit, emit_json
from pairaug.json_text import json_text, parse_json

_WHAT = "What to make"


def register(app: typer.Typer) -> None:
    app.command("synthesize", short_help="Write new pairs, with a manifest.")(synthesize)


def synthesize(
    ctx: typer.Context,
    out: Annotated[Path, opt.option("--out", "-o", panel=_WHAT, help="Where the data set goes.", metavar="DIR")],
    count: Annotated[int | None, opt.option("--count", panel=_WHAT, help="Pairs (default 100).", metavar="N")] = None,
    masks_from: Annotated[
        Path | None, opt.option("--masks-from", panel=_WHAT, help="Paint these masks instead.", metavar="DIR")
    ] = None,
    per_mask: Annotated[int, opt.option("--per-mask", panel=_WHAT, help="Images a mask (default 1).", metavar="K")] = 1,
    format: Annotated[
        str, opt.option("--format", panel=_WHAT, help="mirror (default), nnunet, coco or webdataset.", metavar="NAME")
    ] = "mirror",
    include_originals: Annotated[
        bool, opt.option("--include-originals", panel=_WHAT, help="The training pairs too (as hard links).")
    ] = False,
    originals: Annotated[
        Path | None, opt.option("--originals", panel=_WHAT, help="Where the training pairs lie now.", metavar="DIR")
    ] = None,
    license: Annotated[
        str | None, opt.option("--license", panel=_WHAT, help="Terms to name in the records.", metavar="TEXT")
    ] = None,
    models: opt.Models = Path("pairaug-models"),
    seed: opt.Seed = 0,
    batch_size: Annotated[
        int, opt.option("--batch-size", panel="Running", help="Pairs in work at once (default 4).")
    ] = 4,
    threads: opt.Threads = None,
    overwrite: Annotated[
        bool,
        typer.Option("--overwrite", help="Replace the files of another set.", rich_help_panel="Running"),
    ] = False,
    dry_run: opt.DryRun = False,
    as_json: opt.AsJson = False,
    jsonl: Annotated[
        bool, typer.Option("--jsonl", help="The manifest rows on stdout.", rich_help_panel="Running")
    ] = False,
    quiet: opt.Quiet = False,
    verbose: opt.Verbose = False,
) -> None:
    """Write an augmented data set: new image/mask pairs in the layout of the originals, with a manifest.

    With --include-originals the training pairs come first, and editing a linked file changes the original.
    Prints the folder. The same command continues an interrupted run; a larger --count extends the set.
    """
    from pairaug.synthesis.formats import check_format

    check_format(format)
    if dry_run:
        _dry_run(out, count, models, as_json, masks_from, per_mask)
        return
    from pairaug.synthesis.run import SynthesisOptions, synthesize_rows

    options = SynthesisOptions(
        count=count,
        models=models,
        seed=seed,
        masks_from=masks_from,
        per_mask=per_mask,
        batch_size=batch_size,
        threads=threads,
        overwrite=overwrite,
        format=format,
        include_originals=include_originals,
        originals=originals,
        license=license,
        origins=opt.origins_of(ctx),
    )
    reporter = ConsoleReporter(quiet=quiet, verbose=verbose)
    try:
        path, rows = synthesize_rows(out, options, reporter=reporter)
    finally:
        reporter.end_progress()
    if jsonl:
        for row in rows:
            emit(json_text(row))
    elif as_json:
        emit_json({"out": str(path), "pairs": len(rows), "manifest": str(path / "manifest.json")})
    else:
        emit(str(path))


def _dry_run(out: Path, count: int | None, models: Path, as_json: bool, masks_from: Path | None, per_mask: int) -> None:
    """What would be made, from the models' records alone; no torch."""
    from pairaug.errors import UsageError
    from pairaug.files import human_bytes
    from pairaug.reporting import spoken_time

    for flag, value in (("--count", count), ("--per-mask", per_mask)):
        if value is not None and value < 1:
            raise UsageError(f"{flag} {value}: must be 1 or more")
    wanted = 100 if count is None else count
    if masks_from is not None:
        from pairaug.pairs.source import find_masks

        given = len(find_masks(masks_from).pairs)
        wanted = given * per_mask if count is None else count
        if wanted > given * per_mask:
            raise UsageError(f"--count {count}: --masks-from holds {given} masks, enough for {given * per_mask}")
    names, side, pixels = _recorded(models, ("masks", "translator") if masks_from is None else ("translator",))
    # Half a byte a pixel and channel is what photographs take as PNG or good JPEG.
    size, seconds = int(wanted * pixels * 1.6), wanted * 0.2 * (side / 256) ** 2
    if as_json:
        emit_json({"out": str(out), "pairs": wanted, "models": names, "seconds": round(seconds), "bytes": size})
        return
    masks = f"masks by {names['masks']}" if masks_from is None else f"masks of {masks_from}"
    emit(f"would write {wanted} pairs to {out}: {masks}, images by {names['translator']}")
    emit(f"about {spoken_time(seconds)}, about {human_bytes(size)} on disk")


def _recorded(models: Path, kinds: tuple[str, ...]) -> tuple[dict[str, str], int, float]:
    """The models' names by kind, the side that the translator works at, and the mean pixels of its training pairs."""
    from pairaug.errors import DataError, ModelError
    from pairaug.files import read_json_lines

    names = {}
    for kind in kinds:
        run = models / kind / "run.json"
        if not (models / kind / "model.safetensors").is_file() or not run.is_file():
            raise ModelError(
                f"{models / kind}: no fitted model here; make it with: "
                "pairaug fit-masks SOURCE && pairaug fit-translator SOURCE"
            )
        try:
            identity = parse_json(run.read_bytes())["identity"]
            names[kind] = str(identity["model"])
            if kind == "translator":
                side = int(identity["size"][0])
                sizes = [row["size"] for row in read_json_lines(run.with_name("pairs.jsonl"))]
                pixels = sum(width * height for width, height in sizes) / len(sizes)
        except (DataError, ValueError, KeyError, TypeError, IndexError, ZeroDivisionError):
            raise ModelError(f"{run.parent}: holds damaged records; fit again with --fresh") from None
    return names, side, pixels
