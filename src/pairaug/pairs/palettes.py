"""Numbers or colours: what the values of masks with a palette, of 1 bit, or with white as zero mean.

Enters: the numbers that each mask file stores. Leaves: whether to read the numbers themselves ("index") or the colours
in which they are shown ("colour"). Numbers are read as long as they mean the same in every file. Editors that write a
palette in the order in which colours occur, and folders in which 1-bit masks lie beside grey ones, have the same
picture as different numbers; there the colours decide. Where neither reading agrees, the user does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pairaug.errors import DataError
from pairaug.pairs.checked import CheckPolicy
from pairaug.pairs.decoding import shown_as
from pairaug.pairs.form import Form
from pairaug.pairs.labels import count_values, show_value, show_values


@dataclass(frozen=True)
class Stored:
    """One mask file: its name, its form, and how many pixels hold each number."""

    name: str
    form: Form
    counts: Mapping[int, int]

    def shown(self) -> dict[int, int]:
        return {number: shown_as(self.form, number) for number in self.counts}


def counts_of(raw: NDArray[np.int32], name: str, *, changed: bool) -> dict[int, int]:
    """What a file stores; nothing where that is too much to count and the user has said what becomes of it."""
    try:
        return count_values(raw, name)
    except DataError:
        if changed:
            return {}
        raise


@dataclass(frozen=True)
class Choice:
    """How masks are read; a sentence for the user where it is not by number; a refusal where nothing agrees.

    The refusal is for the caller to raise where no better one is at hand (two kinds of masks in two folders, say).
    """

    palette: str
    remark: str | None = None
    refusal: DataError | None = None

    def of(self, policy: CheckPolicy) -> CheckPolicy:
        return replace(policy, decode=replace(policy.decode, palette=self.palette))


def choose_reading(masks: Sequence[Stored], *, settled: bool) -> Choice:
    """How to read all of ``masks``: by number unless files disagree on what numbers mean.

    ``settled``: the user has said what the values are, so that numbers need only mean one thing each.
    """
    indexed = [mask for mask in masks if mask.form.indexed]
    plain = [mask for mask in masks if not mask.form.indexed]
    if not indexed:
        return Choice("index")
    clash = _clash(indexed)
    if plain:
        return _beside_plain(indexed, plain, clash, settled)
    if clash is None:
        return Choice("index")
    numbers = {number for mask in indexed for number in mask.counts}
    colours = {colour for mask in indexed for colour in mask.shown().values()}
    return _undecided(clash) if len(colours) > len(numbers) else _by_colour(clash)


def _beside_plain(indexed: Sequence[Stored], plain: Sequence[Stored], clash: str | None, settled: bool) -> Choice:
    known: Counter[int] = Counter()
    for mask in plain:
        known.update(mask.counts)
    numbers = {number for mask in indexed for number in mask.counts}
    colours = {colour for mask in indexed for colour in mask.shown().values()}
    by_number, by_colour = clash is None and _agree(numbers, set(known)), _agree(colours, set(known))
    if by_number and by_colour:  # soft outlines hold all levels; the true ones have the area
        by_colour = _area(colours, known) > _area(numbers, known)
        by_number = not by_colour
    if by_number or (settled and clash is None and not by_colour):
        return Choice("index")
    one, other = indexed[0], plain[0]
    both = (
        f"{one.name} stores {show_values(sorted(one.counts))} ({one.form.format} {one.form.mode}), {other.name} "
        f"{show_values(sorted(other.counts))} ({other.form.format} {other.form.mode})"
    )
    return _by_colour(both) if by_colour else _undecided(clash or both)


def _by_colour(why: str) -> Choice:
    return Choice("colour", f"{why}; masks are read by the colours shown (--palette index reads the numbers)")


def _undecided(why: str) -> Choice:
    text = f"{why}; say --palette index to read the numbers or --palette colour to read the colours"
    return Choice("index", refusal=DataError(text))


def _clash(masks: Sequence[Stored]) -> str | None:
    """Two files in which one number is shown as two colours."""
    first: dict[int, tuple[int, str]] = {}
    for mask in masks:
        for number, colour in mask.shown().items():
            known, name = first.setdefault(number, (colour, mask.name))
            if known != colour:
                return (
                    f"masks show one number as two colours ({number} is {show_value(known)} in {name} and "
                    f"{show_value(colour)} in {mask.name})"
                )
    return None


def _agree(some: set[int], others: set[int]) -> bool:
    """One set holds the other, and they share more than a background, unless that is all one of them has."""
    if min(len(some), len(others)) == 1:
        return bool(some & others)
    return some <= others or others <= some


def _area(values: set[int], known: Counter[int]) -> int:
    return sum(known[value] for value in values if value != min(values))
