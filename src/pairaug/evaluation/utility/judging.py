"""From the scores of the cells to an answer: arms, paired differences, worth in real pairs, verdict.

Enters: the finished cells. Leaves: ``Utility``, whose figures are Dice in [0, 1] and, for thin structures, clDice.
Differences are paired by seed and draw: a cell without its partner does not count. The interval covers seeds and
groups of test items; it covers the choice of training pairs only where there were several draws, and says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pairaug.evaluation.utility.arms import BASELINE, REAL_TITLES, WARPED, judged
from pairaug.evaluation.utility.cells import Scored
from pairaug.evaluation.utility.plan import Cell, Plan
from pairaug.evaluation.utility.result import ArmResult, Compared, Utility, WorthResult
from pairaug.metrics.bootstrap import Cells, Verdict, paired_difference, verdict, worth_real_pairs

MEASURES = ("dice", "cldice")

Done = Mapping[Cell, Scored]


def judge_cells(
    plan: Plan,
    done: Done,
    groups: Sequence[int],
    steps: Mapping[int, int],
    worthwhile: float,
    rng: np.random.Generator,
    facts: Mapping[str, Any],
    notes: Sequence[str],
) -> Utility:
    """``groups``: of the test items; ``steps``: optimiser steps at each number of real pairs."""
    runs = _by_arm(plan, done)
    main = judged(list(dict.fromkeys(cell.arm for cell in plan.cells))).title
    differences = [
        compared
        for arm, size in runs
        for baseline in (BASELINE, WARPED)
        if size == plan.own and _comparable(plan, arm, baseline)
        for compared in _compared(runs, arm, baseline, size, groups, rng)
    ]
    worth = _worth(runs, main, plan.own, groups, rng)
    wanted = next((c for c in differences if (c.arm, c.baseline, c.measure) == (main, BASELINE, "dice")), None)
    word: Verdict = "cannot tell" if wanted is None else verdict(wanted.difference, worthwhile)
    sentence = _sentence(word, wanted, worthwhile)
    if worth.worth is not None and worth.reason is None:
        sentence += " " + _worth_sentence(worth)
    left_out = _left_out(plan, done)
    return Utility(
        word=word,
        sentence=sentence,
        judged_arm=main,
        arms=tuple(_arm_result(cells, done, steps[size]) for (_, size), cells in runs.items()),
        differences=tuple(differences),
        worth=worth,
        facts=facts,
        left_out=left_out,
        notes=(*notes, *_caveats(plan, done, wanted, differences)),
    )


Runs = dict[tuple[str, int], dict[Cell, Scored]]


def _by_arm(plan: Plan, done: Done) -> Runs:
    runs: Runs = {}
    for cell in plan.cells:
        if cell in done:
            runs.setdefault((cell.arm.title, cell.size), {})[cell] = done[cell]
    return runs


def _left_out(plan: Plan, done: Done) -> tuple[str, ...]:
    """What was not run, a line for each arm and number of real pairs."""
    seeds: dict[tuple[str, int], list[int]] = {}
    for cell in plan.cells:
        if cell not in done:
            seeds.setdefault((cell.arm.title, cell.size), []).append(cell.seed)
    return tuple(
        f"{arm}, {size} pairs, seed{'s' * (len(of) > 1)} {', '.join(map(str, of))}" for (arm, size), of in seeds.items()
    )


def _comparable(plan: Plan, arm: str, baseline: str) -> bool:
    """Everything is compared with real + classical, what is synthetic with the warped arm too."""
    synthetic = {cell.arm.title for cell in plan.cells if cell.arm.synthetic}
    return arm != baseline and (baseline == BASELINE or arm in synthetic)


def _compared(
    runs: Runs, arm: str, baseline: str, size: int, groups: Sequence[int], rng: np.random.Generator
) -> list[Compared]:
    ours, theirs = runs[arm, size], runs.get((baseline, size), {})
    partner = {(cell.pairs, cell.seed): cell for cell in theirs}
    paired = [(cell, partner[cell.pairs, cell.seed]) for cell in ours if (cell.pairs, cell.seed) in partner]
    if not paired:
        return []
    found = []
    for measure in MEASURES:
        if measure == "cldice" and not _has_centreline(ours):
            continue
        first = _cells([cell for cell, _ in paired], ours, measure)
        second = _cells([cell for _, cell in paired], theirs, measure)
        gains = (first.scores - second.scores).mean(axis=1)
        difference = paired_difference(first, second, groups, rng)
        draws = len(set(first.draws))
        found.append(Compared(arm, baseline, measure, size, len(paired), draws, difference, _spread(gains)))
    return found


def _worth(runs: Runs, arm: str, own: int, groups: Sequence[int], rng: np.random.Generator) -> WorthResult:
    curve = {size: cells for (title, size), cells in sorted(runs.items(), key=lambda r: r[0][1]) if title == BASELINE}
    scores = {size: _cells(list(cells), cells, "dice") for size, cells in curve.items()}
    points = tuple((size, float(cells.scores.mean())) for size, cells in scores.items())
    ours = runs.get((arm, own))
    if ours is None:
        return WorthResult(arm, own, points, None, "the arm was not run")
    if len(scores) < 2:
        return WorthResult(arm, own, points, None, f"the learning curve needs two points and has {len(scores)}")
    worth = worth_real_pairs(scores, _cells(list(ours), ours, "dice"), groups, rng)
    reason = None
    if worth.value is None:
        first, last = min(scores), max(scores)
        reason = (
            f"the arm scores above the learning curve, which ends at {last} real pairs"
            if worth.reading == "above the curve"
            else f"the arm scores below the learning curve, which begins at {first} real pairs"
        )
    return WorthResult(arm, own, points, worth, reason)


def _cells(chosen: Sequence[Cell], runs: Mapping[Cell, Scored], measure: str) -> Cells:
    rows = [
        [item.mean_dice if measure == "dice" else item.mean_centreline for item in runs[cell].items] for cell in chosen
    ]
    return Cells(np.array(rows), [cell.draw for cell in chosen])


def _has_centreline(runs: Mapping[Cell, Scored]) -> bool:
    return all(scored.items[0].centreline for scored in runs.values())


def _arm_result(runs: Mapping[Cell, Scored], done: Done, steps: int) -> ArmResult:
    cell, cells = next(iter(runs)), sorted(runs, key=lambda one: one.seed)
    means = _cells(cells, runs, "dice").scores.mean(axis=1)
    by_class = zip(*(item.dice for scored in runs.values() for item in scored.items), strict=True)
    return ArmResult(
        arm=cell.arm.title,
        real_pairs=cell.size,
        share=cell.arm.share,
        steps=steps,
        runs=len(runs),
        draws=len({one.draw for one in cells}),
        dice=float(means.mean()),
        scores=tuple(float(mean) for mean in means),
        dice_by_class=tuple(_known_mean(values) for values in by_class),
        cldice=float(_cells(cells, runs, "cldice").scores.mean()) if _has_centreline(runs) else None,
        sd_over_runs=_spread(means),
        seconds=round(sum(round(scored.seconds, 1) for scored in runs.values()), 1),  # as they are saved
    )


def _known_mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def _spread(values: np.ndarray[Any, Any]) -> float | None:
    return float(values.std(ddof=1)) if len(values) > 1 else None


def _surely_above(found: Compared) -> bool:
    return found.difference.low is not None and found.difference.low > 0


def _points(value: float) -> str:
    return f"{100 * value:+.1f}"


def _sentence(word: Verdict, wanted: Compared | None, worthwhile: float) -> str:
    """One sentence: the word, the difference, its interval, and what could have been seen."""
    if wanted is None:
        return "Cannot tell whether training on these pairs helps: no run of the arm has its partner yet."
    found, where = wanted.difference, f"over {wanted.baseline} at {wanted.real_pairs} real pairs"
    mean = f"{_points(found.mean)} Dice points"
    if found.low is None or found.high is None or found.detectable is None:
        why = "one run" if wanted.runs < 2 else "one group of test pairs"
        return f"Cannot tell whether training on these pairs helps: {mean} {where}, from {why} without an interval."
    interval = f"(95 % interval {_points(found.low)} to {_points(found.high)})"
    seen = f"the smallest difference that this run could have seen is {100 * found.detectable:.1f} points"
    if word == "helps":
        return f"Training on these pairs helps: {mean} {interval} {where}; {seen}."
    if word == "does not help" and found.high < 0:
        return f"Training on these pairs does not help, it harms: {mean} {interval} {where}; {seen}."
    if word == "does not help":
        points = "1 point" if worthwhile == 0.01 else f"{100 * worthwhile:g} points"
        least = f"a gain of {points} is ruled out"
        return f"Training on these pairs does not help: {mean} {interval} {where}, so {least}; {seen}."
    return f"Cannot tell whether training on these pairs helps: {mean} {interval} {where}; {seen}."


def _worth_sentence(found: WorthResult) -> str:
    assert found.worth is not None
    assert found.worth.value is not None
    low, high = found.worth.low, found.worth.high
    sizes = [size for size, _ in found.curve]
    if low is None and high is None:
        interval = "interval not determinable"
    else:
        shown = (
            f"under {min(sizes)}" if low is None else f"{low:.1f}",
            f"over {max(sizes)}" if high is None else f"{high:.1f}",
        )
        interval = f"95 % interval {shown[0]} to {shown[1]}"
    what = f"{found.real_pairs} real + synthetic" if found.arm.startswith("real") else found.arm
    return f"{what} is worth {found.worth.value:.1f} real ({interval})."


def _caveats(plan: Plan, done: Done, wanted: Compared | None, differences: Sequence[Compared]) -> list[str]:
    notes = [
        f"{one.arm} scores {_points(one.difference.mean)} Dice points over {BASELINE}: the verdict is about "
        "the second, which is not the best that can be done without synthetic pairs"
        for one in differences
        if one.measure == "dice" and one.baseline == BASELINE and one.arm in REAL_TITLES and _surely_above(one)
    ]
    if wanted is not None and wanted.draws == 1:
        notes.append(
            "the intervals cover seeds and test items, not the choice of the training pairs: the models saw one draw "
            "of them; other draws need models of their own"
        )
    lone = [size for size in plan.sizes if size != plan.own and len({c.draw for c in done if c.size == size}) == 1]
    if lone:
        notes.append(f"the learning curve at {', '.join(map(str, lone))} real pairs stands on one draw of them")
    return notes
