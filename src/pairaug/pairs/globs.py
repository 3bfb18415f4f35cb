"""The patterns of ``--only``, ``--exclude``, ``--images`` and ``--masks``: what they match, and how to find one."""

from __future__ import annotations

import fnmatch
import glob
import re
from collections.abc import Callable, Iterable
from functools import lru_cache

from pairaug.pairs.naming import File
from pairaug.pairs.slices import file_of, split_ending

Fits = Callable[[str], object]


def matches(pattern: str, path: str) -> bool:
    """The glob fits the whole path, the file's name, or a folder above it (by name or by path)."""
    fits = _compiled(pattern)
    return any(fits(candidate) for candidate in _candidates(path))


def any_match(patterns: Iterable[str], path: str) -> bool:
    return any(matches(pattern, path) for pattern in patterns)


def named_folder(pattern: str, path: str) -> int | None:
    """The position of the deepest folder of ``path`` that the glob's last part names."""
    fits = _compiled(pattern.rstrip("/").rpartition("/")[2])
    parts = path.split("/")[:-1]
    return max((place for place, part in enumerate(parts) if fits(part)), default=None)


def exact_glob(wanted: Iterable[File], unwanted: Iterable[str]) -> str | None:
    """A short glob that matches every file of ``wanted`` and none of ``unwanted``; None where there is none."""
    files = list(wanted)
    paths, others = [file.path for file in files], list(unwanted)
    for pattern in _guesses(files[0]):
        if all(matches(pattern, path) for path in paths) and not any(matches(pattern, path) for path in others):
            return pattern
    return None


def _guesses(file: File) -> list[str]:
    folder, suffix, prefix = glob.escape(file.folder), glob.escape(file.suffix), glob.escape(file.prefix)
    ending = glob.escape(split_ending(file.path)[1])
    parts = [glob.escape(part) for part in reversed(file.folder.split("/"))] if folder else []
    shapes = [f"*{suffix}{ending}"] if suffix else []
    shapes += [f"{prefix}*{ending}"] if prefix else []
    name = glob.escape(file.path.rpartition("/")[2])
    return [*parts, *shapes, f"*{ending}", name, folder, *(f"{folder}/{shape}" for shape in [*shapes, f"*{ending}"])]


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> Fits:
    plain = pattern.removeprefix("./").rstrip("/")
    fits = re.compile(fnmatch.translate(plain)).match
    return lambda candidate: candidate == plain or fits(candidate)


def _candidates(path: str) -> Iterable[str]:
    yield path
    parts = file_of(path).split("/")
    yield from parts
    for depth in range(2, len(parts)):
        yield "/".join(parts[:depth])
