"""Part 3: are the synthetic masks and images new, or copies of real ones?

Enters: the real and the synthetic set. Leaves, for masks and for images: each looked-at item's nearest real one; the
share flagged beside the share of held-out real items that the same rule flags; the power to find planted copies.
"Cannot tell" is None. Masks that the set itself declares as derived from real ones are counted apart; images are all
counted, since an image painted on a derived mask is not declared to be a copy.
Pictures are looked at with at most ``LOOKED_AT_SIDE`` pixels a side.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from pairaug.evaluation.parts.figures import planted_figure, share_figure
from pairaug.evaluation.sets.pair_set import PairSet, Pictures
from pairaug.machine.work import Work
from pairaug.metrics.novelty import CopyDetector, Nearest, Power, Share, flagged_share, wilson
from pairaug.metrics.reduction import FloatArray
from pairaug.report.figure import Figure

NEEDED = ("exact", "rigid")


@dataclass(frozen=True)
class CopySearch:
    """What was found among the masks, or among the images.

    ``share``: of the items that are not declared as derived; ``derived``: of those that are (each None in its value
    where the detector cannot tell). ``suspects``: flagged items, the most suspicious first, as places among the
    looked-at. ``threshold``: the score above which an item is flagged. ``identical``: how many items of ``share`` are
    a real file byte for byte (empty masks do not count), which needs no detector. ``hits``: how many items of ``share``
    are flagged by a detector that may miss others.
    """

    nearest: tuple[Nearest, ...]
    share: Share
    derived: Share
    held_out: Share
    powers: tuple[Power, ...]
    linked: tuple[tuple[int, int], ...]
    suspects: tuple[int, ...]
    threshold: float
    identical: int
    hits: int = 0

    @property
    def flagged(self) -> int | None:
        """How many of the items of ``share`` are flagged; None: cannot tell."""
        return None if self.share.value is None else round(self.share.value * self.share.count)

    def figures(self, what: str) -> list[Figure]:
        """``what``: "masks" or "images"."""
        name, share, derived, held_out = f"synthetic {what}", self.share, self.derived, self.held_out
        found = [
            share_figure(share, what, name, "copies", f"{_items(share)} without a known source.").beside(
                held_out.value, held_out.low, held_out.high
            )
        ]
        if self.identical:
            same = Share(self.identical / max(1, share.count), None, None, share.count)
            title, remark = f"{name} that are real files", f"{self.identical} of {share.count}"
            found.append(share_figure(same, f"{what}_identical", title, "copies", "The same byte for byte.", remark))
        if derived.count:
            meaning = f"{_items(derived)} made from real ones, as the manifest says."
            title = f"{name}, derived"
            found.append(share_figure(derived, f"{what}_derived", title, "copies", meaning, "counted apart"))
        return [*found, *(planted_figure(power, f"planted copies of {what}") for power in self.powers)]


def _items(share: Share) -> str:
    return f"{share.count} item{'s' * (share.count != 1)}"


@dataclass(frozen=True)
class Novelty:
    masks: CopySearch
    images: CopySearch

    def figures(self) -> list[Figure]:
        return [*self.masks.figures("masks"), *self.images.figures("images")]


def measure_novelty(real: PairSet, synthetic: PairSet, derived: Sequence[bool], work: Work, seed: int) -> Novelty:
    """``derived[i]``: synthetic mask i is declared as made from a real one. DataError for fewer than 4 real groups."""
    count = len(real)
    kinds: list[tuple[Pictures, Callable[[int], FloatArray], bool]] = [
        (Pictures(real.mask_picture, count), synthetic.mask_picture, True),
        (Pictures(real.image_picture, count), synthetic.image_picture, False),
    ]

    def prepare(kind: int) -> tuple[CopyDetector, tuple[Power, ...]]:
        pictures, _, holds_labels = kinds[kind]
        rng = np.random.default_rng([seed, 3, kind])
        detector = CopyDetector(pictures, real.groups, rng, between=work.check)
        return detector, detector.power(pictures, rng, holds_labels)

    prepared = work.each(prepare, len(kinds), "copy detectors")
    found = []
    for (detector, powers), (_, picture, holds_labels) in zip(prepared, kinds, strict=True):
        declared = derived if holds_labels else [False] * len(derived)
        same = _identical(real, synthetic, declared, masks=holds_labels)
        found.append(_search(detector, powers, picture, declared, same, work))
    return Novelty(*found)


def _identical(real: PairSet, synthetic: PairSet, declared: Sequence[bool], *, masks: bool) -> int:
    """How many synthetic files are real ones, byte for byte, and do not say so."""
    ours = {item.mask_digest if masks else item.image_digest for item in real.pairs}
    return sum(
        (item.mask_digest if masks else item.image_digest) in ours
        and not told
        and (not masks or bool(synthetic.labels(index).any()))
        for index, (item, told) in enumerate(zip(synthetic.pairs, declared, strict=True))
    )


def _search(
    detector: CopyDetector,
    powers: tuple[Power, ...],
    picture: Callable[[int], FloatArray],
    derived: Sequence[bool],
    identical: int,
    work: Work,
) -> CopySearch:
    looked = work.each(lambda index: detector.look(picture(index)), len(derived), "items compared with real ones")
    declared = [item for item, own in zip(looked, derived, strict=True) if own]
    others = [item for item, own in zip(looked, derived, strict=True) if not own]
    by_score = sorted(range(len(looked)), key=lambda index: -looked[index].score)
    return CopySearch(
        nearest=tuple(looked),
        share=flagged_share(others, powers, NEEDED),
        derived=flagged_share(declared, powers, NEEDED) if declared else wilson(0, 0),
        held_out=detector.held_out,
        powers=powers,
        linked=detector.linked,
        suspects=tuple(index for index in by_score if looked[index].flagged),
        threshold=detector.calibration.threshold,
        identical=identical,
        hits=sum(item.flagged for item in others),
    )
