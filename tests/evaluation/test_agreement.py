"""Images that fit their masks agree like real ones; shifted, shuffled and cartoon ones are seen."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from pairaug.errors import DataError
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
from pairaug.machine.work import OutOfTime, Work
from pairaug.metrics.bootstrap import Resampling
from pairaug.metrics.pair_scores import score_pair
from pairaug.reporting import Reporter
from pairaug.segmenter.base import Recipe
from pairaug.segmenter.folds import fold_segmenters, grouped_folds
from tests.evaluation.sets import FakeSource, Listener, Threshold, draw_masks, drawn, opened, paint, work, write


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return drawn(tmp_path_factory.mktemp("agreement") / "real", 0, 12)


def measured(real: Path, synthetic: Path, **options: object) -> Agreement:
    with opened(real, synthetic, **options) as sets:
        fitted = fold_segmenters(sets.real, FakeSource(), Path("cache"), work(), 0)
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
    assert "images lie (2, 0) px beside their masks" in answer_of(found).because
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


def test_every_real_pair_is_segmented_by_the_segmenter_that_has_not_seen_it(real: Path) -> None:
    source = FakeSource()
    with opened(real, real) as sets:
        fitted = fold_segmenters(sets.real, source, Path("cache"), work(workers=1), 0)  # so that recipes come in order
        assert len(source.recipes) == 2
        for fold, recipe in enumerate(source.recipes):
            held_out = [sets.real.image(i) for i in range(12) if fitted.fold_of[i] == fold]
            assert held_out
            assert not any(np.array_equal(a, b.image) for a in held_out for b in recipe.real)


def test_a_second_run_takes_the_segmenters_from_the_cache(real: Path) -> None:
    source = FakeSource()
    with opened(real, real) as sets:
        first = fold_segmenters(sets.real, source, Path("cache"), work(), 0)
        second = fold_segmenters(sets.real, source, Path("cache"), work(), 0)
    assert (len(source.recipes), source.loaded) == (2, 2)
    assert first.digests == second.digests


@pytest.mark.parametrize("change", ["seed", "preset", "pairs"])
def test_another_seed_preset_or_pair_is_another_cache_entry(real: Path, tmp_path: Path, change: str) -> None:
    source = FakeSource()
    with opened(real, real) as sets:
        fold_segmenters(sets.real, source, Path("cache"), work(), 0)
    with opened(drawn(tmp_path / "new", 3, 12) if change == "pairs" else real, real) as sets:
        source.name = "other" if change == "preset" else source.name
        fold_segmenters(sets.real, source, Path("cache"), work(), 1 if change == "seed" else 0)
    assert len(source.recipes) == 4


def test_damaged_segmenters_are_fitted_again(real: Path) -> None:
    source, listener = FakeSource(), Listener()
    with opened(real, real) as sets:
        fold_segmenters(sets.real, source, Path("cache"), work(), 0)
        next(Path("cache").rglob("fold-1.safetensors")).write_text("0.9")
        object.__setattr__(again := work(), "reporter", listener)
        fold_segmenters(sets.real, source, Path("cache"), again, 0)
    assert len(source.recipes) == 4
    assert "damaged" in listener.lines[0]


def test_folds_keep_groups_whole_and_even() -> None:
    groups = [0, 0, 0, 1, 1, 2, 2, 3]
    folds = grouped_folds(groups, np.random.default_rng(0))
    assert sorted((folds.count(0), folds.count(1))) == [4, 4]
    assert all(len({fold for fold, name in zip(folds, groups, strict=True) if name == one}) == 1 for one in set(groups))


def test_one_group_cannot_be_held_out_from_itself() -> None:
    with pytest.raises(DataError, match="give at least 2 groups"):
        grouped_folds([0, 0, 0], np.random.default_rng(0))


@dataclass
class Slow(FakeSource):
    """Tells of many steps, so that there is time to be stopped."""

    def fit(self, recipe: Recipe, classes: int, seed: int, reporter: Reporter) -> Threshold:
        self.recipes.append(recipe)
        for step in range(1, 10_001):
            reporter.progress(step, 10_000, "steps")
        return Threshold()


def test_folds_that_run_out_of_time_end_both_and_leave_no_cache(real: Path) -> None:
    source = Slow()
    with opened(real, real) as sets, pytest.raises(OutOfTime):
        fold_segmenters(sets.real, source, Path("cache"), work(deadline=time.monotonic() - 1), 0)
    assert not list(Path("cache").rglob("folds.json"))


def test_the_progress_of_both_folds_is_counted_as_one(real: Path) -> None:
    told: list[tuple[int, int | None]] = []

    class Counter(Reporter):
        def progress(self, done: int, total: int | None, unit: str, detail: str = "") -> None:
            told.append((done, total))

    with opened(real, real) as sets:
        fold_segmenters(sets.real, Slow(), Path("cache"), Work(2, Counter()), 0)
    assert told[-1] == (20_000, 20_000)
    assert [done for done, _ in told] == sorted(done for done, _ in told)


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
