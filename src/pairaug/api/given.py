"""What a caller of the API gave, as the library takes it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import fields
from os import PathLike
from pathlib import Path
from typing import Any

from pairaug.api.keywords import Place
from pairaug.errors import UsageError

Source = Place | Iterable[tuple[Place, Place]]


def source_of(source: Source | None, list_file: Path | None) -> tuple[str, Iterable[str] | None]:
    """A source as the library takes it: a folder, or a name and the lines of a list."""
    if (source is None) == (list_file is None):
        raise UsageError("source: give a folder, a list of (image, mask), or --list FILE, and one of these alone")
    if list_file is not None:
        if not list_file.is_file():
            raise UsageError(f"--list {list_file}: no such file")
        from pairaug.pairs.listing import read_list

        return str(list_file), read_list(list_file)
    if isinstance(source, str | PathLike):
        return str(source), None
    assert source is not None
    return "-", [json.dumps({"image": str(image), "mask": str(mask)}) for image, mask in source]


def taken(given: dict[str, Any], kind: type[Any]) -> dict[str, Any]:
    """The arguments that are fields of ``kind``, taken out of ``given``."""
    return {field.name: given.pop(field.name) for field in fields(kind) if field.name in given}


def origins_of(given: Iterable[str]) -> dict[str, str]:
    """Where the values came from, for the records."""
    return dict.fromkeys(given, "argument")
