"""``pairaug evaluate``: what are the new pairs worth?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pairaug.api.evaluating import (
    UtilityAsked,
    evaluation_options,
    refuse_nothing_measured,
    refuse_outputs,
    write_outputs,
)
from pairaug.cli import options as opt
from pairaug.cli.flatten import flattened
from pairaug.cli.output import ConsoleReporter, emit, emit_json
from pairaug.cli.pair_options import PairFlags
from pairaug.errors import ShortfallError
from pairaug.machine.signals import ending_by_signal

_MEASURE, _UTILITY = "What to measure", "Does it help?"


class UtilityFlags(UtilityAsked):
    """``UtilityAsked`` with the flag and the help of each; types and defaults are those of ``UtilityAsked``."""

    utility: Annotated[
        bool, opt.option("--utility", panel=_UTILITY, help="Train on the pairs: do they help? Slow; resumes.")
    ]
    test: Annotated[
        Path | None, opt.option("--test", panel=_UTILITY, help="Real pairs that no model saw.", metavar="SOURCE")
    ]
    fitted_on: Annotated[
        Path | None,
        opt.option("--fitted-on", panel=_UTILITY, help="The pairs that the models saw, as a list.", metavar="LIST"),
    ]
    seeds: Annotated[int, opt.option("--seeds", panel=_UTILITY, help="Runs of every arm (3).", metavar="N")]
    share: Annotated[
        str, opt.option("--share", panel=_UTILITY, help="Synthetic share of the draws (0.5).", metavar="S,...")
    ]
    sizes: Annotated[
        str | None,
        opt.option("--sizes", panel=_UTILITY, help="Numbers of real pairs of the learning curve.", metavar="N,..."),
    ]
    arms: Annotated[
        str | None,
        opt.option(
            "--arms", panel=_UTILITY, help="real, classical, warped, synthetic, synthetic-alone (all).", metavar="A,..."
        ),
    ]
    curve: Annotated[
        str | None,
        opt.option("--curve", panel=_UTILITY, help="Arms that run at all sizes, or none.", metavar="A,..."),
    ]
    preset: Annotated[str, opt.option("--preset", panel=_UTILITY, help="quick or full (default).", metavar="NAME")]


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
    utility: UtilityFlags = UtilityFlags(),
    html: Annotated[Path | None, opt.option("--html", panel=_MEASURE, help="Write a page.", metavar="FILE")] = None,
    out_items: Annotated[
        Path | None, opt.option("--out-items", panel=_MEASURE, help="Write a JSON line a pair.", metavar="FILE")
    ] = None,
    pairs: PairFlags = PairFlags(),
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
    listed = Path(real) if real != "-" and Path(real).is_file() else None
    name, lines = opt.source_and_lines(None if listed else real, listed)
    options = evaluation_options(
        pairs,
        utility,
        lines,
        parts=parts,
        sample=sample,
        max_minutes=max_minutes,
        models=models,
        cache=cache,
        seed=seed,
        threads=threads,
    )
    refuse_outputs(html, out_items)
    from pairaug.evaluation.evaluate import measure, open_sets

    reporter = ConsoleReporter(quiet=quiet, verbose=verbose)
    with ending_by_signal(), open_sets(name, synthetic, options, reporter) as sets:
        result = measure(sets, options, reporter)
        for remark in result.remarks:
            reporter.note(remark)
        write_outputs(
            result, sets, html=html, out_items=out_items, real=real, command=opt.typed_command(), models=models
        )
        if as_json:
            from pairaug.evaluation.as_json import as_json as content_of

            emit_json(content_of(result, sets))
        else:
            from pairaug.evaluation.as_text import as_text

            emit(as_text(result, sets))
        refuse_nothing_measured(result, sets, options)
        bad = (*sets.real.checked.bad, *sets.synthetic.items.checked.bad, *result.skipped)
    if bad:
        raise ShortfallError(f"{len(bad)} pairs left out by --skip-bad", [entry.reason for entry in bad])
