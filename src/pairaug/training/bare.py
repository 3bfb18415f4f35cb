"""Images without masks beside the pairs of a translator: which there are, and which of them are used.

Enters: what ``--unlabelled`` names. Leaves: the checked images; with labels once ``finding`` has looked at them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pairaug.errors import DataError
from pairaug.fitted.seen import Seen
from pairaug.pairs.checked import Checked, CheckedPair, CheckPolicy
from pairaug.pairs.slices import content_digest, file_of, volume_digest
from pairaug.pairs.source import Selection
from pairaug.pairs.unlabelled import CheckedImage, CheckedImages, open_images, refuse_unlike

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


def open_bare(source: Path, checked: Checked, selection: Selection, policy: CheckPolicy) -> CheckedImages:
    """All images of ``source``, of the kind of ``checked``. Raises DataError."""
    chosen = Selection(group_by=selection.group_by, slices=selection.slices, most_voxels=selection.most_voxels)
    images = open_images(source, chosen, policy.decode, skip_bad=policy.skip_bad)
    grey = checked.channels == 1
    refuse_unlike(str(source), images, checked.stored_channels, grey=grey, deep=checked.deep)
    return images


def bare_of(name: str, images: CheckedImages, checked: Checked, held_out: Sequence[CheckedPair] = ()) -> Bare:
    """Those of ``images``, as the user calls them, that may be used beside ``checked``; DataError where none is.

    An image of a pair is none without a mask, so it is left out. Of what is ``held_out`` nothing may be seen: neither
    the image nor the volume that it is a slice of, nor an image of its group.
    """
    known = {item.image_digest for item in (*checked.pairs, *held_out)}
    groups = {item.pair.group for item in held_out} - {None}
    files = {_file_digest(checked.root, item.pair.image, item.image_digest) for item in held_out}

    def hidden(item: CheckedImage) -> bool:
        return item.pair.group in groups or _file_digest(images.root, item.pair.image, item.digest) in files

    others = [item for item in images.images if item.digest not in known]
    kept = tuple(item for item in others if not hidden(item))
    if not others:
        raise DataError(f"{name}: holds the images of the pairs alone; give images that have no mask")
    if not kept:
        raise DataError(
            f"{name}: all {len(others)} images belong to groups that are held out; give images of other groups"
        )
    return Bare(replace(images, images=kept))


def _file_digest(root: Path, image: str, digest: str) -> str:
    """That of the file; of a slice, of its volume."""
    file = file_of(image)
    return digest if file == image else volume_digest(root / file)
