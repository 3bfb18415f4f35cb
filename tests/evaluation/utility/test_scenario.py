"""For which situation utility takes what it is given, and what it says of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pairaug.evaluation.utility import scenario
from pairaug.evaluation.utility.lazy_pairs import LazyPair
from pairaug.evaluation.utility.scenario import MOST, Scenario, scenario_of
from pairaug.metrics.features import block_lengths
from pairaug.segmenter.base import Example
from tests.evaluation.utility.fakes import draw, item_of, items


def coarse(number: int) -> LazyPair:
    """As another scanner sees it: darker, and without the finest detail."""
    example = draw(number)
    block = example.image.reshape(16, 4, 16, 4, 1).mean(axis=(1, 3))
    image = 0.6 * np.repeat(np.repeat(block, 4, axis=0), 4, axis=1)
    return item_of(Example(image.astype(np.float32), example.labels), f"coarse{number}")


REAL, TEST = items(0, 6, "real"), items(100, 6, "test")
ELSEWHERE = [coarse(number) for number in range(100, 106)]


def told(real: list[LazyPair] = REAL, test: list[LazyPair] = TEST, unlabelled: int = 0) -> Scenario:
    return scenario_of(real, test, unlabelled, np.random.default_rng(0))


def test_test_images_like_those_trained_on_are_the_same_site() -> None:
    found = told()
    assert found.word == "same site"
    assert found.shift is not None
    assert found.shift.p > 0.01
    assert found.sentence.startswith("scenario: the same site: the test images are taken to be of the site of those")
    assert set(found.facts()) == {"word", "mmd_ratio", "p"}


def test_images_without_masks_are_a_situation_of_their_own() -> None:
    found = told(unlabelled=7)
    assert found.word == "unlabelled images"
    assert found.sentence.startswith("scenario: images without masks at hand (7); the test images are taken to be of")


@pytest.mark.parametrize("unlabelled", [0, 7])
def test_test_images_that_differ_by_much_are_another_site_with_or_without_images_without_masks(unlabelled: int) -> None:
    found = told(test=ELSEWHERE, unlabelled=unlabelled)
    assert found.word == "another site"
    assert found.facts()["mmd_ratio"] > 1.5
    assert found.facts()["p"] < 0.01
    assert "scenario: another site: the test images differ from those trained on (MMD ratio" in found.sentence
    assert ("see --unlabelled" in found.sentence) == (unlabelled == 0)


@pytest.mark.parametrize(("real", "test"), [(REAL[:4], ELSEWHERE), (REAL, ELSEWHERE[:4])])
def test_fewer_than_five_images_a_side_tell_nothing(real: list[LazyPair], test: list[LazyPair]) -> None:
    found = told(real, test)
    assert found.facts() == {"word": None, "mmd_ratio": None, "p": None}
    words = f"cannot be told from {len(real)} independent training images beside {len(test)} test images; it needs 5"
    assert words in found.sentence


def test_images_of_one_group_count_once() -> None:
    assert told(test=[replace(item, group="one eye") for item in ELSEWHERE]).word is None


def test_of_many_images_some_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str] = []
    monkeypatch.setattr(scenario, "image_features", lambda image: np.zeros(sum(block_lengths(1))))

    def counted(item: LazyPair) -> LazyPair:
        return replace(item, read=lambda: looked.append(item.name) or item.read())  # type: ignore[func-returns-value]

    many = [counted(replace(TEST[number % 6], group=f"{number}", name=f"{number}")) for number in range(MOST + 20)]
    told(test=many)
    assert len(looked) == len(set(looked)) == MOST
