"""Transparency, and pictures of which a mask's meaning is what they show: alpha channels, palettes, white as zero.

Enters: a decoded Pillow picture with its ``Form``. Leaves: the picture without alpha, its alpha as label values, or the
colours that an indexed mask shows, with the form in which such values are written.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pairaug.errors import DataError
from pairaug.pairs.form import DecodePolicy, Form

ALPHA_MODES = frozenset({"LA", "RGBA", "PA", "La", "RGBa"})


def without_alpha(path: Path, picture: Image.Image, policy: DecodePolicy, *, of_mask: bool = False) -> Image.Image:
    """The picture without alpha channel or transparent colour, which must be unused unless it may be dropped."""
    if policy.alpha == "refuse":
        lowest = int(np.asarray(picture.convert("RGBA").getchannel("A")).min())
        if lowest < 255:
            remedy = _alpha_remedy(picture, of_mask)
            raise DataError(f"{path}: has transparent pixels (alpha down to {lowest}); {remedy}")
    if picture.mode in ALPHA_MODES:
        return picture.convert("L" if picture.mode in ("LA", "La") else "RGB")
    picture.info.pop("transparency", None)
    return picture


def _alpha_remedy(picture: Image.Image, of_mask: bool) -> str:
    if not of_mask:
        return "drop it with --alpha drop"
    if len(picture.convert("RGB").getcolors(1) or ()) == 1:
        return "all its pixels have one colour, so take the alpha channel for the mask with --alpha mask"
    return "drop it with --alpha drop, or take the alpha channel for the mask with --alpha mask"


def alpha_as_mask(path: Path, picture: Image.Image, form: Form) -> tuple[NDArray[np.int32], Form]:
    """The opacity of each pixel, 0 to 255, as its label value; written as grey levels from then on."""
    if not picture.has_transparency_data:
        raise DataError(f"{path}: has no alpha channel to take for the mask; leave out --alpha mask, or the file")
    opacity = np.asarray(picture.convert("RGBA").getchannel("A"))
    return opacity.astype(np.int32), _grey(form)


def _grey(form: Form) -> Form:
    if form.format == "GIF":
        return Form(".png", "PNG", "L")
    return Form(form.suffix, form.format, "L")


def as_shown(picture: Image.Image, form: Form) -> tuple[Image.Image, Form]:
    """The colours of an indexed mask, and the form that holds them: grey where all are."""
    if form.mode == "1":
        return picture.convert("L"), _grey(form)
    if form.white_is_zero:
        shown = picture if form.bits < 16 else Image.fromarray(np.uint16(65535) - np.asarray(picture, dtype=np.uint16))
        return shown, replace(form, white_is_zero=False)
    shown = picture.convert("RGB")
    grey = _grey(form)
    return shown, grey if form.grey_palette else replace(grey, mode="RGB")
