"""Which runs are made: arms, what each draws, their pairing and order, and the learning curve."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from pairaug.errors import UsageError
from pairaug.evaluation.utility.arms import chosen_arms
from pairaug.evaluation.utility.lazy_pairs import LazyExamples, LazyPair
from pairaug.evaluation.utility.options import REAL_ARMS, Share, UtilityOptions
from pairaug.evaluation.utility.plan import Plan, make_plan
from pairaug.segmenter import batches
from pairaug.segmenter.base import Recipe
from pairaug.segmenter.frames import KeptFrames
from tests.evaluation.utility.fakes import FIVE, DrawnCase, FakeTrainer, items


def planned(real: list[LazyPair], extra: list[LazyPair], **options: object) -> Plan:
    chosen = UtilityOptions(FIVE, REAL_ARMS, **options)  # type: ignore[arg-type]
    return make_plan(chosen, chosen_arms(chosen), real, extra)


def test_the_arms_are_those_of_the_issue() -> None:
    arms = {
        arm.title: (arm.share, arm.augmentation)
        for arm in chosen_arms(UtilityOptions(FIVE, shares=(Share(0.5), Share(0.25))))
    }
    assert arms == {
        "real": (0.0, "none"),
        "real + classical": (0.0, "classical"),
        "real + classical + warped": (0.0, "classical and warped"),
        "real + classical + synthetic": (0.5, "classical"),
        "real + classical + synthetic (0.25)": (0.25, "classical"),
        "synthetic + classical": (1.0, "classical"),
    }


def test_a_cell_is_given_exactly_the_pairs_of_its_arm(case: DrawnCase) -> None:
    trainer = case.trainer()
    case.measure(trainer, arms=("classical", "synthetic"), curve=())
    seen = {item.read().image.tobytes() for item in case.real[:5]}
    new = {item.read().image.tobytes() for item in case.synthetic}
    assert len(trainer.fits) == 6
    for recipe, _ in trainer.fits:
        assert {example.image.tobytes() for example in recipe.real} == seen
        assert {example.image.tobytes() for example in recipe.synthetic} == (new if recipe.synthetic_share else set())


def test_cells_on_the_same_pairs_share_one_sequence_so_that_a_ruler_can_keep_their_frames(case: DrawnCase) -> None:
    trainer = case.trainer()
    case.measure(trainer)
    assert len({id(recipe.real) for recipe, _ in trainer.fits if len(recipe.real) == 5}) == 1
    assert len({id(recipe.synthetic) for recipe, _ in trainer.fits if recipe.synthetic_share}) == 1


def test_arms_are_paired_by_seed_and_the_judged_arm_comes_first(case: DrawnCase) -> None:
    trainer = case.trainer()
    case.measure(trainer, seed=7)
    shares = [(recipe.synthetic_share, seed) for recipe, seed in trainer.fits[:6]]
    assert shares == [(0.0, 7), (0.5, 7), (0.0, 8), (0.5, 8), (0.0, 9), (0.5, 9)]
    assert all(len(recipe.real) == 5 for recipe, _ in trainer.fits[:15])
    assert [len(recipe.real) for recipe, _ in trainer.fits[15:24]] == [10] * 3 + [20] * 3 + [2] * 3
    assert {recipe.augmentation for recipe, _ in trainer.fits[15:24]} == {"classical"}


def test_the_real_segmenter_draws_the_share_that_the_arm_says(case: DrawnCase) -> None:
    """Counts what the reference segmenter takes from each side, by the frames of its walks."""
    real, synthetic = LazyExamples(case.real[:5]), LazyExamples(case.synthetic)
    for arm in chosen_arms(UtilityOptions(FIVE)):
        drawn = {"real": 0, "synthetic": 0}

        class Counted(batches.Walk):
            def next(self, wanted: int, beside: Sequence[int] = (), drawn: dict[str, int] = drawn) -> list[int]:
                drawn["real" if self._count == 5 else "synthetic"] += wanted
                return super().next(wanted, beside)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(batches, "Walk", Counted)
            drawing = batches.Batches(Recipe(real, synthetic, arm.share, arm.augmentation), 64, 2, KeptFrames()).draw(
                8, 0
            )
            for _ in range(10):
                next(drawing)
        assert drawn == {"real": round(80 * (1 - arm.share)), "synthetic": round(80 * arm.share)}, arm.title


def test_curves_are_drawn_in_whole_groups_and_nested() -> None:
    real = items(0, 6, "real", lambda n: f"child{n // 2}")
    extra = items(50, 12, "extra", lambda n: f"other{n // 3}")
    plan = planned(real, extra)
    pool = [*real, *extra]
    assert plan.sizes == (2, 6, 12, 18)
    for cell in plan.cells:
        inside = {pool[index].group for index in cell.pairs}
        outside = {item.group for index, item in enumerate(pool) if index not in cell.pairs}
        assert not inside & outside
        assert cell.size <= 6 or set(range(6)) < set(cell.pairs)
    assert {cell.draw for cell in plan.cells if cell.size == 6} == {0}
    assert {cell.draw for cell in plan.cells if cell.size == 18} == {0}
    assert len({cell.pairs for cell in plan.cells if cell.size == 12}) == 1 + max(
        cell.draw for cell in plan.cells if cell.size == 12
    )


def test_every_size_that_groups_can_add_up_to_is_found() -> None:
    for seed in range(12):
        rng = np.random.default_rng(seed)
        counts = rng.integers(30, 300, size=10)
        names = np.repeat(np.arange(10), counts)
        planned(items(0, len(names), "real", lambda n, names=names: f"volume{names[n]}"), [])
    with pytest.raises(UsageError, match="4 pairs cannot be filled with whole groups"):
        planned(items(0, 9, "real", lambda n: f"child{n // 3}"), [], sizes=(4,))


def test_sizes_can_be_chosen(case: DrawnCase) -> None:
    found = case.measure(case.trainer(), sizes=(3, 5, 25), seeds=1)
    assert [size for size, _ in found.worth.curve] == [3, 5, 25]


def test_the_ruler_of_the_project_fits_these_recipes() -> None:
    from pairaug.segmenter.reference import ReferenceSegmenter

    trainer = ReferenceSegmenter("full")
    assert trainer.schedule(20)[-1] >= trainer.schedule(5)[-1] > trainer.schedule(5)[0] > 0
    assert trainer.seconds(20) >= trainer.seconds(5) > 0
    assert "full" in trainer.name
    assert isinstance(FakeTrainer([]).name, str)
