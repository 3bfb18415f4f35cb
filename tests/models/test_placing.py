"""Where each picture shows one object, a mask is brought to where that stood."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pairaug.models.base import Example, Shape
from pairaug.models.kinds import kind_of
from pairaug.models.translators.graft import Graft, GraftConfig
from pairaug.models.translators.placing import brought

SIDE = 96


def disc(row: float, column: float, radius: float, height: int = SIDE, width: int = SIDE) -> np.ndarray:
    rows, columns = np.indices((height, width))
    return (np.hypot(rows - row, columns - column) < radius).astype(np.uint8)


def middle(mask: np.ndarray) -> np.ndarray:
    return np.argwhere(mask).mean(axis=0)


def test_a_mask_lies_on_what_stood_there_and_keeps_its_shape() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        height, width = (int(length) for length in rng.integers(60, 120, 2))
        mask, stood = (disc(*rng.uniform(20, 40, 2), 12, height, width) for _ in range(2))
        moved = brought(2 * mask, stood)
        assert moved.sum() == 2 * mask.sum()
        assert np.abs(middle(moved) - middle(stood)).max() <= 1


@pytest.mark.parametrize("place", [(0, 0), (95, 40), (95, 95)])
def test_what_keeps_away_from_the_frame_goes_on_to_do_so(place: tuple[int, int]) -> None:
    moved = brought(disc(48, 48, 10), disc(*place, 5))
    assert moved.sum() == disc(48, 48, 10).sum()
    assert not moved[[0, -1]].any()
    assert not moved[:, [0, -1]].any()


def test_what_the_frame_cuts_stays_at_the_frame() -> None:
    cut = disc(0, 30, 10)
    moved = brought(cut, disc(60, 60, 10))
    assert moved.sum() == cut.sum()
    assert moved[0].sum() == cut[0].sum()
    assert abs(middle(moved)[1] - 60) <= 1


@pytest.mark.parametrize("which", ["mask", "stood"])
def test_nothing_moves_where_there_is_nothing(which: str) -> None:
    empty, something = np.zeros((SIDE, SIDE), np.uint8), disc(30, 30, 8)
    given = (empty, something) if which == "mask" else (something, empty)
    assert np.array_equal(brought(*given), given[0])


def test_several_objects_and_trees_are_not_alone() -> None:
    one, two = disc(30, 30, 8), disc(30, 30, 8) | disc(70, 70, 8)
    tree = np.zeros((200, 200), np.uint8)
    tree[100:102] = tree[:, 100:102] = 1
    assert kind_of([one, one, two], 2) == "single objects"
    assert kind_of([one, two, two], 2) == "objects"
    assert kind_of([tree, tree], 2) == "trees"


def known(objects: int) -> list[Example]:
    """Noise, with ``objects`` dark discs in each picture."""
    rng, found = np.random.default_rng(1), []
    for row in (25, 40, 55, 70):
        mask = disc(row, 24, 12)
        if objects > 1:
            mask |= disc(95 - row, 70, 12)
        picture = rng.integers(150, 250, (SIDE, SIDE))
        found.append(Example(mask, np.where(mask > 0, picture // 4, picture).astype(np.uint8)[..., None]))
    return found


def painted(objects: int, *, complete: bool) -> list[np.ndarray]:
    """The masks of eight pictures that were painted for one mask."""
    model = Graft(GraftConfig(), Shape(2, 1, 0, 0), torch.Generator())
    model.remember(known(objects))
    wanted = torch.from_numpy(disc(48, 48, 14)).long()[None]
    seeds = [torch.Generator().manual_seed(seed) for seed in range(8)]
    return [model.paint(wanted, [seed], complete=complete).labels[0].numpy() for seed in seeds]


def test_of_single_objects_each_lies_where_one_stood() -> None:
    middles = np.array([middle(mask) for mask in painted(1, complete=True)])
    apart = np.abs(middles[:, :1] - np.array([25, 40, 55, 70])).min(axis=1)
    assert apart.max() < 6  # pictures are bent a little
    assert np.abs(middles[:, 1] - 24).max() < 6
    assert len(set(np.rint(middles[:, 0] / 15))) > 1


def test_masks_of_several_objects_stay_where_they_are() -> None:
    for mask in painted(2, complete=True):
        assert np.abs(middle(mask) - 48).max() < 5
        assert mask.sum() == pytest.approx(disc(48, 48, 14).sum(), rel=0.3)  # with the outline of a real one


def test_masks_that_were_given_stay_as_they_are() -> None:
    assert all(np.array_equal(mask, disc(48, 48, 14)) for mask in painted(1, complete=False))
