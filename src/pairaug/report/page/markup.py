"""HTML built from elements, so that nothing reaches the page unescaped: text is a ``str``, finished HTML a ``Markup``.

Enters: names of elements, attributes, children. Leaves: ``Markup``. An attribute ``class_`` is written "class",
``aria_label`` "aria-label"; True writes a bare attribute, None none.
"""

from __future__ import annotations

import html
import re

_VOID = {"meta", "input", "img", "br"}
# What HTML forbids or cannot be encoded: control characters but tab and newline, lone surrogates, non-characters.
_UNWRITABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")


class Markup(str):
    """Finished HTML. Never made from a user's text but by ``escape``."""

    __slots__ = ()


def escape(text: str) -> Markup:
    """Any text as HTML; characters that cannot be written become U+FFFD."""
    return text if isinstance(text, Markup) else Markup(html.escape(_UNWRITABLE.sub("�", text), quote=True))


def join(*children: str) -> Markup:
    return Markup("".join(map(escape, children)))


def element(name: str, /, *children: str, **attributes: str | float | bool | None) -> Markup:
    """``<name attributes>children</name>``; children that are not Markup are escaped."""
    words = [name]
    for key, value in attributes.items():
        attribute = key.rstrip("_").replace("_", "-")
        if value is True:
            words.append(attribute)
        elif value is not None and value is not False:
            words.append(f'{attribute}="{escape(_short(value))}"')
    start = f"<{' '.join(words)}>"
    return Markup(start) if name in _VOID else Markup(f"{start}{join(*children)}</{name}>")


def name_of(text: str) -> Markup:
    """A user's name for something, kept from turning the direction of the text around it."""
    return element("bdi", text, class_="name")


def _short(value: str | float) -> str:
    """Coordinates with two decimals at most, so that the file stays small and equal on every machine."""
    return value if isinstance(value, str) else f"{round(value, 2):g}"
