"""Pairs or images that somebody has listed: a list file, lines on stdin, or the ``metadata.jsonl`` of a data set.

Enters: lines, each ``image TAB mask`` or a JSON object. Leaves: the pairs (or the images alone),
relative to the deepest folder that holds them all (for ``metadata.jsonl`` its own folder, which no path may leave).
"""

from __future__ import annotations

import codecs
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from shlex import quote
from types import ModuleType
from typing import Any

from pairaug.errors import DataError
from pairaug.files import checked_relative, read_json_lines, split_lines
from pairaug.json_text import parse_json
from pairaug.pairs.pair import Pair
from pairaug.pairs.scanning import leads_out
from pairaug.pairs.slices import file_of
from pairaug.pairs.templates import glued_pair, image_of_path, pair_of_paths

METADATA = "metadata.jsonl"
_SIDES = ("left", "right")

Entry = tuple[str, tuple[str, ...], Any, bool]  # image, masks, the side of a glued mask, whether it is synthetic


def read_list(path: Path) -> list[str]:
    """The lines of a list file in UTF-8, with or without a mark, or in UTF-16 with one. DataError for other bytes."""
    data = path.read_bytes()
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return split_lines(data.decode("utf-16" if wide else "utf-8-sig"))
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataError(f"{path}: line {line} is not UTF-8; save the list as UTF-8") from None


def pairs_of_lines(lines: Iterable[str], name: str) -> tuple[Path, list[Pair]]:
    """The root and the pairs of a list; ``name`` is its file, or ``-``. Raises DataError naming the line."""
    listed = [_entry(line.rstrip("\r\n"), f"{name}: line {n}") for n, line in enumerate(lines, 1) if line.strip()]
    if not listed:
        raise DataError(f"{name}: the list is empty; each line is 'image TAB mask' or a JSON object with both")
    root, found = _below_one_root(listed, name)
    pairs = [
        replace(_pair(image, masks, side, name), split=None, synthetic=synthetic)
        for image, masks, side, synthetic in found
    ]
    _refuse_twice(pairs, name)
    return root, pairs


def images_of_lines(lines: Iterable[str], name: str) -> tuple[Path, list[Pair]]:
    """The root and the images of a list, as pairs without masks; masks that it names are not looked at.

    Each line is the path of an image, or as in a list of pairs. Raises DataError naming the line.
    """
    listed = [_image_entry(line.rstrip("\r\n"), f"{name}: line {n}") for n, line in enumerate(lines, 1) if line.strip()]
    if not listed:
        raise DataError(f"{name}: the list is empty; each line is the path of an image")
    root, found = _below_one_root(listed, name)
    images = [image_of_path(image, side) for image, _, side, _ in found]
    _refuse_twice(images, name)
    return root, images


def _below_one_root(listed: Sequence[Entry], name: str) -> tuple[Path, list[Entry]]:
    """The deepest folder that holds all files, and the entries relative to it; the files are there."""
    base = Path.cwd()
    if name != "-" and not (base / file_of(listed[0][0])).exists():
        base = Path(name).resolve().parent
    absolute: list[Entry] = [
        (_absolute(base, image), tuple(_absolute(base, mask) for mask in masks), side, synthetic)
        for image, masks, side, synthetic in listed
    ]
    paths = [path for image, masks, *_ in absolute for path in (image, *masks)]
    _refuse_missing(paths, name)
    root = Path(_common(paths, name))
    return root, [
        (_relative(image, root), tuple(_relative(mask, root) for mask in masks), side, synthetic)
        for image, masks, side, synthetic in absolute
    ]


def _common(paths: Sequence[str], name: str, system: ModuleType = os.path) -> str:
    """The deepest folder that holds all of ``paths``, by the rules of ``system``. Raises DataError for two drives."""
    try:
        return str(system.commonpath([system.dirname(path) for path in paths]))
    except ValueError:
        drives = sorted({system.splitdrive(path)[0].upper() for path in paths})
        raise DataError(f"{name}: its files lie on {' and '.join(drives)}; bring them onto one drive") from None


def pairs_of_metadata(root: Path) -> list[Pair]:
    """A data set that lists its own pairs, as pairaug's own output does."""
    name = str(root / METADATA)
    resolved = root.resolve()
    pairs = []
    rows = read_json_lines(root / METADATA)
    _refuse_packed(root, rows)
    for number, row in enumerate(rows, start=1):
        origin = f"{name}: line {number}"
        image, masks, side, synthetic = _json_entry(row, origin)
        for path in (image, *masks):
            checked_relative(path, origin)
            file = root / file_of(path)
            if file.is_symlink() and leads_out(file, resolved):
                raise DataError(f"{origin}: {path!r} is a link that leads out of the folder, or nowhere")
        pairs.append(replace(_pair(image, masks, side, origin), synthetic=synthetic))
    _refuse_missing((str(root / path) for pair in pairs for path in (pair.image, *pair.masks)), name)
    _refuse_twice(pairs, name)
    return pairs


def _pair(image: str, masks: tuple[str, ...], side: Any, origin: str) -> Pair:
    if side is None:
        if image in masks:
            raise DataError(f'{origin}: {image} is its own mask; where a file holds both, say "glued": "right"')
        return pair_of_paths(image, masks)
    if side not in _SIDES or masks != (image,):
        raise DataError(f'{origin}: "glued" must be "left" or "right", and image and mask the same file')
    return glued_pair(image, side)


def _entry(text: str, origin: str) -> Entry:
    if text.lstrip().startswith("{"):
        try:
            row = parse_json(text)
        except ValueError as error:
            raise DataError(f"{origin}: not JSON ({error})") from None
        return _json_entry(row, origin)
    parts = text.split("\t")
    if len(parts) != 2 or not all(parts):
        raise DataError(f"{origin}: {text[:80]!r} is not 'image TAB mask'")
    return parts[0], (parts[1],), None, False


def _image_entry(text: str, origin: str) -> Entry:
    """The image of a line, without the masks that it may name."""
    if not text.lstrip().startswith("{"):
        return text.split("\t")[0], (), None, False
    try:
        row = parse_json(text)
    except ValueError as error:
        raise DataError(f"{origin}: not JSON ({error})") from None
    image, side = row.get("image", row.get("file_name")), row.get("glued")
    if not isinstance(image, str) or side not in (None, *_SIDES):
        raise DataError(f'{origin}: needs "image", and "glued" of "left" or "right" where the file holds a mask too')
    return image, (), side, False


def _json_entry(row: dict[str, Any], origin: str) -> Entry:
    image = row.get("image", row.get("file_name"))
    mask = row.get("mask", row.get("mask_file_name"))
    masks = tuple(mask) if isinstance(mask, list) else (mask,)
    if not isinstance(image, str) or not masks or not all(isinstance(m, str) for m in masks):
        raise DataError(f'{origin}: needs "image" and "mask" (a path, or a list of paths for the mask)')
    return image, masks, row.get("glued"), row.get("origin") == "synthetic"


def _refuse_missing(paths: Iterable[str], name: str) -> None:
    missing = [path for path in paths if "\0" in path or not os.path.isfile(file_of(path))]
    if missing:
        raise DataError(
            f"{name}: {len(missing)} listed files do not exist, such as {missing[0]!r}; mend the list", missing[:50]
        )


def _refuse_packed(root: Path, rows: Sequence[dict[str, Any]]) -> None:
    """The pairs of a set in tar files, which nobody has unpacked beside its list."""
    packed = [row for row in rows if "shard" in row and not (root / str(row.get("file_name"))).is_file()]
    if packed:
        folder = quote(str(root))
        raise DataError(
            f"{root}: {len(packed)} of its {len(rows)} pairs lie in tar files such as {packed[0]['shard']}; unpack "
            f'them first: for t in {folder}/*.tar; do tar -xf "$t" -C {folder}; done'
        )


def _refuse_twice(pairs: Sequence[Pair], name: str) -> None:
    twice = [path for path, count in Counter(pair.image for pair in pairs).items() if count > 1]
    if twice:
        raise DataError(f"{name}: {twice[0]} is listed more than once; keep one line for each image")


def _absolute(base: Path, path: str) -> str:
    return os.path.normpath(os.path.join(base, path))


def _relative(path: str, root: str | Path, system: ModuleType = os.path) -> str:
    return str(system.relpath(path, root)).replace(system.sep, "/")
