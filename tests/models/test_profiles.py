"""Thin objects are painted as real ones change the level behind them."""

from __future__ import annotations

import numpy as np
import pytest

from pairaug.models.masks.skeleton_graph import trace
from pairaug.models.translators.profiles import REACH, Course, Profiles

SIDE = 120
THIN, WIDE = 3, 9


def lines(*places: tuple[int, int], side: int = SIDE) -> np.ndarray:
    """Upright lines: the column of the first pixel, and the width of each."""
    mask = np.zeros((side, side), np.uint8)
    for column, width in places:
        mask[10:-10, column : column + width] = 1
    return mask


def background(seed: int, channels: int = 1) -> np.ndarray:
    """(C, H, W): a slope with grain."""
    grain = np.random.default_rng(seed).normal(0, 0.01, (channels, SIDE, SIDE))
    return (np.linspace(0.0, 0.6, SIDE) + grain).astype(np.float32)


def darkened(picture: np.ndarray, mask: np.ndarray, *factors: float) -> np.ndarray:
    """The light of the picture times a factor a channel where the mask is."""
    light = (picture + 1) / 2
    return (light * np.where(mask, np.reshape(factors, (-1, 1, 1)), 1) * 2 - 1).astype(np.float32)


def ratio(painted: np.ndarray, before: np.ndarray, where: np.ndarray) -> np.ndarray:
    """(C,): light after over light before."""
    return ((painted + 1) / (before + 1))[:, where].mean(axis=1)


def inner(column: int, width: int) -> np.ndarray:
    """The middle of a line."""
    found = np.zeros((SIDE, SIDE), bool)
    found[30:-30, column + width // 2] = True
    return found


def learnt(*examples: tuple[np.ndarray, np.ndarray]) -> Profiles:
    return Profiles([mask for _, mask in examples], [picture for picture, _ in examples])


def test_a_new_branch_changes_the_level_by_as_much_as_real_ones_and_only_there() -> None:
    known = lines((30, WIDE), (80, WIDE))
    profiles = learnt(*((darkened(background(seed, 2), known, 0.5, 0.8), known) for seed in (0, 1)))
    canvas, wanted = background(7, 2), lines((55, WIDE))
    painted = profiles.paint(canvas, wanted, 0, np.random.default_rng(0))
    assert ratio(painted, canvas, inner(55, WIDE)) == pytest.approx([0.5, 0.8], abs=0.03)
    near = Course.of(wanted).depth > -REACH
    assert np.array_equal(painted[:, ~near], canvas[:, ~near])
    assert ratio(painted, canvas, near & (wanted == 0)) == pytest.approx([1, 1], abs=0.05)


def test_thin_and_wide_branches_have_levels_of_their_own() -> None:
    thin, wide = lines((30, THIN), (100, THIN)), lines((60, WIDE))
    known = thin | wide
    profiles = learnt((darkened(darkened(background(0), thin, 0.8), wide, 0.4), known))
    canvas = background(3)
    painted = profiles.paint(canvas, lines((25, WIDE), (80, THIN)), 0, np.random.default_rng(0))
    assert ratio(painted, canvas, inner(25, WIDE)) == pytest.approx([0.4], abs=0.06)
    assert ratio(painted, canvas, inner(80, THIN)) == pytest.approx([0.8], abs=0.06)


def test_a_branch_is_as_strong_as_those_of_the_picture_that_it_is_painted_on() -> None:
    known = lines((30, WIDE), (80, WIDE))
    profiles = learnt((darkened(background(0), known, 0.4), known), (darkened(background(1), known, 0.8), known))
    canvas, wanted = background(5), lines((55, WIDE))
    for number, factor in ((0, 0.4), (1, 0.8)):
        painted = profiles.paint(canvas, wanted, number, np.random.default_rng(0))
        assert ratio(painted, canvas, inner(55, WIDE)) == pytest.approx([factor], abs=0.06)


def test_branches_of_two_strengths_stay_two_and_do_not_become_their_mean() -> None:
    strong, weak = lines((20, WIDE), (60, WIDE)), lines((40, WIDE), (90, WIDE))
    profiles = learnt((darkened(darkened(background(0), strong, 0.4), weak, 0.8), strong | weak))
    canvas = background(5)
    painted = [profiles.paint(canvas, lines((55, WIDE)), 0, np.random.default_rng(seed)) for seed in range(12)]
    found = [float(ratio(one, canvas, inner(55, WIDE))[0]) for one in painted]
    assert min(found) < 0.5
    assert max(found) > 0.7
    assert all(min(abs(value - 0.4), abs(value - 0.8)) < 0.08 for value in found)


def test_branches_of_two_classes_look_like_those_of_their_own() -> None:
    strong, weak = lines((20, WIDE), (60, WIDE)), lines((40, WIDE), (90, WIDE))
    profiles = learnt((darkened(darkened(background(0), strong, 0.4), weak, 0.8), strong + 2 * weak))
    canvas, wanted = background(5), lines((30, WIDE)) + 2 * lines((75, WIDE))
    for seed in range(6):
        painted = profiles.paint(canvas, wanted, 0, np.random.default_rng(seed))
        assert ratio(painted, canvas, inner(30, WIDE)) == pytest.approx([0.4], abs=0.08)
        assert ratio(painted, canvas, inner(75, WIDE)) == pytest.approx([0.8], abs=0.08)


def test_dots_are_painted_and_nothing_stays_nothing() -> None:
    known = lines((30, THIN), (80, THIN))
    profiles = learnt((darkened(background(0), known, 0.5), known))
    canvas, dot = background(2), np.zeros((SIDE, SIDE), np.uint8)
    dot[60, 60] = 1
    assert not trace(dot).branches
    assert ratio(profiles.paint(canvas, dot, 0, np.random.default_rng(0)), canvas, dot > 0)[0] < 0.9
    assert np.array_equal(profiles.paint(canvas, np.zeros_like(dot), 0, np.random.default_rng(0)), canvas)


def test_pictures_without_any_branch_change_nothing() -> None:
    profiles = learnt((background(0), np.zeros((SIDE, SIDE), np.uint8)))
    canvas = background(2)
    assert np.allclose(profiles.paint(canvas, lines((30, THIN)), 0, np.random.default_rng(0)), canvas, atol=1e-5)
