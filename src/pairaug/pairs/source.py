"""SOURCE, as every command takes it: a folder of pairs, a list of pairs, or (for masks alone) a folder of masks.

Enters: what the user typed. Leaves: ``Found``, with paths relative to one root. Which words of a path mean what is
decided in ``discovery``; here the user's own words (``--pair``, ``--images``, ``--only``, ...) come first.
"""

from __future__ import annotations

import fnmatch
import json
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from pairaug.errors import DataError, UsageError
from pairaug.files import checked_relative, read_json_lines
from pairaug.pairs.decoding import DecodePolicy, decode_mask
from pairaug.pairs.discovery import Told, bare_template, discover, mask_files, pair_of_paths, role_by_words
from pairaug.pairs.pair import Found, Pair, Skipped
from pairaug.pairs.scanning import scan
from pairaug.pairs.words import Role

METADATA = "metadata.jsonl"
# Files with no more values than this are taken for masks where names leave it open.
_MASK_VALUES = 32


@dataclass(frozen=True)
class Selection:
    """Which files of a source are meant. Globs match the whole relative path, the file name, or a folder above."""

    only: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    limit: int | None = None
    pair: str | None = None
    images: str | None = None
    masks: str | None = None
    split: str | None = None


def find_pairs(source: str | Path, selection: Selection = Selection(), lines: Iterable[str] | None = None) -> Found:
    """The pairs of ``source``; ``lines`` are those of a list where ``source`` is ``-`` or a list file.

    Raises DataError where nothing pairs, and where two readings are left.
    """
    if lines is not None:
        found = _from_lines(lines, str(source))
    else:
        root = Path(source)
        found = _from_metadata(root) if (root / METADATA).is_file() else _from_folder(root, selection)
    if not found.pairs:
        raise _nothing_pairs(found)
    return _narrowed(found, selection)


def find_masks(source: str | Path, selection: Selection = Selection(), lines: Iterable[str] | None = None) -> Found:
    """The masks of ``source``: those of its pairs, or every file of a bare folder of masks."""
    if lines is not None or (Path(source) / METADATA).is_file():
        return find_pairs(source, selection, lines)
    root = Path(source)
    found = _from_folder(root, selection)
    if not found.pairs:
        files = [path for path in scan(root)[0] if not _any_match(selection.exclude, path)]
        if not files:
            raise DataError(f"{root}: no image files; give a folder of masks or of image/mask pairs")
        masks = mask_files(files)
        pairs = tuple(Pair("", (path,), "", bare_template(path)) for path in masks)
        left = tuple(Skipped(path, "not a mask by its name") for path in files if path not in set(masks))
        found = Found(root, pairs, "bare masks", left)
    return _narrowed(found, selection)


def choose_split(found: Found, wanted: str | None) -> tuple[Found, str | None]:
    """The pairs to fit on where a data set has split folders: ``wanted``, else the training split.

    The second value is a sentence for the user where a choice was made.
    """
    if not found.splits or wanted:  # already narrowed, or nothing to choose
        return found, None
    split = "train" if "train" in found.splits else found.splits[0]
    kept = tuple(pair for pair in found.pairs if pair.split in (split, None))
    others = ", ".join(name for name in found.splits if name != split)
    if not others:
        return found, f"the {split} split ({len(kept)} pairs) is used"
    return replace(found, pairs=kept), f"the {split} split ({len(kept)} pairs) is used; {others}: --split changes that"


def _narrowed(found: Found, selection: Selection) -> Found:
    pairs = list(found.pairs)
    if selection.only:
        pairs = [p for p in pairs if any(_any_match(selection.only, path) for path in (p.image, *p.masks) if path)]
    if selection.split:
        if selection.split not in found.splits:
            raise UsageError(
                f"--split {selection.split}: no such split here; found: {', '.join(found.splits) or 'none'}"
            )
        pairs = [p for p in pairs if p.split == selection.split]
    if selection.limit is not None:
        pairs = pairs[: selection.limit]
    if not pairs:
        raise DataError(f"{found.root}: {len(found.pairs)} pairs, none of which --only lets through; widen it")
    _refuse_case_twins(pairs)
    return replace(found, pairs=tuple(pairs))


def _from_folder(root: Path, selection: Selection) -> Found:
    files, passed_over = scan(root)
    kept = []
    for path in files:
        if _any_match(selection.exclude, path):
            passed_over.append(Skipped(path, "--exclude"))
        else:
            kept.append(path)
    if selection.pair:
        pairs, left = _by_template(kept, selection.pair)
    else:
        pairs, left = discover(kept, _looks_like_mask(root), _told(selection))
        if selection.only:
            left = [entry for entry in left if _any_match(selection.only, entry.path)]
    layout = _describe_layout(pairs)
    skipped = sorted([*passed_over, *left], key=lambda entry: entry.path)
    return Found(root, tuple(pairs), layout, tuple(skipped))


def _told(selection: Selection) -> Callable[[str], Told | None]:
    """What ``--images`` and ``--masks`` say of a path; a named kind takes the role from all that is not named."""

    def told(path: str) -> Told | None:
        for pattern, role in ((selection.masks, Role.MASK), (selection.images, Role.IMAGE)):
            if pattern and _matches(pattern, path):
                parts = PurePosixPath(path).parent.parts
                named = [i for i, part in enumerate(parts) if fnmatch.fnmatchcase(part, PurePosixPath(pattern).name)]
                return role, named[-1] if named else None
        by_words = role_by_words(path)
        if (selection.masks and by_words is Role.MASK) or (selection.images and by_words is not Role.MASK):
            return Role.OTHER, None
        return None

    return told


def _by_template(paths: list[str], template: str) -> tuple[list[Pair], list[Skipped]]:
    """Pairs by ``IMAGE=MASK`` with ``{id}`` in both, at whatever depth the pattern begins."""
    image_part, equals, mask_part = template.partition("=")
    if not equals or "{id}" not in image_part or "{id}" not in mask_part:
        raise UsageError(
            f"--pair {template!r}: must read 'IMAGE=MASK' with {{id}} in both, as 'img/{{id}}.png=gt/{{id}}.png'"
        )
    pattern = re.compile(r"(?P<top>(?:.*/)?)" + _template_regex(image_part) + r"\Z", re.DOTALL)
    present = set(paths)
    pairs, used = [], set()
    for path in paths:
        match = pattern.match(path)
        if not match:
            continue
        top, identity = match["top"], match["id"]
        mask = top + mask_part.replace("{id}", identity)
        if mask in present and mask != path:
            split = pair_of_paths(path, (mask,)).split
            pairs.append(Pair(path, (mask,), top + image_part, top + mask_part, split))
            used |= {path, mask}
    return pairs, [Skipped(path, "does not fit --pair") for path in paths if path not in used]


def _template_regex(template: str) -> str:
    first, *others = template.split("{id}")
    middle = r"(?P<id>[^/]+?)" + r"(?P=id)".join(re.escape(part) for part in others)
    return re.escape(first) + middle


def _from_lines(lines: Iterable[str], name: str) -> Found:
    listed: list[tuple[str, tuple[str, ...]]] = []
    for number, line in enumerate(lines, start=1):
        text = line.rstrip("\r\n")
        if text.strip():
            listed.append(_list_entry(text, f"{name}: line {number}"))
    if not listed:
        raise DataError(f"{name}: the list is empty; each line is 'image TAB mask' or a JSON object with both")
    base = Path.cwd()
    if name != "-" and not (base / listed[0][0]).exists():
        base = Path(name).resolve().parent
    absolute = [(_absolute(base, image), tuple(_absolute(base, m) for m in masks)) for image, masks in listed]
    missing = [path for image, masks in absolute for path in (image, *masks) if not os.path.isfile(path)]
    if missing:
        raise DataError(f"{name}: {len(missing)} listed files do not exist", details=missing[:50])
    root = Path(os.path.commonpath([os.path.dirname(path) for image, masks in absolute for path in (image, *masks)]))
    pairs = [
        replace(pair_of_paths(_relative(image, root), tuple(_relative(m, root) for m in masks)), split=None)
        for image, masks in absolute
    ]
    _refuse_twice(pairs, name)
    return Found(root, tuple(pairs), _describe_layout(pairs))


def _list_entry(text: str, origin: str) -> tuple[str, tuple[str, ...]]:
    if text.lstrip().startswith("{"):
        try:
            row = json.loads(text)
        except ValueError as error:
            raise DataError(f"{origin}: not JSON ({error})") from None
        return _json_entry(row, origin)
    parts = text.split("\t")
    if len(parts) != 2 or not all(parts):
        raise DataError(f"{origin}: {text[:80]!r} is not 'image TAB mask'")
    return parts[0], (parts[1],)


def _json_entry(row: dict[str, Any], origin: str) -> tuple[str, tuple[str, ...]]:
    image = row.get("image", row.get("file_name"))
    mask = row.get("mask", row.get("mask_file_name"))
    masks = tuple(mask) if isinstance(mask, list) else (mask,)
    if not isinstance(image, str) or not masks or not all(isinstance(m, str) for m in masks):
        raise DataError(f"{origin}: needs \"image\" and \"mask\" (a path, or a list of paths for the mask)")
    return image, masks


def _from_metadata(root: Path) -> Found:
    """A data set that lists its own pairs, as pairaug's own output does."""
    pairs = []
    for number, row in enumerate(read_json_lines(root / METADATA), start=1):
        origin = f"{root / METADATA}: line {number}"
        image, masks = _json_entry(row, origin)
        for path in (image, *masks):
            checked_relative(path, origin)
        pairs.append(pair_of_paths(image, masks))
    missing = [path for pair in pairs for path in (pair.image, *pair.masks) if not (root / path).is_file()]
    if missing:
        raise DataError(f"{root / METADATA}: {len(missing)} listed files do not exist", details=missing[:50])
    _refuse_twice(pairs, str(root / METADATA))
    return Found(root, tuple(pairs), METADATA)


def _looks_like_mask(root: Path) -> Callable[[str], bool]:
    def look(path: str) -> bool:
        try:
            raw, form = decode_mask(root / path, DecodePolicy(alpha="drop"))
        except DataError:
            return False
        return form.format != "JPEG" and len(np.unique(raw)) <= _MASK_VALUES

    return look


def _nothing_pairs(found: Found) -> DataError:
    reasons = Counter(entry.reason for entry in found.skipped)
    seen = "; ".join(f"{count} files: {reason}" for reason, count in reasons.most_common(3)) or "it holds no images"
    return DataError(
        f"{found.root}: no pairs found ({seen}); say what belongs together, for example "
        "--pair 'images/{id}.png=masks/{id}.png', or give --images and --masks"
    )


def _describe_layout(pairs: Sequence[Pair]) -> str:
    kinds = Counter((pair.image_template, pair.mask_template) for pair in pairs)
    if not kinds:
        return ""
    (image, mask), _ = kinds.most_common(1)[0]
    more = f" and {len(kinds) - 1} more" if len(kinds) > 1 else ""
    return f"{image} = {mask}{more}"


def _any_match(patterns: Iterable[str], path: str) -> bool:
    return any(_matches(pattern, path) for pattern in patterns)


def _matches(pattern: str, path: str) -> bool:
    """The glob fits the whole path, the file's name, or a folder above it (by name or by path)."""
    pattern = pattern.removeprefix("./").rstrip("/")
    pure = PurePosixPath(path)
    candidates = [path, pure.name, *(str(folder) for folder in pure.parents), *pure.parent.parts]
    return any(fnmatch.fnmatchcase(candidate, pattern) for candidate in candidates)


def _refuse_case_twins(pairs: Sequence[Pair]) -> None:
    seen: dict[str, str] = {}
    for pair in pairs:
        for path in (pair.image, *pair.masks):
            other = seen.setdefault(path.casefold(), path)
            if path and other != path:
                raise DataError(f"{other} and {path} differ in upper and lower case alone; rename one")


def _refuse_twice(pairs: Sequence[Pair], name: str) -> None:
    twice = [path for path, count in Counter(pair.image for pair in pairs).items() if count > 1]
    if twice:
        raise DataError(f"{name}: {twice[0]} is listed more than once; keep one line for each image")


def _absolute(base: Path, path: str) -> str:
    return os.path.normpath(os.path.join(base, path))


def _relative(path: str, root: Path) -> str:
    return os.path.relpath(path, root).replace(os.sep, "/")
