"""What ``pairaug evaluate --utility`` may be told; nothing here loads torch or scipy."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pairaug.errors import UsageError, did_you_mean

DEFAULT_CELLS = Path("pairaug-models") / "utility"
REAL_ARMS = ("real", "classical", "warped")
RIVALS = ("dilution", "copy-paste", "self-training", "histogram-matching", "amplitude-swap", "oracle")
ARM_NAMES = (*REAL_ARMS, *RIVALS, "synthetic", "synthetic-alone")
OF_UNLABELLED = ("self-training", "histogram-matching", "amplitude-swap")
PRESET_NAMES = ("quick", "full")


@dataclass(frozen=True)
class Share:
    """The share of the draws that are synthetic, in (0, 1), or ``first`` at the first step falling to ``last``."""

    first: float
    last: float | None = None

    def __str__(self) -> str:
        return f"{self.first:.3g}" if self.last is None else f"{self.first:.3g}-{self.last:.3g}"


@dataclass(frozen=True)
class UtilityOptions:
    """How to measure. ``arms`` of ``ARM_NAMES`` (None: ``default_arms``); ``curve``: the real arms that also run at
    other numbers of pairs.

    ``shares``: of the draws that are synthetic, the first being the one that the verdict is about; ``sizes``: numbers
    of real pairs for the learning curve (None: chosen); ``steps``: optimiser steps of every fit (None: by the preset);
    ``max_seconds``: what does not fit is left out and named; ``worthwhile``: the least gain in Dice that would matter.
    """

    arms: tuple[str, ...] | None = None
    curve: tuple[str, ...] = ()
    shares: tuple[Share, ...] = (Share(0.5),)
    sizes: tuple[int, ...] | None = None
    seeds: int = 3
    seed: int = 0
    preset: str = "full"
    steps: int | None = None
    cells: Path = DEFAULT_CELLS
    max_seconds: float | None = None
    worthwhile: float = 0.01

    def __post_init__(self) -> None:
        for flag, chosen, known in (("--arms", self.arms or (), ARM_NAMES), ("--curve", self.curve, REAL_ARMS)):
            for name in chosen:
                if name not in known:
                    raise UsageError(f"{flag} {name}: unknown; {did_you_mean(name, known)}")
        if self.arms is not None and ("classical" not in self.arms or len(self.arms) < 2):
            raise UsageError(f"--arms {','.join(self.arms)}: give classical, the baseline, and at least one arm more")
        for share in self.shares:
            if not 0 < share.first < 1 or not 0 <= (0 if share.last is None else share.last) < 1:
                raise UsageError(
                    f"--share {share}: must lie between 0 and 1, or fall to 0 or more as in 0.5-0; "
                    "--arms synthetic-alone is a share of 1"
                )
        if not self.shares or len(set(self.shares)) != len(self.shares):
            raise UsageError("--share: a share is given twice, or none; give each once")
        if self.steps is not None and self.steps < 1:
            raise UsageError(f"--steps {self.steps}: must be 1 or more")
        if self.sizes is not None and (not self.sizes or min(self.sizes) < 1):
            raise UsageError(f"--sizes {','.join(map(str, self.sizes))}: must be 1 or more")
        if self.seeds < 1:
            raise UsageError(f"--seeds {self.seeds}: must be 1 or more")
        if self.preset not in PRESET_NAMES:
            raise UsageError(f"--preset {self.preset}: unknown; {did_you_mean(self.preset, PRESET_NAMES)}")
        if self.max_seconds is not None and not 0 < self.max_seconds < float("inf"):
            raise UsageError(f"--max-minutes {self.max_seconds / 60:g}: must be above 0")


def default_arms(*, synthetic: bool, unlabelled: bool, oracle: bool) -> tuple[str, ...]:
    """What is run where nothing else is asked for: the baseline, its cheap rivals, and what there is data for."""
    chosen = {"classical", "copy-paste"}
    chosen |= {"synthetic"} if synthetic else set()
    chosen |= {"self-training"} if unlabelled else set()
    chosen |= {"oracle"} if oracle else set()
    return tuple(name for name in ARM_NAMES if name in chosen)


def parse_shares(text: str) -> tuple[Share, ...]:
    """``0.5``, ``0.25,0.5``, or ``0.5-0`` for one that falls."""
    try:
        ends = [part.split("-") for part in text.split(",")]
        if any(len(pair) > 2 for pair in ends):
            raise ValueError
        return tuple(Share(float(pair[0]), float(pair[1]) if len(pair) == 2 else None) for pair in ends)
    except ValueError:
        raise UsageError(
            f"--share {text}: must be numbers such as 0.25,0.5, or a falling share such as 0.5-0"
        ) from None


def parse_sizes(text: str | None) -> tuple[int, ...] | None:
    """``5,10,20``."""
    try:
        return None if text is None else tuple(sorted({int(part) for part in text.split(",")}))
    except ValueError:
        raise UsageError(f"--sizes {text}: must be numbers such as 5,10,20") from None


def parse_names(text: str | None) -> tuple[str, ...] | None:
    """Names with commas between; ``none`` for none of them; None where nothing is said."""
    if text is None:
        return None
    return () if text == "none" else tuple(dict.fromkeys(part.strip() for part in text.split(",")))
