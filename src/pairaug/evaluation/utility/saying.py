"""What the figures of a measurement of use say, in sentences: the verdict, shares of what was to gain, caveats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pairaug.evaluation.utility.arms import BASELINE
from pairaug.evaluation.utility.cells import Scored
from pairaug.evaluation.utility.plan import Cell, Plan
from pairaug.evaluation.utility.result import Compared, OracleShare, WorthResult
from pairaug.metrics.bootstrap import Verdict

ORACLE = "oracle"


def oracle_shares(of_dice: Sequence[Compared]) -> tuple[OracleShare, ...]:
    """Gains over the baseline as shares of the oracle's, of which the whole interval has to lie above 0."""
    oracle = next((one for one in of_dice if one.arm == ORACLE), None)
    if oracle is None:
        return ()
    sure = _surely_above(oracle)
    return tuple(
        OracleShare(one.arm, one.difference.mean / oracle.difference.mean if sure else None)
        for one in of_dice
        if one is not oracle
    )


def _surely_above(found: Compared) -> bool:
    return found.difference.low is not None and found.difference.low > 0


def _points(value: float) -> str:
    return f"{100 * value:+.1f}"


def sentence_of(word: Verdict, wanted: Compared | None, worthwhile: float, what: str) -> str:
    """One sentence: the word, the difference, its interval, and what could have been seen; ``what`` is judged."""
    begun = f"{what[0].upper()}{what[1:]}"
    if wanted is None:
        return f"Cannot tell whether {what} helps: no run of the arm has its partner yet."
    found, where = wanted.difference, f"over {wanted.baseline} at its best at {wanted.real_pairs} real pairs"
    mean = f"{_points(found.mean)} Dice points"
    if found.low is None or found.high is None or found.detectable is None:
        why = "one run" if wanted.runs < 2 else "one group of test pairs"
        return f"Cannot tell whether {what} helps: {mean} {where}, from {why} without an interval."
    interval = f"(95 % interval {_points(found.low)} to {_points(found.high)})"
    seen = f"the smallest difference that this run could have seen is {100 * found.detectable:.1f} points"
    if word == "helps":
        return f"{begun} helps: {mean} {interval} {where}; {seen}."
    if word == "does not help" and found.high < 0:
        return f"{begun} does not help, it harms: {mean} {interval} {where}; {seen}."
    if word == "does not help":
        points = "1 point" if worthwhile == 0.01 else f"{100 * worthwhile:g} points"
        least = f"a gain of {points} is ruled out"
        return f"{begun} does not help: {mean} {interval} {where}, so {least}; {seen}."
    return f"Cannot tell whether {what} helps: {mean} {interval} {where}; {seen}."


def worth_sentence(found: WorthResult) -> str:
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


def caveats(plan: Plan, done: Mapping[Cell, Scored], wanted: Compared | None, of_dice: Sequence[Compared]) -> list[str]:
    """What a reader of the verdict has to know."""
    own = {cell.arm.title for cell in plan.cells if cell.arm.synthetic} | {ORACLE}
    notes = [
        f"{one.arm} scores {_points(one.difference.mean)} Dice points over {BASELINE}: the verdict is about "
        "the second, which is not the best that can be done without synthetic pairs"
        for one in of_dice
        if one.arm not in own and one is not wanted and _surely_above(one)
    ]
    if wanted is not None and wanted.baseline_steps != wanted.steps:
        notes.append(
            f"{BASELINE} is at its best after {wanted.baseline_steps} of {wanted.steps} steps, and is taken there; "
            f"{wanted.arm} is taken at the end"
        )
    if wanted is not None and wanted.draws == 1:
        notes.append(
            "the intervals cover seeds and test items, not the choice of the training pairs: the models saw one draw "
            "of them; other draws need models of their own"
        )
    lone = [size for size in plan.sizes if size != plan.own and len({c.draw for c in done if c.size == size}) == 1]
    if lone:
        notes.append(f"the learning curve at {', '.join(map(str, lone))} real pairs stands on one draw of them")
    return notes
