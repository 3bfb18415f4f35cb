"""Groups: the pairs of one patient, eye or slide, which must stay on one side of every split.

Enters: pairs and a regular expression that finds the group in the path of an image (of the mask, where there is no
image): its first parenthesis, or all that matches. Leaves: the same pairs, each with its group.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Hashable, Sequence
from dataclasses import replace

from pairaug.errors import DataError, UsageError
from pairaug.pairs.pair import Pair


def grouped(pairs: Sequence[Pair], pattern: str) -> list[Pair]:
    """The pairs with their groups. Raises DataError for a path without one, and for a group in two splits."""
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise UsageError(f"--group-by {pattern!r}: not a regular expression ({error})") from None
    found = []
    for pair in pairs:
        match = expression.search(pair.name)
        group = match and match.group(min(expression.groups, 1))
        if group is None:
            raise DataError(f"{pair.name}: --group-by {pattern!r} finds no group in it; widen the expression")
        found.append(replace(pair, group=group))
    _refuse_leaks(found)
    return found


def whole_groups(pairs: Sequence[Pair], limit: int) -> list[Pair]:
    """The first groups, in the order of the pairs, that together hold at most ``limit`` pairs."""
    by_group: dict[str | None, list[Pair]] = {}
    for pair in pairs:
        by_group.setdefault(pair.group, []).append(pair)
    kept: list[Pair] = []
    for members in by_group.values():
        if len(kept) + len(members) > limit:
            break
        kept += members
    if not kept:
        first = next(iter(by_group.values()))
        raise UsageError(f"--limit {limit}: the first group alone has {len(first)} pairs; give {len(first)} or more")
    return kept


def joined_groups(marks: Sequence[Collection[Hashable]]) -> list[int]:
    """The group of each item, numbered in order of appearance: items that share a mark, also by way of others, are one.

    ``marks``: for each item what it may share with others, such as a patient or the digest of its image.
    """
    parent = list(range(len(marks)))

    def root(item: int) -> int:
        while parent[item] != item:
            parent[item] = item = parent[parent[item]]
        return item

    first: dict[Hashable, int] = {}
    for item, own in enumerate(marks):
        for mark in own:
            parent[root(item)] = root(first.setdefault(mark, item))
    numbers: dict[int, int] = {}
    return [numbers.setdefault(root(item), len(numbers)) for item in range(len(marks))]


# Words behind which people number those whose pairs belong together.
_NUMBERED_THINGS = re.compile(
    r"(?P<word>patients?|pat|subjects?|subj|sub|participants?|persons?|volunteers?|cases?|child|study|exam|slides?|wsi|animal|"
    r"mouse)(?P<gap>[\s_\-.]?)\d+",
    re.IGNORECASE,
)


def suggest_groups(pairs: Sequence[Pair]) -> str | None:
    """A sentence where all names hold something like ``patient7`` and one of them occurs in several groups.

    None where the user has told the groups himself.
    """
    if any(pair.group is not None and not pair.name.startswith(pair.group) for pair in pairs):
        return None
    matches = [_NUMBERED_THINGS.search(pair.name) for pair in pairs]
    groups: dict[str, set[str]] = {}
    splits: dict[str, set[str | None]] = {}
    for pair, match in zip(pairs, matches, strict=True):
        if match is None:
            return None
        groups.setdefault(match.group(), set()).add(pair.group or pair.name)
        splits.setdefault(match.group(), set()).add(pair.split)
    if len(groups) < 2 or all(len(found) == 1 for found in groups.values()):
        return None
    spelled = {(match["word"], match["gap"]) for match in matches if match}
    word, gap = min(spelled)
    pattern = f"{word}{gap.replace('.', '[.]')}\\d+"
    if len(spelled) > 1:
        pattern = f"(?i){pattern}"
    apart = sum(len(found) > 1 for found in splits.values())
    leak = f", {apart} of them in several splits" if apart else ""
    return (
        f"{sum(map(len, groups.values()))} groups, but the names suggest {len(groups)}{leak}; "
        f"--group-by '{pattern}' keeps what belongs together on one side"
    )


def _refuse_leaks(pairs: Sequence[Pair]) -> None:
    """A patient in the training and in the test split would let the test be learnt by heart."""
    first: dict[str, Pair] = {}
    leaks = []
    for pair in pairs:
        assert pair.group is not None
        other = first.setdefault(pair.group, pair)
        if other.split != pair.split:
            leaks.append(f"{pair.group}: {other.name} and {pair.name}")
    if leaks:
        raise DataError(
            f"{len(leaks)} pairs share a group with a pair of another split; leave them out with --exclude",
            details=leaks,
        )
