"""Which runs are made, in which order: each cell is an arm, a number of real pairs, a draw of them, and a seed.

At the models' own real pairs there is one draw, for the synthetic pairs exist for no other. At other numbers of pairs
the real arms run alone, to draw the learning curve: fewer are drawn from the models' pairs, more are these and others
(nested), whole groups, another draw for every seed where there are several. The most informative cells come first:
the judged arm beside the baseline seed by seed, then the other arms, then the baseline's curve, then the others'.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pairaug.errors import UsageError
from pairaug.evaluation.utility.arms import Arm, judged
from pairaug.evaluation.utility.lazy_pairs import LazyPair
from pairaug.evaluation.utility.options import UtilityOptions
from pairaug.segmenter.base import Trainer

_DOUBLINGS = 2
_NEAR = 1.3  # a size this close to another adds nothing to the curve


@dataclass(frozen=True)
class Cell:
    """One run. ``pairs`` index the real pairs followed by the further ones; ``draw`` numbers the choices of a size."""

    arm: Arm
    pairs: tuple[int, ...]
    draw: int
    seed: int

    @property
    def size(self) -> int:
        return len(self.pairs)

    @property
    def title(self) -> str:
        return f"{self.arm.title}, {self.size} pairs, seed {self.seed}"


@dataclass(frozen=True)
class Plan:
    """The cells in order; ``own`` is the number of real pairs that the models saw."""

    cells: tuple[Cell, ...]
    own: int

    def seconds(self, trainer: Trainer) -> float:
        return sum(trainer.seconds(cell.size) for cell in self.cells)

    @property
    def sizes(self) -> tuple[int, ...]:
        return tuple(sorted({cell.size for cell in self.cells}))


def make_plan(
    options: UtilityOptions, arms: Sequence[Arm], real: Sequence[LazyPair], extra: Sequence[LazyPair]
) -> Plan:
    """Raises UsageError for a size that cannot be drawn in whole groups."""
    own, seeds = tuple(range(len(real))), range(options.seed, options.seed + options.seeds)
    baseline = next(arm for arm in arms if arm.option == "classical")
    first = judged(arms)
    cells = [Cell(arm, own, 0, seed) for seed in seeds for arm in (baseline, first)]
    cells += [Cell(arm, own, 0, seed) for seed in seeds for arm in arms if arm not in (baseline, first)]
    curve = [arm for arm in arms if arm.option in options.curve]
    sizes = _sizes(options, real, extra) if curve else []
    draws = {size: _draws(size, real, extra, seeds) for size in sizes}
    for arm in sorted(curve, key=lambda arm: arm is not baseline):
        for size in sorted(draws, key=lambda size: (size < len(real), size)):
            cells += [Cell(arm, pairs, draw, seed) for seed, (pairs, draw) in zip(seeds, draws[size], strict=True)]
    return Plan(tuple(cells), len(real))


def _sizes(options: UtilityOptions, real: Sequence[LazyPair], extra: Sequence[LazyPair]) -> list[int]:
    """Other numbers of real pairs than the models' own."""
    own, most = len(real), len(real) + len(extra)
    if options.sizes is not None:
        too_many = [size for size in options.sizes if size > most]
        if too_many:
            raise UsageError(
                f"--sizes {too_many[0]}: there are {own} pairs that the models saw and {len(extra)} more that are "
                f"not test pairs; give at most {most}"
            )
        return [size for size in options.sizes if size != own]
    sizes = [own // 2] if own > 1 else []
    for size in [*(own * 2**power for power in range(1, _DOUBLINGS + 1)), most]:
        if own < size <= most and size > _NEAR * max([own, *sizes]):
            sizes.append(size)
    reachable = [_reachable(size, real, extra) for size in sizes]
    return sorted({size for size in reachable if size not in (0, own)})


def _reachable(size: int, real: Sequence[LazyPair], extra: Sequence[LazyPair]) -> int:
    """The largest number up to ``size`` that whole groups can fill (subset sums)."""
    pool, base = (real, 0) if size < len(real) else (extra, len(real))
    sums = {0}
    for count in _group_sizes(pool):
        sums |= {total + count for total in sums}
    return base + max(total for total in sums if base + total <= size)


def _group_sizes(items: Sequence[LazyPair]) -> list[int]:
    names = [item.group for item in items]
    return [names.count(name) for name in sorted(set(names))]


def _draws(
    size: int, real: Sequence[LazyPair], extra: Sequence[LazyPair], seeds: Sequence[int]
) -> list[tuple[tuple[int, ...], int]]:
    """For every seed the pairs and the number of the draw; equal choices have one number."""
    start = () if size < len(real) else tuple(range(len(real)))
    pool = list(enumerate(real)) if size < len(real) else [(len(real) + n, item) for n, item in enumerate(extra)]
    numbers: dict[tuple[int, ...], int] = {}
    found = []
    for seed in seeds:
        chosen = start + _whole_groups(pool, size - len(start), np.random.default_rng([seed, size]))
        found.append((chosen, numbers.setdefault(chosen, len(numbers))))
    return found


def _whole_groups(pool: Sequence[tuple[int, LazyPair]], wanted: int, rng: np.random.Generator) -> tuple[int, ...]:
    """Indices of random whole groups that hold exactly ``wanted`` pairs."""
    groups: dict[str, list[int]] = {}
    for index, item in pool:
        groups.setdefault(item.group, []).append(index)
    members = [list(groups.values())[place] for place in rng.permutation(len(groups))]
    # What the groups from each place on can still add up to, so that no choice leads into a dead end.
    ahead: list[set[int]] = [{0}]
    for member in reversed(members):
        ahead.append(ahead[-1] | {total + len(member) for total in ahead[-1] if total + len(member) <= wanted})
    ahead.reverse()
    if wanted not in ahead[0]:
        raise UsageError(f"--sizes: {wanted} pairs cannot be filled with whole groups; give another number")
    chosen: list[int] = []
    for member, later in zip(members, ahead[1:], strict=True):
        if wanted - len(chosen) - len(member) in later:
            chosen += member
    return tuple(sorted(chosen))
