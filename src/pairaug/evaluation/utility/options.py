"""What ``pairaug evaluate --utility`` may be told; nothing here loads torch or scipy."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pairaug.errors import UsageError, did_you_mean

DEFAULT_CELLS = Path("pairaug-models") / "utility"
ARM_NAMES = ("real", "classical", "warped", "synthetic", "synthetic-alone")
REAL_ARMS = ARM_NAMES[:3]
PRESET_NAMES = ("quick", "full")


@dataclass(frozen=True)
class UtilityOptions:
    """How to measure. ``arms`` of ``ARM_NAMES``; ``curve``: the real arms that also run at other numbers of pairs.

    ``shares``: of the draws that are synthetic, the first being the one that the verdict is about; ``sizes``: numbers
    of real pairs for the learning curve (None: chosen); ``max_seconds``: what does not fit is left out and named;
    ``worthwhile``: the least gain in Dice that would matter.
    """

    arms: tuple[str, ...] = ARM_NAMES
    curve: tuple[str, ...] = REAL_ARMS
    shares: tuple[float, ...] = (0.5,)
    sizes: tuple[int, ...] | None = None
    seeds: int = 3
    seed: int = 0
    preset: str = "full"
    cells: Path = DEFAULT_CELLS
    max_seconds: float | None = None
    worthwhile: float = 0.01

    def __post_init__(self) -> None:
        for flag, chosen, known in (("--arms", self.arms, ARM_NAMES), ("--curve", self.curve, REAL_ARMS)):
            for name in chosen:
                if name not in known:
                    raise UsageError(f"{flag} {name}: unknown; {did_you_mean(name, known)}")
        if "classical" not in self.arms or not {"synthetic", "synthetic-alone"} & set(self.arms):
            raise UsageError(
                f"--arms {','.join(self.arms)}: classical, the baseline, and synthetic or synthetic-alone are needed"
            )
        if not self.shares or any(not 0 < share < 1 for share in self.shares):
            shown = ",".join(f"{share:g}" for share in self.shares)
            raise UsageError(f"--share {shown}: must lie between 0 and 1; --arms synthetic-alone is a share of 1")
        if len(set(self.shares)) != len(self.shares):
            raise UsageError("--share: a share is given twice; give each once")
        if self.sizes is not None and (not self.sizes or min(self.sizes) < 1):
            raise UsageError(f"--sizes {','.join(map(str, self.sizes))}: must be 1 or more")
        if self.seeds < 1:
            raise UsageError(f"--seeds {self.seeds}: must be 1 or more")
        if self.preset not in PRESET_NAMES:
            raise UsageError(f"--preset {self.preset}: unknown; {did_you_mean(self.preset, PRESET_NAMES)}")
        if self.max_seconds is not None and not 0 < self.max_seconds < float("inf"):
            raise UsageError(f"--max-minutes {self.max_seconds / 60:g}: must be above 0")


def parse_shares(text: str) -> tuple[float, ...]:
    """``0.5`` or ``0.25,0.5``."""
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"--share {text}: must be numbers such as 0.25,0.5") from None


def parse_sizes(text: str | None) -> tuple[int, ...] | None:
    """``5,10,20``."""
    try:
        return None if text is None else tuple(sorted({int(part) for part in text.split(",")}))
    except ValueError:
        raise UsageError(f"--sizes {text}: must be numbers such as 5,10,20") from None


def parse_names(text: str | None, default: tuple[str, ...]) -> tuple[str, ...]:
    """Names with commas between; ``none`` for none of them."""
    if text is None:
        return default
    return () if text == "none" else tuple(dict.fromkeys(part.strip() for part in text.split(",")))
