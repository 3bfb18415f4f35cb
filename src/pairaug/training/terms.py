"""The terms of the source: which files at the root of a data set state them. Their text stays where it is."""

from __future__ import annotations

from pathlib import Path

from pairaug.files import digest_file

_BEGINNINGS = ("license", "licence", "copying", "readme")


def find_terms(root: Path) -> list[dict[str, str]]:
    """Name and SHA-256 of each LICENSE, LICENCE, COPYING or README file at ``root``, whatever its suffix, by name."""
    found = (path for path in root.iterdir() if path.name.lower().startswith(_BEGINNINGS) and path.is_file())
    return [{"name": path.name, "sha256": digest_file(path)} for path in sorted(found)]
