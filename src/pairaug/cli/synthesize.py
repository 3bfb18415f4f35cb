"""``pairaug synthesize``: new pairs from the fitted models."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pairaug.cli import options as opt
from pairaug.cli.help import Command
from pairaug.cli.output import ConsoleReporter, emit, emit_json
from pairaug.errors import ShortfallError
from pairaug.json_text import json_text, parse_json

_EXAMPLE = """\
pairaug synthesize --count 1000 --out ./augmented
pairaug synthesize --masks-from ./drawn --out ./painted
"""


def register(app: typer.Typer) -> None:
    app.command("synthesize", cls=Command, epilog=_EXAMPLE, short_help="Write new pairs with a manifest.")(synthesize)


def synthesize(
    ctx: typer.Context,
    out: Annotated[Path, opt.option("--out", "-o", panel=opt.WHAT, help="Folder of the new data set.", metavar="DIR")],
    count: Annotated[
        int | None,
        opt.option(
            "--count",
            panel=opt.WHAT,
            help="Number of new pairs (default 100, or all that --masks-from gives).",
            metavar="N",
        ),
    ] = None,
    masks_from: Annotated[
        Path | None,
        opt.option(
            "--masks-from", panel=opt.WHAT, help="Paint the masks in DIR instead of drawing new ones.", metavar="DIR"
        ),
    ] = None,
    style_from: Annotated[
        Path | None,
        opt.option(
            "--style-from",
            panel=opt.WHAT,
            help="Paint in the manner of these images: a folder, or a list; of another site, say.",
            metavar="SOURCE",
        ),
    ] = None,
    per_mask: Annotated[
        int, opt.option("--per-mask", panel=opt.WHAT, help="Images to paint for each mask (default 1).", metavar="K")
    ] = 1,
    area: Annotated[
        str | None,
        opt.option(
            "--area",
            panel=opt.WHAT,
            help="Share of the frame that is foreground, such as 0.02-0.2 (default: any).",
            metavar="LOW-HIGH",
        ),
    ] = None,
    parts: Annotated[
        str | None,
        opt.option(
            "--parts",
            panel=opt.WHAT,
            help="Connected parts of the foreground, such as 1-20 (default: any).",
            metavar="LOW-HIGH",
        ),
    ] = None,
    include_class: Annotated[
        str | None,
        opt.option(
            "--include-class",
            panel=opt.WHAT,
            help="Label value that every new mask holds (default: any).",
            metavar="VALUE",
        ),
    ] = None,
    format: opt.Format = "mirror",
    images_as: opt.ImagesAs = None,
    masks_as: opt.MasksAs = None,
    class_names: opt.ClassNames = None,
    prefix: opt.Prefix = "synthetic_",
    include_originals: Annotated[
        bool,
        opt.option(
            "--include-originals",
            panel=opt.WHAT,
            help="Add the training pairs under their own names, as hard links where possible.",
        ),
    ] = False,
    originals: Annotated[
        Path | None,
        opt.option(
            "--originals",
            panel=opt.WHAT,
            help="Folder where the training pairs lie now (default: where they lay).",
            metavar="DIR",
        ),
    ] = None,
    add_to: Annotated[
        Path | None,
        opt.option(
            "--add-to",
            panel=opt.WHAT,
            help="Also add the new pairs to this folder of pairs; no file of it is written over (default: none).",
            metavar="DIR",
        ),
    ] = None,
    license: opt.License = None,
    gates: opt.Gates = "all",
    models: opt.Models = Path("pairaug-models"),
    seed: opt.Seed = 0,
    batch_size: Annotated[
        int,
        opt.option(
            "--batch-size", panel="Running", help="Pairs that a thread paints together (default 4).", metavar="N"
        ),
    ] = 4,
    device: opt.Device = "auto",
    threads: opt.Threads = None,
    overwrite: opt.Overwrite = False,
    dry_run: opt.DryRun = False,
    as_json: opt.AsJson = False,
    jsonl: Annotated[
        bool,
        typer.Option(
            "--jsonl", help="Print the manifest rows on stdout, one JSON object a line.", rich_help_panel="Running"
        ),
    ] = False,
    quiet: opt.Quiet = False,
    verbose: opt.Verbose = False,
) -> None:
    """Write new image/mask pairs in the layout of the originals, with a manifest, and print the folder.

    The same command continues an interrupted run; a larger --count extends the set. With --include-originals the
    training pairs come first; they are links, so editing one of these files changes the original.
    """
    from pairaug.synthesis.formats import check_format
    from pairaug.synthesis.formats.wishes import wishes_of

    check_format(format)
    wishes_of(images_as, masks_as, class_names)
    if dry_run:
        from pairaug.synthesis.steering import check_ranges

        check_ranges(area, parts)
        _dry_run(out, count, models, as_json, masks_from, per_mask, gates)
        return
    from pairaug.synthesis.run import SynthesisOptions, synthesize_rows

    options = SynthesisOptions(
        count=count,
        models=models,
        seed=seed,
        masks_from=masks_from,
        style_from=style_from,
        per_mask=per_mask,
        area=area,
        parts=parts,
        include_class=include_class,
        batch_size=batch_size,
        device=device,
        threads=threads,
        overwrite=overwrite,
        format=format,
        images_as=images_as,
        masks_as=masks_as,
        class_names=class_names,
        prefix=prefix,
        include_originals=include_originals,
        originals=originals,
        add_to=add_to,
        license=license,
        gates=gates,
        origins=opt.origins_of(ctx),
    )
    reporter = ConsoleReporter(quiet=quiet, verbose=verbose)
    try:
        path, rows, given_up = synthesize_rows(out, options, reporter=reporter)
    finally:
        reporter.end_progress()
    if jsonl:
        for row in rows:
            emit(json_text(row))
    elif as_json:
        emit_json({"out": str(path), "pairs": len(rows), "manifest": str(path / "manifest.json")})
    else:
        emit(str(path))
    if given_up:
        raise ShortfallError(f"{given_up} pairs were given up by the gates; manifest.json says why")


def _dry_run(
    out: Path, count: int | None, models: Path, as_json: bool, masks_from: Path | None, per_mask: int, gates: str
) -> None:
    """What would be made, from the models' records alone; no torch."""
    from pairaug.errors import UsageError
    from pairaug.files import human_bytes
    from pairaug.gates.names import GATE_FILES, GATE_OF, wanted_gates
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
    kinds = ("masks", "translator") if masks_from is None else ("translator",)
    names, side, size = _recorded(models, kinds, wanted)
    seconds = wanted * 0.2 * (side / 256) ** 2
    there = [
        GATE_OF[kind] for kind in GATE_OF if kind in kinds and (models / kind / GATE_FILES[GATE_OF[kind]]).is_file()
    ]
    judging = [name for name in there if name in wanted_gates(gates)]
    if as_json:
        facts = {"out": str(out), "pairs": wanted, "models": names, "gates": judging}
        emit_json({**facts, "seconds": round(seconds), "bytes": size})
        return
    masks = f"masks by {names['masks']}" if masks_from is None else f"masks of {masks_from}"
    emit(f"would write {wanted} pairs to {out}: {masks}, images by {names['translator']}")
    emit(f"gates: {', '.join(judging) or 'none'}")
    emit(f"about {spoken_time(seconds)}, up to {human_bytes(size)} on disk")


def _recorded(models: Path, kinds: tuple[str, ...], wanted: int) -> tuple[dict[str, str], int, int]:
    """The models' names by kind, the side that the translator works at, and the bytes that so many pairs take."""
    from pairaug.errors import DataError, ModelError
    from pairaug.files import read_json_lines
    from pairaug.fitted.space import bytes_of_pairs, plain_bytes
    from pairaug.pairs.form import Form

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
                pairs = [row for row in read_json_lines(run.with_name("pairs.jsonl")) if "mask_template" in row]
                # A form is written out where it appears first, and is a number after that.
                plain = plain_bytes(Form(**row["image_form"]) for row in pairs if isinstance(row["image_form"], dict))
                size = bytes_of_pairs(wanted, [row["size"] for row in pairs], plain)
        except (DataError, ValueError, KeyError, TypeError, IndexError, ZeroDivisionError):
            raise ModelError(f"{run.parent}: holds damaged records; fit again with --fresh") from None
    return names, side, size
