"""As the originals: their folders, their naming pattern with another stem, their image form, their label values.

Pairs that came glued, image and mask side by side in one file, leave glued.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import final

from pairaug.errors import UsageError
from pairaug.fitted.model_file import FittedModel, TrainedPair
from pairaug.pairs.encoding import image_form, lossless_form, png_form
from pairaug.pairs.slices import is_medical, split_ending, with_ending
from pairaug.synthesis.formats.base import Format, Place
from pairaug.synthesis.formats.wishes import Wishes


class Mirrored(Format):
    """A format whose images and masks lie as the originals do, image and mask in two files."""

    def place(self, pair: TrainedPair, stem: str) -> Place:
        """A form that cannot be written becomes PNG (see ``encoding``), and its name too."""
        assert pair.image_form is not None
        of_image, of_mask = self.image_form(pair.image_form), self.mask_form(pair.mask_form)
        image = _named(pair.image_template, stem, pair.image_form.suffix, of_image.suffix)
        mask = _named(pair.mask_template, stem, pair.mask_form.suffix, of_mask.suffix)
        if mask == image:
            path = PurePosixPath(mask)
            mask = str(path.with_name(split_ending(path.name)[0] + "_mask" + of_mask.suffix))
        return Place(image, mask, of_image, of_mask)

    def original_place(self, pair: TrainedPair, stem: str, image: str, masks: Sequence[str]) -> Place:
        """Under its very names, but for the ending of a form that is written as another; several masks become one."""
        place = self.place(pair, stem)
        if is_medical(image) or any(map(is_medical, masks)):
            return place
        assert pair.image_form is not None
        own_image = _ended(image, pair.image_form.suffix, place.image_form.suffix)
        if place.glued:
            return replace(place, image_name=own_image, mask_name=own_image)
        own_mask = _ended(masks[0], pair.mask_form.suffix, place.mask_form.suffix)
        kept = len(masks) == 1 and own_mask != own_image
        return replace(place, image_name=own_image, mask_name=own_mask if kept else place.mask_name)


@final
class Mirror(Mirrored):
    name = "mirror"

    def __init__(self, translator: FittedModel, wishes: Wishes | None = None) -> None:
        super().__init__(translator, wishes)
        self.glues = any(pair.glued for pair in translator.pairs)
        if self.glues and self.wishes.masks_as == "classes":
            raise UsageError(
                "--masks-as classes: image and mask of this layout are one file; give --format nnunet, or leave it out"
            )

    def place(self, pair: TrainedPair, stem: str) -> Place:
        if pair.glued is None:
            return super().place(pair, stem)
        form = self.mask_form(pair.mask_form)
        if self.wishes.images_as:
            form = png_form(form)
        name = _named(pair.image_template, stem, pair.mask_form.suffix, form.suffix)
        return Place(name, name, form, form, pair.glued)


def changed_image_formats(pairs: Sequence[TrainedPair]) -> list[str]:
    """The image formats of the originals that are written as PNG instead."""
    forms = {pair.image_form for pair in pairs if pair.image_form is not None}
    return sorted({form.format for form in forms if image_form(form) != form})


def changed_mask_formats(pairs: Sequence[TrainedPair], values: Collection[int]) -> list[str]:
    """The mask formats of the originals of which some masks are written as PNG instead."""
    forms = {pair.mask_form for pair in pairs}
    return sorted({form.format for form in forms if lossless_form(form, values) != form})


def _named(template: str, stem: str, was: str, ending: str) -> str:
    return _ended(template.replace("{id}", stem), was, ending)


def _ended(name: str, was: str, ending: str) -> str:
    return name if ending == was else with_ending(name, ending)
