"""Laying a donor over an object: where the mask may take on the donor's outline, and where it stays."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from pairaug.models.translators.donors import Donors
from pairaug.models.translators.laying import Canvas, lay
from pairaug.models.translators.sources import NOBODY, nobody
from pairaug.models.translators.surroundings import things_in

SIDE = 120
ROWS, COLUMNS = np.indices((SIDE, SIDE)) - SIDE // 2


def ellipse(down: int = 0, across: int = 0, tall: float = 20, wide: float = 20) -> np.ndarray:
    return (np.hypot((ROWS - down) / tall, (COLUMNS - across) / wide) < 1).astype(np.uint8)


def star(across: int = 0) -> np.ndarray:
    """An outline that no ellipse has."""
    angle = np.arctan2(ROWS, COLUMNS - across)
    return (np.hypot(ROWS, COLUMNS - across) < 20 + 5 * np.cos(6 * angle)).astype(np.uint8)


def picture_of(mask: np.ndarray) -> np.ndarray:
    return np.where(mask > 0, 0.8, -0.8).astype(np.float32)[None]


def painted(known: np.ndarray, mask: np.ndarray, *, outlines: bool, standing: np.ndarray | None = None) -> Canvas:
    """The objects of a mask painted on a dark picture with the bright ones of a known mask."""
    donors, rng = Donors([known], [picture_of(known)]), np.random.default_rng(0)
    there = np.zeros((SIDE, SIDE), bool) if standing is None else standing
    canvas = Canvas(np.full((1, SIDE, SIDE), -0.8, np.float32), mask.copy(), there, nobody((SIDE, SIDE)))
    for thing in things_in(mask):
        lay(canvas, thing, donors.fitting(thing, thing.surroundings(canvas.picture), rng), 0, rng, outlines=outlines)
    return canvas


def dice(one: np.ndarray, other: np.ndarray) -> float:
    return float(2 * (one & other).sum() / (one.sum() + other.sum()))


def test_the_mask_takes_on_the_outline_of_what_is_painted() -> None:
    canvas = painted(star(), ellipse(), outlines=True)
    shown = canvas.picture[0] > 0
    assert dice(shown, canvas.labels > 0) > 0.98  # the mask is the truth of the picture
    assert dice(canvas.labels > 0, ellipse() > 0) < 0.96  # and is no longer the ellipse
    assert 0.7 < canvas.labels.sum() / ellipse().sum() < 1.4  # but one like it, in its place
    middle = ndimage.center_of_mass(canvas.labels)
    assert np.hypot(*(np.array(middle) - SIDE // 2)) < 6


def test_a_mask_that_must_stay_is_painted_up_to_its_own_outline() -> None:
    canvas = painted(star(), ellipse(), outlines=False)
    assert np.array_equal(canvas.labels, ellipse())
    assert dice(canvas.picture[0] > 0, ellipse() > 0) > 0.95


def test_no_outline_is_quite_that_of_the_training_picture() -> None:
    canvas = painted(star(), star(), outlines=True)
    assert 0.8 < dice(canvas.labels > 0, star() > 0) < 0.99


def test_an_outline_that_would_touch_what_stands_beside_it_is_not_taken_on() -> None:
    wall = ndimage.binary_dilation(ellipse() > 0, iterations=4) & (ellipse() == 0)
    standing = wall & ~ndimage.binary_dilation(ellipse() > 0, iterations=2)
    canvas = painted(star(), ellipse(), outlines=True, standing=standing)
    assert np.array_equal(canvas.labels, ellipse())
    assert (canvas.picture[0][standing] < 0).all()  # what stands there stays as it is


def test_two_neighbours_stay_two_whatever_outlines_they_take_on() -> None:
    both = ellipse(across=-23) | ellipse(across=23)
    canvas = painted(star(), both, outlines=True)
    assert ndimage.label(canvas.labels, np.ones((3, 3)))[1] == 2
    assert not np.array_equal(canvas.labels, both)


def test_a_donor_that_its_picture_cuts_gives_no_outline_to_an_object_that_is_whole() -> None:
    """Its own ends at the frame: nothing is known of the rest."""
    canvas = painted(ellipse(down=-SIDE // 2, tall=30), ellipse(tall=15, wide=22), outlines=True)
    assert np.array_equal(canvas.labels, ellipse(tall=15, wide=22))


def test_of_an_object_at_the_frame_all_is_painted_by_its_donor_or_its_mask_stays() -> None:
    """The donor is cut where the object goes on for some pixels more."""
    known, mask = ellipse(down=-SIDE // 2, tall=30), ellipse(down=-SIDE // 2 + 8, tall=30)
    canvas = painted(known, mask, outlines=True)
    whole = (canvas.sources[canvas.labels > 0] != NOBODY).all()
    assert whole or np.array_equal(canvas.labels, mask)


def test_classes_stay_in_each_other() -> None:
    nested = (star() + ellipse(tall=10, wide=10)).astype(np.uint8)
    canvas = painted(nested, (ellipse() + ellipse(tall=9, wide=9)).astype(np.uint8), outlines=True)
    assert set(np.unique(canvas.labels)) == {0, 1, 2}
    assert not (ndimage.binary_dilation(canvas.labels == 2) & (canvas.labels == 0)).any()


def test_what_no_donor_is_like_is_left_open() -> None:
    canvas = painted(ellipse(tall=4, wide=4), ellipse(tall=40, wide=40), outlines=True)
    assert (canvas.sources == NOBODY).all()
    assert (canvas.picture == -0.8).all()
