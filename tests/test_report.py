"""Pictures of plain results."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pairaug.report.contact import contact_sheet, viewable
from pairaug.report.curves import loss_curves
from pairaug.report.sheets import mask_picture, outlined, sheet


def test_a_mask_of_two_classes_is_white_on_black_and_more_have_colours() -> None:
    assert mask_picture(np.array([[0, 1]])).tolist() == [[[0, 0, 0], [255, 255, 255]]]
    colours = {tuple(c) for c in mask_picture(np.arange(7)[None])[0].tolist()}
    assert len(colours) == 7


def test_an_outline_marks_the_borders_between_classes_and_nothing_else() -> None:
    classes = np.zeros((5, 5), int)
    classes[:, 3:] = 1
    marked = (outlined(np.zeros((5, 5), np.uint8), classes) == (255, 221, 0)).all(axis=2)
    assert marked[:, 3].all()
    assert marked.sum() == 5


def test_a_sheet_shows_every_picture_in_its_aspect() -> None:
    wide = np.full((10, 40, 3), 200, np.uint8)
    page = np.asarray(sheet([[wide, wide[..., 0]]], ("a", "b"), cell=40))
    assert (page == 200).all(axis=2).sum() == 2 * 40 * 10


def test_a_contact_sheet_has_a_row_for_each_pair_of_pairs() -> None:
    pair = (np.zeros((8, 8), np.uint8), np.zeros((8, 8), np.uint8))
    one, two = contact_sheet([pair], [pair]), contact_sheet([pair] * 2, [pair] * 3)
    assert two.height > one.height
    assert two.width == one.width


def test_sixteen_bits_are_stretched_to_be_seen() -> None:
    deep = np.array([[1000, 2000]], np.uint16)
    assert viewable(deep).tolist() == [[0, 255]]


@pytest.mark.parametrize("values", [[1.0, 2.0, 3.0], [math.nan, 1.0, math.inf], [0.0], [5.0, 5.0]])
def test_loss_curves_survive_whatever_losses_were(values: list[float]) -> None:
    rows = [{"epoch": i, "loss": value} for i, value in enumerate(values)]
    page = np.asarray(loss_curves(rows, ["loss", "missing"], "epoch"))
    assert page.min() < 255
