"""``pairaug evaluate``: what are the new pairs worth?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pairaug.cli import options as opt
from pairaug.cli.flatten import flattened
from pairaug.cli.output import ConsoleReporter, emit, emit_json
from pairaug.cli.pair_options import PairOptions
from pairaug.errors import OutputError, ShortfallError, UsageError
from pairaug.files import clear_temporaries_of, json_lines, probe_output, write_atomic
from pairaug.machine.signals import ending_by_signal
from pairaug.reporting import spoken_time

if TYPE_CHECKING:
    from pairaug.evaluation.utility.options import UtilityOptions

# What an earlier page and an earlier list of items hold near their beginning, and no data of a user.
_PAGE_MARK, _ITEM_MARK = b'content="pairaug evaluate"', b'"nearest_mask_distance"'
_MEASURE, _UTILITY = "What to measure", "Does it help?"


def register(app: typer.Typer) -> None:
    app.command("evaluate", short_help="Measure synthetic pairs against real ones.")(flattened(evaluate))


def evaluate(
    real: Annotated[str, typer.Argument(help="Real pairs: a folder, a list file, or '-'.", show_default=False)],
    synthetic: Annotated[
        Path, typer.Argument(help="Synthetic pairs: any folder of pairs, or a list file.", show_default=False)
    ],
    parts: Annotated[
        str | None,
        opt.option("--parts", panel=_MEASURE, help="masks, images, novelty, agreement, utility (all).", metavar="A,B"),
    ] = None,
    sample: Annotated[
        int, opt.option("--sample", panel=_MEASURE, help="Look at so many synthetic pairs (200).", metavar="N")
    ] = 200,
    max_minutes: Annotated[
        float | None,
        opt.option("--max-minutes", panel=_MEASURE, help="What takes longer is left out, named.", metavar="M"),
    ] = None,
    utility: Annotated[
        bool, opt.option("--utility", panel=_UTILITY, help="Train on the pairs: do they help? Slow; resumes.")
    ] = False,
    test: Annotated[
        Path | None, opt.option("--test", panel=_UTILITY, help="Real pairs that no model saw.", metavar="SOURCE")
    ] = None,
    fitted_on: Annotated[
        Path | None,
        opt.option("--fitted-on", panel=_UTILITY, help="The pairs that the models saw, as a list.", metavar="LIST"),
    ] = None,
    seeds: Annotated[int, opt.option("--seeds", panel=_UTILITY, help="Runs of every arm (3).", metavar="N")] = 3,
    share: Annotated[
        str, opt.option("--share", panel=_UTILITY, help="Synthetic share of the draws (0.5).", metavar="S,...")
    ] = "0.5",
    sizes: Annotated[
        str | None,
        opt.option("--sizes", panel=_UTILITY, help="Numbers of real pairs of the learning curve.", metavar="N,..."),
    ] = None,
    arms: Annotated[
        str | None,
        opt.option(
            "--arms", panel=_UTILITY, help="real, classical, warped, synthetic, synthetic-alone (all).", metavar="A,..."
        ),
    ] = None,
    curve: Annotated[
        str | None,
        opt.option("--curve", panel=_UTILITY, help="Arms that run at all sizes, or none.", metavar="A,..."),
    ] = None,
    preset: Annotated[
        str, opt.option("--preset", panel=_UTILITY, help="quick or full (default).", metavar="NAME")
    ] = "full",
    html: Annotated[Path | None, opt.option("--html", panel=_MEASURE, help="Write a page.", metavar="FILE")] = None,
    out_items: Annotated[
        Path | None, opt.option("--out-items", panel=_MEASURE, help="Write a JSON line a pair.", metavar="FILE")
    ] = None,
    pairs: PairOptions = PairOptions(),
    models: opt.Models = Path("pairaug-models"),
    cache: Annotated[
        Path | None,
        opt.option("--cache", panel="Running", help="Fitted segmenters (MODELS/segmenter).", metavar="DIR"),
    ] = None,
    seed: opt.Seed = 0,
    threads: opt.Threads = None,
    as_json: opt.AsJson = False,
    quiet: opt.Quiet = False,
    verbose: opt.Verbose = False,
) -> None:
    """Measure synthetic pairs against real ones: new, real, varied, true to their masks?

    Every ratio compares sets of equal size, 1 means as different as real from real, and stands beside what held-out
    real pairs score. The flags that choose files are for REAL; those on values hold for both sets.
    """
    wanted = None if parts is None else tuple(part.strip() for part in parts.split(","))
    if wanted is not None and ("utility" in wanted) != utility:
        raise UsageError(f"--parts {parts}: utility is measured with --utility and stands in --parts, or neither")
    usefulness = _utility_options(utility, test, fitted_on, models, seeds, seed, share, sizes, arms, curve, preset)
    from pairaug.evaluation.evaluate import PARTS, EvaluationOptions, measure, open_sets
    from pairaug.evaluation.utility.usefulness import UtilityRequest

    listed = Path(real) if real != "-" and Path(real).is_file() else None
    name, lines = opt.source_and_lines(None if listed else real, listed)
    options = EvaluationOptions(
        selection=pairs.selection(),
        policy=pairs.policy(),
        lines=lines,
        sample=sample,
        seed=seed,
        max_minutes=max_minutes,
        parts=wanted or PARTS,
        cache=cache or models / "segmenter",
        threads=threads,
        utility=None if usefulness is None else UtilityRequest(usefulness, test, fitted_on),
    )
    refuse_outputs(html, out_items)
    reporter = ConsoleReporter(quiet=quiet, verbose=verbose)
    with ending_by_signal(), open_sets(name, synthetic, options, reporter) as sets:
        result = measure(sets, options, reporter)
        for remark in result.remarks:
            reporter.note(remark)
        if out_items is not None:
            from pairaug.evaluation.views.item_rows import item_rows

            write_atomic(out_items, json_lines(item_rows(result, sets)))
        if html is not None:
            from pairaug.evaluation.views.page import Invocation, page_of
            from pairaug.report.page.document import render

            invocation = Invocation(str(real), str(synthetic), opt.typed_command(), models)
            write_atomic(html, render(page_of(result, sets, invocation)).encode())
        if as_json:
            from pairaug.evaluation.views.as_json import as_json as content_of

            emit_json(content_of(result, sets))
        else:
            from pairaug.evaluation.views.as_text import as_text

            emit(as_text(result, sets))
        if result.out_of_time:
            from pairaug.evaluation.evaluate import expected_seconds

            needed = spoken_time(expected_seconds(sets, options))
            raise ShortfallError(f"nothing was measured within --max-minutes {max_minutes:g}; give it about {needed}")
        bad = (*sets.real.checked.bad, *sets.synthetic.items.checked.bad, *result.skipped)
    if bad:
        raise ShortfallError(f"{len(bad)} pairs left out by --skip-bad", [entry.reason for entry in bad])


def refuse_outputs(html: Path | None, out_items: Path | None) -> None:
    """What could not be written in the end is told before anything is measured."""
    for flag, path, mark in (("--html", html, _PAGE_MARK), ("--out-items", out_items, _ITEM_MARK)):
        if path is None:
            continue
        if path.is_dir():
            raise UsageError(f"{flag} {path}: is a folder; give the name of a file")
        if path.exists() and not (path.is_file() and _is_earlier(path, mark)):
            raise OutputError(f"{flag} {path}: exists and is not one that evaluate wrote; give another name")
        probe_output(path.parent)
        clear_temporaries_of(path)
    if html is not None and out_items is not None and html.resolve() == out_items.resolve():
        raise UsageError(f"--html and --out-items: both name {html}; give two files")


def _is_earlier(path: Path, mark: bytes) -> bool:
    """Whether a file is empty or begins as ``mark`` says: only that may be replaced."""
    with path.open("rb") as file:
        head = file.read(4096)
    return not head or mark in head


def _utility_options(
    wanted: bool,
    test: Path | None,
    fitted_on: Path | None,
    models: Path,
    seeds: int,
    seed: int,
    share: str,
    sizes: str | None,
    arms: str | None,
    curve: str | None,
    preset: str,
) -> UtilityOptions | None:
    from pairaug.evaluation.utility.options import (
        ARM_NAMES,
        REAL_ARMS,
        UtilityOptions,
        parse_names,
        parse_shares,
        parse_sizes,
    )

    if not wanted:
        for flag, value in (("--test", test), ("--fitted-on", fitted_on)):
            if value is not None:
                raise UsageError(f"{flag} {value}: only together with --utility")
        return None
    return UtilityOptions(
        arms=parse_names(arms, ARM_NAMES),
        curve=parse_names(curve, REAL_ARMS),
        shares=parse_shares(share),
        sizes=parse_sizes(sizes),
        seeds=seeds,
        seed=seed,
        preset=preset,
        cells=models / "utility",
    )
