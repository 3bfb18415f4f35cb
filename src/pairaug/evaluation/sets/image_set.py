"""Images without masks as the evaluation sees them: decoded one at a time, in the terms of the real set.

Enters: checked images. Leaves, for image i: (H, W, C) float32 in [0, 1], by the levels and channels of the real set.
"""

from __future__ import annotations

from dataclasses import dataclass

from pairaug.evaluation.sets.pair_set import Terms, refuse_other_kind, unit_image
from pairaug.metrics.reduction import FloatArray
from pairaug.pairs.decoding import decode_image
from pairaug.pairs.unlabelled import CheckedImage, CheckedImages


@dataclass(frozen=True)
class ImageSet:
    """The images of a set; none stays decoded."""

    checked: CheckedImages
    terms: Terms

    def __len__(self) -> int:
        return len(self.checked.images)

    @property
    def images(self) -> tuple[CheckedImage, ...]:
        return self.checked.images

    def image(self, index: int) -> FloatArray:
        """Image ``index``, (H, W, C) in [0, 1]."""
        pair = self.images[index].pair
        return unit_image(decode_image(self.checked.root / pair.image, self.checked.decode, pair.glued)[0], self.terms)


def images_in_terms(name: str, checked: CheckedImages, terms: Terms) -> ImageSet:
    """Raises DataError for grey images beside colour, and 16 bits beside 8."""
    refuse_other_kind(name, checked, terms)
    return ImageSet(checked, terms)
