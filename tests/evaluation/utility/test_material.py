"""What each arm trains on: copies, pasted objects, pseudo-labels of the right teacher, further pairs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from pairaug.errors import ModelError
from pairaug.evaluation.utility.arms import Available, chosen_arms
from pairaug.evaluation.utility.cells import CellFolder, Context
from pairaug.evaluation.utility.lazy_pairs import LazyImage
from pairaug.evaluation.utility.material import Material
from pairaug.evaluation.utility.options import ARM_NAMES, Share, UtilityOptions, default_arms
from pairaug.evaluation.utility.plan import Cell
from pairaug.reporting import Reporter
from pairaug.segmenter.base import Look, Recipe
from tests.evaluation.utility.fakes import draw, items

HALF = Share(0.5)
EVERYTHING = Available(synthetic=True, unlabelled=True, oracle=True)


@dataclass(frozen=True)
class Threshold:
    """Everything brighter than ``level`` is foreground."""

    level: float

    def predict(self, image: NDArray[np.floating]) -> NDArray[np.uint8]:  # type: ignore[type-arg]
        return (image[..., 0] > self.level).astype(np.uint8)

    def save(self, path: Path) -> None:
        path.write_text(json.dumps(self.level))


@dataclass
class ThresholdTrainer:
    """The level tells the seed of the fit."""

    name: str = "threshold"
    fits: list[int] = field(default_factory=list)

    def schedule(self, pairs: int) -> tuple[int, ...]:
        return (1,)

    def seconds(self, pairs: int) -> float:
        return 1.0

    def fit(self, recipe: Recipe, classes: int, seed: int, reporter: Reporter, look: Look | None = None) -> Threshold:
        assert not recipe.synthetic_share, "a teacher is the baseline"
        self.fits.append(seed)
        return Threshold(0.3 + 0.1 * seed)

    def load(self, path: Path) -> Threshold:
        try:
            return Threshold(float(path.read_text()))
        except ValueError:
            raise ModelError("damaged") from None


REAL, NEW, FURTHER = items(0, 3, "real"), items(50, 4, "new"), items(80, 5, "further")
UNLABELLED = [LazyImage(f"more{n}", f"{n:064x}", f"more{n}", lambda n=n: draw(n).image) for n in range(90, 93)]  # type: ignore[misc]


def material(folder: Path, trainer: ThresholdTrainer, unlabelled: Sequence[LazyImage] = UNLABELLED) -> Material:
    context = Context(REAL, NEW, FURTHER, unlabelled, items(100, 2, "test"), "as drawn", 2, (), trainer.name)
    return Material(context, CellFolder(folder, context, Reporter()), trainer, teaching=True)


def cell(option: str, seed: int = 0, share: Share = HALF) -> Cell:
    arms = chosen_arms(UtilityOptions(ARM_NAMES, shares=(share,)), EVERYTHING)
    return Cell(next(arm for arm in arms if arm.option == option), (0, 1, 2), 0, seed)


def recipe(folder: Path, option: str, share: Share = HALF) -> Recipe:
    return material(folder, ThresholdTrainer()).recipe(cell(option, share=share), Reporter())


def test_dilution_draws_the_real_pairs_again_and_changes_nothing(tmp_path: Path) -> None:
    found = recipe(tmp_path, "dilution")
    assert (found.synthetic is found.real, found.synthetic_share, found.change) == (True, 0.5, "none")


def test_copy_paste_changes_real_pairs_without_any_other_data(tmp_path: Path) -> None:
    found = recipe(tmp_path, "copy-paste")
    assert (found.synthetic is found.real, found.change, len(found.donors)) == (True, "copy-paste", 0)


@pytest.mark.parametrize("option", ["histogram-matching", "amplitude-swap"])
def test_the_appearance_of_images_without_masks_is_given_to_real_pairs(tmp_path: Path, option: str) -> None:
    found = recipe(tmp_path, option)
    assert found.synthetic is found.real
    assert found.change == option.replace("-", " ")
    assert [image.tobytes() for image in found.donors] == [image.read().tobytes() for image in UNLABELLED]


def test_the_oracle_is_given_further_pairs_and_the_synthetic_arm_the_synthetic_ones(tmp_path: Path) -> None:
    for option, pairs in (("oracle", FURTHER), ("synthetic", NEW), ("synthetic-alone", NEW)):
        given = {example.image.tobytes() for example in recipe(tmp_path, option).synthetic}
        assert given == {pair.read().image.tobytes() for pair in pairs}


def test_a_share_that_falls_reaches_the_recipe(tmp_path: Path) -> None:
    found = recipe(tmp_path, "synthetic", Share(0.5, 0.0))
    assert (found.synthetic_share, found.last_share) == (0.5, 0.0)


@pytest.mark.parametrize("seed", [0, 2])
def test_pseudo_labels_are_those_of_the_baseline_of_the_same_seed(tmp_path: Path, seed: int) -> None:
    trainer = ThresholdTrainer()
    found = material(tmp_path, trainer).recipe(cell("self-training", seed), Reporter())
    assert trainer.fits == [seed]
    assert [example.image.tobytes() for example in found.synthetic] == [one.read().tobytes() for one in UNLABELLED]
    for example in found.synthetic:
        assert np.array_equal(example.labels, example.image[..., 0] > 0.3 + 0.1 * seed)
        assert example.labels.any()


def test_the_segmenter_that_a_baseline_leaves_is_the_teacher_and_none_is_fitted(tmp_path: Path) -> None:
    trainer = ThresholdTrainer()
    given = material(tmp_path, trainer)
    given.keep_teacher(cell("classical"), Threshold(0.45))
    given.keep_teacher(cell("oracle"), Threshold(0.99))
    for again in (given, material(tmp_path, trainer)):  # in this run, and in one that goes on after it
        example = again.recipe(cell("self-training"), Reporter()).synthetic[0]
        assert np.array_equal(example.labels, example.image[..., 0] > np.float32(0.45))
    assert trainer.fits == []


def test_a_damaged_teacher_is_fitted_again(tmp_path: Path) -> None:
    trainer = ThresholdTrainer()
    given = material(tmp_path, trainer)
    given.keep_teacher(cell("classical"), Threshold(0.45))
    next(tmp_path.glob("teacher-*")).write_text("rubbish")
    given.recipe(cell("self-training"), Reporter())
    assert trainer.fits == [0]
    material(tmp_path, trainer).recipe(cell("self-training"), Reporter())
    assert trainer.fits == [0]


def test_other_images_without_masks_are_another_question_for_those_arms_alone(tmp_path: Path) -> None:
    contexts = [
        Context(REAL, NEW, FURTHER, some, items(100, 2, "test"), "as drawn", 2, (), "threshold")
        for some in (UNLABELLED, UNLABELLED[:2])
    ]
    asks = {name for name in ARM_NAMES if contexts[0].facts(cell(name)) != contexts[1].facts(cell(name))}
    assert asks == {"self-training", "histogram-matching", "amplitude-swap"}


def test_without_other_wishes_the_cheap_rivals_run_that_there_are_data_for() -> None:
    assert default_arms(synthetic=True, unlabelled=False, oracle=False) == ("classical", "copy-paste", "synthetic")
    assert default_arms(synthetic=False, unlabelled=True, oracle=True) == (
        "classical", "copy-paste", "self-training", "oracle",
    )  # fmt: skip
