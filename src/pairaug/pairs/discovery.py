"""Which files belong together.

Enters: relative paths of image files (nothing is opened here, but for the tie-break in ``_by_content``).
Leaves: pairs in path order, and for each other file the reason why it is not one.

The idea: a path tells three things. Its *key* (folders and stem without the words that say "image", "mask" or
"training") is the same for an image and its mask; its *series* (those words) is the same for all masks; its *role*
says which series are images and which masks. Files with equal keys in an image series and in a mask series are
pairs. Where two mask series remain for the same images, both are shown and the user decides.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import takewhile
from pathlib import PurePosixPath

from pairaug.errors import DataError
from pairaug.pairs.pair import Pair, Skipped
from pairaug.pairs.words import (
    FILLER_WORDS,
    MANUAL_WORDS,
    OTHER_WORDS,
    SPLIT_WORDS,
    Role,
    affix,
    chunks,
    folder_tokens,
    role_of,
    split_of,
)

Key = tuple[str, str, str]  # (folders, split, core)


@dataclass(frozen=True)
class File:
    """One file as its path describes it."""

    path: str
    key: Key
    series: str
    role: Role
    core: str
    prefix: str
    suffix: str
    words: tuple[str, ...]

    @property
    def folder(self) -> str:
        parent = str(PurePosixPath(self.path).parent)
        return "" if parent == "." else parent

    @property
    def extension(self) -> str:
        return PurePosixPath(self.path).suffix.lower()


@dataclass(frozen=True)
class Reading:
    """One way to understand the folder: this image series with this mask series."""

    images: str
    masks: str
    pairs: tuple[tuple[File, tuple[File, ...]], ...]


# How much of a name to interpret, from most to least; the first of those that find most pairs is taken.
_NNUNET_FOLDERS = (["images", "tr"], ["images", "ts"])
_STYLES = ("affixes", "suffixes", "names", "common", "siblings")


# What the user's own flags say of a path: its role, and the folder (by position) that gave it away.
Told = tuple[Role, int | None]


def discover(
    paths: Iterable[str], looks_like_mask: Callable[[str], bool], told: Callable[[str], Told | None] = lambda path: None
) -> tuple[list[Pair], list[Skipped]]:
    """Pairs among ``paths``.

    ``looks_like_mask`` opens a file and says whether it holds few values; it is asked only where names leave it
    open. ``told`` gives what the user has said of a path, which comes before what its words say.
    Raises DataError for two equally good readings, showing both.
    """
    paths = sorted(paths)
    best: list[Reading] = []
    best_files = _describe(paths, _STYLES[0], told)
    for style in _STYLES:
        files = _describe(paths, style, told)
        readings = _readings(_by_content(files, looks_like_mask))
        if _matched(readings) > _matched(best):
            best, best_files = readings, files
    chosen, skipped = _settle(best)
    pairs = [_pair(image, masks) for image, masks in chosen]
    used = {path for pair in pairs for path in (pair.image, *pair.masks)}
    named = {entry.path for entry in skipped}
    for file in best_files:
        if file.path not in used and file.path not in named:
            skipped.append(Skipped(file.path, _why_unused(file)))
    return sorted(pairs, key=lambda pair: pair.image), sorted(skipped, key=lambda entry: entry.path)


def mask_files(paths: Iterable[str]) -> list[str]:
    """The files of a bare mask folder: all of them, but for those whose names say that they are something else."""
    files = _describe(sorted(paths), "affixes")
    plain = [file.path for file in files if file.role is not Role.OTHER]
    return plain or [file.path for file in files]


def bare_template(path: str) -> str:
    """``masks/21_manual1.gif`` -> ``masks/{id}_manual1.gif``."""
    (file,) = _describe([path], "affixes")
    return _template(file, file.core, file.core)


def pair_of_paths(image: str, masks: tuple[str, ...]) -> Pair:
    """A pair that somebody else has paired, with the naming pattern that its own words show."""
    files = _describe([image, *masks], "affixes")
    by_path = {file.path: file for file in files}
    one, other = by_path[image], by_path[masks[0]]
    if one.core != other.core:  # nothing in common to replace: the whole stem is the name
        one, other = (replace(f, core=PurePosixPath(f.path).stem, prefix="", suffix="") for f in (one, other))
    return _pair(one, (other, *(by_path[path] for path in masks[1:])))


def role_by_words(path: str) -> Role:
    return _describe([path], "affixes")[0].role


def _matched(readings: list[Reading]) -> int:
    return len({image.path for reading in readings for image, _ in reading.pairs})


def _describe(paths: list[str], style: str, told: Callable[[str], Told | None] = lambda path: None) -> list[File]:
    files = [_file(path, style, told(path)) for path in paths]
    return _strip_common(files) if style == "common" else files


def _file(path: str, style: str, told: Told | None) -> File:
    pure = PurePosixPath(path)
    prefix, core, suffix = affix(pure.stem) if style in ("affixes", "suffixes") else ("", pure.stem, "")
    if style == "suffixes":
        prefix, core = "", prefix + core
    tokens = [folder_tokens(part) for part in pure.parent.parts]
    if tokens and tokens[-1] in _NNUNET_FOLDERS and core.endswith("_0000"):  # the first channel
        core, suffix = core[: -len("_0000")], "_0000" + suffix
    place = told[1] if told and told[1] is not None else _role_folder(tokens)
    if place is None and style == "siblings" and tokens:
        place = len(tokens) - 1
    split = next((name for name in map(split_of, reversed(tokens)) if name), None)
    known = {piece for piece, _, _ in chunks(core)} | {core.lower()}
    words = [token for token in (tokens[place] if place is not None else []) if token not in known]
    words = [token for token in words if token not in FILLER_WORDS and token not in SPLIT_WORDS]
    stem_words = [piece for part in (prefix, suffix) for piece, _, _ in chunks(part)]
    stem_words = [piece for piece in stem_words if piece not in SPLIT_WORDS and not piece.isdigit()]
    folders = [
        "-".join(t for t in part if t not in SPLIT_WORDS) for i, part in enumerate(tokens) if i != place
    ]
    split = split or split_of([piece for piece, _, _ in chunks(suffix)])
    role = told[0] if told else _role(tokens[place] if place is not None else [], prefix, suffix)
    return File(
        path=path,
        key=("/".join(part for part in folders if part), split or "", core),
        series=" ".join(words + stem_words),
        role=role,
        core=core,
        prefix=prefix,
        suffix=suffix,
        words=tuple(words + stem_words),
    )


def _role_folder(tokens: list[list[str]]) -> int | None:
    """The position of the deepest folder whose name says what its files are."""
    for position in reversed(range(len(tokens))):
        if role_of(tokens[position]) is not Role.NONE:
            return position
    return None


def _role(folder: list[str], prefix: str, suffix: str) -> Role:
    ends = [piece for piece, _, _ in chunks(suffix)]
    by_suffix, by_folder = role_of(ends), role_of(folder)
    if Role.OTHER in (by_suffix, by_folder):
        return Role.OTHER
    if by_suffix is Role.MASK or by_folder is Role.MASK:
        return Role.MASK
    if by_folder is Role.IMAGE:
        return Role.IMAGE
    by_prefix = role_of([piece for piece, _, _ in chunks(prefix)])
    return by_suffix if by_prefix is Role.NONE else by_prefix


def _strip_common(files: list[File]) -> list[File]:
    """Take off what all stems of a series share at either end, at word boundaries: names nobody has heard of."""
    series: dict[str, list[File]] = defaultdict(list)
    for file in files:
        series[file.series].append(file)
    stripped = []
    for members in series.values():
        pieces = [[file.core[a:b] for _, a, b in chunks(file.core)] for file in members]
        shortest = min(len(p) for p in pieces)
        head = _shared(pieces, shortest - 1)
        tail = _shared([p[::-1] for p in pieces], shortest - 1 - head)
        for file in members:
            spans = chunks(file.core)
            if len(members) < 2 or not spans:
                stripped.append(file)
                continue
            start, end = spans[head][1], spans[len(spans) - 1 - tail][2]
            core = file.core[start:end]
            key = (file.key[0], file.key[1], core)
            stripped.append(
                replace(file, core=core, key=key, prefix=file.core[:start], suffix=file.core[end:])
            )
    return sorted(stripped, key=lambda file: file.path)


def _shared(pieces: list[list[str]], limit: int) -> int:
    same = takewhile(lambda column: len(set(column)) == 1, zip(*pieces, strict=False))
    return min(sum(1 for _ in same), max(limit, 0))


def _by_content(files: list[File], looks_like_mask: Callable[[str], bool]) -> list[File]:
    """Settle the role of series whose words leave it open, by looking into three files of each.

    ``001.bmp`` beside ``001.png`` is one series by its words; its extensions make it two.
    """
    taken: dict[tuple[str, Key], set[str]] = defaultdict(set)
    for file in files:
        taken[file.series, file.key].add(file.extension)
    doubled = {series for (series, _), extensions in taken.items() if len(extensions) > 1}
    named = [replace(f, series=f"{f.series} {f.extension}".strip()) if f.series in doubled else f for f in files]
    if any(file.role is Role.MASK and file.series not in doubled for file in named):
        open_series = {file.series for file in named if file.series.endswith(file.extension)}
    else:
        open_series = {file.series for file in named if file.role in (Role.NONE, Role.IMAGE)}
    is_mask: dict[str, bool] = {}
    for series in sorted(open_series):
        sample = [file.path for file in named if file.series == series][:3]
        is_mask[series] = all(looks_like_mask(path) for path in sample)
    if len(set(is_mask.values())) < 2 and not any(file.role is Role.MASK for file in named):
        return named
    return [
        replace(f, role=Role.MASK if is_mask[f.series] else Role.IMAGE)
        if f.series in is_mask and (f.role is Role.NONE or f.series.endswith(f.extension))
        else f
        for f in named
    ]


def _readings(files: list[File]) -> list[Reading]:
    """Every (image series, mask series) that shares keys."""
    images: dict[Key, list[File]] = defaultdict(list)
    masks: dict[Key, list[File]] = defaultdict(list)
    lone_images: dict[tuple[str, str], list[File]] = defaultdict(list)
    for file in files:
        if file.role in (Role.IMAGE, Role.NONE):
            images[file.key].append(file)
            lone_images[file.key[:2]].append(file)
        elif file.role is Role.MASK:
            masks[file.key].append(file)
    # One image in its own folder: all masks of that folder are its mask, whatever they are called.
    for key in list(masks):
        owners = lone_images.get(key[:2], [])
        if key not in images and len(owners) == 1 and key[0]:
            masks[owners[0].key].extend(masks.pop(key))
    found: dict[tuple[str, str], list[tuple[File, tuple[File, ...]]]] = defaultdict(list)
    for key, owners in images.items():
        by_series: dict[str, list[File]] = defaultdict(list)
        for mask in masks.get(key, ()):
            by_series[mask.series].append(mask)
        for series, members in by_series.items():
            for image in owners:
                found[image.series, series].append((image, tuple(members)))
    return [Reading(images, masks, tuple(pairs)) for (images, masks), pairs in sorted(found.items())]


def _settle(readings: list[Reading]) -> tuple[list[tuple[File, tuple[File, ...]]], list[Skipped]]:
    """The one reading of each image, by the rules a person would use; DataError where they leave two."""
    kept, skipped = _prefer(readings)
    owner: dict[str, tuple[Reading, tuple[File, ...]]] = {}
    user: dict[str, tuple[Reading, File]] = {}
    for reading in kept:
        for image, masks in reading.pairs:
            if image.path in owner:
                raise _two_readings(owner[image.path][0], reading, "masks")
            owner[image.path] = (reading, masks)
            for mask in masks:
                if mask.path in user:
                    other = user[mask.path]
                    if other[0].images == reading.images:
                        raise DataError(
                            f"{other[1].path} and {image.path}: two images for the mask {mask.path}; "
                            "leave one out with --exclude"
                        )
                    raise _two_readings(other[0], reading, "images")
                user[mask.path] = (reading, image)
    chosen = [(image, masks) for reading in kept for image, masks in reading.pairs]
    return chosen, skipped


def _prefer(readings: list[Reading]) -> tuple[list[Reading], list[Skipped]]:
    """Set aside mask series that a better-named one explains.

    Beside a *manual* segmentation a folder called "mask" is the field of view (DRIVE); beside ``GT`` the numbered
    ``GT-1`` is one of its classes.
    """
    skipped: list[Skipped] = []
    words = {r.masks: frozenset(r.pairs[0][1][0].words) for r in readings}
    dropped: dict[str, str] = {}
    for series, own in words.items():
        manual = own & MANUAL_WORDS
        for other, theirs in words.items():
            if other == series or not _overlap(readings, series, other):
                continue
            if not manual and theirs & MANUAL_WORDS and own <= {"mask", "masks", "training", "test"}:
                dropped[series] = f"the field of view; {other!r} holds the masks"
            elif theirs < own and all(token.isdigit() for token in own - theirs):
                dropped[series] = f"a numbered variant of {other!r}"
    for reading in readings:
        if reading.masks in dropped:
            skipped += [Skipped(m.path, dropped[reading.masks]) for _, masks in reading.pairs for m in masks]
    return [reading for reading in readings if reading.masks not in dropped], skipped


def _overlap(readings: list[Reading], one: str, other: str) -> bool:
    def images(masks: str) -> set[str]:
        return {image.path for r in readings if r.masks == masks for image, _ in r.pairs}

    return not images(one).isdisjoint(images(other))


def _two_readings(one: Reading, other: Reading, differing: str) -> DataError:
    def line(reading: Reading) -> str:
        image, masks = reading.pairs[0]
        chosen = masks[0] if differing == "masks" else image
        flag = f"--{differing} {_glob_for(chosen)!r}"
        return f"{len(reading.pairs)} pairs such as {image.path} with {masks[0].path}: {flag}"

    return DataError(
        f"two readings of this folder: the {differing} are not settled; choose one with its flag",
        details=[line(one), line(other)],
    )


def _glob_for(file: File) -> str:
    """A pattern for ``--images`` or ``--masks`` that takes this file's series."""
    if file.folder and role_of(folder_tokens(PurePosixPath(file.folder).name)) is not Role.NONE:
        return PurePosixPath(file.folder).name
    return f"*{file.suffix}{file.extension}" if file.suffix else f"{file.prefix}*{file.extension}"


def _pair(image: File, masks: tuple[File, ...]) -> Pair:
    identity = image.core
    if not identity:  # <id>/image.png: the folder carries the name
        identity = PurePosixPath(image.path).parent.name or PurePosixPath(image.path).stem
    image_template = _template(image, identity, image.core)
    mask_template = _template(masks[0], identity, masks[0].core)
    if image_template == mask_template:  # a list may pair a.png with b.png in one folder
        mask_template = str(PurePosixPath(mask_template).with_stem("{id}_mask"))
    return Pair(image.path, tuple(mask.path for mask in masks), image_template, mask_template, image.key[1] or None)


def _template(file: File, identity: str, core: str) -> str:
    """The file's path with ``{id}`` where its own name stood, in its folders too."""
    pure = PurePosixPath(file.path)
    folders = [
        part.replace(identity, "{id}") if identity and _contains_name(part, identity) else part
        for part in pure.parent.parts
    ]
    if core:
        stem = f"{file.prefix}{{id}}{file.suffix}"
    else:
        stem = pure.stem
        if not any("{id}" in part for part in folders):
            stem = f"{{id}}_{stem}"
    return "/".join([*folders, stem + pure.suffix])


def _contains_name(folder: str, identity: str) -> bool:
    """``patient7`` and ``patient7_lesion`` carry ``patient7``; ``Test1`` does not carry ``1``."""
    if folder == identity:
        return True
    return folder.startswith(identity) and folder[len(identity)] in " _-." and not identity.isdigit()


def _why_unused(file: File) -> str:
    if file.role is Role.OTHER:
        return next((OTHER_WORDS[word] for word in _all_words(file) if word in OTHER_WORDS), "not a mask")
    if file.role is Role.MASK:
        return "a mask without an image"
    return "an image without a mask"


def _all_words(file: File) -> list[str]:
    folders = [token for part in PurePosixPath(file.path).parent.parts for token in folder_tokens(part)]
    return [piece for piece, _, _ in chunks(PurePosixPath(file.path).stem)] + folders[::-1]
