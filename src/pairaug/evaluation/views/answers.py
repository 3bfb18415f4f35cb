"""One line for each question that a user has: new? real? varied? fits its masks? does it help?

Enters: an evaluation. Leaves: answers of "yes", "no" or "cannot tell" with the figures behind them, those that decided
first. An answer is judged against what held-out real data score and by the whole interval: "no" where all of it is
beyond, "yes" where all of it is within, and few items, whose intervals are wide, make "cannot tell", not "no" and not
"yes".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pairaug.evaluation.evaluate import Evaluation
from pairaug.evaluation.parts.agreement import TOO_HIGH, TOO_LOW
from pairaug.evaluation.parts.figures import statistic_words
from pairaug.evaluation.parts.images import ImageRealism
from pairaug.evaluation.parts.masks import MaskRealism
from pairaug.evaluation.parts.novelty import CopySearch
from pairaug.metrics.equal_sizes import Comparison
from pairaug.metrics.neighbours import NeighbourComparison
from pairaug.metrics.novelty import wilson
from pairaug.metrics.overlap import Offset

AnswerWord = Literal["yes", "no", "cannot tell", "not measured"]
ALLOWED_FLAGS, MOST_ALLOWED = 0.05, 0.1  # of new items that look like copies, and where held-out real ones often do
FAR = 2.0  # times as far as real from real: an interval that reaches beyond it says nothing for the set
SURE_LOW, SURE_HIGH = 0.9, 1.1  # of agreement: an interval that reaches beyond says nothing for the set
TOO_WELL = "which is too well: cartoons are easy, and above 1.05 is as suspicious as below 0.95"


@dataclass(frozen=True)
class Answer:
    """``because``: the figures that decided; ``beside``: the others that were looked at; ``part``: where to read on."""

    question: str
    answer: AnswerWord
    because: str
    beside: str = ""
    part: str = ""


@dataclass(frozen=True)
class _Ground:
    """What one figure of a ``part`` says by itself, and the figure in words."""

    answer: AnswerWord
    words: str
    part: str


def answers_of(result: Evaluation, names: Sequence[str]) -> list[Answer]:
    """``names``: the label value of each class, as it is shown."""
    return [
        _new(result),
        _real(result, names),
        _varied(result),
        _fits(result),
        _helps(result),
    ]


def _answer(question: str, grounds: Sequence[_Ground]) -> Answer:
    """ "no" where one ground says so, "yes" where all do; the grounds that say what the answer says come first."""
    found = {ground.answer for ground in grounds}
    answer: AnswerWord = "no" if "no" in found else "cannot tell" if "cannot tell" in found else "yes"
    deciding = [ground for ground in grounds if ground.answer == answer]
    others = (
        f"{intro}: " + "; ".join(ground.words for ground in grounds if ground.answer == word)
        for word, intro in (("yes", "fine"), ("cannot tell", "undecided"))
        if word in found - {answer}
    )
    return Answer(question, answer, "; ".join(ground.words for ground in deciding), "; ".join(others), deciding[0].part)


def _not_measured(question: str, result: Evaluation, *parts: str) -> Answer:
    """With the reasons, each once."""
    reasons = dict.fromkeys(entry.reason for entry in result.not_measured if entry.part in parts)
    return Answer(question, "not measured", "; ".join(reasons) or "not measured", part=parts[0])


def _new(result: Evaluation) -> Answer:
    part = result.novelty
    if part is None:
        return _not_measured("new?", result, "novelty")
    searches = {"masks": part.masks, "images": part.images}
    grounds = [_Ground(_are_new(one), f"{kind}: {_flags(one)}", "novelty") for kind, one in searches.items()]
    return _answer("new?", grounds)


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
    declared = f"none is new, for all {search.derived.count} are declared as made from real ones"
    if search.share.count == 0 and search.derived.count:
        return declared + ("" if search.derived.value is None else f" ({search.derived.value:.0%} look like copies)")
    if search.share.value is None:
        told = f"{search.hits} of {search.share.count} flagged as copies, and others" if search.hits else "copies"
        return f"{told} would be missed, for too few of the planted ones are found"
    share, held_out = search.share, search.held_out.value
    beside = "" if held_out is None else f"; held-out real {held_out:.1%}"
    span = "" if share.low is None or share.high is None else f", 95 % interval {share.low:.0%} to {share.high:.0%}"
    return f"{search.flagged} of {share.count} flagged as copies ({share.value:.1%}{span}{beside})"


def _real(result: Evaluation, names: Sequence[str]) -> Answer:
    masks, images = result.masks, result.images
    if masks is None and images is None:
        return _not_measured("real?", result, "images", "masks")
    grounds = []
    if images is not None:
        verdict = _beyond(images.mmd.ratio)
        grounds.append(_Ground(verdict, _distance(images.mmd.ratio, verdict), "images"))
    if masks is not None:
        grounds += [_Ground("no", f"no mask holds label {names[value]}", "masks") for value in masks.missing]
        grounds.append(_statistics(masks, names))
    return _answer("real?", [*grounds, *_unmeasured(masks, images)])


def _statistics(masks: MaskRealism, names: Sequence[str]) -> _Ground:
    """All mask statistics as one ground; more than one in ten, and more than one, may not lie beyond."""
    judged = {key: _beyond(found) for key, found in masks.statistics.items() if found.value is not None}
    if not judged:
        return _Ground("cannot tell", "no mask statistic could be compared", "masks")
    off = [key for key, verdict in judged.items() if verdict == "no"]
    near = list(judged.values()).count("yes")
    if off:
        worst = max(off, key=lambda key: masks.statistics[key].value or 0.0)
        beyond = "lies" if len(off) == 1 else "lie"
        words = f"{len(off)} of {len(judged)} mask statistics {beyond} beyond what real halves show"
        words += f", {_statistic_name(worst, names)} the furthest"
    else:
        words = f"none of {len(judged)} mask statistics lies beyond what real halves show"
    if len(off) > max(1, len(judged) // 10):
        return _Ground("no", words, "masks")
    if 2 * near > len(judged):
        return _Ground("yes", words, "masks")
    return _Ground("cannot tell", f"{words}, but only {near} can be told to be near", "masks")


def _statistic_name(key: str, names: Sequence[str]) -> str:
    label, statistic = key.split("/")
    name = statistic_words(statistic)[0]
    return f"{name} of label {names[int(label)]}" if len(names) > 2 else name


def _unmeasured(masks: MaskRealism | None, images: ImageRealism | None) -> list[_Ground]:
    """Half of a question may be answered with "no", never with "yes"."""
    parts = (("masks", masks), ("images", images))
    return [_Ground("cannot tell", f"{name} were not measured", name) for name, part in parts if part is None]


def _beyond(found: Comparison) -> AnswerWord:
    """ "no" where the whole interval lies above all that held-out real scores, "yes" where it ends below ``FAR``."""
    if found.value is None or found.low is None or found.high is None or found.held_out_high is None:
        return "cannot tell"
    if found.low > found.held_out_high and found.low > (1 if found.kind == "ratio" else 0):
        return "no"
    near = found.high <= FAR if found.kind == "ratio" else found.high <= 0
    return "yes" if near else "cannot tell"


def _distance(found: Comparison, verdict: AnswerWord) -> str:
    if found.kind == "difference":
        words = f"images are {_number(found.value)} away from real ones, which do not differ among themselves"
    else:
        words = f"images are {_number(found.value)} times as far from real ones as those among themselves"
    if verdict == "no":
        return f"{words} (at least {_number(found.low)}; held-out real ones reach {_number(found.held_out_high)})"
    if found.low is None or found.high is None:
        return f"{words}, without an interval"
    return f"{words} (95 % interval {_number(found.low)} to {_number(found.high)})"


def _varied(result: Evaluation) -> Answer:
    masks, images = result.masks, result.images
    if masks is None and images is None:
        return _not_measured("varied?", result, "images", "masks")
    grounds = [] if masks is None else _overlap(masks)
    for kind, part in (("mask", masks), ("image", images)):
        if part is not None:
            grounds += _spread(kind, part.neighbours)
    return _answer("varied?", [*grounds, *_unmeasured(masks, images)])


def _overlap(masks: MaskRealism) -> list[_Ground]:
    """Whether the masks resemble each other more than real ones do."""
    dice, real = masks.dice, masks.real_dice
    if dice.value is None or real.value is None:
        return []
    words = f"masks overlap each other at Dice {dice.value:.2f}, real ones at {real.value:.2f}"
    if dice.value == 1.0:
        return [_Ground("no", words, "masks")]
    if dice.low is None or real.high is None:
        return []
    if dice.low > real.high:
        return [_Ground("no", f"{words} (at least {dice.low:.2f}; real ones reach {real.high:.2f})", "masks")]
    return [_Ground("yes", words, "masks")]


def _spread(kind: str, found: NeighbourComparison | None) -> list[_Ground]:
    """Whether the items of a kind, "mask" or "image", are spread as widely as held-out real ones."""
    part = f"{kind}s"
    if found is None or found.mean is None or found.high is None or found.held_out_low is None:
        return [_Ground("cannot tell", f"{kind}s are too few for coverage", part)]
    assert found.held_out is not None
    least, coverage = found.held_out_low, found.mean.coverage
    grounds = []
    if coverage < least.coverage:
        words = f"{kind} coverage {coverage:.2f}, where held-out real ones score {least.coverage:.2f} at least"
        grounds.append(_Ground("no", words, part))
    if found.high.recall < least.recall:
        words = f"{kind} recall {found.mean.recall:.2f}, where held-out real ones score {least.recall:.2f} at least"
        grounds.append(_Ground("no", words, part))
    words = f"{kind} coverage {coverage:.2f}, held-out real {found.held_out.coverage:.2f}"
    if least.coverage > 0:
        return grounds or [_Ground("yes", words, part)]
    return grounds or [_Ground("cannot tell", f"{words}, of which even 0 would be within its range", part)]


def _fits(result: Evaluation) -> Answer:
    question, part = "fits its masks?", result.agreement
    if part is None:
        return _not_measured(question, result, "agreement")
    ratio, lines = part.dice, part.centreline
    if ratio.value is None:
        failed = "the segmenter fails on held-out real pairs themselves"
        return Answer(question, "cannot tell", failed, part="agreement")
    words = f"a segmenter of real pairs agrees {ratio.value:.2f} times as well as on held-out real pairs"
    if ratio.low is None or ratio.high is None:
        return Answer(question, "cannot tell", f"{words}; too few pairs for an interval", part="agreement")
    words += f" (95 % interval {ratio.low:.2f} to {ratio.high:.2f})"
    off = ratio.high < TOO_LOW or ratio.low > TOO_HIGH
    inside = TOO_LOW <= ratio.value <= TOO_HIGH and ratio.low >= SURE_LOW and ratio.high <= SURE_HIGH
    words += f", {TOO_WELL}" if ratio.low > TOO_HIGH else ""
    grounds = [_Ground("no" if off else "yes" if inside else "cannot tell", words, "agreement")]
    if part.moved and part.offset is not None:
        grounds.append(_Ground("no", _beside(part.offset), "agreement"))
    if lines.low is not None and lines.high is not None and (lines.low > TOO_HIGH or lines.high < TOO_LOW):
        judged = TOO_WELL if lines.low > TOO_HIGH else "which is too little"
        told = f"along centre lines {lines.value:.2f} times as well, {judged}"
        grounds.append(_Ground("cannot tell", told, "agreement"))
    return _answer(question, grounds)


def _beside(offset: Offset) -> str:
    """Where images lie that do not lie to their masks as held-out real ones do."""
    down = [f"{abs(offset.row)} px {'below' if offset.row > 0 else 'above'}"] if offset.row else []
    across = [f"{abs(offset.column)} px to the {'right' if offset.column > 0 else 'left'} of"] if offset.column else []
    where = " and ".join([*down, *across])
    return (
        f"images lie {where} their masks" if where else "images lie straight on their masks, unlike held-out real ones"
    )


def _helps(result: Evaluation) -> Answer:
    question = "does it help?"
    if result.utility is None:
        return _not_measured(question, result, "utility")
    words: dict[str, AnswerWord] = {"helps": "yes", "does not help": "no", "cannot tell": "cannot tell"}
    return Answer(question, words[result.utility.word], result.utility.sentence, part="utility")


def _number(value: float | None) -> str:
    return "an unknown number of" if value is None else f"{value:.2f}"
