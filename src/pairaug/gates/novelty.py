"""Is a new mask a training mask once more? The gate of masks, fitted beside the model that draws them.

The nearest training mask is looked for as evaluate looks for copies (``metrics.matching``): over flips, right-angle
turns, shifts, small warps and crops. Each view v has a limit l_v; the score of a mask is

    s = min over views of d_v / l_v,

and it passes from s = 1 on. There are two rules, of which the fit chooses one and says why:

* ``likeness``: l_v is where evaluate's detector would flag the mask, the distance to the nearest training mask that
  a further real mask falls short of in 2.5 % of the cases (``metrics.novelty``, steps 2 and 3). Not the least distance
  between real masks: that falls with their number, and with five masks it is one number.
* ``copies``: only the training masks themselves are rejected, also flipped, turned or shifted: l is the distance that
  95 % of such copies, planted in the training masks, stay below; half of the least distance between real masks at
  most, so that a real mask passes. For masks of fewer than four groups; for shapes so simple that real masks resemble
  each other like copies (planted ones are not told from them); and for models whose masks lie near their parents by
  design: where likeness rejects more than half of ``TRIED`` masks, to draw again gives no others.

Kept of the training masks: grids of ``FINE`` cells a side for a model that keeps its masks anyway, else of ``BLIND``
cells, which tell how much of a class lies where, to a sixteenth of the side, and no outline.

Enters: masks (H, W) of classes in [0, K). Leaves: ``Judgement``.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray

from pairaug.gates.base import Classes, Judgement
from pairaug.gates.names import CELLS
from pairaug.gates.stored import read_gate, save_gate, unusable
from pairaug.metrics.matching import FLATTEST, VIEWS, Matcher
from pairaug.metrics.novelty import FEWEST_GROUPS, LEAST_DISTANCE, POWER, CopyDetector
from pairaug.metrics.planting import plant
from pairaug.metrics.reduction import FloatArray, one_hot, reduce_area

Rule = Literal["likeness", "copies"]
Grids = NDArray[np.uint8]

FINE, BLIND = CELLS, 16
NOMINATED = 16  # training masks that a new one is compared with in full
TRIED = 40  # masks of the model that the rule is tried on
MOST_REJECTED = 0.5
COPIES = ("exact", "rigid")
LOOKED_AT_SIDE = 256  # as evaluate looks at masks
_STEPS = 255  # in which a cell's share of a class is kept


@dataclass(frozen=True)
class NoveltyFacts:
    """What a fit decided: ``limits``: the distance below which a mask is rejected, a view (0: the view is not asked);
    ``why``: for the rule ``copies``, in words; ``rejected``: share of the model's own masks that the rule rejects.
    """

    rule: Rule
    limits: tuple[float, ...]
    why: str = ""
    rejected: float = 0.0


class NoveltyGate:
    """``grids`` (n, S, S, K - 1): the share of every foreground class in the cells of each training mask, in 255ths."""

    name: ClassVar[str] = "novelty"

    def __init__(self, grids: Grids, facts: NoveltyFacts, digest: str = "") -> None:
        self.grids, self.facts, self.digest = grids, facts, digest
        self._matcher = Matcher(grid.astype(np.float32) / _STEPS for grid in grids)

    @property
    def classes(self) -> int:
        return int(self.grids.shape[-1]) + 1

    def judge(self, classes: Classes) -> Judgement:
        """Of a mask (H, W). An empty one resembles nothing: how many of them there are is the model's affair."""
        score = self._score(picture_of(classes, self.classes, self.grids.shape[1]))
        return Judgement(score >= 1, score, 1.0)

    def manifest(self) -> dict[str, Any]:
        """What the manifest says of it beside its name and digest."""
        facts = self.facts
        return {"rule": facts.rule, "why": facts.why, "limits": dict(zip(VIEWS, facts.limits, strict=True))}

    def remark(self) -> str:
        """One line for the user; empty where all is as it should be."""
        facts = self.facts
        if facts.rule == "likeness":
            return ""
        return f"novelty: only exact, flipped, turned and shifted training masks are drawn again: {facts.why}"

    def _score(self, picture: FloatArray) -> float:
        distances = self._matcher.distances(picture, NOMINATED)
        nearest = np.where(np.isnan(distances), np.inf, distances).min(axis=1)
        # Rounded: how a sum is taken apart must not decide whether a mask passes.
        shares = [round(d / limit, 6) for d, limit in zip(nearest.tolist(), self.facts.limits, strict=True) if limit]
        return min(shares, default=float("inf"))


class _Pictures(Sequence[FloatArray]):
    """Masks as they are compared, each made when it is asked for."""

    def __init__(self, masks: Sequence[Classes], classes: int, cells: int) -> None:
        self._masks, self._classes, self._cells = masks, classes, cells

    def planted(self, index: int, kind: str, rng: np.random.Generator) -> FloatArray:
        """A copy of mask ``index``, of one of the ``COPIES``, as it is compared."""
        copy = plant(picture_of(self._masks[index], self._classes, FINE), kind, rng, holds_labels=True)
        return copy if self._cells == FINE else reduce_area(copy, self._cells, self._cells)

    def __len__(self) -> int:
        return len(self._masks)

    def __getitem__(self, index: Any) -> Any:
        return picture_of(self._masks[index], self._classes, self._cells)

    def __iter__(self) -> Iterator[FloatArray]:
        return (self[index] for index in range(len(self)))


def picture_of(labels: Classes, classes: int, cells: int) -> FloatArray:
    """A mask (H, W) as it is compared, (h, w, K - 1) in [0, 1]: as fine as evaluate has it, or in ``BLIND`` cells."""
    picture = one_hot(labels, classes)
    if cells < FINE:
        return reduce_area(picture, cells, cells)
    factor = LOOKED_AT_SIDE / max(labels.shape)
    if factor >= 1:
        return picture
    height, width = labels.shape
    return reduce_area(picture, max(1, round(height * factor)), max(1, round(width * factor)))


def fit_novelty(
    masks: Sequence[Classes],
    groups: Sequence[int],
    classes: int,
    drawn: Sequence[Classes],
    rng: np.random.Generator,
    *,
    cells: int = FINE,
) -> NoveltyGate:
    """The gate for a model that learnt from ``masks``, each of the group that ``groups`` names, and draws ``drawn``.

    ``cells``: ``FINE`` where the masks may be kept, else ``BLIND``.
    """
    pictures = _Pictures(masks, classes, cells)
    grids = np.stack([np.rint(reduce_area(picture, cells, cells) * _STEPS).astype(np.uint8) for picture in pictures])

    def rejected(facts: NoveltyFacts) -> float:
        gate = NoveltyGate(grids, facts)
        return float(np.mean([not gate.judge(mask).passed for mask in drawn])) if len(drawn) else 0.0

    limits, why = _likeness(pictures, groups, rng)
    if limits is not None:
        facts = NoveltyFacts("likeness", limits)
        share = rejected(facts)
        if share <= MOST_REJECTED:
            return NoveltyGate(grids, NoveltyFacts("likeness", limits, "", share))
        why = f"{share:.0%} of the model's masks lie nearer to a training mask than real ones to each other"
    facts = NoveltyFacts("copies", _of_copies(pictures, groups, rng), why)
    return NoveltyGate(grids, NoveltyFacts(facts.rule, facts.limits, why, rejected(facts)))


def _likeness(
    pictures: _Pictures, groups: Sequence[int], rng: np.random.Generator
) -> tuple[tuple[float, ...] | None, str]:
    """Limits of the rule ``likeness``; None, with the reason, where real masks do not tell what is usual."""
    if len(set(groups)) < FEWEST_GROUPS:
        return None, f"masks of {len(set(groups))} group(s) do not tell how near real ones lie; {FEWEST_GROUPS} would"
    detector = CopyDetector(pictures, groups, rng, NOMINATED)
    found = detector.calibration
    if not np.isfinite(found.threshold):
        return None, "too few of the masks have content to tell how near real ones lie"
    planted = _chosen(pictures, rng)
    seen = [[detector.look(pictures.planted(index, kind, rng)).flagged for index in planted] for kind in COPIES]
    if not all(np.mean(flags) >= POWER for flags in seen):
        return None, "real masks resemble each other like copies"
    limits = np.exp(found.centre - found.threshold * found.spread)
    return tuple(round(float(limit), 6) for limit in limits), ""


def _of_copies(pictures: _Pictures, groups: Sequence[int], rng: np.random.Generator) -> tuple[float, ...]:
    """Limits of the rule ``copies``: in the view of whole pictures alone."""
    matcher, names = Matcher(pictures), np.asarray(groups)
    between, planted = [np.inf], [LEAST_DISTANCE]
    for index in _chosen(pictures, rng):
        others = matcher.distances(pictures[index], NOMINATED, names != names[index])[0]
        between += others[np.isfinite(others)].tolist()
        planted += [matcher.distances(pictures.planted(index, kind, rng), NOMINATED)[0, index] for kind in COPIES]
    limit = min(float(np.nanquantile(planted, 0.95)), min(between) / 2)
    limits = [0.0] * len(VIEWS)
    limits[VIEWS.index("whole")] = round(max(limit, LEAST_DISTANCE), 6)
    return tuple(limits)


def _chosen(pictures: _Pictures, rng: np.random.Generator) -> list[int]:
    """At most ``TRIED`` masks that have content, to plant copies of."""
    drawn = (int(index) for index in rng.permutation(len(pictures)))
    return sorted(itertools.islice((index for index in drawn if pictures[index].std() > FLATTEST), TRIED))


def save_novelty(gate: NoveltyGate, path: Path, model: str) -> str:
    """Write the gate beside the model with the digest ``model``; returns the gate's own digest."""
    return save_gate(path, model, {"grids": torch.from_numpy(gate.grids)}, asdict(gate.facts))


def load_novelty(path: Path, model: str, classes: int) -> NoveltyGate:
    """What ``save_novelty`` wrote. Raises ModelError."""
    stored = read_gate(path, model)
    try:
        grids, facts = stored.tensors["grids"].numpy(), stored.facts
        limits = tuple(float(limit) for limit in facts["limits"])
        if grids.dtype != np.uint8 or grids.shape[1:] not in ((cells, cells, classes - 1) for cells in (FINE, BLIND)):
            raise ValueError(f"masks of {grids.dtype} {grids.shape}")
        if not len(grids) or len(limits) != len(VIEWS) or not all(0 <= limit <= 2 for limit in limits):
            raise ValueError(f"{len(grids)} masks, limits {limits}")
        if facts["rule"] not in get_args(Rule):
            raise ValueError(f"the rule {facts['rule']!r}")
        decided = NoveltyFacts(facts["rule"], limits, str(facts["why"]), float(facts["rejected"]))
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise unusable(path, error) from None
    return NoveltyGate(grids, decided, stored.digest)
