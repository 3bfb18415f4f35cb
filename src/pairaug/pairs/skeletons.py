"""Names of which one word says what a file is, in words unknown to us: ``x_7`` and ``y_7``, ``photo7`` and ``drawn7``.

Enters: files of one kind by their words. Leaves: the same files, in several ways, with that word as series and what is
left of the name as key. The word is the first, the last, all but the numbers, or ``Mask`` in ``p7Mask``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from pairaug.pairs.naming import File, composed
from pairaug.pairs.words import Role, role_of

# More kinds of files than this are no kinds but names.
_MOST_KINDS = 4

Cut = tuple[str, str, str]  # what stands before a file's own name, the name, what stands behind it


def by_skeletons(files: Sequence[File]) -> Iterator[list[File]]:
    """The files with a word of their names as series; nothing where there are not two kinds of most names."""
    open_ones = [file for file in files if file.role is not Role.OTHER]
    others = [file for file in files if file.role is Role.OTHER]
    for cut in (_numbers, _all_but_first, _all_but_last, _all_but_camel):
        cuts = [cut(file.stem) for file in open_ones]
        found = [_as_kind(file, parts) for file, parts in zip(open_ones, cuts, strict=True) if parts]
        kinds = {file.series for file in found}
        names = Counter(file.key for file in found)
        if 2 <= len(kinds) <= _MOST_KINDS and 2 * sum(count > 1 for count in names.values()) > len(names):
            unnamed = [file for file, parts in zip(open_ones, cuts, strict=True) if not parts]
            yield sorted([*found, *unnamed, *others], key=lambda file: file.path)


def _as_kind(file: File, parts: Cut) -> File:
    before, core, behind = parts
    words = [word.lower() for word in re.findall(r"[^\W\d_]+", f"{before} {behind}")]
    role = role_of(words) if file.role is Role.NONE else file.role
    series = f"{file.series} {before}*{behind}".strip()
    key = (file.folder, file.key[1], composed(core))
    return file._replace(key=key, series=series, role=role, core=core, prefix=before, suffix=behind, words=tuple(words))


def _numbers(stem: str) -> Cut | None:
    match = re.search(r"\d(?:.*\d)?", stem)
    if not match or len(match.group()) == len(stem):
        return None
    return stem[: match.start()], match.group(), stem[match.end() :]


def _all_but_camel(stem: str) -> Cut | None:
    match = re.search(r"[A-Z][a-z]+\Z", stem)
    return ("", stem[: match.start()], match.group()) if match and match.start() else None


def _all_but_first(stem: str) -> Cut | None:
    match = re.match(r"[^\W_]+[\W_]+", stem)
    return (match.group(), stem[match.end() :], "") if match and match.end() < len(stem) else None


def _all_but_last(stem: str) -> Cut | None:
    match = re.search(r"[\W_]+[^\W_]+\Z", stem)
    return ("", stem[: match.start()], match.group()) if match and match.start() else None
