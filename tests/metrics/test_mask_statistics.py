"""Shape statistics against masks solved by hand, and against scikit-image."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage.measure import euler_number as skimage_euler_number

from pairaug.metrics import statistics


def region(*rows: str) -> np.ndarray:
    return np.array([[mark == "#" for mark in row] for row in rows])


def values(mask: np.ndarray) -> dict[str, list[float]]:
    return {name: found.tolist() for name, found in statistics.region_statistics(mask).items()}


def test_a_ring_is_one_part_with_one_loop() -> None:
    found = values(region("###", "#.#", "###"))
    assert found["share"] == [pytest.approx(8 / 9)]
    assert found["parts"] == [1]
    assert found["loops"] == [1]


def test_two_diagonal_pixels_are_one_part_without_a_loop() -> None:
    found = values(region("#..", ".#.", "..."))
    assert (found["parts"], found["loops"]) == ([1], [0])


def test_a_diamond_of_corner_links_closes_a_loop() -> None:
    found = values(region(".#.", "#.#", ".#."))
    assert (found["parts"], found["loops"]) == ([1], [1])


def test_a_straight_line_has_its_length_width_and_two_ends() -> None:
    mask = np.zeros((9, 20), dtype=bool)
    mask[4, 5:15] = True
    found = values(mask)
    assert found["skeleton_length"] == [9]  # ten pixels, nine links
    assert found["mean_width"] == [1]
    assert found["end_points"] == [2]


def test_corner_links_count_as_the_diagonal_they_are() -> None:
    assert statistics.skeleton_length(np.eye(5, dtype=bool)) == pytest.approx(4 * np.sqrt(2))
    assert statistics.skeleton_length(region("##.", ".##")) == pytest.approx(3)  # a stair of side links only


def test_a_broad_bar_has_its_width_but_a_line_inside_it_does_not_change_that() -> None:
    mask = np.zeros((15, 60), dtype=bool)
    mask[5:10, 3:57] = True
    assert statistics.mean_width(mask, mask & (np.arange(15) == 7)[:, None]) == pytest.approx(5, abs=0.3)


def test_a_cross_has_four_ends() -> None:
    mask = np.zeros((15, 15), dtype=bool)
    mask[7, 2:13] = mask[2:13, 7] = True
    assert values(mask)["end_points"] == [4]


def test_box_dimension_of_a_square_is_2_of_a_line_1_of_a_point_0() -> None:
    line, point = np.zeros((64, 64), dtype=bool), np.zeros((64, 64), dtype=bool)
    line[10] = point[3, 5] = True
    assert statistics.box_dimension(np.ones((64, 64), dtype=bool)) == pytest.approx(2)
    assert statistics.box_dimension(line) == pytest.approx(1)
    assert statistics.box_dimension(point) == pytest.approx(0)


def test_box_dimension_of_the_sierpinski_triangle_is_log_3_over_log_2() -> None:
    rows, columns = np.indices((128, 128))
    assert statistics.box_dimension((rows & columns) == 0) == pytest.approx(np.log2(3))


def test_parts_are_measured_one_by_one() -> None:
    found = values(region("##....", "##....", "......", ".....#"))
    assert found["part_diameter"] == pytest.approx([2 * np.sqrt(4 / np.pi), 2 * np.sqrt(1 / np.pi)])
    assert found["part_row"] == pytest.approx([1 / 4, 3.5 / 4])
    assert found["part_column"] == pytest.approx([1 / 6, 5.5 / 6])


def test_an_empty_mask_has_no_width_no_dimension_and_no_parts() -> None:
    found = values(np.zeros((16, 16), dtype=bool))
    assert (found["share"], found["parts"], found["loops"]) == ([0], [0], [0])
    assert found["mean_width"] == found["box_dimension"] == found["part_row"] == []


def test_every_foreground_class_has_every_statistic() -> None:
    labels = np.zeros((16, 16), dtype=np.uint8)
    labels[2:5, 2:5], labels[8:12, 8:12] = 1, 2
    found = statistics.mask_statistics(labels, 3)
    assert set(found) == {f"{value}/{name}" for value in (1, 2) for name in statistics.STATISTICS}
    assert found["1/share"] == pytest.approx([9 / 256])
    assert found["2/share"] == pytest.approx([16 / 256])


def test_labels_out_of_range_are_refused_with_the_range() -> None:
    with pytest.raises(ValueError, match=r"values in \[0, 2\)"):
        statistics.mask_statistics(np.full((4, 4), 2), 2)


@settings(max_examples=60, deadline=None)
@given(arrays(bool, st.tuples(st.integers(1, 9), st.integers(1, 11))))
def test_the_euler_number_is_that_of_scikit_image(mask: np.ndarray) -> None:
    assert statistics.euler_number(mask) == skimage_euler_number(mask, connectivity=2)


@settings(max_examples=40, deadline=None)
@given(arrays(bool, st.tuples(st.integers(8, 14), st.integers(8, 14))), st.integers(1, 3))
def test_parts_loops_and_share_do_not_change_when_a_mask_is_turned(mask: np.ndarray, turns: int) -> None:
    before, after = values(mask), values(np.rot90(mask, turns))
    assert [before[name] for name in ("share", "parts", "loops")] == [
        after[name] for name in ("share", "parts", "loops")
    ]
    assert sorted(before["part_diameter"]) == pytest.approx(sorted(after["part_diameter"]))
