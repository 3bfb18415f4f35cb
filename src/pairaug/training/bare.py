"""Images without masks beside the pairs of a translator: which there are, and which of them are used.

Enters: what ``--unlabelled`` names. Leaves: the checked images; with labels once ``finding`` has looked at them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pairaug.errors import DataError, UsageError
from pairaug.fitted.seen import Seen
from pairaug.pairs.checked import Checked, CheckPolicy
from pairaug.pairs.slices import content_digest
from pairaug.pairs.source import Selection
from pairaug.pairs.unlabelled import CheckedImages, open_images, refuse_unlike
from pairaug.registry import ModelEntry

Labels = NDArray[np.uint8]


@dataclass(frozen=True)
class Bare:
    """Images without masks, and what was found in the first of them, which are kept; the others are not used."""

    images: CheckedImages
    found: tuple[Labels, ...] = ()

    @property
    def kept(self) -> CheckedImages:
        return replace(self.images, images=self.images.images[: len(self.found)])

    @property
    def digests(self) -> tuple[str, ...]:
        return tuple(item.digest for item in self.images.images)

    @property
    def seen(self) -> tuple[Seen, ...]:
        """In their order; those that are not kept were looked at too."""
        return tuple(
            Seen(digest, None, ("background", "pseudo-labelled") if number < len(self.found) else ("pseudo-labelled",))
            for number, digest in enumerate(self.digests)
        )

    def refuse_changed(self) -> None:
        """Raises DataError where a file is no longer what was checked."""
        for item in self.images.images:
            if content_digest(self.images.root / item.pair.image) != item.digest:
                raise DataError(
                    f"{item.pair.image} changed while the model was fitted; start again with --fresh, on the files as "
                    "they are"
                )


def find_bare(
    source: Path | None, entry: ModelEntry, checked: Checked, selection: Selection, policy: CheckPolicy
) -> Bare | None:
    """The images of ``source``, None where there is none. Raises UsageError, DataError.

    An image of a pair is none without a mask, so it is left out; where no other remains, that is refused.
    """
    if source is None:
        return None
    if not entry.takes_images:
        raise UsageError(f"--unlabelled: {entry.name} learns from pairs alone; leave it out, or choose another --model")
    name = str(source)
    chosen = Selection(group_by=selection.group_by, slices=selection.slices, most_voxels=selection.most_voxels)
    images = open_images(source, chosen, policy.decode, skip_bad=policy.skip_bad)
    grey = checked.channels == 1
    refuse_unlike(name, images, checked.stored_channels, grey=grey, deep=checked.deep)
    known = {item.image_digest for item in checked.pairs}
    others = tuple(item for item in images.images if item.digest not in known)
    if not others:
        raise DataError(f"{name}: holds the images of the pairs alone; give images that have no mask")
    return Bare(replace(images, images=others))
