"""Which files belong together.

Enters: relative paths of image files (nothing is opened here, but for the tie-break in ``_by_content``).
Leaves: pairs in path order, and for each other file the reason why it is not one.

Files with equal keys in an image series and in a mask series (see ``naming``) are pairs. Names are interpreted in
several styles, from much to little; the first of those that explain most images is taken. Where two mask series
remain for the same images, or two image series for the same masks, both are shown and the user decides.
"""

from __future__ import annotations

import gc
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from shlex import quote

from pairaug.errors import DataError
from pairaug.pairs.alignment import alignments
from pairaug.pairs.endings import by_endings
from pairaug.pairs.globs import exact_glob
from pairaug.pairs.naming import File, Key, Style, Teller, Told, describe
from pairaug.pairs.pair import Pair, Several, Skipped
from pairaug.pairs.samples import by_mask_folders, by_samples
from pairaug.pairs.several import Match, recurring_names, with_classes
from pairaug.pairs.skeletons import by_skeletons
from pairaug.pairs.slices import split_ending
from pairaug.pairs.templates import pair_of_files
from pairaug.pairs.words import MANUAL_WORDS, Role

# So many series are still opened to see whether they hold masks; more are the user's to explain.
_MOST_OPENED = 16
_SAMPLE = 3
_MOST_SHOWN = 8
_NUMBERS = {2: "two", 3: "three", 4: "four"}
_VIEW_WORDS = frozenset({"mask", "masks"})
FIELD_OF_VIEW = "the field of view, not the mask"
NUMBERED = "a numbered variant of the mask"
WITHOUT_MASK = "an image without a mask"


@dataclass(frozen=True)
class Reading:
    """One way to understand the folder: this image series with this mask series."""

    images: str
    masks: str
    matches: tuple[Match, ...]


@dataclass(frozen=True)
class Discovered:
    """Pairs in path order, the other files with the reason of each, and the names of classes where masks have some."""

    pairs: list[Pair]
    skipped: list[Skipped]
    class_names: tuple[str, ...] = ()


def discover(
    paths: Iterable[str],
    looks_like_mask: Callable[[str], bool],
    told: Teller = lambda path: None,
    several: Several = "ask",
) -> Discovered:
    """Pairs among ``paths``.

    ``looks_like_mask`` opens a file and says whether it holds few values; it is asked only where names leave it
    open. ``told`` gives what the user has said of a path, which comes before what its words say; ``several`` what
    several masks of one image are. Raises DataError for two equally good readings, showing both, and where several
    masks of one image look like classes.
    """
    with _without_collector():
        return _discover(sorted(paths), cache(looks_like_mask), told, several)


@contextmanager
def _without_collector() -> Iterator[None]:
    """Nothing made here refers to itself, and the collector would walk a large folder's files again and again."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _discover(paths: list[str], look: Callable[[str], bool], told: Teller, several: Several) -> Discovered:
    readings, files = _best_reading(paths, look, [told(path) for path in paths])
    kept, dropped = _prefer(_of_pictures(readings, look))
    matches = _named_by_folder(_settled(kept if several == "ask" else [_joined(kept)], files))
    if several == "ask":
        _refuse_classes(matches, files)
    pairs = [pair_of_files(image, masks) for image, masks in matches]
    names: tuple[str, ...] = ()
    if several == "classes":
        pairs, names = with_classes(pairs, matches)
    used = {path for pair in pairs for path in (pair.image, *pair.masks)}
    pictures = {(image.series, image.folder.rpartition("/")[0]) for image, _ in matches}
    skipped = [Skipped(f.path, dropped.get(f.path) or _why_unused(f, pictures)) for f in files if f.path not in used]
    return Discovered(sorted(pairs, key=lambda pair: pair.image), skipped, names)


def _best_reading(
    paths: Sequence[str], look: Callable[[str], bool], said: Sequence[Told | None]
) -> tuple[list[Reading], list[File]]:
    """The first way to interpret names that explains most images, and the files as it sees them."""
    best: list[Reading] = []
    files: list[File] = []
    most = 0
    for described in _descriptions(paths, look, said):
        readings = _readings(described)
        images = {image.path for reading in readings for image, _ in reading.matches}
        if len(images) > most or not files:
            best, files, most = readings, described, len(images)
        if most and _explained_all(images, best, files):
            break
    return best or _only_two(files, said), files


def _descriptions(
    paths: Sequence[str], look: Callable[[str], bool], said: Sequence[Told | None]
) -> Iterator[list[File]]:
    """Every way to interpret names, by words and then by how the names themselves are alike."""
    if not paths:
        return
    settled: dict[Style, list[File]] = {}
    tried: list[File] = []
    for style in Style:
        described = describe(paths, style, said)
        if described != tried:
            settled[style] = _by_content(described, look)
            yield settled[style]
        tried = described
    yield by_endings(settled[Style.AFFIXES], look)
    yield _by_content(by_samples(settled[Style.AFFIXES]), look)
    yield by_mask_folders(settled[Style.AFFIXES])
    for described in by_skeletons(settled[Style.AFFIXES]):
        yield _by_content(described, look)
    for style in (Style.AFFIXES, Style.SIBLINGS):
        if style in settled:
            yield from alignments(settled[style])


def _explained_all(images: set[str], readings: Sequence[Reading], files: Sequence[File]) -> bool:
    """Whether no image is left, or none but further ones of the same series where no mask is left either."""
    left = [file for file in files if file.role in (Role.IMAGE, Role.NONE) and file.path not in images]
    if not left:
        return True
    used = {mask.path for reading in readings for _, masks in reading.matches for mask in masks}
    if any(file.role is Role.MASK and file.path not in used for file in files):
        return False
    known = {(image.series, image.folder) for reading in readings for image, _ in reading.matches}
    return all((file.series, file.folder) in known for file in left)


def _only_two(files: Sequence[File], said: Sequence[Told | None]) -> list[Reading]:
    """The one image and the one mask that the user has named are a pair, whatever they are called."""
    if not any(said):
        return []
    images = [file for file in files if file.role in (Role.IMAGE, Role.NONE)]
    masks = [file for file in files if file.role is Role.MASK]
    if len(images) != 1 or len(masks) != 1:
        return []
    image, mask = (
        file._replace(core=split_ending(file.path.rpartition("/")[2])[0], prefix="", suffix="")
        for file in (images[0], masks[0])
    )
    return [Reading(image.series, mask.series, ((image, (mask,)),))]


def _joined(readings: Sequence[Reading]) -> Reading:
    """All readings as one, each image with the masks that any of them gives it."""
    images: dict[str, File] = {}
    masks: dict[str, dict[str, File]] = defaultdict(dict)
    for reading in readings:
        for image, members in reading.matches:
            images.setdefault(image.path, image)
            masks[image.path].update({mask.path: mask for mask in members})
    matches = tuple((image, tuple(masks[path][name] for name in sorted(masks[path]))) for path, image in images.items())
    return Reading("", "", matches)


def _refuse_classes(matches: Sequence[Match], files: Sequence[File]) -> None:
    """Masks whose names recur from image to image may be classes, which must not be united in silence."""
    names = recurring_names(matches)
    if not names:
        return
    first = min((mask for _, masks in matches if len(masks) > 1 for mask in masks), key=lambda mask: mask.path)
    same = [f for f in files if split_ending(f.path)[0].endswith(names[0]) and f.role is Role.MASK] or [first]
    pattern = exact_glob(same, {file.path for file in files} - {file.path for file in same})
    one = f", or choose one with --masks {quote(pattern)}" if pattern else ""
    shown = ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
    raise DataError(
        f"several masks of one image, whose names recur from image to image ({shown}): are they classes or parts of "
        f"one? Say --classes-from-names or --unite{one}"
    )


def mask_files(paths: Iterable[str]) -> list[str]:
    """The files of a bare mask folder: all of them, but for those whose names say that they are something else."""
    files = describe(sorted(paths), Style.AFFIXES)
    plain = [file.path for file in files if file.role is not Role.OTHER]
    return plain or [file.path for file in files]


def _by_content(files: list[File], looks_like_mask: Callable[[str], bool]) -> list[File]:
    """Settle the role of series whose words leave it open, by looking into three files of each.

    ``001.bmp`` beside ``001.png`` is one series by its words; its extensions make it two.
    """
    extensions: dict[tuple[str, Key], set[str]] = defaultdict(set)
    files = list(files)
    for file in files:
        extensions[file.series, file.key].add(file.extension)
    doubled = {series for (series, _), found in extensions.items() if len(found) > 1}
    named_masks = any(file.role is Role.MASK and file.series not in doubled for file in files)
    plain = {file.series for file in files} - doubled
    members: dict[str, list[int]] = defaultdict(list)
    for place, file in enumerate(files):
        if file.role is Role.OTHER:
            continue
        if file.series in doubled:
            files[place] = file._replace(series=f"{file.series} {file.extension}".strip())
        elif named_masks or file.role is Role.MASK:
            continue
        members[files[place].series].append(place)
    if not members or len(members) > _MOST_OPENED:
        return files
    is_mask = {
        series: all(looks_like_mask(files[place].path) for place in places[:_SAMPLE])
        for series, places in members.items()
    }
    if len(set(is_mask.values())) < 2 and not named_masks:
        return files
    for series, places in members.items():
        role = Role.MASK if is_mask[series] else Role.IMAGE
        for place in places:
            if files[place].role is Role.NONE or series not in plain:
                files[place] = files[place]._replace(role=role)
    return files


def _readings(files: list[File]) -> list[Reading]:
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


def _of_pictures(readings: list[Reading], look: Callable[[str], bool]) -> list[Reading]:
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
        and all(look(image.path) for image, _ in reading.matches[:_SAMPLE])
    }
    if rivals <= like_masks:
        return readings
    return [reading for reading in readings if reading.images not in like_masks]


def _prefer(readings: list[Reading]) -> tuple[list[Reading], dict[str, str]]:
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


def _settled(readings: list[Reading], files: list[File]) -> list[Match]:
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


def _named_by_folder(matches: list[Match]) -> list[Match]:
    """Where each image has a folder of its own, that is its name: ``p1/ct.nii``, ``p2/ct.nii``; ``p1/p1_flair.nii``."""
    folders = [image.folder.rpartition("/")[2] for image, _ in matches]
    if len(matches) < 2 or len({image.folder for image, _ in matches}) < len(matches):
        return matches
    if len({image.core for image, _ in matches}) == 1:
        return [(image._replace(core=""), tuple(mask._replace(core="") for mask in masks)) for image, masks in matches]
    rests = {image.core.removeprefix(folder) for folder, (image, _) in zip(folders, matches, strict=True)}
    if len(rests) > 1 or not rests.pop().startswith(("_", "-", " ", ".")):
        return matches
    return [
        (
            image._replace(core=folder, suffix=image.core.removeprefix(folder) + image.suffix),
            tuple(_named(mask, folder) for mask in masks),
        )
        for folder, (image, masks) in zip(folders, matches, strict=True)
    ]


def _named(mask: File, name: str) -> File:
    if not mask.core.startswith(name):
        return mask
    return mask._replace(core=name, suffix=mask.core.removeprefix(name) + mask.suffix)


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


def _why_unused(file: File, pictures: set[tuple[str, str]]) -> str:
    """``pictures``: series and folders of the images that have a mask."""
    if file.role is Role.OTHER:
        return file.reason
    if file.role is Role.MASK:
        return "a mask without an image"
    if file.role is Role.IMAGE or (file.series, file.folder.rpartition("/")[0]) in pictures:
        return WITHOUT_MASK
    return "part of no pair"
