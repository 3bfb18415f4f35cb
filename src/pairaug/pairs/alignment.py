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

from pairaug.pairs.naming import File, composed, shared_ends
from pairaug.pairs.words import Role, chunks

_TOKEN = re.compile(r"\d+|[^\W\d_]+|[\W_]+")
# What masks have their common ends taken off together: a series, its folders, its last or first words.
_Group = Callable[[File], str]
_GROUPS: tuple[_Group, ...] = (
    lambda file: "",
    lambda file: file.key[0] or file.folder,
    lambda file: f"*{_ends(file)[1]}",
    lambda file: f"{_ends(file)[0]}*",
)
# So many groups of one series are classes or observers; more are just names.
_MOST_GROUPS = 16

Scope = Callable[[File], tuple[str, str]]


def alignments(files: Sequence[File]) -> Iterator[list[File]]:
    """The files with aligned keys. The looser readings make each group of masks a series of its own."""
    taking_part = [file for file in files if file.role is not Role.OTHER]
    others = [file for file in files if file.role is Role.OTHER]
    groupings = [_grouped(taking_part, group) for group in _GROUPS]
    aligned = [
        [stripped for members in grouped for stripped in _without_ends(members)]
        for grouped in groupings
        if len(grouped) <= 1 + _MOST_GROUPS
    ]
    for scope in (lambda _: _by_words, lambda _: _without_split, _by_alignment, lambda _: _anywhere):
        for found in aligned:
            yield sorted([*_unique(found, scope(found)), *others], key=lambda file: file.path)


def _grouped(files: Sequence[File], group: _Group) -> list[list[File]]:
    """The images together, and the masks by series and group, which becomes part of the series."""
    found: dict[str | None, list[File]] = {None: []}
    for file in files:
        if file.role is not Role.MASK:
            found[None].append(file)
            continue
        name = f"{file.series} {group(file)}".strip()
        found.setdefault(name, []).append(file._replace(series=name))
    return [members for members in found.values() if members]


def _ends(file: File) -> tuple[str, str]:
    """The first and the last word of a name; empty where they are numbers or the whole name."""
    words = [word for word, _, _ in chunks(file.core)]
    if len(words) < 2:
        return "", ""
    first, last = (composed(word) for word in (words[0], words[-1]))
    return "" if first.isdecimal() else first, "" if last.isdecimal() else last


def _by_words(file: File) -> tuple[str, str]:
    return file.key[:2]


def _without_split(file: File) -> tuple[str, str]:
    return file.key[0], ""


def _anywhere(file: File) -> tuple[str, str]:
    return "", ""


def _by_alignment(files: Sequence[File]) -> Scope:
    """Folders by what those of one side do not share: ``01_GT/SEG`` and ``02_GT/SEG`` are 1 and 2."""
    folders: dict[str | None, set[str]] = defaultdict(set)
    for file in files:
        folders[_side(file)].add(file.folder)
    plain: dict[tuple[str | None, str], str] = {}
    for side, found in folders.items():
        names = sorted(found)
        for name, (start, end) in zip(names, _own_parts(names), strict=True):
            plain[side, name] = _plain(name[start:end]) if len(names) > 1 else ""
    return lambda file: (plain[_side(file), file.folder], "")


def _side(file: File) -> str | None:
    return file.series if file.role is Role.MASK else None


def _without_ends(files: list[File]) -> Iterator[File]:
    """Files whose cores are what their stems do not share. A single file shares all with itself and keeps its stem."""
    stems = [file.stem for file in files]
    for file, stem, (start, end) in zip(files, stems, _own_parts(stems), strict=True):
        yield file._replace(core=stem[start:end], prefix=stem[:start], suffix=stem[end:])


def _own_parts(names: Sequence[str]) -> list[tuple[int, int]]:
    """Where in each name the part lies that not all share at its beginning or end; a number is never cut."""
    if len(names) < 2:
        return [(0, len(name)) for name in names]
    pieces = [_TOKEN.findall(name) for name in names]
    plain = [[composed(piece).casefold() for piece in own] for own in pieces]
    head, tail = shared_ends(plain)
    return [
        (sum(map(len, own[:head])), len(name) - sum(map(len, own[len(own) - tail :])))
        for name, own in zip(names, pieces, strict=True)
    ]


def _unique(files: Sequence[File], scope: Scope) -> Iterator[File]:
    """The files with their keys within ``scope``; the path itself where another file would have the same."""
    keys = [(*scope(file), _plain(file.core)) for file in files]
    counts = Counter((_side(file), key) for file, key in zip(files, keys, strict=True))
    for file, key in zip(files, keys, strict=True):
        alone = counts[_side(file), key] == 1
        yield file._replace(key=key if alone else (file.path, "", "\0"))


def _plain(core: str) -> str:
    """A name without case, spelling and leading zeros: ``Müller_007`` -> ``müller_7``."""
    pieces = _TOKEN.findall(composed(core).casefold())
    return "".join(str(int(piece)) if piece.isdecimal() else piece for piece in pieces)
