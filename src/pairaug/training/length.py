"""How long a fit is to train, as a target that is compared with how far it came: more extends a run, less is said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

ALREADY = "already complete"


@dataclass(frozen=True)
class Length:
    """``epochs`` over the data or ``minutes`` of training, whichever ends first; None: no such end."""

    epochs: int | None
    minutes: float | None

    def reached(self, run: Mapping[str, Any], pairs: int) -> str:
        """What to say of a finished ``run`` (what its ``run.json`` holds) that is long enough; "" if it is not."""
        try:
            images, seconds = int(run["images_seen"]), float(run.get("training_seconds", 0.0))
            minutes = None if run.get("minutes") is None else float(run["minutes"])
        except (KeyError, TypeError, ValueError):
            return ""
        if (run.get("epochs"), minutes) == (self.epochs, self.minutes):
            return ALREADY
        enough = (self.epochs is not None and images >= self.epochs * pairs) or (
            self.minutes is not None and _spent(seconds, minutes if run.get("epochs") is None else None) >= self.minutes
        )
        return (self.beyond(images, seconds, minutes, pairs) or ALREADY) if enough else ""

    def beyond(self, images: int, seconds: float, minutes: float | None, pairs: int) -> str:
        """One line where a run of so many images and seconds came further than this; ``minutes``: its own budget."""
        if self.epochs is not None and images > self.epochs * pairs:
            done, asked = f"{images / pairs:g} epochs", f"{self.epochs}"
        elif self.epochs is None and self.minutes is not None and _spent(seconds, minutes) > self.minutes * 1.1:
            done, asked = f"{_spent(seconds, minutes):.3g} minutes", f"{self.minutes:g}"
        else:
            return ""
        return f"already {done}, {asked} asked; --fresh starts again"


def _spent(seconds: float, minutes: float | None) -> float:
    """Minutes of training; a budget that ended it counts in full, though the clock stopped a step earlier."""
    return max(seconds / 60, minutes or 0.0)
