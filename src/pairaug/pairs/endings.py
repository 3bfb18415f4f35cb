"""Masks called as their image with a constant end or beginning, in whatever words: ``X.png``, ``X_outlined.png``.

Enters: paths, and a way to look into a file. Leaves: files whose roles are settled, for each end (or beginning) that
several stems add to another stem of their folder, if the files that have it look like masks and those they belong to
do not.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

from pairaug.pairs.naming import File, composed
from pairaug.pairs.readings import SAMPLE
from pairaug.pairs.words import Role

# So many different ends are looked into; names that just begin alike have more of them.
_MOST_ENDS = 8
_PLACED = (Role.NONE, Role.IMAGE, Role.MASK)

Ending = tuple[str, str]  # what stands before the image's stem and behind it; one of the two is empty
Pairing = dict[int, int]  # place of the mask -> place of its image


def by_endings(files: Sequence[File], looks_like_mask: Callable[[str], bool]) -> list[File]:
    """The files with masks told from images by what their names add; unchanged where nothing is told."""
    found = _endings(files, {p for p, file in enumerate(files) if file.role in _PLACED})
    settled = list(files)
    for (start, end), pairing in sorted(found.items(), key=lambda item: -len(item[1]))[:_MOST_ENDS]:
        masks, images = list(pairing)[:SAMPLE], list(pairing.values())[:SAMPLE]
        are_masks = all(looks_like_mask(files[place].path) for place in masks)
        if not are_masks or all(looks_like_mask(files[place].path) for place in images):
            continue
        for mask, image in pairing.items():
            own = files[image].stem
            key = (files[image].folder, files[image].key[1], composed(own))
            name, words = f"{start}*{end}", (start or end,)
            settled[image] = files[image]._replace(role=Role.IMAGE, key=key, core=own, prefix="", suffix="", series="")
            settled[mask] = files[mask]._replace(
                role=Role.MASK,
                key=key,
                core=own,
                prefix=start,
                suffix=end,
                series=name,
                words=words,
                split=files[image].split,
            )
    return settled


def _endings(files: Sequence[File], places: set[int]) -> dict[Ending, Pairing]:
    """Every end and every beginning that stems add to other stems of the same folder, with the pairs it makes."""
    by_folder: dict[str, dict[str, int]] = defaultdict(dict)
    for place in sorted(places):
        by_folder[files[place].folder].setdefault(files[place].stem, place)
    found: dict[Ending, Pairing] = defaultdict(dict)
    for stems in by_folder.values():
        for stem, place in stems.items():
            for cut in range(1, len(stem)):
                if (image := stems.get(stem[:cut])) is not None and _apart(stem[cut - 1], stem[cut]):
                    found["", stem[cut:]][place] = image
                if (image := stems.get(stem[cut:])) is not None and _apart(stem[cut - 1], stem[cut]):
                    found[stem[:cut], ""][place] = image
    return found


def _apart(before: str, after: str) -> bool:
    """A number is not cut: ``10`` is not ``1`` with an end."""
    return not (before.isdigit() and after.isdigit())
