"""One recomposed mask, from the objects of the training masks; ``recompose`` says how.

Enters: a ``Bank`` of objects, the size wanted, a random generator. Leaves: labels (H, W) uint8 and the numbers of the
training masks that had a part in them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pairaug.models.masks.objects import TURNS, Bank, Labels
from pairaug.models.masks.outlines import mixed
from pairaug.models.masks.placing import Canvas

Floats = NDArray[np.floating]
Numbers = NDArray[np.intp]

ALIKE = 0.35  # of log diameters: sizes that pass for each other
_FARTHEST = math.log(1.5)  # of log diameters: how far an object may be scaled, where there is a choice
_LOOKED_AT = 12  # objects of the nearest size among which parents are chosen by shape
_TRIES = 24  # places for an object
_FEW = 6  # objects: too few to be the only places
_FRAMES = 0.35  # of log sides: frames that pass for each other
_WIDTHS = (0.01, 0.12)  # of the frame: the kernel over places
_OWN = 0.1  # spread of the log diameter of an object about its template's
_VISIBLE = (0.35, 0.97)  # part of an object that the frame leaves
_LARGER = 1.3  # as a ratio: how far the area of a cut object may exceed that of the largest whole one
_TRIMMED = 0.03  # part of a cut object that the frame cuts once more, so that bending leaves no slit


@dataclass(frozen=True)
class Amounts:
    """How far a mask may differ from its parents: ``bend``, ``smooth``, ``jitter``, ``turn`` of ``recompose``."""

    bend: float
    smooth: float
    jitter: float
    turn: float


class Composition:
    """Draws one mask. A training set without any object gives an empty one."""

    def __init__(self, bank: Bank, amounts: Amounts, size: tuple[int, int], rng: np.random.Generator) -> None:
        self.bank, self.amounts, self.rng = bank, amounts, rng
        self.canvas = Canvas(*size)
        self.frame = np.array(size)
        self.parents: set[int] = set()
        self.used: set[int] = set()

    def made(self) -> tuple[Labels, tuple[int, ...]]:
        template = self._template()
        slots, sizes = self._slots(template)
        self.pool = self._pool(template)
        self.parents.add(template)
        for place in np.argsort(-sizes, kind="stable"):
            for _ in range(2):
                if self._put(int(slots[place]), float(sizes[place])):
                    break
        return self.canvas.labels, tuple(sorted(self.parents))

    def _template(self) -> int:
        """A training mask, one of like frame more often."""
        apart = np.log(np.array(self.bank.frames) / self.frame)
        return self._drawn(np.arange(len(apart)), -0.5 * (np.square(apart).sum(axis=1) / _FRAMES**2))

    def _slots(self, template: int) -> tuple[Numbers, Floats]:
        """Objects of the template, some left out or taken twice, and the size that each new object shall have."""
        of = np.array(self.bank.of[template], dtype=np.intp)
        if not len(of):
            return of, np.zeros(0)
        filled = [np.array(numbers) for numbers in self.bank.of if numbers]
        count = self._smoothed(math.log(len(of)), [math.log(len(numbers)) for numbers in filled])
        means = [float(self.bank.sizes[numbers].mean()) for numbers in filled]
        mean = float(self.bank.sizes[of].mean())
        shift = self._smoothed(mean, means) - mean
        largest = max(map(len, filled))  # the logarithm's long tail reaches beyond what a frame holds
        wanted = min(max(1, math.floor(math.exp(count) + self.rng.random())), largest)
        slots = self._resampled(of, wanted)
        sizes = self.bank.sizes[slots] + shift + _OWN * self.rng.standard_normal(len(slots))
        sizes = np.minimum(sizes, self.bank.sizes.max() + _OWN)
        most = max(float(np.exp(2 * self.bank.sizes[numbers]).sum()) for numbers in filled)
        return slots, sizes + min(0.0, 0.5 * math.log(most / float(np.exp(2 * sizes).sum())))

    def _resampled(self, numbers: Numbers, wanted: int) -> Numbers:
        """As many as ``wanted``, the small ones more often left out or taken twice: of large ones, each counts."""
        rarity = np.exp(-self.bank.sizes[numbers])
        if wanted < len(numbers):
            gone = self.rng.choice(len(numbers), size=len(numbers) - wanted, replace=False, p=rarity / rarity.sum())
            return np.delete(numbers, gone)
        more = self.rng.choice(numbers, size=wanted - len(numbers), p=rarity / rarity.sum())
        return np.concatenate([numbers, more])

    def _smoothed(self, value: float, values: list[float]) -> float:
        """``value``, one of ``values``, drawn towards their mean and blurred: mean and variance stay."""
        smooth, mean, spread = self.amounts.smooth, float(np.mean(values)), float(np.std(values, ddof=len(values) > 1))
        return mean + math.sqrt(1 - smooth**2) * (value - mean) + smooth * spread * float(self.rng.standard_normal())

    def _pool(self, template: int) -> Numbers:
        """The objects whose places are taken: of the template and of a mask with a like number, or all."""
        counts = np.array([len(numbers) for numbers in self.bank.of])
        apart = np.abs(np.log1p(counts) - math.log1p(counts[template])) + 1e-3 * self.rng.random(len(counts))
        apart[template] = np.inf
        other = int(np.argsort(apart)[self.rng.integers(max(1, (len(counts) - 1) // 4))])
        pool = np.array(self.bank.of[template] + (self.bank.of[other] if other != template else []), dtype=np.intp)
        return pool if len(pool) >= _FEW else np.arange(len(self.bank.objects))

    def _put(self, slot: int, size: float) -> bool:
        """A new object of ``size`` in place of ``slot``; False where there is no place for it."""
        donor = self._donor(slot, size)
        model, area = self.bank.objects[donor], math.exp(2 * size) * float(self.frame.prod())
        among, visible = self._shapes(slot, donor), 1.0
        lying = bool(self.bank.cut[among[0]])  # as they lie at the frame, neither turned nor seen further
        if lying:
            visible = 1 - _TRIMMED
        elif model.cut:
            largest = _LARGER * math.exp(2 * float(self.bank.sizes[among].max())) * float(self.frame.prod())
            visible = min(_VISIBLE[1], max(self.rng.uniform(*_VISIBLE), area / largest))
        first = self._shape(among, size, None if model.cut else donor)
        sides = self.bank.objects[first].sides if lying else model.sides
        for shrunk in (1.0, 0.8, 0.6, 0.4):
            box, parents = self._object(first, donor, area / visible * shrunk)
            if self._place(box, donor, sides, visible):
                self.used.add(donor)
                self.parents |= {self.bank.objects[number].mask for number in (donor, *parents)}
                return True
        return False

    def _place(self, box: Labels, donor: int, sides: tuple[bool, bool, bool, bool], visible: float) -> bool:
        centres: Floats | None = self._centres(donor)
        assert centres is not None
        if any(sides):
            centres = self.canvas.cut_by_frame(box, centres, sides, visible)
        else:
            centres = self.canvas.kept_inside(box, centres)
        if centres is None:
            return False
        one = self.bank.objects[donor]
        gap = min(self.canvas.reach, one.gap * math.sqrt(self.frame.prod() / (one.frame[0] * one.frame[1])))
        return self.canvas.put(box, centres, gap * np.linspace(1, 0, _TRIES))

    def _donor(self, slot: int, size: float) -> int:
        """The object whose place is taken: of about this size, of the classes of ``slot``, preferably a fresh one."""
        bank, pool = self.bank, self.pool
        weights = -0.5 * np.square((bank.sizes[pool] - size) / ALIKE)
        weights -= 4.0 * (bank.kinds[pool] != bank.kinds[slot]) + 3.0 * np.isin(pool, list(self.used))
        return self._drawn(pool, weights)

    def _centres(self, donor: int) -> Floats:
        """(_TRIES, 2) places in pixels: about the donor's, farther with each try, at last about those of others."""
        spread = np.linspace(1, 3, _TRIES)[:, None] * self.amounts.jitter * self._width(donor)
        places = np.tile(self.bank.places[donor], (_TRIES, 1))
        others = self.rng.choice(self.pool, size=_TRIES // 3)
        places[-len(others) :] = self.bank.places[others]
        side = math.sqrt(self.frame.prod())
        centres: Floats = places * self.frame - 0.5 + spread * side * self.rng.standard_normal((_TRIES, 2))
        return centres

    def _width(self, donor: int) -> float:
        """How far the second nearest place of an object of like size lies, in other masks if there are any."""
        bank = self.bank
        alike = np.abs(bank.sizes - bank.sizes[donor]) < 2 * ALIKE
        elsewhere = alike & (bank.masks != bank.masks[donor])
        chosen = elsewhere if elsewhere.any() else alike
        apart = np.sort(np.hypot(*(bank.places[chosen] - bank.places[donor]).T))
        return float(np.clip(apart[min(1, len(apart) - 1)], *_WIDTHS)) if len(apart) > 1 else float(np.mean(_WIDTHS))

    def _shapes(self, slot: int, donor: int) -> Numbers:
        """Objects of the classes of ``slot`` whose shape may stand at the place of ``donor``: whole ones.

        Cut ones where none is whole, and at the frame where the donor is larger than all that are.
        """
        bank = self.bank
        alike = np.flatnonzero(bank.kinds == bank.kinds[slot])
        whole: Numbers = alike[~bank.cut[alike]]
        if len(whole) and not (bank.cut[donor] and bank.sizes[donor] > bank.sizes[whole].max()):
            return whole
        cut: Numbers = alike[bank.cut[alike]]
        same = np.array([n for n in cut if bank.objects[n].sides == bank.objects[donor].sides], dtype=np.intp)
        if len(same):
            return same
        return cut if len(cut) else whole

    def _shape(self, among: Numbers, size: float, like: int | None, share: int = 2) -> int:
        """One of the objects nearest in size, from that ``share``-th of them that overlaps ``like`` most."""
        apart = np.abs(self.bank.sizes[among] - size) + 0.1 * self.rng.random(len(among))
        nearest = np.argsort(apart)[:_LOOKED_AT]
        close = nearest[apart[nearest] < _FARTHEST]
        chosen = among[close if len(close) > 2 else nearest[:3]]
        if like is not None:
            overlaps = self.bank.overlaps(like, chosen).max(axis=1)
            chosen = chosen[np.argsort(overlaps)[::-1][: max(2, len(chosen) // share)]]
        return int(self.rng.choice(chosen))

    def _object(self, first: int, donor: int, area: float) -> tuple[Labels, tuple[int, int]]:
        """A new object of ``area`` pixels whose first parent is turned as ``donor`` lies; cut ones stay as they lie."""
        bank, one = self.bank, self.bank.objects[first]
        among = [n for n in np.flatnonzero(bank.kinds == bank.kinds[first]) if bank.objects[n].sides == one.sides]
        others = np.array([number for number in among if number != first], dtype=np.intp)
        second = self._shape(others, one.size, first, share=3) if len(others) else first
        turn = turned = 0.0
        if not one.cut:
            turn = self.rng.uniform(0, 2 * math.pi) if bank.cut[donor] else self._turn(donor, first)
            turn += math.radians(self.amounts.turn) * float(self.rng.standard_normal())
            turned = turn + self._turn(first, second)
        bend = self.amounts.bend * (1 if second != first else 2)
        return mixed(bank, (first, second), (turn, turned), max(area, 1.0), bend, self.rng), (first, second)

    def _turn(self, fixed: int, turned: int) -> float:
        """The angle in radians at which ``turned`` overlaps ``fixed`` best."""
        return 2 * math.pi / TURNS * int(self.bank.overlaps(fixed, np.array([turned]))[0].argmax())

    def _drawn(self, numbers: Numbers, log_weights: Floats) -> int:
        weights = np.exp(log_weights - log_weights.max())
        return int(self.rng.choice(numbers, p=weights / weights.sum()))
