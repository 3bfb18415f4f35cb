"""Images without masks beside the pairs of a translator: which there are, and what a segmenter finds in them.

The segmenter is the reference one, fitted on the pairs for ``LOOKING`` steps: it has to find what the pairs show, for
what it finds becomes part of new masks (pseudo-labels: Lee 2013).

Enters: what ``--unlabelled`` names. Leaves: the checked images, and labels (H, W) in [0, K) for each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pairaug.arrays.examples import Examples
from pairaug.errors import DataError
from pairaug.fitted.seen import Seen
from pairaug.machine.randomness import derive
from pairaug.machine.threads import one_thread_each
from pairaug.machine.work import Work
from pairaug.pairs.checked import Checked, CheckedPair, CheckPolicy
from pairaug.pairs.slices import content_digest, file_of, volume_digest
from pairaug.pairs.source import Selection
from pairaug.pairs.unlabelled import CheckedImage, CheckedImages, open_images, refuse_unlike
from pairaug.segmenter.base import Recipe
from pairaug.segmenter.reference import ReferenceSegmenter
from pairaug.training.plan import LOOKING
from pairaug.training.shown import shown, unit_image

Labels = NDArray[np.uint8]


@dataclass(frozen=True)
class Bare:
    """Images without masks, and what was found in each of them."""

    images: CheckedImages
    found: tuple[Labels, ...] = ()

    @property
    def digests(self) -> tuple[str, ...]:
        return tuple(item.digest for item in self.images.images)

    @property
    def seen(self) -> tuple[Seen, ...]:
        """In their order."""
        return tuple(Seen(digest, None, ("background", "pseudo-labelled")) for digest in self.digests)

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


def looked_at(bare: Bare, checked: Checked, channels: int, seed: int, work: Work) -> Bare:
    """``bare`` with what is found in each image. The same whatever the number of threads."""
    examples, count = Examples(checked, channels, unlabelled=bare.images), len(checked.pairs)
    with one_thread_each():
        recipe, seed = Recipe([shown(one) for one in examples[:count]]), derive(seed, "images without masks")
        trainer = ReferenceSegmenter(LOOKING.preset, steps=LOOKING.steps)
        segmenter = trainer.fit(recipe, checked.label_map.classes, seed, work.reporter)
    work.reporter.end_progress()

    def look(index: int) -> Labels:
        return segmenter.predict(unit_image(examples[count + index]))

    return replace(bare, found=tuple(work.each(look, len(bare.images.images), "images")))
