"""What the page of an evaluation is made of: plain data and arrays, no result of any other room.

Everything is frozen and optional parts are None: the page names them as not measured, with the reason and the remedy
given in ``Page.gaps``. Any text (names of files above all) may hold any character; the page escapes it. A figure that
is None or not finite reads "not defined". Scores lie in [0, 1] unless said otherwise, intervals are 95 %.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8] | NDArray[np.uint16]  # (H, W) grey or (H, W, 3) RGB
Labels = NDArray[np.integer[Any]]  # (H, W), classes in [0, K), 0 the background
Values = NDArray[np.float64]
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
    that the question leads to. The first answer of a page is its verdict and stands out.
    """

    question: str
    short: str
    sentence: str
    tone: Tone
    part: Part | None = None


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
class Ratio:
    """A comparison with its interval, beside what held-out real data score in the part of the synthetic set.

    ``kind`` "ratio": 1 is perfection, on a logarithmic scale from 0.5 to 2 (agreement: 0.8 to 1.25 where all
    fits in it); "difference": 0 is perfection, in ``unit`` of
    the row that holds it (used where real items do not vary at all). None: not defined.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    held_out: float | None = None
    held_out_low: float | None = None
    held_out_high: float | None = None
    kind: Literal["ratio", "difference"] = "ratio"


@dataclass(frozen=True)
class Distribution:
    """One statistic of one class over all real and all synthetic masks.

    ``class_name`` is empty where there is one foreground class; ``name`` in words ("mean width"), ``unit`` ("px", or
    empty), ``meaning`` a short sentence; ``real`` and ``synthetic`` the values (n,), those not finite are left out;
    ``ratio`` the distance synthetic to real over real to real.
    """

    class_name: str
    name: str
    unit: str
    meaning: str
    real: Values
    synthetic: Values
    ratio: Ratio


@dataclass(frozen=True)
class Score:
    """A score of the synthetic set (coverage, density, pairwise Dice ...) beside that of held-out real data.

    ``meaning`` is a short sentence; ``good`` says in words what to wish for ("as high as held-out real"). ``low`` and
    ``high`` are its interval. The scale runs from 0 to 1,
    or to the largest value of the table up to 2.
    """

    name: str
    meaning: str
    good: str
    value: float | None
    low: float | None = None
    high: float | None = None
    held_out: float | None = None
    held_out_low: float | None = None
    held_out_high: float | None = None


@dataclass(frozen=True)
class MaskRealism:
    """Do synthetic masks look like real ones? Statistics in the order in which they are shown, then set scores."""

    distributions: Sequence[Distribution]
    scores: Sequence[Score]


@dataclass(frozen=True)
class ImageRealism:
    """Do synthetic images look like real ones?

    ``features`` says in words which features, ``digest`` identifies them; ``mmd`` the ratio of the kernel MMD, ``p``
    its permutation p over ``items`` of each kind; ``scores`` precision, recall, density, coverage, variety.
    """

    features: str
    digest: str | None
    mmd: Ratio
    p: float | None
    items: int
    scores: Sequence[Score]


@dataclass(frozen=True)
class Share:
    """A share of ``count`` items in [0, 1] with its interval; ``value`` None: no items, or cannot tell."""

    value: float | None
    low: float | None
    high: float | None
    count: int


@dataclass(frozen=True)
class Planted:
    """How many of the planted copies of one kind were found; below the power asked for, ``can_tell`` is False.

    ``kind`` is "exact", "rigid", "crop", "elastic_1", "elastic_2", "elastic_5" (read out in words) or any other text.
    """

    kind: str
    found: Share
    can_tell: bool


@dataclass(frozen=True)
class Copies:
    """Are synthetic masks (or images) copies of real ones?

    ``flagged`` the share of those without a known source, ``derived`` that of items whose manifest row names a source
    (None: there are none), ``held_out`` of held-out real items that the same rule flags; ``flagged.value`` is None
    where the detector cannot tell. ``power`` is the share of planted copies found, by kind.
    """

    flagged: Share
    held_out: Share
    power: Sequence[Planted]
    derived: Share | None = None


@dataclass(frozen=True)
class Novelty:
    """Copies among masks and among images; None: not measured."""

    masks: Copies | None
    images: Copies | None


@dataclass(frozen=True)
class OffsetProfile:
    """Mean Dice at every offset within +-r px, (2 r + 1, 2 r + 1), element [r + row, r + column]; rows point down."""

    profile: Values


@dataclass(frozen=True)
class Agreement:
    """Does a segmenter that learned from real pairs find the synthetic mask in the synthetic image?

    Dice and clDice over those on held-out real pairs (clDice None where no class is tubular); offset profiles of the
    synthetic and of held-out real pairs; ``segmenter`` says in words what measured.
    """

    segmenter: str
    dice: Ratio
    cldice: Ratio | None
    offset: OffsetProfile
    held_out_offset: OffsetProfile | None


@dataclass(frozen=True)
class Arm:
    """One way of training. ``scores`` (cells,): a mean test score for each draw and seed, in the same order in every
    arm that is paired; ``real_pairs`` how many real pairs it trains on (0 for synthetic alone), ``synthetic`` whether
    synthetic ones are among its pairs."""

    name: str
    real_pairs: int
    scores: Values
    synthetic: bool = False


@dataclass(frozen=True)
class Gain:
    """Mean paired difference ``arm`` minus ``baseline`` with its interval, and the smallest difference this run could
    have seen; all in units of the score, positive favours ``arm``."""

    arm: str
    baseline: str
    mean: float
    low: float | None
    high: float | None
    detectable: float | None


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
    the verdict before ``sentence``, which explains it.
    """

    metric: str
    tested_on: str
    arms: Sequence[Arm]
    gains: Sequence[Gain]
    verdict: Literal["helps", "does not help", "cannot tell"]
    sentence: str
    worthwhile: float
    curve: LearningCurve | None = None


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

    A gap for a ``part`` explains its empty section; one whose part is None stands in the closing list alone.
    """

    what: str
    why: str
    remedy: str
    part: Part | None = None


@dataclass(frozen=True)
class Page:
    """The whole page, in reading order. ``classes`` names foreground classes 1, 2 ... for the legend of outlines.

    ``command`` and ``version`` let a reader repeat it; ``notes`` are further remarks, a sentence each.
    """

    title: str
    command: str
    version: str
    compared: Sequence[DataSet]
    classes: Sequence[str]
    answers: Sequence[Answer]
    samples: Samples | None = None
    masks: MaskRealism | None = None
    images: ImageRealism | None = None
    novelty: Novelty | None = None
    suspects: Sequence[Suspect] | None = None  # empty: measured, and there are none
    agreement: Agreement | None = None
    utility: Utility | None = None
    losses: Sequence[LossHistory] | None = None
    gaps: Sequence[Gap] = ()
    notes: Sequence[str] = ()
