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
from pairaug.pairs.readings import SAMPLE, Reading, joined, of_pictures, prefer, readings_of, settled_matches
from pairaug.pairs.samples import by_mask_folders, by_samples
from pairaug.pairs.several import Match, recurring_names, with_classes
from pairaug.pairs.skeletons import by_skeletons
from pairaug.pairs.slices import split_ending
from pairaug.pairs.templates import pair_of_files
from pairaug.pairs.words import Role

# So many series are still opened to see whether they hold masks; more are the user's to explain.
_MOST_OPENED = 16
WITHOUT_MASK = "an image without a mask"


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
    kept, dropped = prefer(of_pictures(readings, look))
    matches = _named_by_folder(settled_matches(kept if several == "ask" else [joined(kept)], files))
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
        readings = readings_of(described)
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
    image, mask = (file._replace(core=file.stem, prefix="", suffix="") for file in (images[0], masks[0]))
    return [Reading(image.series, mask.series, ((image, (mask,)),))]


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
        series: all(looks_like_mask(files[place].path) for place in places[:SAMPLE])
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


def _why_unused(file: File, pictures: set[tuple[str, str]]) -> str:
    """``pictures``: series and folders of the images that have a mask."""
    if file.role is Role.OTHER:
        return file.reason
    if file.role is Role.MASK:
        return "a mask without an image"
    if file.role is Role.IMAGE or (file.series, file.folder.rpartition("/")[0]) in pictures:
        return WITHOUT_MASK
    return "part of no pair"
