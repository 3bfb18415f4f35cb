"""The measurement itself: choose sides, plan, say how long, run what is not saved yet, answer.

measure_utility(real, synthetic, test, fitting, setting, trainer, options, reporter) -> Utility

A run that is killed loses at most the cell under way: the same call goes on. With a time budget, cells that are
expected to end after it are left out and named; saved ones are always read.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from pairaug.evaluation.utility.arms import Available, chosen_arms
from pairaug.evaluation.utility.beside import NOTHING, Beside
from pairaug.evaluation.utility.cells import CellFolder, Context, Scored
from pairaug.evaluation.utility.identity import Fitting
from pairaug.evaluation.utility.judging import judge_cells
from pairaug.evaluation.utility.lazy_pairs import LazyExamples, LazyPair
from pairaug.evaluation.utility.options import UtilityOptions
from pairaug.evaluation.utility.plan import Cell, Plan, make_plan
from pairaug.evaluation.utility.result import Utility
from pairaug.evaluation.utility.running import CellSetup, run_cells
from pairaug.evaluation.utility.sides import Sides, choose_sides
from pairaug.evaluation.utility.slender import slender_classes
from pairaug.files import probe_output
from pairaug.machine.ranks import ALONE, Ranks
from pairaug.machine.threads import one_thread_each
from pairaug.reporting import Reporter, spoken_time
from pairaug.segmenter.base import Trainer


@dataclass(frozen=True)
class Setting:
    """``classes`` with the background; ``reading``: how files became arrays; ``grouped``: groups are known."""

    classes: int
    reading: str
    grouped: bool


def measure_utility(
    real: Sequence[LazyPair],
    synthetic: Sequence[LazyPair],
    test: Sequence[LazyPair] | None,
    fitting: Fitting,
    setting: Setting,
    trainer: Trainer,
    options: UtilityOptions,
    reporter: Reporter,
    workers: int = 1,
    clock: Callable[[], float] = time.monotonic,
    ranks: Ranks = ALONE,
    beside: Beside = NOTHING,
) -> Utility:
    """``test`` None: a split of ``real`` by groups; ``workers``: cells at once, without effect on any of them.

    ``beside``: images without masks, and pairs whose masks no model saw.

    Raises DataError where a comparison would not be honest.
    """
    began = clock()
    reporter.note("utility: looking for test pairs among what was trained on, also in disguise")
    rng = np.random.default_rng([options.seed, 6])
    with one_thread_each():
        sides = choose_sides(
            real, synthetic, fitting, test, grouped=setting.grouped, rng=rng, reporter=reporter, beside=beside
        )
    for note in sides.notes:
        reporter.note(f"utility: {note}")
    available = Available(bool(sides.synthetic), bool(sides.unlabelled), bool(sides.oracle))
    plan = make_plan(options, chosen_arms(options, available), sides.real, sides.extra)
    tests = LazyExamples(sides.test)
    context = _context(sides, tests, setting, trainer)
    probe_output(options.cells)
    cells = CellFolder(options.cells, context, reporter)
    # One rank looks: another might see cells that were finished meanwhile, and leave out others.
    done = ranks.told(lambda: {cell: found for cell in plan.cells if (found := cells.read(cell)) is not None})
    reporter.note(announcement(plan, done, trainer, options, workers * ranks.count))
    budget = None if options.max_seconds is None else options.max_seconds - (clock() - began)
    setup = CellSetup(cells, context, tests, trainer, reporter, clock, budget, workers, ranks)
    run_cells([cell for cell in plan.cells if cell not in done], done, setup)
    return judge_cells(
        plan=plan,
        done=done,
        groups=_group_numbers(sides.test),
        worthwhile=options.worthwhile,
        rng=np.random.default_rng([options.seed, 7]),
        facts=_facts(sides, options, trainer),
        notes=sides.notes,
    )


def _context(sides: Sides, tests: LazyExamples, setting: Setting, trainer: Trainer) -> Context:
    return Context(
        pool=(*sides.real, *sides.extra),
        synthetic=sides.synthetic,
        oracle=sides.oracle,
        unlabelled=sides.unlabelled,
        test=sides.test,
        reading=setting.reading,
        classes=setting.classes,
        slender=slender_classes(tests, setting.classes),
        trainer=trainer.name,
    )


def _group_numbers(test: Sequence[LazyPair]) -> list[int]:
    """The group of every test pair, numbered from 0 in the order in which they appear."""
    numbers = {group: number for number, group in enumerate(dict.fromkeys(item.group for item in test))}
    return [numbers[item.group] for item in test]


def announcement(plan: Plan, done: dict[Cell, Scored], trainer: Trainer, options: UtilityOptions, workers: int) -> str:
    """What is to be run and about how long it takes."""
    left = [cell for cell in plan.cells if cell not in done]
    arms = len({cell.arm for cell in plan.cells})
    others = ", ".join(str(size) for size in plan.sizes if size != plan.own)
    curve = f", the learning curve also at {others}" if others else ""
    seconds = sum(trainer.seconds(cell.size) for cell in left) / max(1, min(workers, len(left)))
    time_left = f"about {spoken_time(seconds)}" if left else "nothing left to do"
    if options.max_seconds is not None and seconds > options.max_seconds:
        time_left += f", of which --max-minutes allows {spoken_time(options.max_seconds)}"
    return (
        f"utility: {len(plan.cells)} cells ({arms} arms at {plan.own} real pairs{curve}; {options.seeds} seeds), "
        f"{len(done)} saved; {time_left}"
    )


def _facts(sides: Sides, options: UtilityOptions, trainer: Trainer) -> dict[str, object]:
    return {
        **sides.facts(),
        "share": options.shares[0].first,
        "last_share": options.shares[0].last,
        "seeds": options.seeds,
        "preset": options.preset,
        "ruler": trainer.name,
        "steps": trainer.schedule(len(sides.real))[-1],
        "worthwhile": options.worthwhile,
    }
