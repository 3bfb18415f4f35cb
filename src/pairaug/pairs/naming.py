"""What a path says of its file: which others it belongs to, what kind of file it is, and what of its name is its own.

A path tells three things. Its *key* (folders and stem without the words that say "image", "mask" or "training") is
the same for an image and its mask; its *series* (those words) is the same for all masks; its *role* says whether the
series is one of images, of masks or of neither. Nothing is opened here.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from itertools import takewhile
from typing import NamedTuple

from pairaug.pairs.slices import split_ending
from pairaug.pairs.words import (
    COLOUR_WORDS,
    FILLER_WORDS,
    OTHER_WORDS,
    SPLIT_WORDS,
    Role,
    affix,
    chunks,
    folder_tokens,
    leading_split,
    role_of,
    split_of,
)

Key = tuple[str, str, str]  # (folders, split as it is written, core), in composed Unicode (NFC)
# What the user's own flags say of a path: its role, and the folder (by position) that gave it away.
Told = tuple[Role, int | None]
Teller = Callable[[str], Told | None]

NOT_CHOSEN = "not chosen by --images or --masks"
OTHER_CHANNEL = "another channel of the image"
_CHANNEL = re.compile(r"_(\d{4})\Z")
_NNUNET_FOLDERS = (("images", "tr"), ("images", "ts"))


class Style(Enum):
    """How much of a name to interpret, from most to least."""

    AFFIXES = "known words at either end of a stem say what it is"
    SUFFIXES = "known words at its end do; at its beginning they are its name"
    NAMES = "the whole stem is the name"
    COMMON = "so is what is left when known words and all that a series shares are taken off"
    SIBLINGS = "the folders say what a file is, by words unknown to us"
    TREES = "the outermost folder does"


class File(NamedTuple):  # not a dataclass: a folder of 100,000 pairs makes 200,000 of them for each style
    """One file as its path describes it. ``core`` is its own name, between ``prefix`` and ``suffix``.

    ``split`` is train, val, test or empty. ``words`` are those that make the series; ``reason`` says why a file of
    role OTHER is not the mask.
    """

    path: str
    key: Key
    series: str
    role: Role
    core: str
    prefix: str
    suffix: str
    words: tuple[str, ...]
    reason: str
    extension: str
    split: str

    @property
    def folder(self) -> str:
        return self.path.rpartition("/")[0]

    @property
    def stem(self) -> str:
        """The file's whole name without its ending."""
        return split_ending(self.path.rpartition("/")[2])[0]


@dataclass(frozen=True, slots=True)
class _Folders:
    """What the folders above a file say together; ``place`` is the one that tells the role."""

    key: str
    split: str
    words: tuple[str, ...]
    role: Role
    reason: str
    channels: bool


def describe(paths: Sequence[str], style: Style, told: Sequence[Told | None] | None = None) -> list[File]:
    """Every path as a File; ``told`` is what the user has said of each, which comes before what its words say."""
    said = told or [None] * len(paths)
    files = [_file(path, style, one) for path, one in zip(paths, said, strict=True)]
    return _without_shared_ends(files) if style is Style.COMMON else files


def _file(path: str, style: Style, told: Told | None) -> File:
    folder, _, name = path.rpartition("/")
    stem, extension = split_ending(name)
    above = _folders(folder, style, told[1] if told else None)
    prefix, core, suffix = "", stem, ""
    if style in (Style.AFFIXES, Style.SUFFIXES, Style.COMMON):
        prefix, core, suffix = affix(stem)
    if style is Style.SUFFIXES:
        prefix, core = "", prefix + core
    channel = _CHANNEL.search(core) if above.channels else None
    if channel:
        core, suffix = core[: channel.start()], channel.group() + suffix
    ends = [piece for piece, _, _ in chunks(suffix)] if suffix else []
    starts = [piece for piece, _, _ in chunks(prefix)] if prefix else []
    words = _not_in(above.words, core) + tuple(w for w in starts + ends if w not in SPLIT_WORDS and not w.isdigit())
    role, reason = _role(above, starts, ends)
    if channel and int(channel[1]):
        role, reason = Role.OTHER, OTHER_CHANNEL
    if role is Role.MASK and above.role is Role.MASK and (last := chunks(stem)[-1:]) and last[0][0] in COLOUR_WORDS:
        role, reason = Role.OTHER, "a preview"
    if told:
        role, reason = told[0], NOT_CHOSEN
    split = above.split or split_of(ends) or split_of(starts) or ""
    written = split
    if not split and style in (Style.AFFIXES, Style.COMMON):
        split, length = leading_split(core)
        written, prefix, core = core[:length], prefix + core[:length], core[length:]
    key, series = (above.key, composed(written), composed(core)), " ".join(words)
    return File(path, key, series, role, core, prefix, suffix, words, reason, extension.lower(), split)


def composed(text: str) -> str:
    """``text`` in composed Unicode: two spellings of one letter are one name."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


@lru_cache(maxsize=4096)
def _folders(folder: str, style: Style, told_place: int | None) -> _Folders:
    tokens = [folder_tokens(part) for part in folder.split("/")] if folder else []
    place = _role_folder(tokens) if told_place is None else told_place
    if place is None and tokens and style in (Style.SIBLINGS, Style.TREES):
        place = len(tokens) - 1 if style is Style.SIBLINGS else 0
    kept = ["-".join(t for t in part if t not in SPLIT_WORDS) for i, part in enumerate(tokens) if i != place]
    own = tokens[place] if place is not None else []
    role = role_of(own)
    return _Folders(
        key=composed("/".join(part for part in kept if part)),
        split=next((name for name in map(split_of, reversed(tokens)) if name), None) or "",
        words=tuple(t for t in own if t not in FILLER_WORDS and t not in SPLIT_WORDS),
        role=role,
        reason=_reason(own) if role is Role.OTHER else "",
        channels=bool(tokens) and tuple(tokens[-1]) in _NNUNET_FOLDERS,
    )


def _role_folder(tokens: list[list[str]]) -> int | None:
    """The position of the deepest folder whose name says what its files are."""
    for position in reversed(range(len(tokens))):
        if role_of(tokens[position]) is not Role.NONE:
            return position
    return None


def _role(above: _Folders, starts: list[str], ends: list[str]) -> tuple[Role, str]:
    """The role, and for OTHER the reason. A stem's end says more than its folder, and that more than its beginning."""
    if not starts and not ends:
        return above.role, above.reason
    by_end = role_of(ends)
    if by_end is Role.OTHER:
        return by_end, _reason(ends)
    if above.role is Role.OTHER:
        return above.role, above.reason
    if Role.MASK in (by_end, above.role):
        return Role.MASK, ""
    if above.role is Role.IMAGE:
        return Role.IMAGE, ""
    by_start = role_of(starts)
    if by_start is Role.NONE:
        return by_end, ""
    return by_start, _reason(starts) if by_start is Role.OTHER else ""


def _reason(words: Sequence[str]) -> str:
    return next(OTHER_WORDS[word] for word in words if word in OTHER_WORDS)


def _not_in(words: tuple[str, ...], core: str) -> tuple[str, ...]:
    """``words`` without those that are pieces of the file's own name: ``IMD002_lesion/IMD002.bmp``."""
    lower = core.lower()
    if not any(word in lower for word in words):
        return words
    pieces = {piece for piece, _, _ in chunks(core)} | {lower}
    return tuple(word for word in words if word not in pieces)


def _without_shared_ends(files: list[File]) -> list[File]:
    """Take off what all stems of a series share at either end, at word boundaries: names nobody has heard of."""
    series: dict[str, list[int]] = defaultdict(list)
    for place, file in enumerate(files):
        series[file.series].append(place)
    stripped = list(files)
    for places in series.values():
        pieces = {place: chunks(files[place].core) for place in places}
        shortest = min(len(p) for p in pieces.values())
        if len(places) < 2 or shortest < 2:
            continue
        texts = [[text for text, _, _ in p] for p in pieces.values()]
        head, tail = shared_ends(texts)
        if head or tail:
            for place, found in pieces.items():
                stripped[place] = _cut(files[place], found[head][1], found[len(found) - 1 - tail][2])
    return stripped


def shared_ends(names: Sequence[Sequence[str]]) -> tuple[int, int]:
    """How many first and last pieces all names have in common, of each of which at least one piece is left."""
    most = min(map(len, names)) - 1
    head = _shared(names, most)
    return head, _shared([name[::-1] for name in names], most - head)


def _shared(names: Sequence[Sequence[str]], limit: int) -> int:
    """How many first pieces all have in common, at most ``limit``."""
    same = takewhile(lambda column: len(set(column)) == 1, zip(*names, strict=False))
    return min(sum(1 for _ in same), max(limit, 0))


def _cut(file: File, start: int, end: int) -> File:
    core = file.core[start:end]
    return file._replace(
        core=core,
        key=(file.key[0], file.key[1], composed(core)),
        prefix=file.prefix + file.core[:start],
        suffix=file.core[end:] + file.suffix,
    )
