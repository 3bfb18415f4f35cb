"""Contact sheets: rows of pictures with a caption above each column.

Enters: uint8 arrays, (H, W) grey or (H, W, 3). Leaves: one picture, or its PNG bytes.
"""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

GAP = 6
CAPTION = 18
_PAPER, _INK = (255, 255, 255), (60, 60, 60)
# Background black; then colours that stay apart in print and for colour-blind readers (Okabe and Ito 2008).
_CLASS_COLOURS = np.array(
    [[0, 0, 0], [255, 255, 255], [230, 159, 0], [86, 180, 233], [0, 158, 115], [240, 228, 66], [213, 94, 0]], np.uint8
)


def mask_picture(classes: NDArray[np.integer]) -> NDArray[np.uint8]:
    """(H, W) classes -> (H, W, 3): white on black for two classes, a colour a class for more."""
    wrapped = np.where(classes < 2, classes, 2 + (classes - 2) % (len(_CLASS_COLOURS) - 2))
    return _CLASS_COLOURS[wrapped]


def outlined(image: NDArray[np.uint8], classes: NDArray[np.integer]) -> NDArray[np.uint8]:
    """The image with the border of every class drawn in yellow: (H, W[, 3]) and (H, W) -> (H, W, 3)."""
    picture = np.repeat(image[..., None], 3, axis=2) if image.ndim == 2 else image.copy()
    edge = np.zeros(classes.shape, bool)
    edge[:, 1:] |= classes[:, 1:] != classes[:, :-1]
    edge[1:, :] |= classes[1:, :] != classes[:-1, :]
    picture[edge] = (255, 221, 0)
    return picture


def sheet(rows: Sequence[Sequence[NDArray[np.uint8]]], captions: Sequence[str] = (), *, cell: int = 192) -> Image.Image:
    """Pictures in a grid, each fitted into a square of ``cell`` pixels with its aspect kept."""
    columns = max((len(row) for row in rows), default=1)
    top = CAPTION if captions else 0
    width = columns * (cell + GAP) + GAP
    page = Image.new("RGB", (width, top + len(rows) * (cell + GAP) + GAP), _PAPER)
    draw = ImageDraw.Draw(page)
    for column, text in enumerate(captions):
        draw.text((GAP + column * (cell + GAP), 4), text, fill=_INK)
    for r, row in enumerate(rows):
        for c, pixels in enumerate(row):
            picture = Image.fromarray(pixels).convert("RGB")
            scale = cell / max(picture.size)
            size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
            method = Image.Resampling.LANCZOS if scale < 1 else Image.Resampling.NEAREST
            x, y = GAP + c * (cell + GAP), top + GAP + r * (cell + GAP)
            place = (x + (cell - size[0]) // 2, y + (cell - size[1]) // 2)
            page.paste(picture.resize(size, method), place)
    return page


def png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG", compress_level=6)
    return buffer.getvalue()
