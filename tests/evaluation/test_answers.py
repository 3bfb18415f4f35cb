"""The one-line answers: "no" where all of the interval is beyond, "yes" where all is within, else "cannot tell"."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pairaug.evaluation.evaluate import Evaluation, NotMeasured
from pairaug.evaluation.parts.agreement import Agreement, Ratio
from pairaug.evaluation.parts.figures import statistic_words
from pairaug.evaluation.parts.images import ImageRealism
from pairaug.evaluation.parts.masks import MaskRealism
from pairaug.evaluation.parts.novelty import CopySearch, Novelty
from pairaug.evaluation.views.answers import Answer, answers_of
from pairaug.metrics.equal_sizes import Comparison
from pairaug.metrics.mmd import MmdComparison
from pairaug.metrics.neighbours import NeighbourComparison, NeighbourScores
from pairaug.metrics.novelty import Share, wilson
from pairaug.metrics.overlap import PairwiseDice
from pairaug.metrics.statistics import STATISTICS

NOTHING = Evaluation(None, None, None, None, None, (), ())


def answer(question: str, **parts: Any) -> Answer:
    return next(one for one in answers_of(replace(NOTHING, **parts), ["0", "255"]) if one.question.startswith(question))


def search(flagged: int, count: int, held_out: tuple[int, int] = (0, 20), identical: int = 0) -> CopySearch:
    return CopySearch((), wilson(flagged, count), wilson(0, 0), wilson(*held_out), (), (), (), 1.0, identical)


def ratio(value: float | None, low: float | None, high: float | None, held_out_high: float = 1.4) -> Comparison:
    return Comparison("ratio", value, low, high, 1.0, 0.7, held_out_high, 10, 200)


def images(mmd: Comparison, coverage: float = 0.9, held_out_low: float = 0.6) -> ImageRealism:
    one, least = (NeighbourScores(share, share, share, share) for share in (coverage, held_out_low))
    neighbours = NeighbourComparison(one, one, one, one, least, one, 0.9, 0.3, 10)
    return ImageRealism(MmdComparison(mmd, 0.5, 10), neighbours, None, "")


def masks(*statistics: Comparison, shares: tuple[list[float], list[float]] = ([0.2], [0.2])) -> MaskRealism:
    values: Any = {"1/share": shares}
    named = {f"1/{name}": one for name, one in zip(STATISTICS, statistics, strict=False)}
    dice = PairwiseDice(0.3, 0.2, 0.4)
    return MaskRealism(named, values, images(ratio(1, 0.9, 1.1)).neighbours, dice, dice, "")


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (search(0, 200), "yes"),
        (search(0, 24), "cannot tell"),  # up to 14 % of what they stand for may be copies
        (search(16, 200), "cannot tell"),
        (search(60, 200), "no"),
        (search(3, 12, held_out=(6, 12)), "cannot tell"),  # a rule that flags half of the held-out ones allows nothing
        (search(0, 200, identical=1), "no"),
    ],
)
def test_a_set_is_new_where_few_flags_are_sure_and_never_where_a_file_is_a_real_one(
    found: CopySearch, expected: str
) -> None:
    assert answer("new", novelty=Novelty(search(0, 200), found)).answer == expected


def test_copies_that_a_weak_search_finds_are_copies_all_the_same() -> None:
    unsure = replace(search(0, 200, held_out=(1, 5)), share=Share(None, None, None, 200))
    found = answer("new", novelty=Novelty(replace(unsure, hits=200), search(0, 200)))
    assert (found.answer, "200 of 200 flagged as copies" in found.because) == ("no", True)
    assert answer("new", novelty=Novelty(replace(unsure, hits=40), search(0, 200))).answer == "cannot tell"
    assert answer("new", novelty=Novelty(unsure, search(0, 200))).answer == "cannot tell"


@pytest.mark.parametrize(
    ("dice", "lines", "expected"),
    [
        ((1.0, 0.95, 1.06), (1.0, 0.9, 1.1), "yes"),
        ((1.0, 0.4, 1.7), (1.0, 0.9, 1.1), "cannot tell"),
        ((1.0, 0.95, 1.06), (0.5, 0.45, 0.55), "cannot tell"),
        ((1.0, 0.95, 1.06), (1.3, 1.2, 1.4), "cannot tell"),
        ((0.8, 0.7, 0.9), (1.0, 0.9, 1.1), "no"),
    ],
)
def test_images_fit_their_masks_only_where_the_interval_and_the_centre_lines_say_so(
    dice: tuple[float, float, float], lines: tuple[float, float, float], expected: str
) -> None:
    scores = [Ratio(*one, one[0], 1.0) for one in (dice, lines)]
    assert answer("fits", agreement=Agreement(*scores, None, None, False, (), ())).answer == expected


@pytest.mark.parametrize(
    ("question", "part"),
    [("new", "novelty"), ("real", "images"), ("varied", "masks"), ("fits", "agreement"), ("does it help", "utility")],
)
def test_why_a_question_was_not_measured_is_told(question: str, part: str) -> None:
    late = (NotMeasured(part, "--max-minutes was over before it was done"), NotMeasured("other", "unasked"))
    found = answer(question, not_measured=late)
    assert (found.answer, found.because) == ("not measured", late[0].reason)


@pytest.mark.parametrize(
    ("mmd", "expected"),
    [
        (ratio(1.1, 0.9, 1.4), "yes"),
        (ratio(1.8, 0.1, 25.0), "cannot tell"),
        (ratio(2.5, 1.9, 3.0), "no"),
        (ratio(1.0, None, None), "cannot tell"),
    ],
)
def test_images_are_real_only_where_the_interval_says_so(mmd: Comparison, expected: str) -> None:
    near = ratio(1.0, 0.8, 1.2)
    assert answer("real", images=images(mmd), masks=masks(near)).answer == expected


def test_half_of_a_question_may_be_answered_with_no_and_not_with_yes() -> None:
    near, far = ratio(1.0, 0.8, 1.2), ratio(2.5, 1.9, 3.0)
    found = answer("real", masks=masks(near))
    assert (found.answer, "images were not measured" in found.because) == ("cannot tell", True)
    assert answer("real", images=images(far)).answer == "no"
    assert answer("varied", images=images(near)).answer == "cannot tell"
    assert answer("varied", images=images(near, coverage=0.1)).answer == "no"


def test_a_real_set_that_does_not_vary_is_told_of_in_distances_not_in_times() -> None:
    found = answer("real", images=images(replace(ratio(0.4, 0.3, 0.5, 0.0), kind="difference")))
    assert found.answer == "no"
    assert "0.40 away" in found.because
    assert "times" not in found.because


def test_wide_intervals_of_mask_statistics_do_not_make_masks_real() -> None:
    wide, near = ratio(1.0, 0.2, 9.0), ratio(1.0, 0.8, 1.2)
    assert answer("real", masks=masks(wide, wide, near), images=images(near)).answer == "cannot tell"
    assert answer("real", masks=masks(wide, near, near), images=images(near)).answer == "yes"


def test_a_class_that_no_synthetic_mask_holds_is_told_of_where_that_is_no_chance() -> None:
    near = ratio(1.0, 0.8, 1.2)
    found = answer("real", masks=masks(near, shares=([0.1, 0.2, 0.1], [0.0] * 8)))
    assert (found.answer, "no mask holds label 255" in found.because) == ("no", True)
    rare = ([0.1] + [0.0] * 19, [0.0] * 8)
    assert answer("real", masks=masks(near, shares=rare), images=images(near)).answer == "yes"


def test_variety_cannot_be_told_where_even_nothing_covered_would_pass() -> None:
    near = ratio(1.0, 0.8, 1.2)
    assert answer("varied", masks=masks(near), images=images(near)).answer == "yes"
    assert answer("varied", images=images(near, coverage=0.1)).answer == "no"
    assert answer("varied", images=images(near, coverage=0.0, held_out_low=0.0)).answer == "cannot tell"
    unmeasured = replace(images(near), neighbours=NeighbourComparison(*[None] * 8, 2))  # type: ignore[arg-type]
    assert answer("varied", masks=masks(near), images=unmeasured).answer == "cannot tell"


def test_agreement_without_an_interval_is_no_answer() -> None:
    part = Agreement(Ratio(1.0, None, None, 0.8, 0.8), Ratio(1.0, None, None, 0.8, 0.8), None, None, False, (), ())
    found = answer("fits", agreement=part)
    assert (found.answer, "too few pairs" in found.because) == ("cannot tell", True)


def test_what_decided_is_told_first_and_the_rest_apart() -> None:
    near, far = ratio(1.0, 0.8, 1.2), ratio(2.5, 1.9, 3.0)
    found = answer("real", masks=masks(near, near), images=images(far))
    assert found.because == (
        "images are 2.50 times as far from real ones as those among themselves (at least 1.90; held-out real ones "
        "reach 1.40)"
    )
    assert found.beside == "fine: none of 2 mask statistics lies beyond what real halves show"
    assert found.part == "images"


def test_of_mask_statistics_that_decide_the_furthest_is_named() -> None:
    near, far = ratio(1.0, 0.8, 1.2), ratio(2.5, 1.9, 3.0)
    found = answer("real", masks=masks(near, far, ratio(4.0, 3.0, 5.0)), images=images(near))
    furthest = statistic_words(STATISTICS[2])[0]
    assert found.because == f"2 of 3 mask statistics lie beyond what real halves show, {furthest} the furthest"
    assert found.beside.startswith("fine: images are 1.00 times as far")
    assert found.part == "masks"


def test_variety_names_the_figure_that_decided_and_not_one_that_is_fine() -> None:
    near = ratio(1.0, 0.8, 1.2)
    found = answer("varied", masks=masks(near), images=images(near, coverage=0.1))
    assert found.because == (
        "image coverage 0.10, where held-out real ones score 0.60 at least; "
        "image recall 0.10, where held-out real ones score 0.60 at least"
    )
    assert found.beside.startswith("fine: masks overlap each other at Dice 0.30, real ones at 0.30")
    assert (found.answer, found.part) == ("no", "images")


def test_what_is_undecided_is_told_before_what_is_fine() -> None:
    found = answer("real", masks=masks(ratio(1.0, 0.2, 9.0)), images=images(ratio(1.0, 0.8, 1.2)))
    assert (found.answer, found.part) == ("cannot tell", "masks")
    assert found.because.endswith("but only 0 can be told to be near")
    assert found.beside.startswith("fine: images")


@pytest.mark.parametrize(
    ("row", "column", "words"),
    [
        (2, 0, "images lie 2 px below their masks"),
        (0, 1, "images lie 1 px to the right of their masks"),
        (-1, -2, "images lie 1 px above and 2 px to the left of their masks"),
        (0, 0, "images lie straight on their masks, unlike held-out real ones"),
    ],
)
def test_an_offset_that_decides_is_told_before_an_agreement_that_is_fine(row: int, column: int, words: str) -> None:
    well, profile = Ratio(1.0, 0.95, 1.05, 1.0, 1.0), np.zeros((7, 7))
    profile[3 + row, 3 + column] = 0.9
    found = answer("fits", agreement=Agreement(well, well, profile, np.zeros((7, 7)), True, (), ()))
    assert (found.answer, found.because) == ("no", words)
    assert found.beside.startswith("fine: a segmenter of real pairs agrees 1.00 times as well")
