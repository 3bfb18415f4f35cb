"""Readings: this image series with this mask series, as names and folders pair them, and which of several is meant.

Enters: described files. Leaves: every image series with every mask series that shares its keys; the ones that words
set aside are dropped with the reason; where two are left for one image or one mask, the refusal shows each with the
flags that choose it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from shlex import quote

from pairaug.errors import DataError
from pairaug.pairs.globs import exact_glob
from pairaug.pairs.naming import File, Key
from pairaug.pairs.several import Match
from pairaug.pairs.templates import pair_of_files
from pairaug.pairs.words import MANUAL_WORDS, Role

# So many files of a series are opened to see whether they are masks.
SAMPLE = 3
_MOST_SHOWN = 8
_NUMBERS = {2: "two", 3: "three", 4: "four"}
_VIEW_WORDS = frozenset({"mask", "masks"})
FIELD_OF_VIEW = "the field of view, not the mask"
NUMBERED = "a numbered variant of the mask"


@dataclass(frozen=True)
class Reading:
    """One way to understand the folder: this image series with this mask series."""

    images: str
    masks: str
    matches: tuple[Match, ...]


def readings_of(files: list[File]) -> list[Reading]:
    """Every (image series, mask series) that shares keys."""
    images: dict[Key, list[File]] = defaultdict(list)
    masks: dict[Key, list[File]] = defaultdict(list)
    together: dict[tuple[str, str], list[File]] = defaultdict(list)
    for file in files:
        if file.role in (Role.IMAGE, Role.NONE):
            images[file.key].append(file)
            together[file.key[:2]].append(file)
        elif file.role is Role.MASK:
            masks[file.key].append(file)
    # One image in its own folder: all masks of that folder are its mask, whatever they are called.
    for key in list(masks):
        owners = together.get(key[:2], [])
        if key not in images and len(owners) == 1 and key[0]:
            masks[owners[0].key].extend(masks.pop(key))
    found: dict[tuple[str, str], list[Match]] = defaultdict(list)
    for key, owners in images.items():
        by_series: dict[str, list[File]] = defaultdict(list)
        for mask in masks.get(key, ()):
            by_series[mask.series].append(mask)
        for series, members in by_series.items():
            for image in owners:
                found[image.series, series].append((image, tuple(members)))
    return [Reading(images, masks, tuple(matches)) for (images, masks), matches in sorted(found.items())]


def of_pictures(readings: list[Reading], look: Callable[[str], bool]) -> list[Reading]:
    """Where two image series share masks and nothing names them, the one that looks like masks itself is set aside."""
    owners: dict[str, set[str]] = defaultdict(set)
    for reading in readings:
        for _, masks in reading.matches:
            for mask in masks:
                owners[mask.path].add(reading.images)
    rivals = {series for found in owners.values() if len(found) > 1 for series in found}
    like_masks = {
        reading.images
        for reading in readings
        if reading.images in rivals
        and reading.matches[0][0].role is Role.NONE
        and all(look(image.path) for image, _ in reading.matches[:SAMPLE])
    }
    if rivals <= like_masks:
        return readings
    return [reading for reading in readings if reading.images not in like_masks]


def prefer(readings: list[Reading]) -> tuple[list[Reading], dict[str, str]]:
    """Set aside mask series that a better-named one explains; the second value says why for each of their files.

    Beside a *manual* segmentation a folder called "mask" is the field of view (DRIVE); beside ``GT`` the numbered
    ``GT-1`` is one of its classes.
    """
    words = {reading.masks: frozenset(reading.matches[0][1][0].words) for reading in readings}
    if len(words) == 1:
        return readings, {}
    owners: dict[str, set[str]] = defaultdict(set)
    for reading in readings:
        owners[reading.masks].update(image.path for image, _ in reading.matches)
    reasons = {}
    for series, own in words.items():
        for other, theirs in words.items():
            reason = _explained(own, theirs)
            if reason and other != series and not owners[series].isdisjoint(owners[other]):
                reasons[series] = reason
    dropped = {
        mask.path: reasons[reading.masks]
        for reading in readings
        if reading.masks in reasons
        for _, masks in reading.matches
        for mask in masks
    }
    return [reading for reading in readings if reading.masks not in reasons], dropped


def _explained(own: frozenset[str], theirs: frozenset[str]) -> str | None:
    """Why a mask series of ``own`` words is not the mask where one of ``theirs`` lies beside it."""
    if theirs & MANUAL_WORDS and own <= _VIEW_WORDS:
        return FIELD_OF_VIEW
    if theirs < own and all(token.isdigit() for token in own - theirs):
        return NUMBERED
    return None


def joined(readings: Sequence[Reading]) -> Reading:
    """All readings as one, each image with the masks that any of them gives it."""
    images: dict[str, File] = {}
    masks: dict[str, dict[str, File]] = defaultdict(dict)
    for reading in readings:
        for image, members in reading.matches:
            images.setdefault(image.path, image)
            masks[image.path].update({mask.path: mask for mask in members})
    matches = tuple((image, tuple(masks[path][name] for name in sorted(masks[path]))) for path, image in images.items())
    return Reading("", "", matches)


def settled_matches(readings: list[Reading], files: list[File]) -> list[Match]:
    """The matches, where each image has one mask and each mask one image. Raises DataError otherwise."""
    by_image: dict[str, list[tuple[Reading, Match]]] = defaultdict(list)
    by_mask: dict[str, list[tuple[Reading, Match]]] = defaultdict(list)
    for reading in readings:
        for match in reading.matches:
            image, masks = match
            by_image[image.path].append((reading, match))
            for mask in masks:
                by_mask[mask.path].append((reading, match))
    for known in (by_image, by_mask):
        rivals = next((found for found in known.values() if len(found) > 1), None)
        if rivals:
            raise _two_readings(rivals[:_MOST_SHOWN], files)
    return [match for reading in readings for match in reading.matches]


def _two_readings(rivals: Sequence[tuple[Reading, Match]], files: list[File]) -> DataError:
    """The refusal that shows the readings with the flags that choose each."""
    one_series = len({id(reading) for reading, _ in rivals}) == 1
    if one_series:  # two images of one series
        lines = [
            f"{match[0].path} with {match[1][0].path}: "
            + " ".join(f"--exclude {quote(left[0].path)}" for _, left in rivals if left is not match)
            for _, match in rivals
        ]
    else:
        lines = [
            f"{len(reading.matches)} pairs such as {match[0].path} with {match[1][0].path}: {_flags(reading, files)}"
            for reading, match in rivals
        ]
    joined = ""
    if not one_series and len({match[0].path for _, match in rivals}) == 1:
        joined = ", or read the masks of an image as parts of one (--unite) or as classes (--classes-from-names)"
    return DataError(
        f"{_NUMBERS.get(len(rivals), 'several')} readings of this folder; choose one with its flags{joined}",
        details=lines,
    )


def _flags(reading: Reading, files: list[File]) -> str:
    """The flags under which only this reading is left."""
    images = [f for f in files if f.series == reading.images and f.role in (Role.IMAGE, Role.NONE)]
    masks = [f for f in files if f.series == reading.masks and f.role is Role.MASK]
    texts = []
    for flag, chosen in (("--images", images), ("--masks", masks)):
        paths = {file.path for file in chosen}
        pattern = exact_glob(chosen, (file.path for file in files if file.path not in paths))
        if pattern:
            texts.append(f"{flag} {quote(pattern)}")
    if len(texts) == 2:
        return " ".join(texts)
    pair = pair_of_files(*reading.matches[0])
    return "--pair " + quote(f"{pair.image_template}={pair.mask_template}")
