"""One figure of an evaluation, as every view reads it: a value, its interval, what held-out real data score, words.

The parts of an evaluation produce figures; JSON, text and page render them without knowing which they are.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
Scale = Literal["ratio", "difference", "score", "share", "points"]


@dataclass(frozen=True)
class Figure:
    """``low`` and ``high`` are its 95 % interval; None or not finite: not defined.

    ``key`` is its name in JSON, ``name`` the one that is shown, ``group`` the table that it stands in, ``of`` the class
    that it was measured on where there are several, ``meaning`` a sentence on what it says, ``remark`` a few words
    beside the value in the place of the held-out figure.

    ``scale``: "ratio", 1 is perfection; "difference", 0 is, in ``unit`` (in the place of a ratio where real ones do not
    vary); "score", from 0 to about 1; "share" of ``count`` items (with no value: no items, or cannot tell); "points",
    a difference of scores, of which those within +-``band`` could not have been seen.

    ``measured`` is False where there was nothing to measure it on, ``compared`` where nothing real can be held out for
    it. ``real`` and ``synthetic`` are the values (n,) behind a distance of distributions.
    """

    key: str
    name: str
    value: float | None
    low: float | None = None
    high: float | None = None
    held_out: float | None = None
    held_out_low: float | None = None
    held_out_high: float | None = None
    scale: Scale = "score"
    group: str = "scores"
    of: str = ""
    meaning: str = ""
    remark: str = ""
    unit: str = ""
    count: int | None = None
    band: float | None = None
    measured: bool = True
    compared: bool = True
    real: Values | None = field(default=None, compare=False)
    synthetic: Values | None = field(default=None, compare=False)

    @property
    def title(self) -> str:
        """The name, and what it is of, where it stands alone."""
        return f"{self.name}, {self.of}" if self.of else self.name

    def beside(self, held_out: float | None, low: float | None, high: float | None) -> Figure:
        """The same, beside what held-out real data score."""
        return replace(self, held_out=held_out, held_out_low=low, held_out_high=high, compared=True)
