"""Is a synthetic item new, or a copy of a real one? With the detector's false alarms and its power beside the answer.

1. Nearest: for each view v of ``matching`` the distance d_v of a query to its nearest real item. Alone it means
   little: two blobs are always close.
2. Calibration: every real item asks the same against the real items of other groups. In each view the median m_v and
   the spread s_v (1.4826 x median absolute deviation) of log d_v turn a distance into a suspicion,
   (m_v - log d_v) / s_v; an item's score is its largest suspicion. Real items of different groups that resemble each
   other beyond ``LINKED`` are no independent examples (neighbouring slices of one patient, one picture twice): they
   are listed as ``linked`` and count as one group from then on.
3. Flag: score above a threshold that a further real item passes with probability of at most ``FALSE_ALARMS``: the
   largest of three estimates, the order statistic of the real scores (their maximum where there are too few), the
   upper prediction bound of a normal law, and that of an exponential law for the excesses of the upper quarter,
   s0 + k e ((k / (n a))^(1/k) - 1) for k independent excesses of mean e over s0. The order statistic alone would not
   do: close real items come in pairs, and with one of a pair held out the largest score of the rest is too low a bar.
4. Held-out real: for each group the whole of 2 and 3 is redone without it and its items are asked against the rest.
5. Power: copies planted by ``planting`` are asked against all; a kind of which less than ``POWER`` is found gets the
   answer "cannot tell" (None), never "none found".

Direction: a larger score is more suspicious. A perfect generator is flagged as often as held-out real items, not 0.
Where many real items resemble each other nearly like copies, the threshold rises, the power falls, and the answer
says so.

Enters: pictures (H, W, C) float32 in [0, 1] (``reduction.one_hot`` for masks, ``as_channels`` for images), streamed.
Leaves: ``Nearest`` a query; ``Share`` and ``Power``. Memory does not grow with the number of queries.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from pairaug.errors import DataError
from pairaug.metrics.matching import VIEWS, Matcher
from pairaug.metrics.planting import KINDS, plant
from pairaug.metrics.reduction import FloatArray

Floats = NDArray[np.float64]
Names = NDArray[np.int64]

FALSE_ALARMS = 0.025  # half of the 5 % that are allowed, for the threshold itself is estimated from few items
POWER = 0.9
TAIL = 0.25
LINKED = 6.0  # suspicion that no pair of independent items reaches: six robust deviations
LEAST_DISTANCE = 1e-4  # closer than this is the same; the logarithm needs an end
LEAST_SPREAD = 0.02
MOST_CALIBRATING = 200
MOST_PLANTED = 40
FEWEST_GROUPS = 4


@dataclass(frozen=True)
class Nearest:
    """The real item that a query resembles most: its index, the view that says so and the distance there.

    ``score`` is the suspicion, ``flagged`` the verdict. A flat query (an empty mask) has no nearest item.
    """

    index: int | None
    view: str | None
    distance: float | None
    score: float
    flagged: bool


@dataclass(frozen=True)
class Share:
    """A share of ``count`` items in [0, 1] with its 95 % interval; None for no items."""

    value: float | None
    low: float | None
    high: float | None
    count: int


@dataclass(frozen=True)
class Power:
    """The share of planted copies of one kind that were found, and whether a flag of none means anything."""

    kind: str
    found: Share
    can_tell: bool


@dataclass(frozen=True)
class Calibration:
    """What distances are usual between real items: centre and spread of log distance a view, and the threshold."""

    centre: Floats
    spread: Floats
    threshold: float

    def scores(self, nearest: Floats) -> Floats:
        """Suspicion (views, q) of nearest distances (views, q); -inf where there is none."""
        suspicion = (self.centre[:, None] - _log(nearest)) / self.spread[:, None]
        found: Floats = np.where(np.isnan(suspicion), -np.inf, suspicion)
        return found


def _nothing() -> None:
    return None


class CopyDetector:
    """Real pictures and what is usual among them; ``look`` judges one query.

    ``held_out`` is the row of false alarms, ``linked`` the pairs of real items that resemble each other like copies.
    """

    def __init__(
        self,
        pictures: Sequence[FloatArray],
        groups: Sequence[int] | None,
        rng: np.random.Generator,
        nominated: int | None = None,
        between: Callable[[], None] = _nothing,
    ) -> None:
        """Calibrate on real pictures, ``groups`` naming the group of each (None: each its own).

        DataError for fewer than ``FEWEST_GROUPS`` groups. Of more than ``MOST_CALIBRATING`` items as many are drawn
        to calibrate; queries are compared with all, in the dear views with the ``nominated`` that the coarse one finds.
        ``between`` is called before every picture that is compared, here and in ``power``, and may raise to end the
        work, say when the time is over.
        """
        self._matcher, self._nominated, self._between = Matcher(pictures), nominated, between
        names = np.arange(len(pictures)) if groups is None else np.asarray(groups)
        if len(np.unique(names)) < FEWEST_GROUPS:
            raise DataError(
                f"{len(np.unique(names))} group(s) of real items are too few to tell a copy from a likeness; "
                f"give at least {FEWEST_GROUPS}"
            )
        asked = np.sort(rng.permutation(len(pictures))[:MOST_CALIBRATING])
        rows = (self._distances(pictures[at], names != names[at]) for at in asked)
        table = np.stack(list(rows), axis=1)
        table[:, names[asked][:, None] == names[None, :]] = np.nan
        names, self.linked = _link(table, asked, names)
        table[:, names[asked][:, None] == names[None, :]] = np.nan
        self.calibration = calibrate(table)
        self.held_out = _held_out(table, names[asked], names)

    def look(self, picture: FloatArray) -> Nearest:
        """The nearest real item of one picture (H, W, C), and whether it is near enough to be a copy."""
        return judge(self._matcher.distances(picture, self._nominated), self.calibration)

    def power(self, pictures: Sequence[FloatArray], rng: np.random.Generator, holds_labels: bool) -> tuple[Power, ...]:
        """Plant a copy of every kind of up to ``MOST_PLANTED`` real pictures and count those that are flagged."""
        content = [index for index in rng.permutation(len(pictures)) if not self._matcher.flat[index]]
        chosen = content[:MOST_PLANTED]
        found = []
        for kind in KINDS:
            flags = [self._planted(pictures[index], kind, rng, holds_labels) for index in chosen]
            share = wilson(sum(flags), len(flags))
            found.append(Power(kind, share, share.value is not None and share.value >= POWER))
        return tuple(found)

    def _distances(self, picture: FloatArray, among: NDArray[np.bool_] | None = None) -> Floats:
        self._between()
        return self._matcher.distances(picture, self._nominated, among)

    def _planted(self, picture: FloatArray, kind: str, rng: np.random.Generator, holds_labels: bool) -> bool:
        """Whether a copy of this kind is flagged."""
        return judge(self._distances(plant(picture, kind, rng, holds_labels)), self.calibration).flagged


def judge(distances: Floats, calibration: Calibration) -> Nearest:
    """The verdict on one query from its distances (views, n) to the real items."""
    nearest = _nearest(distances)
    scores = calibration.scores(nearest[:, None])[:, 0]
    view = int(np.argmax(scores))
    if not np.isfinite(scores[view]):
        return Nearest(None, None, None, float("-inf"), False)
    index = int(np.nanargmin(distances[view]))
    score = float(scores[view])
    return Nearest(index, VIEWS[view], float(nearest[view]), score, score > calibration.threshold)


def calibrate(table: Floats) -> Calibration:
    """Calibrate on distances (views, q, n) of real items to real ones, NaN for those that must not be compared."""
    logs = _log(_nearest(table))
    logs = logs[:, np.isfinite(logs).all(axis=0)]
    if logs.shape[1] < 3:
        return Calibration(np.zeros(len(table)), np.ones(len(table)), float("inf"))
    centre = np.median(logs, axis=1)
    spread = np.maximum(1.4826 * np.median(np.abs(logs - centre[:, None]), axis=1), LEAST_SPREAD)
    scores = np.sort(((centre[:, None] - logs) / spread[:, None]).max(axis=0))
    return Calibration(centre, spread, _threshold(scores))


def _threshold(scores: Floats) -> float:
    """What a further score passes with probability of at most ``FALSE_ALARMS``, from sorted scores: see 3 above."""
    count = len(scores)
    order = float(scores[-max(1, int(FALSE_ALARMS * (count + 1)))])
    reach = float(stats.t.ppf(1 - FALSE_ALARMS, count - 1) * np.sqrt(1 + 1 / count))
    light_tailed = float(scores.mean() + reach * scores.std(ddof=1))
    tail = max(2, round(TAIL * count))
    start = float(scores[-tail - 1])
    excess = float(scores[-tail:].mean()) - start
    independent = tail / 2  # close items come in pairs, which share their score
    heavier = float((tail / (count * FALSE_ALARMS)) ** (1 / independent)) - 1
    heavy_tailed = start + excess * independent * max(0.0, heavier)
    return max(order, light_tailed, heavy_tailed)


def flagged_share(
    found: Iterable[Nearest], powers: Sequence[Power], needed: Sequence[str] = ("exact", "rigid")
) -> Share:
    """The share of queries flagged; its value is None ("cannot tell") where a needed kind of copy is not found."""
    flags = [nearest.flagged for nearest in found]
    share = wilson(sum(flags), len(flags))
    if all(power.can_tell for power in powers if power.kind in needed):
        return share
    return Share(None, None, None, share.count)


def wilson(hits: int, count: int, independent: int | None = None) -> Share:
    """A share with Wilson's 95 % interval (1927), as wide as ``independent`` (say, groups) of the items make it."""
    if count == 0:
        return Share(None, None, None, 0)
    size = count if independent is None else independent
    share, z = hits / count, float(stats.norm.ppf(0.975))
    middle = (share + z**2 / (2 * size)) / (1 + z**2 / size)
    half = z / (1 + z**2 / size) * float(np.sqrt(share * (1 - share) / size + z**2 / (4 * size**2)))
    # At 0 and 1 the formula meets the end exactly, but for rounding.
    return Share(share, min(share, max(0.0, middle - half)), max(share, min(1.0, middle + half)), count)


def _link(table: Floats, asked: Names, names: Names) -> tuple[Names, tuple[tuple[int, int], ...]]:
    """Join the groups of real items suspected beyond ``LINKED``; the new names, and the pairs, smaller index first."""
    calibration = calibrate(table)
    suspicion = np.stack([calibration.scores(table[:, row]).max(axis=0) for row in range(len(asked))])
    pairs = sorted(
        {
            (int(min(asked[row], column)), int(max(asked[row], column)))
            for row, column in np.argwhere(suspicion > LINKED)
        }
    )
    joined = names.copy()
    for first, second in pairs:
        joined[joined == joined[second]] = joined[first]
    return joined, tuple(pairs)


def _held_out(table: Floats, asked: Names, names: Names) -> Share:
    """Share of real items (rows ``asked`` of the table) that a detector built without their group would flag."""
    flags: list[bool] = []
    for name in np.unique(asked):
        out = asked == name
        calibration = calibrate(table[:, ~out][:, :, names != name])
        flags += [judge(table[:, row], calibration).flagged for row in np.flatnonzero(out)]
    return wilson(sum(flags), len(flags), independent=len(np.unique(asked)))


def _nearest(distances: Floats) -> Floats:
    """The least of the last axis, NaN where all are NaN."""
    least = np.where(np.isnan(distances), np.inf, distances).min(axis=-1)
    found: Floats = np.where(np.isinf(least), np.nan, least)
    return found


def _log(distances: Floats) -> Floats:
    """log of distances in [0, 2], NaN kept."""
    logs: Floats = np.log(np.maximum(distances, LEAST_DISTANCE))
    return logs
