"""Images that fit their masks agree like real ones; shifted, shuffled and cartoon ones are seen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pairaug.evaluation.evaluate import Evaluation
from pairaug.evaluation.parts.agreement import (
    Agreement,
    Ratio,
    _best_offsets,
    _differ,
    _ratio,
    _Scores,
    measure_agreement,
)
from pairaug.evaluation.views.answers import Answer, answers_of
from pairaug.metrics.bootstrap import Resampling
from pairaug.metrics.pair_scores import score_pair
from pairaug.segmenter.folds import fold_segmenters
from tests.evaluation.sets import InstantTrainer, draw_masks, drawn, opened, paint, work, write


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return drawn(tmp_path_factory.mktemp("agreement") / "real", 0, 12)


def measured(real: Path, synthetic: Path, **options: object) -> Agreement:
    with opened(real, synthetic, **options) as sets:
        fitted = fold_segmenters(sets.real, InstantTrainer(), Path("cache"), work(), 0)
        return measure_agreement(sets.real, sets.synthetic.items, sets.synthetic.masks, fitted, work(), 0)


def answer_of(found: Agreement) -> Answer:
    return answers_of(Evaluation(None, None, None, found, None, (), ()), ["0", "255"])[3]


def test_real_against_real_scores_1_inside_its_interval(real: Path, tmp_path: Path) -> None:
    found = measured(real, drawn(tmp_path / "other", 1, 12))
    assert found.dice.low <= 1 <= found.dice.high
    assert found.dice.value == pytest.approx(1, abs=0.03)
    assert found.centreline.value == pytest.approx(1, abs=0.05)
    assert (found.offset.row, found.offset.column) == (0, 0)
    assert (found.held_out_offset.row, found.held_out_offset.column) == (0, 0)
    assert not found.moved


def test_offsets_that_differ_by_chance_are_not_called_a_shift() -> None:
    """Blobs: nearly flat profiles with a peak anywhere on each side."""
    rng = np.random.default_rng(0)

    def scores(centre: tuple[int, int] | None) -> list[_Scores]:
        profiles = 0.7 + 0.01 * rng.random((12, 7, 7))
        if centre is not None:
            profiles[:, centre[0], centre[1]] += 0.1
        return [_Scores(0.7, 0.7, profile) for profile in profiles]

    weights = Resampling(range(12), rng).items
    flat, other, zero, down = (_best_offsets(scores(c), weights) for c in (None, None, (3, 3), (5, 3)))
    assert not _differ(flat, other)
    assert not _differ(flat, zero)
    assert _differ(zero, down)
    assert not _differ(None, down)


def test_where_nothing_is_found_no_offset_is_better_than_another() -> None:
    weights = Resampling(range(12), np.random.default_rng(0)).items
    found = _best_offsets([_Scores(0.0, 0.0, np.full((7, 7), value / 3)) for value in range(12)], weights)
    assert {tuple(row) for row in found.tolist()} == {(3, 3)}


def test_masks_shifted_by_2_px_against_their_images_give_offset_2_and_lower_agreement(
    real: Path, tmp_path: Path
) -> None:
    masks = draw_masks(1, 12)
    shifted = write(tmp_path / "shifted", masks, paint([np.roll(mask, 2, axis=0) for mask in masks], 1))
    found = measured(real, shifted)
    assert (found.offset.row, found.offset.column) == (2, 0)
    assert found.dice.high < 0.95
    assert found.moved
    assert "images lie 2 px below their masks" in answer_of(found).because
    assert all((pair.offset.row, pair.offset.column) == (2, 0) for pair in found.pairs)


def test_images_shuffled_among_masks_drop_to_the_floor_of_chance(real: Path, tmp_path: Path) -> None:
    masks = draw_masks(1, 12)
    images = paint(masks, 1)
    found = measured(real, write(tmp_path / "shuffled", masks, images[1:] + images[:1]))
    floor = np.mean([score_pair(masks[i - 11], masks[i], 2).mean_dice for i in range(12)])
    assert found.dice.synthetic == pytest.approx(floor, abs=0.05)
    assert found.dice.high < 0.5


def test_cartoons_score_above_1(real: Path, tmp_path: Path) -> None:
    noisy = write(tmp_path / "noisy", draw_masks(0, 12), [
        np.clip(image + np.random.default_rng(5).normal(0, 60, image.shape), 0, 255).astype(np.uint8)
        for image in paint(draw_masks(0, 12), 0)
    ])  # fmt: skip
    masks = draw_masks(1, 12)
    cartoons = write(tmp_path / "cartoons", masks, [(60 + 150 * mask).astype(np.uint8) for mask in masks])
    found = measured(noisy, cartoons)
    assert found.dice.low > 1.05
    answer = answer_of(found)
    assert answer.answer == "no"
    assert "too well: cartoons are easy" in answer.because


def test_thin_structures_that_are_found_too_well_are_named_where_dice_alone_looks_right(real: Path) -> None:
    found = measured(real, real)
    right = Ratio(1.0, 0.98, 1.02, 0.8, 0.8)
    told = [answer_of(replace(found, dice=right, centreline=Ratio(1.2, low, 1.3, 0.9, 0.75))) for low in (1.0, 1.1)]
    assert [("along centre lines 1.20 times" in answer.because) for answer in told] == [False, True]


def test_masks_too_small_for_an_offset_have_none(tmp_path: Path) -> None:
    masks = [np.pad(np.ones((2, 2), dtype=np.int64), 2) for _ in range(4)]
    tiny = write(tmp_path / "tiny", masks, paint(masks, 0))
    found = measured(tiny, tiny)
    assert found.offset is None
    assert found.pairs[0].offset is None


def test_few_masks_have_no_interval_and_no_shift() -> None:
    """One pair said "no" in five of eight draws of one and the same generator."""
    enough, few = (Resampling(range(count), np.random.default_rng(0)) for count in (12, 3))
    scores = np.random.default_rng(1).uniform(0.4, 0.9, 12)
    found = _ratio(scores[:3], scores, enough, few)
    assert found.value == pytest.approx(scores[:3].mean() / scores.mean())
    assert (found.low, found.high) == (None, None)


def test_the_interval_holds_the_ratio_of_sets_from_one_source_in_19_of_20_cases() -> None:
    inside = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        sides = [Resampling(range(count), rng) for count in (8, 8)]
        found = _ratio(rng.normal(0.7, 0.1, 8), rng.normal(0.7, 0.1, 8), *sides)
        inside += found.low <= 1 <= found.high
    assert 0.9 <= inside / 200 <= 0.99
