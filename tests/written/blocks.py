"""Pages that are written by hand but for some blocks, which come from the code.

A block stands between ``<!-- written: NAME -->`` and ``<!-- end of NAME -->``, each on a line of its own.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Mapping

NEWLINE = "\n"
_BLOCK = re.compile(r"(<!-- written: (?P<name>[\w-]+) -->\n).*?(<!-- end of (?P=name) -->)", flags=re.DOTALL)


def filled(page: str, blocks: Mapping[str, Callable[[], str]]) -> str:
    """``page`` with every block written anew; all else stays. Raises KeyError for a block that nothing writes."""

    def anew(found: re.Match[str]) -> str:
        return f"{found[1]}\n{blocks[found['name']]().strip(NEWLINE)}\n\n{found[3]}"

    return _BLOCK.sub(anew, page)


def names_in(page: str) -> list[str]:
    return [found["name"] for found in _BLOCK.finditer(page)]


def prose(text: str, indent: str = "") -> str:
    """A paragraph of a docstring as one of Markdown, in lines of 120 at most; ``indent``: of all but the first."""
    words = " ".join(text.split()).replace("``", "`")
    return textwrap.fill(words, 120, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
