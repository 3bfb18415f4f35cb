"""What the page draws: pictures, outlines, scales, distributions, curves and numbers."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import numpy as np
import pytest

from pairaug.report.figure import Figure
from pairaug.report.page.charts import axis_of, best, row_of
from pairaug.report.page.contents import LossHistory, Page, Sample, Samples
from pairaug.report.page.document import render
from pairaug.report.page.histogram import histogram
from pairaug.report.page.numbers import fixed, percent, points
from pairaug.report.page.pictures import image_uri, outline
from tests.report.example import bare
from tests.report.reader import Reader


def noise(rng: np.random.Generator, height: int, width: int) -> Sample:
    image = rng.integers(0, 65536, (height, width, 3)).astype(np.uint16)
    return Sample("noise.tif", image, rng.integers(0, 3, (height, width)).astype(np.uint8))


def test_large_sixteen_bit_images_of_pure_noise_stay_within_a_few_megabytes() -> None:
    rng = np.random.default_rng(0)
    samples = [noise(rng, 700, 900)] * 40
    document = render(replace(bare(), samples=Samples(samples, samples, "at random")))
    assert len(document) < 4_000_000


def test_a_large_picture_is_reduced_to_a_bounded_side() -> None:
    smooth = np.tile(np.linspace(0, 65535, 3000).astype(np.uint16), (2000, 1))
    assert len(image_uri(smooth)) < 20_000


def test_an_outline_is_a_light_line_inside_and_a_dark_one_outside() -> None:
    labels = np.zeros((7, 7), np.uint8)
    labels[2:5, 2:5] = 1
    assert outline(labels).tolist() == [
        [0, 0, 0, 0, 0, 0, 0],
        [0, 0, 1, 1, 1, 0, 0],
        [0, 1, 2, 2, 2, 1, 0],
        [0, 1, 2, 0, 2, 1, 0],
        [0, 1, 2, 2, 2, 1, 0],
        [0, 0, 1, 1, 1, 0, 0],
        [0, 0, 0, 0, 0, 0, 0],
    ]


def test_between_two_classes_there_is_one_light_line_and_it_is_the_higher_one_s() -> None:
    labels = np.array([[0, 0, 1, 1, 1, 2, 2, 2]], np.uint8).repeat(9, axis=0)
    assert outline(labels)[4].tolist() == [0, 1, 2, 0, 1, 3, 0, 3]


def test_a_ratio_further_right_is_drawn_further_right_until_the_scale_ends() -> None:
    ratios = [Figure("width", "width", value, scale="ratio") for value in (0.6, 1.0, 1.9, 50.0)]
    axis = axis_of(ratios)
    drawn = [Reader(row_of(ratio, axis)) for ratio in ratios]
    places = [float(str(found.all("circle")[0]["cx"])) for found in drawn[:3]]
    assert places == sorted(places)
    assert places[1] == pytest.approx(axis.scale(1.0))
    assert not drawn[3].all("circle")  # an arrow instead


@pytest.mark.parametrize(
    ("low", "high", "ends"), [(0.9, 1.2, 1.25), (0.9, 1.9, 2.0), (0.9, 3.1, 4.0), (0.3, 1.0, 4.0), (0.9, 8.25, 10.0)]
)
def test_the_scale_of_ratios_is_as_wide_as_their_intervals(low: float, high: float, ends: float) -> None:
    ratio = Figure("width", "width", 1.0, low, high, scale="ratio")
    difference = Figure("loops", "loops", 80.0, 70.0, 90.0, scale="difference")
    axis = axis_of([ratio, difference])
    assert (axis.scale.low, axis.scale.high) == (pytest.approx(1 / ends), ends)
    assert "open" not in row_of(ratio, axis)


def test_an_interval_that_goes_on_beyond_the_scale_ends_in_an_arrow_on_that_side() -> None:
    axis = axis_of([Figure("loops", "loops", 1.0, 0.5, 12.7, scale="ratio")])
    for low, high, ends in ((0.5, 12.7, [10.0]), (0.01, 2.0, [0.1]), (0.01, 12.7, [0.1, 10.0]), (0.5, 2.0, [])):
        drawn = row_of(Figure("loops", "loops", 1.0, low, high, scale="ratio"), axis)
        arrows = re.findall(r'd="M([\d.]+) [^"]*" class="whisker open"', drawn)
        assert arrows == [f"{axis.scale(end):.1f}" for end in ends]


def test_counts_have_no_place_below_zero_and_shares_an_axis() -> None:
    counts, none = np.array([0.0, 0.0, 1.0, 2.0]), np.zeros(4)
    found = Reader(histogram(counts, none, "loops"))
    assert found.words[:3] == ["0", "100 %", "100 %"]
    assert not any("−" in word for word in found.words)
    assert any(word == "−2" for word in Reader(histogram(counts - 2, none, "moved")).words)


@pytest.mark.parametrize("values", [[], [math.nan], [3.0], [5.0, 5.0], [0.0, 1.0, 40.0], [1e-9, 1.0000000001e-9]])
def test_a_distribution_is_drawn_whatever_the_values_are(values: list[float]) -> None:
    found = Reader(histogram(np.array(values), np.array([]), "parts"))
    numbers = [str(value) for box in found.all("rect") for value in box.values()]
    assert not {"nan", "inf"} & set(numbers)


def test_the_best_offset_is_the_highest_and_the_nearest_of_equals() -> None:
    profile = np.zeros((7, 7))
    profile[5, 3] = profile[3, 0] = 0.8
    assert best(profile) == (2, 0)
    assert best(np.full((7, 7), 0.5)) == (0, 0)


def test_a_loss_with_gaps_is_drawn_in_pieces(page: Page) -> None:
    values = np.array([3.0, 2.0, math.nan, 1.0, 0.5])
    history = LossHistory("vess2image", "images seen", np.arange(5.0), {"generator": values})
    found = Reader(render(replace(bare(), losses=[history])))
    assert sum(path["class"] == "line real" for path in found.all("path")) == 2
    assert any("1 values are not finite" in str(figure["aria-label"]) for figure in found.all("svg"))


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (fixed(1.0449), "1.04"),
        (fixed(-0.0), "0.00"),
        (fixed(None), "not defined"),
        (fixed(12.34), "12.3"),
        (percent(0.0283), "2.8 %"),
        (percent(0.1), "10 %"),
        (percent(1.0), "100 %"),
        (points(0.0123), "+1.2"),
        (points(-0.0004), "0.0"),
        (points(-0.021), "−2.1"),
    ],
)
def test_numbers_are_rounded_to_what_they_can_bear(written: str, expected: str) -> None:
    assert written == expected
