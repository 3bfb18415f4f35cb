"""What originals are called in a set: as they were, as far as its format lets them.

So lists of patients and splits of one's own go on to hold. Where two originals would get one name, the second is
called after its whole path, and where that does not help, by its number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from pairaug.errors import OutputError
from pairaug.fitted.model_file import TrainedPair
from pairaug.pairs.naming import composed
from pairaug.pairs.slices import parse_slice, split_ending
from pairaug.synthesis.formats.base import Format, Place

_LONGEST = 80  # bytes of a stem that is not an original's own: what a header of a tar file holds, with its endings

Paths = tuple[str, tuple[str, ...]]  # of an image and of its masks


def kept_places(output_format: Format, pairs: Sequence[TrainedPair], paths: Sequence[Paths]) -> list[Place]:
    """Where each of the originals ``pairs`` goes, which lie at ``paths``; no two files get one name in any case.

    Nor in any of the two spellings of letters such as ü: some file systems take them for one.
    """
    taken: set[str] = set()
    places = []
    for index, (pair, (image, masks)) in enumerate(zip(pairs, paths, strict=True)):
        for place in _wanted(output_format, pair, image, masks, index):
            names = {composed(name).casefold() for name in (place.image_name, place.mask_name)}
            if taken.isdisjoint(names):
                break
        taken |= names
        places.append(place)
    return places


def refuse_taken(places: Sequence[Place], prefix: str) -> None:
    """Raises OutputError where a file of an original has a name that a new pair may get."""
    new = re.compile(re.escape(prefix) + r"\d{6,}", re.IGNORECASE)
    for place in places:
        for name in (place.image_name, place.mask_name):
            if new.search(name):
                raise OutputError(
                    f"{name}: is an original, and a name that new pairs get; give them another with --prefix TEXT"
                )


def _wanted(output_format: Format, pair: TrainedPair, image: str, masks: Sequence[str], index: int) -> Iterator[Place]:
    """Places for a pair, the most wanted one first; there is no last one."""
    stem = own_stem(pair.image_template, image)
    if len(stem.encode()) <= _LONGEST:
        yield output_format.original_place(pair, stem, image, masks)
    long = "_".join(PurePosixPath(split_ending(image)[0]).parts)
    if len(long.encode()) <= _LONGEST:
        yield output_format.place(pair, long)
    yield output_format.place(pair, f"original_{index:06d}")
    number = 0
    while True:
        number += 1
        yield output_format.place(pair, f"original_{index:06d}_{number}")


def own_stem(template: str, path: str) -> str:
    """What stands at ``{id}`` in ``path``; its stem where the file was renamed since. Of a slice with its number."""
    volume = parse_slice(path)
    if volume is not None:
        name, axis, index = volume
        return f"{own_stem(template, name)}_{axis}{index:03d}"
    first, *others = template.split("{id}")
    middle = "(?P<id>[^/]+?)" + "(?P=id)".join(re.escape(part) for part in others)
    match = re.fullmatch(re.escape(first) + middle, path, re.DOTALL) if others else None
    return match["id"] if match else split_ending(PurePosixPath(path).name)[0]
