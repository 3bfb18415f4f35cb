"""The field of view: where a picture shows anything, and that nothing is painted beyond it."""

from __future__ import annotations

import numpy as np
import torch

from pairaug.models.base import Example, Shape
from pairaug.models.translators.fields import keep_inside, outside
from pairaug.models.translators.graft import Graft, GraftConfig

SIDE = 96
ROWS, COLUMNS = np.indices((SIDE, SIDE))
DISC = (ROWS - 48) ** 2 + (COLUMNS - 48) ** 2 < 40**2


def picture(seed: int) -> np.ndarray:
    """(1, H, W): a bright disc with some grain in the dark, as a camera of the eye's ground gives it."""
    grain = np.random.default_rng(seed).normal(0, 0.05, (SIDE, SIDE))
    return (np.where(DISC, 0.4 + grain, -1 + np.abs(grain) / 10)[None]).clip(-1, 1).astype(np.float32)


def test_the_dark_around_a_disc_is_outside_and_a_dark_part_within_is_not() -> None:
    plane = picture(0)
    plane[0, 40:56, 40:56] = -1
    found = outside(plane)
    assert found[~DISC].all()
    assert found.mean() < (~DISC).mean() + 0.08
    assert not found[40:56, 40:56].any()


def test_a_picture_that_shows_something_everywhere_has_no_outside() -> None:
    assert not outside(np.abs(picture(0)) + np.float32(0.1)).any()
    speck = np.abs(picture(0)) * 0 + np.float32(0.5)
    speck[0, :4, :4] = -1
    assert not outside(speck).any()


def test_objects_that_stand_in_the_dark_make_it_no_outside() -> None:
    inside, dark = np.zeros((SIDE, SIDE), np.uint8), np.zeros((SIDE, SIDE), np.uint8)
    inside[40:60, 40:60] = 1
    dark[2:12, 2:12] = 1
    assert keep_inside([(picture(0), inside)] * 2)
    assert not keep_inside([(picture(0), inside), (picture(1), dark)])
    assert not keep_inside([(np.full((1, SIDE, SIDE), 0.3, np.float32), inside)])


def test_of_a_drawn_mask_nothing_is_painted_beyond_the_field_of_view_and_a_given_one_stays() -> None:
    examples = []
    for seed in range(3):
        labels = np.zeros((SIDE, SIDE), np.uint8)
        labels[30 + 4 * seed : 50, 30:60] = labels[60:70, 40:50] = 1  # two, so that drawn masks stay where they are
        levels = np.where(labels, 60, (picture(seed)[0] + 1) * 127.5).astype(np.uint8)
        examples.append(Example(labels, levels[..., None]))
    model = Graft(GraftConfig(), Shape(2, 1, 0, 0), torch.Generator())
    model.remember(examples)
    wanted = torch.zeros(1, SIDE, SIDE, dtype=torch.long)
    wanted[0, 44:52, :50] = 1  # from the border into the disc
    for seed in range(4):
        drawn, given = (
            model.paint(wanted, [torch.Generator().manual_seed(seed)], complete=complete) for complete in (True, False)
        )
        assert torch.equal(given.labels, wanted)
        kept = drawn.labels[0].numpy() > 0
        assert not (kept & ~DISC).sum() > 8  # grain at the rim
        assert 0.7 < kept.sum() / (wanted[0].numpy() * DISC).sum() < 1.3  # the rest of it, with an outline of its own
        assert (drawn.images[0, 0].numpy()[:, :6] < -0.9).all()
