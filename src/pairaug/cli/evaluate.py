"""``pairaug evaluate``: what are the new pairs worth?"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from pairaug.api.evaluating import (
    UtilityAsked,
    evaluation_options,
    refuse_lone,
    refuse_nothing_measured,
    refuse_outputs,
    write_outputs,
)
from pairaug.cli import options as opt
from pairaug.cli.flatten import flattened
from pairaug.cli.help import Command
from pairaug.cli.output import ConsoleReporter, emit, emit_json
from pairaug.cli.pair_options import PairFlags
from pairaug.errors import ShortfallError
from pairaug.machine.signals import ending_by_signal
from pairaug.reporting import Reporter

_MEASURE, _UTILITY = "What to measure", "Whether the pairs help"


class UtilityFlags(UtilityAsked):
    """``UtilityAsked`` with the flag and the help of each; types and defaults are those of ``UtilityAsked``."""

    utility: Annotated[
        bool,
        opt.option(
            "--utility",
            panel=_UTILITY,
            help="Train a segmenter with and without the synthetic pairs. Slow; an interrupted run continues.",
        ),
    ]
    test: Annotated[
        Path | None,
        opt.option("--test", panel=_UTILITY, help="Real pairs to test on, which no model saw.", metavar="SOURCE"),
    ]
    fitted_on: Annotated[
        Path | None,
        opt.option(
            "--fitted-on",
            panel=_UTILITY,
            help="List of the pairs that the models saw, where no manifest says it.",
            metavar="LIST",
        ),
    ]
    unlabelled: Annotated[
        Path | None,
        opt.option(
            "--unlabelled",
            panel=_UTILITY,
            help="Images without masks: a folder, whose masks are ignored, or a list.",
            metavar="SOURCE",
        ),
    ]
    oracle: Annotated[
        Path | None,
        opt.option(
            "--oracle",
            panel=_UTILITY,
            help="Further real pairs, whose masks no model saw, to tell how much there was to gain.",
            metavar="SOURCE",
        ),
    ]
    seeds: Annotated[
        int, opt.option("--seeds", panel=_UTILITY, help="Training runs of each arm (default 3).", metavar="N")
    ]
    share: Annotated[
        str,
        opt.option(
            "--share",
            panel=_UTILITY,
            help="Shares of synthetic pairs among those drawn in training; 0.5-0 falls to 0 (default 0.5).",
            metavar="S,...",
        ),
    ]
    sizes: Annotated[
        str | None,
        opt.option(
            "--sizes",
            panel=_UTILITY,
            help="Numbers of real pairs on the learning curve (default: chosen by how many there are).",
            metavar="N,...",
        ),
    ]
    arms: Annotated[
        str | None,
        opt.option(
            "--arms",
            panel=_UTILITY,
            help="Arms to train: classical, the baseline, and real, warped, dilution, copy-paste, self-training, "
            "histogram-matching, amplitude-swap, oracle, synthetic, synthetic-alone (default: classical, copy-paste, "
            "and what there is data for).",
            metavar="A,...",
        ),
    ]
    curve: Annotated[
        str | None,
        opt.option(
            "--curve",
            panel=_UTILITY,
            help="Arms on the learning curve: real, classical, warped, or none (default none).",
            metavar="A,...",
        ),
    ]
    preset: Annotated[
        str,
        opt.option("--preset", panel=_UTILITY, help="How long to train: quick or full (default full).", metavar="NAME"),
    ]
    steps: Annotated[
        int | None,
        opt.option(
            "--steps", panel=_UTILITY, help="Optimiser steps of each run (default: by the preset).", metavar="N"
        ),
    ]


_EXAMPLE = """\
pairaug evaluate ./drive ./augmented --html page.html
pairaug evaluate ./drive ./augmented --utility --test ./drive-test
"""


def register(app: typer.Typer) -> None:
    app.command("evaluate", cls=Command, epilog=_EXAMPLE, short_help="Measure synthetic pairs against real ones.")(
        flattened(evaluate)
    )


def evaluate(
    real: Annotated[
        str,
        typer.Argument(
            help="Real pairs: a folder, a list file, or '-' to read a list from stdin.",
            metavar="REAL",
            show_default=False,
        ),
    ],
    synthetic: Annotated[
        Path | None,
        typer.Argument(
            help="Synthetic pairs, of any tool: a folder or a list file. Only --utility does without.",
            metavar="SYNTHETIC",
            show_default=False,
        ),
    ] = None,
    parts: Annotated[
        str | None,
        opt.option(
            "--parts",
            panel=_MEASURE,
            help="Parts to measure: masks, images, novelty, agreement, and utility with --utility (default: all).",
            metavar="A,...",
        ),
    ] = None,
    sample: Annotated[
        int,
        opt.option("--sample", panel=_MEASURE, help="Look at N synthetic pairs at most (default 200).", metavar="N"),
    ] = 200,
    max_minutes: Annotated[
        float | None,
        opt.option(
            "--max-minutes",
            panel=_MEASURE,
            help="Take about M minutes; parts that would take longer are left out (default: no limit).",
            metavar="M",
        ),
    ] = None,
    utility: UtilityFlags = UtilityFlags(),
    html: Annotated[
        Path | None, opt.option("--html", panel=_MEASURE, help="Write the results as an HTML page too.", metavar="FILE")
    ] = None,
    out_items: Annotated[
        Path | None,
        opt.option(
            "--out-items", panel=_MEASURE, help="Write a JSON line for each synthetic pair looked at.", metavar="FILE"
        ),
    ] = None,
    card: Annotated[
        bool,
        typer.Option("--card", help="Enter the answers into the README.md of SYNTHETIC.", rich_help_panel=_MEASURE),
    ] = False,
    pairs: PairFlags = PairFlags(),
    models: opt.Models = Path("pairaug-models"),
    cache: Annotated[
        Path | None,
        opt.option(
            "--cache", panel="Running", help="Folder of fitted segmenters (default MODELS/segmenter).", metavar="DIR"
        ),
    ] = None,
    seed: opt.Seed = 0,
    device: opt.Device = "auto",
    threads: opt.Threads = None,
    as_json: opt.AsJson = False,
    quiet: opt.Quiet = False,
    verbose: opt.Verbose = False,
) -> None:
    """Measure synthetic pairs against real ones: are they new, real, varied, and true to their masks?

    Ratios compare sets of equal size: 1 means that synthetic pairs differ from real ones as much as real pairs differ
    from each other. Beside each figure stands what held-out real pairs score. Options that choose files apply to REAL;
    options on values apply to both sets.
    """
    refuse_lone(synthetic, utility, parts, out_items)
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
        device=device,
        threads=threads,
    )
    refuse_outputs(html, out_items, card, synthetic)
    from pairaug.evaluation.evaluate import measure, open_sets
    from pairaug.machine.ranks import joined

    reporter: Reporter = ConsoleReporter(quiet=quiet, verbose=verbose)
    with ExitStack() as held:
        ranks = held.enter_context(joined())
        if not ranks.first:
            if options.utility is None:  # nothing to share
                return
            reporter = Reporter()
        held.enter_context(ending_by_signal())
        sets = held.enter_context(open_sets(name, synthetic, options, reporter))
        result = measure(sets, options, reporter, ranks)
        if not ranks.first:
            return
        for remark in result.remarks:
            reporter.note(remark)
        write_outputs(
            result,
            sets,
            html=html,
            out_items=out_items,
            real=real,
            command=opt.typed_command(),
            models=models,
            card=card,
        )
        if as_json:
            from pairaug.evaluation.views.as_json import as_json as content_of

            emit_json(content_of(result, sets))
        else:
            from pairaug.evaluation.views.as_text import as_text

            emit(as_text(result, sets))
        refuse_nothing_measured(result, sets, options)
        bad = (*sets.real.checked.bad, *sets.synthetic.items.checked.bad, *result.skipped)
    if bad:
        raise ShortfallError(f"{len(bad)} pairs left out by --skip-bad", [entry.reason for entry in bad])
