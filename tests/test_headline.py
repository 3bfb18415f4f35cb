"""The headline table of the benchmarks: sides that do not touch, runs that go on, intervals that are what they say."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from scipy import stats

from pairaug.pairs.drawing import draw_blob_pair

sys.path.insert(0, str(Path(__file__).parent / "benchmarks"))
import headline
from apart import apart
from headline_table import Mean, Measured, markdown, mean_of_draws, over_sets, summary

GROUPED = {
    "group_by": r"child(\d+)",
    "train": [[f"child{n // 2}-{n % 2}.png", f"m{n}.png"] for n in range(20)],
    "test": [["t.png", "t-mask.png"]],
    "subsets": {"5": [[[f"child{n // 2}-{n % 2}.png", f"m{n}.png"] for n in (0, 1, 2, 3, 4)]]},
}
DEGREES = 5.0
CELL = headline.Cell("vessels", "5", 0)


@pytest.fixture(autouse=True)
def _no_disguise(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pairs of these lists are names alone."""
    monkeypatch.setattr(headline, "apart", lambda data, rest, scored, threshold: rest)


def child(pair: list[str]) -> str:
    return pair[0].split("-")[0]


def test_no_group_stands_on_two_sides_and_no_pair_is_lost() -> None:
    found = headline.sides(GROUPED, CELL, test_lists=False)
    real, scored, rest = ({child(pair) for pair in side} for side in (found.real, found.scored, found.rest))
    assert not real & scored
    assert not real & rest
    assert not scored & rest
    assert len(found.scored) + len(found.rest) == 14  # the other eye of the fifth pair is on no side
    assert abs(len(found.scored) - len(found.rest)) <= 2
    assert found == headline.sides(GROUPED, CELL, test_lists=False)


def test_an_image_that_shows_a_scored_pair_flipped_or_brighter_is_left_out(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    names = [[f"{number}.png", f"{number}-mask.png"] for number in range(8)]
    for image, mask in names:
        picture, labels = draw_blob_pair(rng, 96, 96)
        Image.fromarray(picture).save(tmp_path / image)
        Image.fromarray(np.where(labels, 255, 0).astype(np.uint8)).save(tmp_path / mask)
    flipped = np.asarray(Image.open(tmp_path / "5.png"))[:, ::-1]
    Image.fromarray((flipped * 0.8 + 20).astype(np.uint8)).save(tmp_path / "1.png")
    assert apart(tmp_path, names[:4], names[4:], 1) == [names[0], *names[2:4]]


def test_test_lists_are_opened_only_where_that_is_asked_for() -> None:
    found = headline.sides(GROUPED, CELL, test_lists=True)
    assert found.scored == GROUPED["test"]
    assert len(found.rest) == 14


def test_another_site_is_tested_on_one_half_of_its_images_and_offers_the_other() -> None:
    split = GROUPED | {"test": [[f"t{n}.png", f"t{n}-mask.png"] for n in range(9)]}
    found = headline.sides(split, headline.Cell("other-cells", "5", 0), test_lists=False)
    assert found.real == GROUPED["subsets"]["5"][0]
    assert (len(found.scored), len(found.rest)) == (4, 5)
    assert sorted(found.scored + found.rest) == sorted(split["test"])


def test_test_slices_of_a_training_patient_are_left_out() -> None:
    seen, held = next(iter(headline.SHARED_PATIENTS.items()))
    split = {
        "group_by": None,
        "train": [[seen, "a.png"], ["b.jpg", "b.png"]],
        "test": [[held, "c.png"], ["d.jpg", "d.png"]],
        "subsets": {"5": [[["b.jpg", "b.png"]]]},
    }
    assert headline.sides(split, CELL, test_lists=True).scored == [["d.jpg", "d.png"]]


def measured(name: str, draw: int, gains: dict[str, float], error: float | None = 0.01) -> Measured:
    arms = [{"arm": "real + classical", "over_steps": [{"dice": 0.7}, {"dice": 0.6}]}]
    arms += [{"arm": arm, "over_steps": [{"dice": 0.9}, {"dice": 0.7 + gain}]} for arm, gain in gains.items()]
    reach = float(stats.t.ppf(0.975, DEGREES)) * (error or 0)
    differences = [
        {"arm": arm, "baseline": "real + classical", "measure": "dice", "mean": gain, "standard_error": error,
         "low": gain - reach, "high": gain + reach, "runs": 3, "sd_per_cell": 0.004}
        for arm, gain in gains.items()
    ]  # fmt: skip
    return Measured(name, "5", draw, {"arms": arms, "differences": differences})


def test_the_baseline_is_shown_at_its_best_and_arms_at_their_end() -> None:
    cell = measured("ct", 0, {"oracle": 0.08})
    assert cell.dice("real + classical") == 0.7
    assert cell.dice("oracle") == pytest.approx(0.78)


def test_the_interval_of_a_set_holds_the_spread_of_its_draws_and_the_error_of_its_cells() -> None:
    gains = [0.02, 0.05, 0.02]
    found = mean_of_draws([measured("ct", draw, {"oracle": gain}) for draw, gain in enumerate(gains)], "oracle")
    assert found is not None
    variance = np.var(gains, ddof=1) / 3 + 0.01**2
    freedom = variance**2 / ((np.var(gains, ddof=1) / 3) ** 2 / 2 + (0.01**2) ** 2 / (3 * DEGREES))
    reach = stats.t.ppf(0.975, freedom) * np.sqrt(variance)
    assert found.interval == pytest.approx((np.mean(gains) - reach, np.mean(gains) + reach))


def test_the_interval_of_a_lone_cell_is_its_own() -> None:
    cell = measured("ct", 0, {"oracle": 0.05})
    found, own = mean_of_draws([cell], "oracle"), cell.gain("oracle")
    assert found is not None
    assert own is not None
    assert found.interval == pytest.approx((own["low"], own["high"]))


def test_a_lone_cell_without_an_error_has_no_interval() -> None:
    found = mean_of_draws([measured("ct", 0, {"oracle": 0.02}, error=None)], "oracle")
    assert found == Mean(0.02)
    assert found.interval is None


def test_pooling_more_sets_narrows_the_interval_and_keeps_each_sets_weight() -> None:
    many = [[measured("a", draw, {"oracle": 0.02}) for draw in range(3)], [measured("b", 0, {"oracle": 0.06})]]
    found, lone = over_sets(many, "oracle"), over_sets(many[1:], "oracle")
    assert found is not None
    assert lone is not None
    assert found.value == pytest.approx(0.04)
    assert np.ptp(found.interval or ()) < np.ptp(lone.interval or ())


def test_the_table_says_what_is_missing_and_shares_of_a_sure_oracle_alone() -> None:
    sure, unsure = measured("ct", 0, {"copy-paste": 0.04, "oracle": 0.08}), measured("b", 0, {"oracle": 0.001})
    lines = markdown([sure, unsure]).splitlines()
    assert lines[0] == "| set | pairs | draws | real + classical | copy-paste | oracle |"
    assert lines[2].startswith("| ct | 5 | 1 | 0.700 | +4.0 [")
    assert " 50% |" in lines[2]
    assert lines[3].startswith("| b | 5 | 1 | 0.700 | - | +0.1 [")
    assert lines[4].startswith("| pooled | 5 |  |  | - | +4.0 [")
    assert json.dumps(summary([sure, unsure]), allow_nan=False)


@pytest.fixture
def asked(tmp_path: Path) -> Namespace:
    return Namespace(
        data=tmp_path / "data", work=tmp_path, masks_model=None, translator=None, unlabelled=True, arms=None,
        share="0.5", seeds=2, steps=None, count=10, test_lists=False, style=False, no_gates=False,
    )  # fmt: skip


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What pairaug was called with; it answers that nothing was measured."""
    found: list[list[str]] = []

    def pairaug(arguments: list[Any]) -> str:
        found.append([str(part) for part in arguments])
        return json.dumps({"utility": {"arms": [], "differences": []}})

    monkeypatch.setattr(headline, "pairaug", pairaug)
    return found


def test_what_is_measured_is_not_measured_again_until_it_is_asked_otherwise(
    asked: Namespace, calls: list[list[str]]
) -> None:
    parts = headline.sides(GROUPED, CELL, test_lists=False)
    for _ in range(2):
        headline.measure(asked, CELL, parts, GROUPED["group_by"])
    assert len(calls) == 1
    asked.seeds = 3
    headline.measure(asked, CELL, parts, GROUPED["group_by"])
    assert len(calls) == 2
    told = calls[0]
    assert told[told.index("--arms") + 1] == "classical,dilution,copy-paste,self-training,oracle"
    assert len(Path(told[told.index("--unlabelled") + 1]).read_text().splitlines()) == len(parts.rest)
    assert [one.draw for one in headline.read(asked.work, [CELL, headline.Cell("ct", "5", 1)])] == [0]


def test_models_are_fitted_on_the_draw_alone_and_judged_beside_its_rivals(
    asked: Namespace, calls: list[list[str]]
) -> None:
    asked.masks_model, asked.translator = "warp", "vess2image"
    headline.measure(asked, CELL, headline.sides(GROUPED, CELL, test_lists=False), None)
    assert [call[0] for call in calls] == ["fit-masks", "fit-translator", "synthesize", "evaluate"]
    real = Path(calls[0][calls[0].index("--list") + 1])
    assert len(real.read_text().splitlines()) == 5
    assert calls[3][2] == calls[2][calls[2].index("--out") + 1]
    assert calls[3][calls[3].index("--arms") + 1] == "classical,synthetic,copy-paste,self-training,oracle"


def test_a_translator_that_takes_images_without_masks_gets_them_or_their_manner(
    asked: Namespace, calls: list[list[str]]
) -> None:
    asked.masks_model = asked.translator = "auto"
    parts = headline.sides(GROUPED, CELL, test_lists=False)
    headline.measure(asked, CELL, parts, None)
    given = Path(calls[1][calls[1].index("--unlabelled") + 1])
    assert len(given.read_text().splitlines()) == len(parts.rest)
    asked.style = asked.no_gates = True
    headline.measure(asked, CELL, parts, None)
    assert "--unlabelled" not in calls[5]
    assert "--no-gate" in calls[5]
    assert calls[6][calls[6].index("--style-from") + 1] == str(given)
    assert calls[6][calls[6].index("--gates") + 1] == "none"


def test_of_another_model_the_old_result_is_not_kept(asked: Namespace, calls: list[list[str]]) -> None:
    asked.translator = "vess2image"
    for name in ("warp", "vessgan", "vessgan"):
        asked.masks_model = name
        headline.measure(asked, CELL, headline.sides(GROUPED, CELL, test_lists=False), None)
    assert [call[0] for call in calls].count("evaluate") == 2


def test_without_further_pairs_there_is_no_oracle_and_without_scored_ones_nothing(
    asked: Namespace, calls: list[list[str]]
) -> None:
    real = GROUPED["subsets"]["5"][0]
    headline.measure(asked, CELL, headline.Sides(real, [], real), None)
    assert calls == []
    headline.measure(asked, CELL, headline.Sides(real, GROUPED["test"], []), None)
    assert calls[0][calls[0].index("--arms") + 1] == "classical,dilution,copy-paste"
    assert not {"--oracle", "--unlabelled"} & set(calls[0])
