"""Whom a pair descends from: the groups of its ancestors, and their names in the set.

The ancestors of a synthetic pair are the training pairs whose masks its mask derives from and whose images gave it
pixels. A model that does not say whose they were (a network has learnt from all its training pairs at once) makes each
of them an ancestor, and so does an image without a mask, in which segmenters of all pairs have found what stands there.
So a synthetic pair may be trained on beside held-out originals exactly where it shares no group with them. A group is
a patient, say, where the fit was told how to find one, else a pair; pairs of one image file are one group.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from pairaug.fitted.model_file import FittedModel, TrainedPair
from pairaug.fitted.seen import digests_of
from pairaug.pairs.groups import joined_groups


@dataclass(frozen=True)
class Descent:
    """``groups``: numbers, ascending; ``parents``: image names of originals in the set, as far as they are known one
    by one."""

    groups: tuple[int, ...] = ()
    parents: tuple[str, ...] = ()


class Ancestry:
    """The groups of what the two models of a synthesis saw."""

    def __init__(
        self,
        translator: FittedModel,
        masks: FittedModel | None = None,
        names: Sequence[str] = (),
        always: Iterable[str] = (),
        groups: Sequence[int] | None = None,
    ) -> None:
        """``masks`` None: they are given; ``names``: of the images of the translator's pairs in the set, where it holds
        them; ``always``: digests of images that have a part in every pair; ``groups``: the numbers of those pairs."""
        numbers = trained_groups(translator.pairs) if groups is None else groups
        self._groups: dict[str, set[int]] = {}
        self._names: dict[str, list[str]] = {}
        for place, (pair, number) in enumerate(zip(translator.pairs, numbers, strict=True)):
            for digest in {pair.image_sha256, pair.mask_sha256}:
                self._groups.setdefault(digest, set()).add(number)
                self._names.setdefault(digest, []).extend(names[place : place + 1])
        self._of_translator = frozenset(numbers)
        self._labelled = digests_of(one for one in translator.seen if "pseudo-labelled" in one.uses)
        self._of_masks = self._with_strangers(() if masks is None else masks.pairs, max(numbers) + 1)
        self._always = tuple(always)

    def of(self, derived_from: Collection[str], pixels_from: Collection[str]) -> Descent:
        """Of a pair made from masks and images of these digests; where there are none: from all that the model saw."""
        of_all = not pixels_from or not self._labelled.isdisjoint(pixels_from)
        groups = set(() if derived_from else self._of_masks) | set(self._of_translator if of_all else ())
        named = [*derived_from, *pixels_from, *self._always]
        groups.update(number for digest in named for number in self._groups.get(digest, ()))
        parents = {name for digest in named for name in self._names.get(digest, ())}
        return Descent(tuple(sorted(groups)), tuple(sorted(parents)))

    def _with_strangers(self, pairs: Sequence[TrainedPair], first: int) -> frozenset[int]:
        """The groups of ``pairs`` of the mask model; masks that the translator never saw get numbers from ``first``."""
        strangers = [pair for pair in pairs if pair.mask_sha256 not in self._groups]
        for pair, number in zip(strangers, trained_groups(strangers), strict=True):
            self._groups.setdefault(pair.mask_sha256, set()).add(first + number)
        return frozenset(number for pair in pairs for number in self._groups[pair.mask_sha256])


def trained_groups(pairs: Sequence[TrainedPair]) -> list[int]:
    """The group of each training pair, in order of appearance."""
    marks = []
    for place, pair in enumerate(pairs):
        image = pair.image_sha256 or f"mask {place}"
        marks.append([image] if pair.group is None else [image, pair.group])
    return joined_groups(marks)
