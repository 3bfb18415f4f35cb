"""Which files are written from the code, and what each has to hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from tests.written.blocks import filled
from tests.written.commands import commands_page
from tests.written.models import models
from tests.written.picture import svg
from tests.written.records import columns, evaluate_keys, exit_codes
from tests.written.reference import reference
from tests.written.rooms import rooms

ROOT = Path(__file__).resolve().parents[2]
HUB, PAGES = ROOT / ".github", ROOT / "examples/reference"
BLOCKS: Mapping[str, Callable[[], str]] = {
    "commands": commands_page,
    "models": models,
    "exit-codes": exit_codes,
    "columns": columns,
    "evaluate-keys": evaluate_keys,
}


def written() -> dict[Path, Callable[[], str]]:
    """What writes the text of each file, by its path. Nothing is written before it is called."""
    whole: dict[Path, Callable[[], str]] = {
        HUB / "architecture.svg": lambda: svg(rooms()),
        HUB / "API.md": reference,
    }
    pages = [page for page in sorted(PAGES.glob("*.md")) if "<!-- written: " in page.read_text()]
    return whole | {page: partial(_page, page) for page in pages}


def _page(page: Path) -> str:
    return filled(page.read_text(), BLOCKS)
