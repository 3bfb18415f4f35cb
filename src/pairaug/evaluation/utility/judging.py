"""From the scores of the cells to an answer: arms, paired differences, worth in real pairs, verdict.

The rule, fixed before anything is scored: an arm is taken at the end of its training, the last point of the schedule,
as a user takes it who cannot look at the test pairs. What it is compared with is taken at its own best point, which
does look at them: a gain counts only over the best that the baseline reaches after any number of steps at which it was
looked at. So whatever stops training early, or knows when to, is granted to the baseline and not to the arm.

Enters: the finished cells. Leaves: ``Utility``, whose figures are Dice in [0, 1] and, for thin structures, clDice.
Differences are paired by seed and draw: a cell without its partner does not count. The interval covers seeds and
groups of test items; it covers the choice of training pairs only where there were several draws, and says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pairaug.evaluation.utility.arms import BASELINE, Arm, judged
from pairaug.evaluation.utility.cells import Scored
from pairaug.evaluation.utility.options import RIVALS
from pairaug.evaluation.utility.plan import Cell, Plan
from pairaug.evaluation.utility.result import AfterSteps, ArmResult, Compared, Utility, WorthResult
from pairaug.evaluation.utility.saying import caveats, oracle_shares, sentence_of, worth_sentence
from pairaug.metrics.bootstrap import Cells, Verdict, paired_difference, verdict, worth_real_pairs

MEASURES = ("dice", "cldice")
RIVALLING = ("warped", *(name for name in RIVALS if name not in ("dilution", "oracle")))

Done = Mapping[Cell, Scored]


def judge_cells(
    plan: Plan,
    done: Done,
    groups: Sequence[int],
    worthwhile: float,
    rng: np.random.Generator,
    facts: Mapping[str, Any],
    notes: Sequence[str],
) -> Utility:
    """``groups``: of the test items."""
    runs = _by_arm(plan, done)
    arms = list(dict.fromkeys(cell.arm for cell in plan.cells))
    main = judged(arms)
    differences = [
        compared
        for arm, size in runs
        for baseline in [BASELINE, *(rival.title for rival in arms if rival.option in RIVALLING)]
        if size == plan.own and _comparable(arms, arm, baseline)
        for compared in _compared(runs, arm, baseline, size, groups, rng)
    ]
    worth = _worth(runs, main.title, plan.own, groups, rng)
    of_dice = [one for one in differences if one.measure == "dice" and one.baseline == BASELINE]
    wanted = next((one for one in of_dice if one.arm == main.title), None)
    word: Verdict = "cannot tell" if wanted is None else verdict(wanted.difference, worthwhile)
    sentence = sentence_of(word, wanted, worthwhile, "training on these pairs" if main.synthetic else main.title)
    if worth.worth is not None and worth.reason is None:
        sentence += " " + worth_sentence(worth)
    left_out = _left_out(plan, done)
    return Utility(
        word=word,
        sentence=sentence,
        judged_arm=main.title,
        arms=tuple(_arm_result(cells) for cells in runs.values()),
        differences=tuple(differences),
        oracle_share=oracle_shares(of_dice),
        worth=worth,
        facts=facts,
        left_out=left_out,
        notes=(*notes, *caveats(plan, done, wanted, of_dice)),
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


def _comparable(arms: Sequence[Arm], arm: str, baseline: str) -> bool:
    """Everything is compared with real + classical, what is synthetic with the rivals of generators too."""
    return arm != baseline and (baseline == BASELINE or any(one.synthetic for one in arms if one.title == arm))


def _compared(
    runs: Runs, arm: str, baseline: str, size: int, groups: Sequence[int], rng: np.random.Generator
) -> list[Compared]:
    ours, theirs = runs[arm, size], runs.get((baseline, size), {})
    partner = {(cell.pairs, cell.seed): cell for cell in theirs}
    paired = [(cell, partner[cell.pairs, cell.seed]) for cell in ours if (cell.pairs, cell.seed) in partner]
    if not paired:
        return []
    ours_paired, theirs_paired = [cell for cell, _ in paired], [cell for _, cell in paired]
    best = best_look(theirs_paired, theirs)
    found = []
    for measure in MEASURES:
        if measure == "cldice" and not _has_centreline(ours):
            continue
        first = _cells(ours_paired, ours, measure)
        second = _cells(theirs_paired, theirs, measure, best)
        gains = (first.scores - second.scores).mean(axis=1)
        difference = paired_difference(first, second, groups, rng)
        draws = len(set(first.draws))
        steps, baseline_steps = ours[ours_paired[0]].steps[-1], theirs[theirs_paired[0]].steps[best]
        found.append(
            Compared(
                arm, baseline, measure, size, len(paired), draws, difference, _spread(gains), steps, baseline_steps
            )
        )
    return found


def best_look(chosen: Sequence[Cell], runs: Mapping[Cell, Scored]) -> int:
    """The place of the look at which these runs together have their greatest mean Dice; the first of equals."""
    looks = range(len(runs[chosen[0]].steps))
    return int(np.argmax([_cells(chosen, runs, "dice", look).scores.mean() for look in looks]))


def _worth(runs: Runs, arm: str, own: int, groups: Sequence[int], rng: np.random.Generator) -> WorthResult:
    curve = {size: cells for (title, size), cells in sorted(runs.items(), key=lambda r: r[0][1]) if title == BASELINE}
    scores = {size: _cells(list(cells), cells, "dice", best_look(list(cells), cells)) for size, cells in curve.items()}
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


def _cells(chosen: Sequence[Cell], runs: Mapping[Cell, Scored], measure: str, look: int = -1) -> Cells:
    """The scores of runs at one of their looks, the last where nothing else is said."""
    rows = [
        [item.mean_dice if measure == "dice" else item.mean_centreline for item in runs[cell].looks[look]]
        for cell in chosen
    ]
    return Cells(np.array(rows), [cell.draw for cell in chosen])


def _has_centreline(runs: Mapping[Cell, Scored]) -> bool:
    return all(scored.looks[-1][0].centreline for scored in runs.values())


def _arm_result(runs: Mapping[Cell, Scored]) -> ArmResult:
    cell, cells = next(iter(runs)), sorted(runs, key=lambda one: one.seed)
    over_steps = []
    for look, steps in enumerate(runs[cell].steps):
        means = _cells(cells, runs, "dice", look).scores.mean(axis=1)
        over_steps.append(AfterSteps(steps, float(means.mean()), tuple(float(mean) for mean in means)))
    last = over_steps[-1]
    by_class = zip(*(item.dice for scored in runs.values() for item in scored.looks[-1]), strict=True)
    return ArmResult(
        arm=cell.arm.title,
        real_pairs=cell.size,
        share=cell.arm.share,
        last_share=cell.arm.last_share,
        steps=last.steps,
        runs=len(runs),
        draws=len({one.draw for one in cells}),
        dice=last.dice,
        scores=last.scores,
        dice_by_class=tuple(_known_mean(values) for values in by_class),
        cldice=float(_cells(cells, runs, "cldice").scores.mean()) if _has_centreline(runs) else None,
        sd_over_runs=_spread(np.array(last.scores)),
        over_steps=tuple(over_steps),
        seconds=round(sum(round(scored.seconds, 1) for scored in runs.values()), 1),  # as they are saved
        synthetic=cell.arm.synthetic,
    )


def _known_mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def _spread(values: np.ndarray[Any, Any]) -> float | None:
    return float(values.std(ddof=1)) if len(values) > 1 else None
