"""Names that differ by more than known words: what each side's own names share is taken off, and the rest compared.

Enters: files of which it is known which are images and which are masks. Leaves: the same files with other keys, in
several ways, from strict to loose. ``t000.tif`` beside ``man_seg000.tif`` is 0 beside 0; ``X_leftImg8bit`` beside
``X_gtFine_labelIds`` is X beside X; leading zeros and the folders of the two sides may differ. A key that two images or
two masks of one series would share tells nothing and is not used.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import takewhile

from pairaug.pairs.naming import File, composed
from pairaug.pairs.slices import split_ending
from pairaug.pairs.words import Role

_TOKEN = re.compile(r"\d+|[^\W\d_]+|[\W_]+")
# Which files have their common ends taken off together, and what of the folders stays in the key.
_Group = Callable[[File], tuple[str, ...]]
_Scope = Callable[[File], tuple[str, str]]
_GROUPS: tuple[_Group, ...] = (
    lambda file: ((file.role is Role.MASK and file.series) or "",),
    lambda file: ((file.role is Role.MASK and file.series) or "", file.folder),
)
_SCOPES: tuple[_Scope, ...] = (
    lambda file: file.key[:2],
    lambda file: (file.key[0], ""),
    lambda file: ("", ""),
)


def alignments(files: Sequence[File]) -> Iterator[list[File]]:
    """The files with aligned keys. A loose reading makes each folder of masks a series of its own."""
    taking_part = [file for file in files if file.role is not Role.OTHER]
    others = [file for file in files if file.role is Role.OTHER]
    for scope in _SCOPES:
        for number, group in enumerate(_GROUPS):
            aligned = [stripped for members in _grouped(taking_part, group) for stripped in _without_ends(members)]
            if number:
                aligned = [_in_its_folder(file) for file in aligned]
            yield sorted([*_unique(aligned, scope), *others], key=lambda file: file.path)


def _grouped(files: Sequence[File], group: _Group) -> list[list[File]]:
    found: dict[tuple[bool, tuple[str, ...]], list[File]] = defaultdict(list)
    for file in files:
        found[file.role is Role.MASK, group(file)].append(file)
    return list(found.values())


def _in_its_folder(file: File) -> File:
    return replace(file, series=f"{file.series} in {file.folder}") if file.role is Role.MASK else file


def _without_ends(files: list[File]) -> Iterator[File]:
    """Files whose cores are what their stems do not share. A single file shares all with itself and keeps its stem."""
    stems = [_stem(file) for file in files]
    pieces = [_TOKEN.findall(stem) for stem in stems]
    names = [[composed(piece).casefold() for piece in own] for own in pieces]
    head = _shared(names, min(map(len, names)) - 1) if len(files) > 1 else 0
    tail = _shared([own[::-1] for own in names], min(map(len, names)) - 1 - head) if len(files) > 1 else 0
    for file, stem, own in zip(files, stems, pieces, strict=True):
        start = sum(map(len, own[:head]))
        end = len(stem) - sum(map(len, own[len(own) - tail :]))
        yield replace(file, core=stem[start:end], prefix=stem[:start], suffix=stem[end:])


def _stem(file: File) -> str:
    return split_ending(file.path.rpartition("/")[2])[0]


def _shared(names: list[list[str]], limit: int) -> int:
    """How many first pieces all have in common, at most ``limit``."""
    same = takewhile(lambda column: len(set(column)) == 1, zip(*names, strict=False))
    return min(sum(1 for _ in same), max(limit, 0))


def _unique(files: Sequence[File], scope: _Scope) -> Iterator[File]:
    """The files with their keys within ``scope``; the path itself where another file would have the same."""
    keys = [(*scope(file), _plain(file.core)) for file in files]
    counts = Counter((file.role is Role.MASK and file.series, key) for file, key in zip(files, keys, strict=True))
    for file, key in zip(files, keys, strict=True):
        alone = counts[file.role is Role.MASK and file.series, key] == 1
        yield replace(file, key=key if alone else (file.path, "", "\0"))


def _plain(core: str) -> str:
    """A name without case, spelling and leading zeros: ``Müller_007`` -> ``müller_7``."""
    pieces = _TOKEN.findall(composed(core).casefold())
    return "".join(str(int(piece)) if piece.isdecimal() else piece for piece in pieces)
