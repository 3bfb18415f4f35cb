"""As the originals: their folders, their naming pattern with another stem, their image form, their label values."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import final

from pairaug.pairs.encoding import lossless_form
from pairaug.synthesis.formats.base import Format, Place
from pairaug.training.model_file import TrainedPair


@final
class Mirror(Format):
    name = "mirror"

    def place(self, pair: TrainedPair, stem: str) -> Place:
        return mirrored(pair, stem)


def mirrored(pair: TrainedPair, stem: str) -> Place:
    """The pattern of a training pair; a mask form that cannot hold label values exactly becomes PNG, its name too."""
    image = pair.image_template.replace("{id}", stem)
    mask = PurePosixPath(pair.mask_template.replace("{id}", stem))
    form = lossless_form(pair.mask_form)
    if form.suffix != pair.mask_form.suffix:
        mask = mask.with_suffix(form.suffix)
    if str(mask) == image:
        mask = mask.with_stem(mask.stem + "_mask")
    assert pair.image_form is not None
    return Place(image, str(mask), pair.image_form, form)


def changed_mask_formats(pairs: Sequence[TrainedPair]) -> list[str]:
    """The mask formats of the originals that are written as PNG instead."""
    return sorted({p.mask_form.format for p in pairs if lossless_form(p.mask_form) != p.mask_form})
