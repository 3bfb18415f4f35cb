"""Pictures inside the page, as data URIs of bounded size.

Enters: images (H, W[, 3]) of 8 or 16 bit, labels (H, W). Leaves: HTML. An image becomes a JPEG of at most
``PICTURE_SIDE`` px a side (chroma in full) and ``PICTURE_BYTES``; its outline a transparent PNG on a grid of
its own, fine enough that the line stays thin: a light line in the class's colour just inside the border, a dark one
just outside, so that it shows on any ground. Filled masks have the same colours.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pairaug.arrays.resampling import resize_labels
from pairaug.report.contact import viewable
from pairaug.report.page.contents import Labels, Pixels, Sample
from pairaug.report.page.markup import Markup, element, escape

MOST_SAMPLES = 8
MOST_SUSPECTS = 8
PICTURE_SIDE = 320
PICTURE_BYTES = 60_000
OUTLINE_SIDE = 512

_QUALITIES = (92, 85, 70, 50, 30)
_CLEAR, _DARK = 0, 1
# Classes 1, 2 ...: bright ones that colour-blind readers tell apart (after Okabe and Ito 2008), no grey among them.
_COLOURS = ((255, 221, 0), (86, 180, 233), (213, 94, 0), (0, 158, 115), (204, 121, 167), (255, 255, 255))


def shown(sample: Sample, what: str) -> Markup:
    """The image of a sample with its outline above it; ``what`` opens the alternative text ("Synthetic image")."""
    return element(
        "div",
        element("img", class_="image", src=image_uri(sample.image), alt=f"{what} {sample.name}"),
        element("img", class_="outline", src=outline_uri(sample.labels), alt=""),
        class_="picture",
    )


def shown_mask(sample: Sample, what: str) -> Markup:
    """The mask of a sample as flat colours."""
    labels = _to_grid(sample.labels, PICTURE_SIDE)
    fills = np.array([(0, 0, 0), *_COLOURS], np.uint8)
    picture = Image.fromarray(fills[np.where(labels > 0, 1 + (labels.astype(np.int64) - 1) % len(_COLOURS), 0)])
    alt = f"{what} {sample.name}"
    return element("div", element("img", class_="image", src=_uri(picture, "PNG"), alt=alt), class_="picture")


def legend(classes: Sequence[str]) -> Markup:
    """The colour of the outline of each class."""
    entries = [
        element("li", element("span", class_="swatch", style=f"background:{_css(index)}"), name)
        for index, name in enumerate(classes)
    ]
    return element("ul", *entries, class_="legend")


def image_uri(pixels: Pixels) -> Markup:
    """A data URI of at most ``PICTURE_BYTES`` (but for pure noise), 16 bit stretched over its own range."""
    picture = Image.fromarray(viewable(pixels))
    picture.thumbnail((PICTURE_SIDE, PICTURE_SIDE), Image.Resampling.LANCZOS)
    data = b""
    for quality in _QUALITIES:
        buffer = io.BytesIO()
        picture.save(buffer, format="JPEG", quality=quality, subsampling=0)
        data = buffer.getvalue()
        if len(data) <= PICTURE_BYTES:
            break
    return _data(data, "image/jpeg")


def outline_uri(labels: Labels) -> Markup:
    """The outline of every class as a transparent picture."""
    grid = _to_grid(labels, OUTLINE_SIDE)
    lines = outline(grid)
    if grid.size >= 4 * labels.size:
        wide = outline(grid, width=2)
        # A line that covered most of thin structures would hide what it is to be held against.
        lines = wide if np.count_nonzero(wide > _DARK) < np.count_nonzero(grid) / 2 else lines
    picture = Image.fromarray(lines)
    colours = [(0, 0, 0), (0, 0, 0), *_COLOURS]
    picture.putpalette([part for colour in colours for part in colour])
    return _uri(picture, "PNG", transparency=bytes([0, 190]))


def outline(labels: NDArray[np.uint8], width: int = 1) -> NDArray[np.uint8]:
    """(H, W) classes -> (H, W): 0 nothing, 1 the dark line just outside, 2 + i the line just inside class i + 1.

    Between two classes the higher one counts as the inner.
    """
    inside, touched = np.zeros(labels.shape, bool), np.zeros(labels.shape, bool)
    padded = np.pad(labels, width)
    for reach in range(1, width + 1):
        for rows, columns in ((-reach, 0), (reach, 0), (0, -reach), (0, reach)):
            other = np.roll(padded, (rows, columns), (0, 1))[width:-width, width:-width]
            inside |= other < labels
            touched |= other > labels
    lines = np.where(inside, 2 + (labels.astype(np.int64) - 1) % len(_COLOURS), _CLEAR)
    return np.where(touched & ~inside, _DARK, lines).astype(np.uint8)


def _to_grid(labels: Labels, side: int) -> NDArray[np.uint8]:
    """Labels on a grid whose longer side is at most ``side``, enlarged by a whole factor where they are small."""
    small = np.minimum(labels, 255).astype(np.uint8)
    longer = max(small.shape)
    if longer > side:
        height, width = (max(1, round(length * side / longer)) for length in small.shape)
        return resize_labels(small, height, width)
    factor = max(1, side // longer)
    return small.repeat(factor, axis=0).repeat(factor, axis=1)


def _css(index: int) -> str:
    return "rgb({},{},{})".format(*_COLOURS[index % len(_COLOURS)])


def _uri(picture: Image.Image, form: str, **options: bytes) -> Markup:
    buffer = io.BytesIO()
    picture.save(buffer, form, optimize=True, **options)
    return _data(buffer.getvalue(), f"image/{form.lower()}")


def _data(data: bytes, kind: str) -> Markup:
    return escape(f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}")
