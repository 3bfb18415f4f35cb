"""Splits of a set of originals and synthetic pairs: what may be trained on, and the originals to validate on.

Synthetic pairs are trained on alone, and beside held-out originals only those that descend from none of them
(``group`` in the rows).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pairaug.segmenter.folds import grouped_folds

Row = Mapping[str, Any]
SPLITS = "folds.json"


@dataclass(frozen=True)
class Split:
    """The rows to train on, and the rows of the originals to validate on, in index order."""

    train: tuple[Row, ...]
    validation: tuple[Row, ...]

    def __post_init__(self) -> None:
        held_out = {number for row in self.validation for number in row["group"]}
        assert all(row["origin"] == "original" for row in self.validation), "a synthetic pair to validate on"
        assert all(held_out.isdisjoint(row["group"]) for row in self.train), "a child of what is validated on"


def splits_by_fold(rows: Sequence[Row]) -> tuple[Split, ...]:
    """Of rows with a ``fold``: that of an original is the one that validates on it; of a synthetic pair, the one whose
    models have made it."""
    folds = sorted({row["fold"] for row in rows})
    return tuple(Split(tuple(_trained_on(rows, fold)), tuple(_held_out(rows, fold))) for fold in folds)


def _held_out(rows: Sequence[Row], fold: int) -> list[Row]:
    return [row for row in rows if row["origin"] == "original" and row["fold"] == fold]


def _trained_on(rows: Sequence[Row], fold: int) -> list[Row]:
    return [row for row in rows if (row["fold"] == fold) == (row["origin"] == "synthetic")]


def splits_by_descent(rows: Sequence[Row], folds: int) -> tuple[Split, ...]:
    """Of rows that were all made by the same models: in each split, all that descends from no original held out.

    No splits where there are fewer than two groups, or where no synthetic pair could be trained on in any of them.
    """
    originals = [row for row in rows if row["origin"] == "original"]
    groups = [row["group"][0] for row in originals]
    folds = min(folds, len(set(groups)))
    if folds < 2:
        return ()
    fold_of = grouped_folds(groups, np.random.default_rng(0), folds)
    splits = []
    for fold in range(folds):
        held_out = [row for row, own in zip(originals, fold_of, strict=True) if own == fold]
        numbers = {row["group"][0] for row in held_out}
        splits.append(Split(tuple(row for row in rows if numbers.isdisjoint(row["group"])), tuple(held_out)))
    some = any(row["origin"] == "synthetic" for split in splits for row in split.train)
    return tuple(splits) if some else ()


def worth_of(splits: Sequence[Split]) -> str:
    """What a user is told of splits by descent."""
    if not splits:
        return (
            "no splits are written: in any fold every new pair descends from an original that is held out; "
            "'pairaug folds' makes pairs for each fold without them"
        )
    numbers = [sum(row["origin"] == "synthetic" for row in split.train) for split in splits]
    fewest, most = min(numbers), max(numbers)
    trained_on = f"{most}" if fewest == most else f"{fewest} to {most}"
    return (
        f"splits into {len(splits)} folds are written: in each, {trained_on} new pairs are trained on, which descend "
        "from no original held out; the models saw all originals, which 'pairaug folds' avoids"
    )
