"""Does an image show its mask? The gate of images, fitted beside the model that paints them.

A quick reference segmenter of the translator's own training pairs looks for the mask in the image; it is none of
those by which evaluate measures agreement (other seed, other halves). Three things are asked, in this order:

* ``dice``: the Dice of the mask found against the mask given, the mean over the classes that either holds;
* ``offset``: what Dice gains where the mask found is shifted by up to ``RADIUS`` px: an image painted beside its
  mask gains much;
* ``width``: for classes that are thin, the log of the ratio of the mean depths (distance to the background) of the
  region found and the region given, against what it is on real pairs: a segmenter marks lines wider than they are.

The limits are what a further real pair, which its segmenter has not seen, keeps to in 95 % of the cases (prediction
bound of a normal law), and never closer to the mean than ``MARGIN`` of Dice, ``LEAST_GAIN`` and ``LEAST_WIDTH``: few
pairs do not know other patients. Two segmenters, each fitted on half of the pairs, groups whole, score the other half.
With one group there is no other half: the pairs are scored by the segmenter that has seen them, and ``MARGIN`` is given
once more.

The rule is tried on images that the translator paints for its mirrored training masks. Where more than half of them
are rejected, drawing again gives nothing better: the gate stands aside (rule ``aside``), and says so.

Enters: images (H, W, C) in grey levels and masks (H, W). Leaves: ``Judgement``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, stats

from pairaug.gates.base import Classes, Judgement, Pixels
from pairaug.gates.stored import read_gate, save_gate, unusable
from pairaug.segmenter.base import Example
from pairaug.segmenter.fit import UNetSegmenter, segmenter_of

Rule = Literal["limits", "aside"]

RADIUS = 2
THIN = 0.04  # of the shorter side: the mean width up to which a class is thin
CONFIDENCE = 0.95
MARGIN = 0.1  # Dice
LEAST_GAIN = 0.02  # a limit on the gain of Dice by a shift is not lower
LEAST_WIDTH = 0.15  # nor one on the log of the ratio of widths, 16 %
MOST_REJECTED = 0.5


@dataclass(frozen=True)
class AgreementFacts:
    """What a fit decided: the least Dice, the most gain by a shift, how far the log of the ratio of widths may lie from
    ``usual_width``, what it is on real pairs.

    ``thin``: the classes whose width is asked for; ``rejected``: share of the tried images that the limits reject.
    """

    rule: Rule
    dice: float
    gain: float
    width: float
    thin: tuple[int, ...]
    intensity: tuple[int, int]
    usual_width: float = 0.0
    rejected: float = 0.0


@dataclass(frozen=True)
class Found:
    """How a mask was found in an image: see above; ``width``: of the thin class where it is furthest from 0."""

    dice: float
    gain: float
    width: float


class AgreementGate:
    """``segmenter``: fitted on all training pairs of the translator."""

    name: ClassVar[str] = "agreement"

    def __init__(self, segmenter: UNetSegmenter, facts: AgreementFacts, digest: str = "") -> None:
        self.segmenter, self.facts, self.digest = segmenter, facts, digest

    def judge(self, pixels: Pixels, classes: Classes) -> Judgement:
        """Of an image (H, W, C) in grey levels and its mask (H, W)."""
        facts = self.facts
        if facts.rule == "aside":
            return Judgement(True, 1.0, 0.0)
        low, high = facts.intensity
        image: NDArray[np.float32] = np.clip((pixels.astype(np.float32) - low) / (high - low), 0.0, 1.0)
        found = look(self.segmenter, image, classes, facts.thin)
        if found.dice < facts.dice:
            return Judgement(False, found.dice, facts.dice, "dice")
        if found.gain > facts.gain:
            return Judgement(False, found.gain, facts.gain, "offset")
        apart = abs(found.width - facts.usual_width)
        if found.width and apart > facts.width:
            return Judgement(False, apart, facts.width, "width")
        return Judgement(True, found.dice, facts.dice)

    def manifest(self) -> dict[str, Any]:
        """What the manifest says of it beside its name and digest."""
        facts = self.facts
        return {"rule": facts.rule, "limits": {"dice": facts.dice, "offset": facts.gain, "width": facts.width}}

    def remark(self) -> str:
        """One line for the user; empty where all is as it should be."""
        if self.facts.rule == "limits":
            return ""
        share = f"{self.facts.rejected:.0%}"
        return f"agreement: judges nothing, for {share} of the translator's images show their masks worse than real"


def look(segmenter: UNetSegmenter, image: NDArray[np.float32], classes: Classes, thin: Sequence[int]) -> Found:
    """How well a segmenter finds the mask (H, W) in the image (H, W, C) in [0, 1]."""
    prediction = segmenter.predict(image, flips=False)
    regions = [
        (prediction == value, classes == value, value in thin)
        for value in range(1, segmenter.settings["classes"])
        if (prediction == value).any() or (classes == value).any()
    ]
    if not regions:
        return Found(1.0, 0.0, 0.0)
    straight = float(np.mean([_dice(found, given, 0, 0) for found, given, _ in regions]))
    shifts = range(-RADIUS, RADIUS + 1)
    shifted = max(
        float(np.mean([_dice(found, given, row, column) for found, given, _ in regions]))
        for row in shifts
        for column in shifts
    )
    inner = float(np.mean([_dice(found, given, 0, 0, RADIUS) for found, given, _ in regions]))
    widths = [_width_difference(found, given) for found, given, is_thin in regions if is_thin]
    furthest = max(((abs(width), width) for width in widths), default=(0.0, 0.0))[1]
    return Found(
        round(straight, 6),
        round(max(0.0, shifted - inner), 6),
        round(furthest, 6),
    )


def _dice(found: NDArray[np.bool_], given: NDArray[np.bool_], row: int, column: int, rim: int | None = None) -> float:
    """Dice of ``found`` moved by (row, column), within a rim that is left out (None: of 0 without a shift)."""
    edge = (RADIUS if row or column else 0) if rim is None else rim
    height, width = given.shape
    if min(height, width) <= 2 * edge:
        return 0.0
    ours = found[edge + row : height - edge + row, edge + column : width - edge + column]
    theirs = given[edge : height - edge, edge : width - edge]
    total = np.count_nonzero(ours) + np.count_nonzero(theirs)
    return float(2 * np.count_nonzero(ours & theirs) / total) if total else 1.0


def _width_difference(found: NDArray[np.bool_], given: NDArray[np.bool_]) -> float:
    """The log of the ratio of the mean depths; 0 where either is empty, which Dice tells of."""
    if not found.any() or not given.any():
        return 0.0
    return float(np.log(mean_depth(found) / mean_depth(given)))


def mean_depth(region: NDArray[np.bool_]) -> float:
    """Mean distance in pixels of a region's pixels to its background: about a quarter of the width of a line."""
    depth = ndimage.distance_transform_edt(np.pad(region, 1))[1:-1, 1:-1]
    return float(depth[region].mean())


def thin_classes(masks: Sequence[Classes], classes: int) -> tuple[int, ...]:
    """The classes that are thin in most of the masks that hold them."""
    chosen = []
    for value in range(1, classes):
        widths = [4 * mean_depth(mask == value) / min(mask.shape) for mask in masks if (mask == value).any()]
        if widths and float(np.median(widths)) <= THIN:
            chosen.append(value)
    return tuple(chosen)


def limits_of(
    held_out: Sequence[Found], thin: tuple[int, ...], intensity: tuple[int, int], *, seen: bool = False
) -> AgreementFacts:
    """Limits from real pairs, which the segmenter has ``seen`` or not."""
    scores = np.array([(one.dice, one.gain, one.width) for one in held_out])
    mean, reach = scores.mean(axis=0), _reach(scores)
    dice = mean[0] - max(reach[0], MARGIN) - MARGIN * seen
    gain = max(mean[1] + reach[1], LEAST_GAIN)
    width = max(reach[2], LEAST_WIDTH)
    dice, gain, width, usual = (round(float(value), 6) for value in (max(0.0, dice), gain, width, mean[2]))
    return AgreementFacts("limits", dice, gain, width, thin, intensity, usual)


def _reach(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far from the mean of (n, d) a further value of a normal law stays, on one side, with ``CONFIDENCE``, (d,)."""
    count = len(values)
    if count < 2:
        return np.zeros(values.shape[1])
    spread: NDArray[np.float64] = values.std(axis=0, ddof=1) * np.sqrt(1 + 1 / count)
    return spread * float(stats.t.ppf(CONFIDENCE, count - 1))


def tried(segmenter: UNetSegmenter, limits: AgreementFacts, painted: Sequence[tuple[Pixels, Classes]]) -> AgreementGate:
    """The gate, with the rule as it suits ``painted``: images of the translator with their masks."""
    gate = AgreementGate(segmenter, limits)
    share = float(np.mean([not gate.judge(*pair).passed for pair in painted])) if painted else 0.0
    rule: Rule = "limits" if share <= MOST_REJECTED else "aside"
    gate.facts = AgreementFacts(**{**asdict(limits), "rule": rule, "rejected": share})
    return gate


def mirrored(example: Example) -> Classes:
    """The mask of an example from left to right, as a mask that the translator has not seen."""
    return np.ascontiguousarray(example.labels[:, ::-1])


def save_agreement(gate: AgreementGate, path: Path, model: str) -> str:
    """Write the gate beside the translator with the digest ``model``; returns the gate's own digest."""
    facts = {**asdict(gate.facts), "segmenter": gate.segmenter.settings}
    return save_gate(path, model, gate.segmenter.network.state_dict(), facts)


def load_agreement(path: Path, model: str, classes: int, channels: int) -> AgreementGate:
    """What ``save_agreement`` wrote. Raises ModelError."""
    stored = read_gate(path, model)
    try:
        facts = stored.facts
        settings = {str(name): int(value) for name, value in facts["segmenter"].items()}
        if (settings["classes"], settings["channels"]) != (classes, channels):
            raise ValueError(f"for {settings['classes']} classes and {settings['channels']} channels")
        if facts["rule"] not in get_args(Rule):
            raise ValueError(f"the rule {facts['rule']!r}")
        numbers = {name: float(facts[name]) for name in ("dice", "gain", "width", "rejected")}
        if not all(0 <= number < float("inf") for number in numbers.values()):
            raise ValueError(f"limits {numbers}")
        numbers["usual_width"] = float(facts["usual_width"])
        if not np.isfinite(numbers["usual_width"]):
            raise ValueError(f"a usual width of {numbers['usual_width']}")
        low, high = (int(level) for level in facts["intensity"])
        if not 0 <= low < high:
            raise ValueError(f"levels from {low} to {high}")
        thin = tuple(int(value) for value in facts["thin"])
        decided = AgreementFacts(rule=facts["rule"], thin=thin, intensity=(low, high), **numbers)
        segmenter = segmenter_of(dict(stored.tensors), settings)
    except (KeyError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        raise unusable(path, error) from None
    return AgreementGate(segmenter, decided, stored.digest)
