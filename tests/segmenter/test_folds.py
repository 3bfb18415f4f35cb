"""Two segmenters, each fitted on half of the real pairs: held out by whole groups, cached, stopped together."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from pairaug.errors import DataError
from pairaug.machine.work import OutOfTime, Work
from pairaug.reporting import Reporter
from pairaug.segmenter.base import Recipe
from pairaug.segmenter.folds import fold_segmenters, grouped_folds
from tests.evaluation.sets import InstantTrainer, Listener, Threshold, drawn, opened, work


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return drawn(tmp_path_factory.mktemp("folds") / "real", 0, 12)


def test_every_real_pair_is_segmented_by_the_segmenter_that_has_not_seen_it(real: Path) -> None:
    trainer = InstantTrainer()
    with opened(real, real) as sets:
        fitted = fold_segmenters(sets.real, trainer, Path("cache"), work(workers=1), 0)  # so that recipes come in order
        assert len(trainer.recipes) == 2
        for fold, recipe in enumerate(trainer.recipes):
            held_out = [sets.real.image(i) for i in range(12) if fitted.fold_of[i] == fold]
            assert held_out
            assert not any(np.array_equal(a, b.image) for a in held_out for b in recipe.real)


def test_a_second_run_takes_the_segmenters_from_the_cache(real: Path) -> None:
    trainer = InstantTrainer()
    with opened(real, real) as sets:
        first = fold_segmenters(sets.real, trainer, Path("cache"), work(), 0)
        second = fold_segmenters(sets.real, trainer, Path("cache"), work(), 0)
    assert (len(trainer.recipes), trainer.loaded) == (2, 2)
    assert first.digests == second.digests


@pytest.mark.parametrize("change", ["seed", "preset", "pairs"])
def test_another_seed_preset_or_pair_is_another_cache_entry(real: Path, tmp_path: Path, change: str) -> None:
    trainer = InstantTrainer()
    with opened(real, real) as sets:
        fold_segmenters(sets.real, trainer, Path("cache"), work(), 0)
    with opened(drawn(tmp_path / "new", 3, 12) if change == "pairs" else real, real) as sets:
        trainer.name = "other" if change == "preset" else trainer.name
        fold_segmenters(sets.real, trainer, Path("cache"), work(), 1 if change == "seed" else 0)
    assert len(trainer.recipes) == 4


def test_damaged_segmenters_are_fitted_again(real: Path) -> None:
    trainer, listener = InstantTrainer(), Listener()
    with opened(real, real) as sets:
        fold_segmenters(sets.real, trainer, Path("cache"), work(), 0)
        next(Path("cache").rglob("fold-1.safetensors")).write_text("0.9")
        object.__setattr__(again := work(), "reporter", listener)
        fold_segmenters(sets.real, trainer, Path("cache"), again, 0)
    assert len(trainer.recipes) == 4
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
class Slow(InstantTrainer):
    """Tells of many steps, so that there is time to be stopped."""

    def fit(self, recipe: Recipe, classes: int, seed: int, reporter: Reporter) -> Threshold:
        self.recipes.append(recipe)
        for step in range(1, 10_001):
            reporter.progress(step, 10_000, "steps")
        return Threshold()


def test_folds_that_run_out_of_time_end_both_and_leave_no_cache(real: Path) -> None:
    trainer = Slow()
    with opened(real, real) as sets, pytest.raises(OutOfTime):
        fold_segmenters(sets.real, trainer, Path("cache"), work(deadline=time.monotonic() - 1), 0)
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
