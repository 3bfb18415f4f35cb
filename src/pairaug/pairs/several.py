"""Several masks of one image: parts of one mask (a file a nucleus), or classes (liver, spleen, aorta)?

Enters: images matched with their masks. Leaves: the name of each mask within its sample, and whether those names recur
from sample to sample. Names that recur are classes, and nobody but the user may unite them; names that do not, and
mere numbers (``_mask``, ``_mask_1``), are parts.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from pairaug.pairs.naming import File, shared_ends
from pairaug.pairs.pair import Pair
from pairaug.pairs.slices import split_ending

Match = tuple[File, tuple[File, ...]]
_NUMBER = re.compile(r"[\s_\-.(]*\d+\)?\Z")
_PIECE = re.compile(r"[^\W_]+|[\W_]+")
# Numbered masks are taken for classes where so many samples all have the same numbers.
_SAME_NUMBERS = 3


def part_name(mask: File, image: File) -> str:
    """The path of a mask without what names its sample: ``p7/masks/p7_liver.png`` -> ``{}/masks/{}_liver``."""
    identity = image.core or image.folder.rpartition("/")[2]
    folder, slash, name = split_ending(mask.path)[0].rpartition("/")
    if mask.core and mask.core == image.core:
        return f"{_without(folder, identity)}{slash}{mask.prefix}{{}}{mask.suffix}"
    return _without(f"{folder}{slash}{name}", identity)


def _without(path: str, identity: str) -> str:
    """``path`` with ``{}`` for each word that is ``identity``."""
    return re.sub(rf"(?<![^\W_]){re.escape(identity)}(?![^\W_])", "{}", path) if identity else path


def recurring_names(matches: Sequence[Match]) -> list[str]:
    """The short names of masks that look like classes, in order; empty where several masks are parts of one."""
    if all(len(masks) == 1 for _, masks in matches):
        return []
    named = [tuple(part_name(mask, image) for mask in masks) for image, masks in matches]
    several = [names for names in named if len(names) > 1]
    if all(len({_NUMBER.sub("", name) for name in names}) == 1 for names in several):
        alike = len(named) >= _SAME_NUMBERS and len(set(named)) == 1
        return short_names(named[0]) if alike else []
    counts = Counter(name for names in named for name in set(names))
    recurring = sum(counts[name] > 1 for names in several for name in names)
    if 2 * recurring < sum(map(len, several)):
        return []
    return short_names(sorted({name for names in several for name in names if counts[name] > 1}))


def short_names(names: Sequence[str]) -> list[str]:
    """Names without what all of them share at either end: ``{}/liver``, ``{}/aorta`` -> ``liver``, ``aorta``."""
    distinct = list(dict.fromkeys(names))
    if len(distinct) < 2:
        return distinct
    pieces = [_PIECE.findall(name) for name in distinct]
    head, tail = shared_ends(pieces)
    return ["".join(own[head : len(own) - tail]).strip(" _-./{}") or "".join(own) for own in pieces]


def with_classes(pairs: Sequence[Pair], matches: Sequence[Match]) -> tuple[list[Pair], tuple[str, ...]]:
    """The pairs with a label value for each of their masks, by its name; and the names of the values 1, 2, ...

    The mask template becomes that of the one mask that shows all classes.
    """
    parts = {mask.path: part_name(mask, image) for image, masks in matches for mask in masks}
    distinct = sorted(set(parts.values()))
    short = dict(zip(distinct, short_names(distinct), strict=True))
    names = sorted(set(short.values()))
    labelled = [
        replace(
            pair,
            mask_labels=tuple(1 + names.index(short[parts[mask]]) for mask in pair.masks),
            mask_template=_joint_template(parts[pair.masks[0]], short[parts[pair.masks[0]]], pair.masks[0]),
        )
        for pair in pairs
    ]
    return labelled, tuple(names)


def _joint_template(part: str, name: str, mask: str) -> str:
    """``{}/masks/{}_liver`` -> ``{id}/masks/{id}_labels.png``."""
    before, found, after = part.rpartition(name)
    joint = (f"{before}labels{after}" if found else f"{part}_labels").replace("{}", "{id}")
    if "{id}" not in joint:
        folder, slash, stem = joint.rpartition("/")
        joint = f"{folder}{slash}{{id}}_{stem}"
    return joint + split_ending(mask)[1]
