"""One line for each question that a user has: new? real? varied? fits its masks? does it help?

Enters: an evaluation. Leaves: answers of "yes", "no" or "cannot tell" with the figures behind them. An answer is
judged against what held-out real data score and by the whole interval: "no" where all of it is beyond, "yes" where all
of it is within, and few items, whose intervals are wide, make "cannot tell", not "no" and not "yes".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pairaug.evaluation.evaluate import Evaluation
from pairaug.evaluation.parts.agreement import TOO_HIGH, TOO_LOW, Agreement
from pairaug.evaluation.parts.images import ImageRealism
from pairaug.evaluation.parts.masks import MaskRealism
from pairaug.evaluation.parts.novelty import CopySearch, Novelty
from pairaug.metrics.equal_sizes import Comparison
from pairaug.metrics.novelty import wilson

AnswerWord = Literal["yes", "no", "cannot tell", "not measured"]
ALLOWED_FLAGS, MOST_ALLOWED = 0.05, 0.1  # of new items that look like copies, and where held-out real ones often do
FAR = 2.0  # times as far as real from real: an interval that reaches beyond it says nothing for the set
SURE_LOW, SURE_HIGH = 0.9, 1.1  # of agreement: an interval that reaches beyond says nothing for the set
TOO_WELL = "which is too well: cartoons are easy, and above 1.05 is as suspicious as below 0.95"


@dataclass(frozen=True)
class Answer:
    question: str
    answer: AnswerWord
    because: str


def answers_of(result: Evaluation, names: Sequence[str]) -> list[Answer]:
    """``names``: the label value of each class, as it is shown."""
    return [
        _new(result.novelty),
        _real(result.masks, result.images, names),
        _varied(result.masks, result.images),
        _fits(result.agreement),
        _helps(result),
    ]


def _new(part: Novelty | None) -> Answer:
    question = "new?"
    if part is None:
        return Answer(question, "not measured", "novelty was not measured")
    verdicts = [_are_new(part.masks), _are_new(part.images)]
    verdict: AnswerWord = "no" if "no" in verdicts else "cannot tell" if "cannot tell" in verdicts else "yes"
    return Answer(question, verdict, f"masks: {_flags(part.masks)}; images: {_flags(part.images)}")


def _are_new(search: CopySearch) -> AnswerWord:
    if search.identical:
        return "no"
    share = search.share
    if share.count == 0:  # all declared: nothing claims to be new
        return "no" if search.derived.count else "cannot tell"
    if share.value is None or share.low is None or share.high is None:
        # What a weak search finds is found all the same; what it does not find says nothing.
        found, allowed = wilson(search.hits, share.count).low, search.held_out.high
        many = found is not None and allowed is not None and found > max(ALLOWED_FLAGS, allowed)
        return "no" if many else "cannot tell"
    allowed = max(ALLOWED_FLAGS, search.held_out.value or 0.0)
    return "no" if share.low > allowed else "yes" if share.high <= min(allowed, MOST_ALLOWED) else "cannot tell"


def _flags(search: CopySearch) -> str:
    if search.identical:
        return f"{search.identical} of {search.share.count} are real files, byte for byte"
    declared = f"all {search.derived.count} declared as made from real ones"
    if search.share.count == 0 and search.derived.count:
        return declared + ("" if search.derived.value is None else f", {search.derived.value:.0%} look like copies")
    if search.share.value is None:
        told = f"{search.hits} of {search.share.count} flagged as copies, and others" if search.hits else "copies"
        return f"{told} would be missed, for too few of the planted ones are found"
    share, held_out = search.share, search.held_out.value
    beside = "" if held_out is None else f"; held-out real {held_out:.1%}"
    span = "" if share.low is None or share.high is None else f", 95 % interval {share.low:.0%} to {share.high:.0%}"
    return f"{search.flagged} of {share.count} flagged as copies ({share.value:.1%}{span}{beside})"


def _real(masks: MaskRealism | None, images: ImageRealism | None, names: Sequence[str]) -> Answer:
    question = "real?"
    if masks is None and images is None:
        return Answer(question, "not measured", "neither masks nor images were measured")
    words: list[str] = []
    verdicts: list[AnswerWord] = []
    if images is not None:
        verdicts.append(_beyond(images.mmd.ratio))
        words.append(_distance(images.mmd.ratio))
    if masks is not None:
        judged = [_beyond(found) for found in masks.statistics.values() if found.value is not None]
        off = judged.count("no")
        if masks.missing or off > max(1, len(judged) // 10):
            verdicts.append("no")
        else:
            verdicts.append("yes" if 2 * judged.count("yes") > len(judged) else "cannot tell")
        told = f"{off} of {len(judged)} mask statistics lie beyond what real halves show"
        words.append(told if judged else "no mask statistic could be compared")
        words += [f"no mask holds label {names[value]}" for value in masks.missing]
    verdicts += _unmeasured(masks, images, words)
    verdict: AnswerWord = "no" if "no" in verdicts else "cannot tell" if "cannot tell" in verdicts else "yes"
    return Answer(question, verdict, "; ".join(words))


def _unmeasured(masks: MaskRealism | None, images: ImageRealism | None, words: list[str]) -> list[AnswerWord]:
    """Half of a question may be answered with "no", never with "yes"; ``words`` are told of the other half."""
    left_out = [name for name, part in (("masks", masks), ("images", images)) if part is None]
    words += [f"{name} were not measured" for name in left_out]
    return ["cannot tell"] * len(left_out)


def _beyond(found: Comparison) -> AnswerWord:
    """ "no" where the whole interval lies above all that held-out real scores, "yes" where it ends below ``FAR``."""
    if found.value is None or found.low is None or found.high is None or found.held_out_high is None:
        return "cannot tell"
    if found.low > found.held_out_high and found.low > (1 if found.kind == "ratio" else 0):
        return "no"
    near = found.high <= FAR if found.kind == "ratio" else found.high <= 0
    return "yes" if near else "cannot tell"


def _distance(found: Comparison) -> str:
    if found.kind == "difference":
        return f"images are {_number(found.value)} away from real ones, which do not differ among themselves"
    return f"images are {_number(found.value)} times as far from real ones as those among themselves"


def _varied(masks: MaskRealism | None, images: ImageRealism | None) -> Answer:
    question = "varied?"
    if masks is None and images is None:
        return Answer(question, "not measured", "neither masks nor images were measured")
    words: list[str] = []
    verdicts: list[AnswerWord] = []
    if masks is not None and masks.dice.value is not None and masks.real_dice.value is not None:
        words.append(f"masks overlap at Dice {masks.dice.value:.2f}, real ones at {masks.real_dice.value:.2f}")
        low, high = masks.dice.low, masks.real_dice.high
        if masks.dice.value == 1.0:
            verdicts.append("no")
        elif low is not None and high is not None:
            verdicts.append("no" if low > high else "yes")
    for name, part in (("mask", masks), ("image", images)):
        if part is None:
            continue
        found = part.neighbours
        if found is None or found.mean is None or found.high is None or found.held_out_low is None:
            verdicts.append("cannot tell")
            words.append(f"{name}s are too few for coverage")
            continue
        assert found.held_out is not None
        words.append(f"{name} coverage {found.mean.coverage:.2f}, held-out real {found.held_out.coverage:.2f}")
        too_little = found.mean.coverage < found.held_out_low.coverage or found.high.recall < found.held_out_low.recall
        seen = found.held_out_low.coverage > 0  # else even a set that covers nothing would pass
        verdicts.append("no" if too_little else "yes" if seen else "cannot tell")
    verdicts += _unmeasured(masks, images, words)
    verdict: AnswerWord = "no" if "no" in verdicts else "cannot tell" if "cannot tell" in verdicts else "yes"
    return Answer(question, verdict, "; ".join(words))


def _fits(part: Agreement | None) -> Answer:
    question = "fits its masks?"
    if part is None:
        return Answer(question, "not measured", "agreement was not measured")
    ratio = part.dice
    if ratio.value is None:
        return Answer(question, "cannot tell", "the segmenter fails on held-out real pairs themselves")
    words = f"a segmenter of real pairs agrees {ratio.value:.2f} times as well as on held-out real pairs"
    if ratio.low is None or ratio.high is None:
        return Answer(question, "cannot tell", f"{words}; too few pairs for an interval")
    if part.moved and part.offset is not None:
        words += f"; images lie ({part.offset.row}, {part.offset.column}) px beside their masks"
    if ratio.low > TOO_HIGH:
        words += f"; {TOO_WELL}"
    lines = part.centreline
    odd_lines = False
    if lines.low is not None and lines.high is not None:
        odd_lines = lines.low > TOO_HIGH or lines.high < TOO_LOW
        if odd_lines:
            judged = TOO_WELL if lines.low > TOO_HIGH else "which is too little"
            words += f"; along centre lines {lines.value:.2f} times, {judged}"
    off = part.moved or ratio.high < TOO_LOW or ratio.low > TOO_HIGH
    inside = TOO_LOW <= ratio.value <= TOO_HIGH and ratio.low >= SURE_LOW and ratio.high <= SURE_HIGH
    return Answer(question, "no" if off else "yes" if inside and not odd_lines else "cannot tell", words)


def _helps(result: Evaluation) -> Answer:
    if result.utility is None:
        reasons = [entry.reason for entry in result.not_measured if entry.part == "utility"]
        return Answer("does it help?", "not measured", "; ".join(reasons) or "training on the pairs was not measured")
    words: dict[str, AnswerWord] = {"helps": "yes", "does not help": "no", "cannot tell": "cannot tell"}
    return Answer("does it help?", words[result.utility.word], result.utility.sentence)


def _number(value: float | None) -> str:
    return "an unknown number of" if value is None else f"{value:.2f}"
