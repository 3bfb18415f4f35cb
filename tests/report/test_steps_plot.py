"""Scores over training as a picture."""

from __future__ import annotations

import re
from itertools import pairwise

import numpy as np

from pairaug.report.page.contents import Arm
from pairaug.report.page.steps_plot import scores_over_steps


def arm(name: str, *scores: float) -> Arm:
    looks = {350 * 2**place: np.array([score, score]) for place, score in enumerate(scores)}
    return Arm(name, 5, np.array([scores[-1]] * 2), "synthetic" in name, looks)


def test_every_arm_is_named_once_and_told_in_words() -> None:
    drawn = scores_over_steps([arm("real + classical", 0.5, 0.6, 0.55), arm("with synthetic", 0.5, 0.62, 0.66)], 700)
    assert drawn.count(">with synthetic<") == drawn.count(">real + classical<") == 1
    assert "real + classical 0.500 after 350, 0.600 after 700, 0.550 after 1400" in drawn


def test_names_of_lines_that_end_together_do_not_lie_upon_each_other() -> None:
    drawn = scores_over_steps([arm(f"arm {number}", 0.5, 0.6) for number in range(6)], 350)
    places = sorted(float(y) for y in re.findall(r'y="([\d.]+)"[^>]*>arm \d<', drawn))
    assert len(places) == 6
    assert all(below - above >= 14 for above, below in pairwise(places))


def test_the_level_is_that_of_the_baseline_at_its_best() -> None:
    drawn = scores_over_steps([arm("real + classical", 0.5, 0.6, 0.55), arm("copies", 0.4, 0.5, 0.5)], 700)
    level = re.search(r'<path d="M[\d.]+ ([\d.]+)L[\d.]+ ([\d.]+)" class="reading real"', drawn)
    diamond = re.search(r'<path d="M[\d.]+ ([\d.]+)[^"]*" class="real"', drawn)
    assert level is not None
    assert level[1] == level[2]
    assert diamond is not None
