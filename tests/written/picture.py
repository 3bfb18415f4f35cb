"""The rooms as a picture: one box each, the top floor first, and an arc from each room to every room that it imports.

An arc is pale where a longer way leads to the same room anyhow.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from textwrap import wrap

from tests.written.rooms import Room

WIDTH, BOX, HEIGHT, GAP, LEFT = 980, 640, 56, 12, 16
DARK, PALE = "#1f4e79", "#c3d3e3"


def svg(rooms: Sequence[Room]) -> str:
    """The picture as the text of an SVG file."""
    height = len(rooms) * (HEIGHT + GAP) + GAP
    middle = {room.name: GAP + place * (HEIGHT + GAP) + HEIGHT // 2 for place, room in enumerate(rooms)}
    arcs = [
        (name not in room.implied, _arc(middle[room.name], middle[name], name in room.implied))
        for room in rooms
        for name in sorted(room.knows, key=middle.__getitem__)
    ]
    pale_first = [arc for _, arc in sorted(arcs, key=lambda entry: entry[0])]
    boxes = [line for room in rooms for line in _box(room, middle[room.name])]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif">',
            '<defs><marker id="end" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
            f'orient="auto"><path d="M0 0L8 4L0 8z" fill="{DARK}"/></marker></defs>',
            f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
            *pale_first,
            *boxes,
            "</svg>\n",
        ]
    )


def _arc(start: int, end: int, implied: bool) -> str:
    right = LEFT + BOX
    reach = right + 30 + (end - start) * 0.36
    style = f'stroke="{PALE}"' if implied else f'stroke="{DARK}" stroke-width="1.6" marker-end="url(#end)"'
    path = f"M{right} {start + 8}C{reach:.0f} {start + 8} {reach:.0f} {end - 8} {right + 1} {end - 8}"
    return f'<path d="{path}" fill="none" {style}/>'


def _box(room: Room, middle: int) -> list[str]:
    top = middle - HEIGHT // 2
    lines = [
        f'<rect x="{LEFT}" y="{top}" width="{BOX}" height="{HEIGHT}" rx="6" fill="#eef3f8" stroke="{DARK}"/>',
        f'<text x="{LEFT + 12}" y="{top + 19}" font-size="15" font-weight="bold">{escape(room.name)}</text>',
    ]
    for place, text in enumerate(wrap(room.line, 105)[:2]):
        lines.append(f'<text x="{LEFT + 12}" y="{top + 36 + 15 * place}" font-size="12">{escape(text)}</text>')
    return lines
