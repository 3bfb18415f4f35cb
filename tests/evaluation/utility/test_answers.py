"""The answer: verdict, differences, worth, and what they rest on."""

from __future__ import annotations

import json

import pytest

from pairaug.errors import UsageError
from pairaug.evaluation.utility.options import Share
from tests.evaluation.utility.fakes import DrawnCase, difference

SYNTHETIC = "real + classical + synthetic"


def test_a_gain_of_five_points_is_found_though_seeds_differ_by_two(case: DrawnCase) -> None:
    found = case.measure(case.trainer(gain={0.5: 0.05}))
    gain = difference(found, SYNTHETIC)
    assert found.word == "helps"
    assert gain.difference.mean == pytest.approx(0.05, abs=0.005)
    assert gain.difference.low > 0.03
    assert gain.sd_per_cell < 0.01
    assert found.sentence.startswith("Training on these pairs helps: +")
    assert "smallest difference that this run could have seen" in found.sentence


def test_no_gain_is_no_help(case: DrawnCase) -> None:
    found = case.measure(case.trainer(own=0.001))
    assert found.word == "does not help"
    assert "so a gain of 1 point is ruled out" in found.sentence


def test_a_loss_is_no_help_and_called_harm(case: DrawnCase) -> None:
    found = case.measure(case.trainer(gain={0.5: -0.05}))
    assert found.word == "does not help"
    assert "it harms" in found.sentence


@pytest.mark.parametrize("plain", [-0.03, 0.0, 0.03])
def test_a_baseline_that_another_real_arm_beats_is_called_not_the_best(case: DrawnCase, plain: float) -> None:
    found = case.measure(case.trainer(plain=plain))
    warned = [note for note in found.notes if "not the best that can be done without synthetic pairs" in note]
    assert [note.split(" scores ")[0] for note in warned] == (["real"] if plain > 0 else [])


def test_one_seed_is_not_enough_to_call_the_baseline_beaten(case: DrawnCase) -> None:
    found = case.measure(case.trainer(plain=0.03), seeds=1)
    assert not any("not the best that can be done" in note for note in found.notes)


def test_large_noise_cannot_tell_and_says_how_much_it_could_have_seen(case: DrawnCase) -> None:
    found = case.measure(case.trainer(gain={0.5: 0.02}, own=0.08))
    assert found.word == "cannot tell"
    detectable = difference(found, SYNTHETIC).difference.detectable
    assert detectable > 0.05
    assert f"could have seen is {100 * detectable:.1f} points" in found.sentence


def test_one_seed_has_a_mean_and_no_interval(case: DrawnCase) -> None:
    found = case.measure(case.trainer(gain={0.5: 0.05}), seeds=1)
    assert found.word == "cannot tell"
    assert "from one run without an interval" in found.sentence
    assert difference(found, SYNTHETIC).sd_per_cell is None


def test_five_real_and_synthetic_are_worth_ten_where_a_doubling_gains_as_much(case: DrawnCase) -> None:
    found = case.measure(case.trainer(gain={0.5: 0.05}, shared=0.005))
    worth = found.worth.worth
    assert [size for size, _ in found.worth.curve] == [2, 5, 10, 20]
    assert worth.value == pytest.approx(10, rel=0.15)
    assert worth.low < 10 < worth.high
    assert f"5 real + synthetic is worth {worth.value:.1f} real (95 % interval" in found.sentence


@pytest.mark.parametrize(("gain", "where"), [(0.5, "above the learning curve, which ends at 20"), (-0.4, "below")])
def test_worth_off_the_curve_is_not_determinable_and_says_why(case: DrawnCase, gain: float, where: str) -> None:
    found = case.measure(case.trainer(gain={0.5: gain}, slope=0.02))
    assert found.worth.worth.value is None
    assert where in found.worth.reason
    assert "worth" not in found.sentence
    assert found.to_json()["worth_real_pairs"]["not_determinable"] == found.worth.reason


def test_without_a_curve_worth_is_not_determinable(case: DrawnCase) -> None:
    found = case.measure(case.trainer(gain={0.5: 0.05}), curve=())
    assert found.worth.reason == "the learning curve needs two points and has 1"


def test_synthetic_arms_are_compared_with_the_warped_arm_too(case: DrawnCase) -> None:
    found = case.measure(case.trainer(gain={0.5: 0.05, 1.0: -0.1}))
    pairs = {(c.arm, c.baseline) for c in found.differences}
    assert pairs == {
        ("real", "real + classical"),
        ("real + classical + warped", "real + classical"),
        (SYNTHETIC, "real + classical"),
        (SYNTHETIC, "real + classical + warped"),
        ("synthetic + classical", "real + classical"),
        ("synthetic + classical", "real + classical + warped"),
    }
    assert difference(found, "synthetic + classical").difference.mean == pytest.approx(-0.1, abs=0.01)


def test_one_draw_is_said_to_be_one(case: DrawnCase) -> None:
    notes = case.measure(case.trainer()).notes
    assert any("not the choice of the training pairs" in note for note in notes)
    assert any("stands on one draw" in note for note in notes) is False


def test_the_json_holds_what_the_issue_names_and_is_plain(case: DrawnCase) -> None:
    found = case.measure(case.trainer(gain={0.5: 0.05}))
    content = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert {"arms", "differences", "worth_real_pairs", "verdict", "left_out", "steps", "share"} <= set(content)
    assert content["verdict"] == "helps"
    assert content["smallest_detectable_difference"] > 0
    assert content["sd_of_paired_difference_per_cell"] < 0.01
    assert content["steps"] == 500
    assert len(content["arms"]) == 5 + 3 * 3
    assert (content["real_pairs"], content["synthetic_pairs"], content["test_pairs"]) == (5, 20, 12)


def test_equal_numbers_of_real_pairs_get_equal_steps(case: DrawnCase) -> None:
    found = case.measure(case.trainer())
    assert {arm.steps for arm in found.arms if arm.real_pairs == 5} == {500}
    assert len({arm.arm for arm in found.arms if arm.real_pairs == 5}) == 5


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"arms": ("classical", "synthetik")}, "--arms synthetik: unknown; did you mean 'synthetic'?"),
        ({"arms": ("real", "synthetic")}, "--arms real,synthetic: give classical, the baseline, and at least one"),
        ({"arms": ("classical",)}, "--arms classical: give classical, the baseline, and at least one arm more"),
        ({"arms": ("classical", "oracle")}, "--arms oracle: needs pairs whose masks no model saw; give them with"),
        ({"arms": ("classical", "self-training")}, "--arms self-training: needs images without masks; give them"),
        ({"shares": (Share(1.0),)}, "--share 1: must lie between 0 and 1, or fall to 0 or more as in 0.5-0; --arms"),
        ({"shares": (Share(0.5, 1.0),)}, "--share 0.5-1: must lie between 0 and 1"),
        ({"shares": (Share(0.5), Share(0.5))}, "a share is given twice"),
        ({"steps": 0}, "--steps 0: must be 1 or more"),
        ({"seeds": 0}, "--seeds 0: must be 1 or more"),
        ({"preset": "fast"}, "--preset fast: unknown; known: full, quick"),
        ({"max_seconds": 0.0}, "--max-minutes 0: must be above 0"),
        ({"sizes": (0,)}, "--sizes 0: must be 1 or more"),
        ({"sizes": (30,)}, "--sizes 30: there are 5 pairs that the models saw and 20 more"),
    ],
)
def test_settings_that_cannot_be_are_refused(case: DrawnCase, options: dict[str, object], text: str) -> None:
    with pytest.raises(UsageError) as refusal:
        case.measure(case.trainer(), **options)
    assert text in refusal.value.message


def test_the_arm_is_taken_at_its_end_and_the_baseline_at_its_best(case: DrawnCase) -> None:
    trainer = case.trainer(gain={0.5: 0.05}, looks={25: -0.02, 50: 0.03, 100: 0.0})
    found = case.measure(trainer, curve=())
    gain = difference(found, SYNTHETIC)
    assert (gain.steps, gain.baseline_steps) == (500, 250)
    assert gain.difference.mean == pytest.approx(0.02, abs=0.005)
    assert any("real + classical is at its best after 250 of 500 steps" in note for note in found.notes)


def test_the_scores_over_training_are_told(case: DrawnCase) -> None:
    trainer = case.trainer(looks={25: -0.02, 50: 0.03, 100: 0.0})
    content = case.measure(trainer, curve=()).to_json()
    baseline = next(arm for arm in content["arms"] if arm["arm"] == "real + classical")
    assert [look["steps"] for look in baseline["over_steps"]] == [125, 250, 500]
    assert [len(look["scores"]) for look in baseline["over_steps"]] == [3] * 3
    assert baseline["over_steps"][1]["dice"] - baseline["over_steps"][2]["dice"] == pytest.approx(0.03, abs=0.005)
    assert baseline["dice"] == baseline["over_steps"][2]["dice"]


def test_a_gain_that_the_baseline_had_earlier_in_training_is_no_gain(case: DrawnCase) -> None:
    found = case.measure(case.trainer(gain={0.5: 0.03}, looks={50: 0.05, 100: 0.0}), curve=())
    assert found.word == "does not help"


def test_an_arm_says_itself_whether_the_judged_pairs_are_among_its_own(case: DrawnCase) -> None:
    found = case.measure(case.trainer(), curve=(), arms=("classical", "dilution", "synthetic", "synthetic-alone"))
    own = {arm.arm: arm.synthetic for arm in found.arms}
    assert own == {"real + classical": False, "dilution": False, SYNTHETIC: True, "synthetic + classical": True}
