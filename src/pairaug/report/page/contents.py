"""What the page of an evaluation is made of: plain data and arrays, no result of any other room.

Everything is frozen and optional parts are None: the page names them as not measured, with the reason and the remedy
given in ``Page.gaps``. Any text (names of files above all) may hold any character; the page escapes it. A figure that
is None or not finite reads "not defined". Scores lie in [0, 1] unless said otherwise, intervals are 95 %.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pairaug.report.figure import Figure, Values

Pixels = NDArray[np.uint8] | NDArray[np.uint16]  # (H, W) grey or (H, W, 3) RGB
Labels = NDArray[np.integer[Any]]  # (H, W), classes in [0, K), 0 the background
Tone = Literal["good", "warning", "bad", "unclear", "not measured"]
Part = Literal["samples", "masks", "images", "novelty", "suspects", "agreement", "utility", "losses"]


@dataclass(frozen=True)
class DataSet:
    """One of the sets that were compared.

    ``role`` is what it stands for ("real", "synthetic", "test"); ``name`` what the user called it; ``groups`` how many
    patients or other groups the pairs belong to, None where every pair counts as its own; ``digest`` identifies the
    content (hexadecimal, any length); ``note`` adds a line, say the models behind a synthetic set.
    """

    role: str
    name: str
    pairs: int
    groups: int | None = None
    digest: str | None = None
    note: str = ""


@dataclass(frozen=True)
class Answer:
    """A question a user has and its answer: ``short`` in a few words ("3 of 200 flagged"), ``sentence`` in plain ones.

    ``tone`` colours it and puts a sign before ``short``, which has to say the same in words. ``part`` is the section
    that the question leads to. ``beside`` is told in small print: what did not decide.
    """

    question: str
    short: str
    sentence: str
    tone: Tone
    part: Part | None = None
    beside: str = ""


@dataclass(frozen=True)
class Sample:
    """A pair to look at: ``name`` identifies it for the user, ``note`` is a short line below it (may be empty)."""

    name: str
    image: Pixels
    labels: Labels
    note: str = ""


@dataclass(frozen=True)
class Samples:
    """Pairs side by side: a real and a synthetic one a row, as many rows as the shorter of the two has.

    The page shows the first ``pictures.MOST_SAMPLES`` of each; ``chosen`` says how they were chosen ("at random").
    """

    real: Sequence[Sample]
    synthetic: Sequence[Sample]
    chosen: str


@dataclass(frozen=True)
class Suspect:
    """A synthetic item and the real one that it resembles most, the most suspicious first.

    ``compares`` says which of the two was compared, its mask or its image; ``score`` is the suspicion (larger is more
    suspicious) and ``threshold`` the value above which an item is flagged; ``view`` names the comparison that found it
    ("whole", "coarse", "crop"); ``derived_from`` the training masks that the manifest names as its source, if any.
    """

    synthetic: Sample
    nearest: Sample
    compares: Literal["mask", "image"]
    score: float
    threshold: float
    flagged: bool
    view: str
    derived_from: Sequence[str] = ()


@dataclass(frozen=True)
class Findings:
    """What was measured of a part: its figures, those of one group beside each other, in the order they are shown.

    ``words`` say with what it was measured, ``digest`` identifies that. ``profiles``: by a name, the mean Dice at every
    offset within +-r px, (2 r + 1, 2 r + 1), element [r + row, r + column]; rows point down.
    """

    figures: Sequence[Figure]
    words: str = ""
    digest: str | None = None
    profiles: Mapping[str, Values] = field(default_factory=dict)

    def of(self, group: str) -> list[Figure]:
        return [figure for figure in self.figures if figure.group == group]


@dataclass(frozen=True)
class Arm:
    """One way of training. ``scores`` (cells,): a mean test score for each draw and seed, in the same order in every
    arm that is paired; ``real_pairs`` how many real pairs it trains on (0 for synthetic alone), ``synthetic`` whether
    synthetic ones are among its pairs. ``over_steps``: optimiser steps -> the scores (cells,) after them."""

    name: str
    real_pairs: int
    scores: Values
    synthetic: bool = False
    over_steps: Mapping[int, Values] = field(default_factory=dict)


@dataclass(frozen=True)
class LearningCurve:
    """Test score against the number of real pairs, and the reading of the arm with synthetic pairs off it.

    ``points``: number of real pairs -> scores (cells,). ``arm`` names the arm that is read, ``real_pairs`` what it
    trained on, ``score`` its mean. ``worth`` real pairs reach that score, from ``low`` to ``high``; an end off the
    curve is None, and so is ``worth`` unless ``reading`` is "on the curve".
    """

    points: Mapping[int, Values]
    arm: str
    real_pairs: int
    score: float
    worth: float | None
    low: float | None
    high: float | None
    reading: Literal["on the curve", "below the curve", "above the curve"]


@dataclass(frozen=True)
class Utility:
    """Does training on synthetic pairs help?

    ``metric`` names the score ("Dice, mean over classes"), ``tested_on`` says on what ("8 pairs of 4 patients").
    ``gains[0]`` is the comparison behind the verdict, ``worthwhile`` the least gain that would count. The page puts
    the verdict before ``sentence``, which explains it. ``arms[0]`` is the baseline, of which ``baseline_steps`` is the
    best point of its training.
    """

    metric: str
    tested_on: str
    arms: Sequence[Arm]
    gains: Sequence[Figure]
    verdict: Literal["helps", "does not help", "cannot tell"]
    sentence: str
    worthwhile: float
    curve: LearningCurve | None = None
    baseline_steps: int | None = None


@dataclass(frozen=True)
class LossHistory:
    """Losses of one model: ``x`` (n,), what it counts in ``x_name`` ("images seen"), a series (n,) a loss by name."""

    model: str
    x_name: str
    x: Values
    losses: Mapping[str, Values]


@dataclass(frozen=True)
class Gap:
    """Something that was not measured: ``why`` ("--max-minutes 3 ran out") and ``remedy`` ("add --utility").

    ``part``: the section that is missing for it, if a whole one is.
    """

    what: str
    why: str
    remedy: str
    part: Part | None = None


@dataclass(frozen=True)
class Page:
    """The whole page, in reading order. ``classes`` names foreground classes 1, 2 ... for the legend of outlines.

    ``command`` and ``version`` let a reader repeat it, ``made`` is the day, as it is shown; ``notes`` are further
    remarks, a sentence each.
    """

    title: str
    command: str
    version: str
    compared: Sequence[DataSet]
    classes: Sequence[str]
    answers: Sequence[Answer]
    samples: Samples | None = None
    masks: Findings | None = None
    images: Findings | None = None
    novelty: Findings | None = None
    suspects: Sequence[Suspect] | None = None  # empty: measured, and there are none
    agreement: Findings | None = None
    utility: Utility | None = None
    losses: Sequence[LossHistory] | None = None
    gaps: Sequence[Gap] = ()
    notes: Sequence[str] = ()
    made: str = ""
