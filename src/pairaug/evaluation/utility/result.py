"""What a measurement of use answers: arms, paired differences, worth in real pairs, verdict.

Figures are Dice in [0, 1] and, for thin structures, clDice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pairaug.metrics.bootstrap import Difference, Verdict, Worth
from pairaug.report.figure import Figure


@dataclass(frozen=True)
class AfterSteps:
    """Mean Dice after so many optimiser steps: over runs, and of every run in the order of seeds."""

    steps: int
    dice: float
    scores: tuple[float, ...]


@dataclass(frozen=True)
class ArmResult:
    """One arm at one number of real pairs: mean scores over runs and test items, their spread over runs.

    All figures are those at the plateau, after ``steps``. ``scores``: mean Dice of every run, in the order of seeds.
    ``over_steps``: the same over training. ``synthetic``: whether the pairs that are judged are among those drawn.
    """

    arm: str
    real_pairs: int
    share: float
    steps: int
    runs: int
    draws: int
    dice: float
    scores: tuple[float, ...]
    dice_by_class: tuple[float | None, ...]
    cldice: float | None
    sd_over_runs: float | None
    seconds: float
    last_share: float | None
    over_steps: tuple[AfterSteps, ...]
    synthetic: bool


@dataclass(frozen=True)
class Compared:
    """Mean of ``arm`` after ``steps`` minus ``baseline`` after ``baseline_steps``.

    ``sd_per_cell``: deviation of the difference over paired runs.
    """

    arm: str
    baseline: str
    measure: str
    real_pairs: int
    runs: int
    draws: int
    difference: Difference
    sd_per_cell: float | None
    steps: int
    baseline_steps: int

    def figure(self) -> Figure:
        found = self.difference
        seen = "not known" if found.detectable is None else f"{100 * found.detectable:.1f}"
        return Figure(
            "difference", self.arm, found.mean, found.low, found.high, scale="points", group="gains", compared=False,
            meaning=f"against {self.baseline}", band=found.detectable,
            remark=f"smallest difference this run could have seen: {seen}",
        )  # fmt: skip


@dataclass(frozen=True)
class WorthResult:
    """How many real pairs, with *real + classical*, score like ``arm``. ``reason``: why there is no figure."""

    arm: str
    real_pairs: int
    curve: tuple[tuple[int, float], ...]
    worth: Worth | None
    reason: str | None


@dataclass(frozen=True)
class OracleShare:
    """How much of what the true masks of further pairs gain an arm gains; None where they gain nothing for sure."""

    arm: str
    share: float | None


@dataclass(frozen=True)
class Utility:
    """The answer. ``word`` is the verdict on ``judged_arm``; ``sentence`` says it with its figures."""

    word: Verdict
    sentence: str
    judged_arm: str
    arms: tuple[ArmResult, ...]
    differences: tuple[Compared, ...]
    worth: WorthResult
    facts: Mapping[str, Any]
    left_out: tuple[str, ...]
    notes: tuple[str, ...]
    oracle_share: tuple[OracleShare, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The ``utility`` object of ``evaluate --json``."""
        main = next((c for c in self.differences if c.measure == "dice" and c.arm == self.judged_arm), None)
        worth = self.worth.worth
        return {
            "verdict": self.word,
            "sentence": self.sentence,
            "smallest_detectable_difference": None if main is None else main.difference.detectable,
            "sd_of_paired_difference_per_cell": None if main is None else main.sd_per_cell,
            "worth_real_pairs": {
                "arm": self.worth.arm,
                "real_pairs": self.worth.real_pairs,
                "value": None if worth is None else worth.value,
                "low": None if worth is None else worth.low,
                "high": None if worth is None else worth.high,
                "not_determinable": self.worth.reason,
                "curve": [{"real_pairs": size, "dice": score} for size, score in self.worth.curve],
            },
            "arms": [asdict(arm) for arm in self.arms],
            "differences": [
                {**{k: v for k, v in asdict(one).items() if k != "difference"}, **asdict(one.difference)}
                for one in self.differences
            ],
            **self.facts,
            "left_out": list(self.left_out),
            "notes": list(self.notes),
            "oracle_share": [asdict(one) for one in self.oracle_share] or None,
        }
