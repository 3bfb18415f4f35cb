"""Which files are written from the code, and what each has to hold."""

from __future__ import annotations

from pathlib import Path

from tests.written.picture import svg
from tests.written.reference import reference
from tests.written.rooms import rooms

HERE = Path(__file__).resolve().parents[2] / ".github"


def written() -> dict[Path, str]:
    """The text of each file by its path."""
    return {HERE / "architecture.svg": svg(rooms()), HERE / "API.md": reference()}
