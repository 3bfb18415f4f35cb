"""Images without masks beside the pairs of a translator: which there are, and where an object may stand in them.

Where an object may stand is asked of a quick segmenter that is fitted on the pairs: every pixel that it gives a
foreground class at ``SUSPECT`` or more, with ``AROUND`` pixels around it. What it misses altogether stays; an image of
which it suspects more than ``MOST`` is no background, and is left out.

Enters: what ``--unlabelled`` names. Leaves: the checked images, and a region (H, W) bool for each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pairaug.arrays.examples import Examples
from pairaug.errors import DataError, UsageError
from pairaug.fitted.seen import Seen
from pairaug.machine.randomness import derive
from pairaug.machine.threads import one_thread_each
from pairaug.machine.work import Work
from pairaug.pairs.checked import Checked, CheckPolicy
from pairaug.pairs.listing import read_list
from pairaug.pairs.slices import content_digest
from pairaug.pairs.source import Selection
from pairaug.pairs.unlabelled import CheckedImages, check_images, find_images, refuse_unlike
from pairaug.registry import ModelEntry
from pairaug.reporting import Reporter
from pairaug.segmenter.base import Recipe
from pairaug.segmenter.presets import PRESETS
from pairaug.segmenter.reference import ReferenceSegmenter
from pairaug.training.shown import shown, unit_image

PRESET = "quick"
SUSPECT = 0.15  # probability
AROUND = 3  # pixels
MOST = 0.5  # of an image

Region = NDArray[np.bool_]


@dataclass(frozen=True)
class Bare:
    """Images without masks, and in each of them where an object may stand."""

    images: CheckedImages
    suspects: tuple[Region, ...] = ()

    @property
    def digests(self) -> tuple[str, ...]:
        return tuple(item.digest for item in self.images.images)

    @property
    def seen(self) -> tuple[Seen, ...]:
        """All of them in their order: the backgrounds, and those in which only objects were looked for."""
        return tuple(
            Seen(digest, None, ("background",) if region.mean() <= MOST else ("pseudo-labelled",))
            for digest, region in zip(self.digests, self.suspects, strict=True)
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
    found = find_images(name, chosen, read_list(source) if source.is_file() else None)
    images = check_images(name, found, policy.decode, skip_bad=policy.skip_bad)
    grey = checked.channels == 1
    refuse_unlike(name, images, checked.stored_channels, grey=grey, deep=checked.deep)
    known = {item.image_digest for item in checked.pairs}
    others = tuple(item for item in images.images if item.digest not in known)
    if not others:
        raise DataError(f"{name}: holds the images of the pairs alone; give images that have no mask")
    return Bare(replace(images, images=others))


def seconds_to_look(pairs: int) -> float:
    """About how long it takes to fit what looks for objects."""
    return PRESETS[PRESET].expected_seconds(pairs)


def looked_at(bare: Bare, checked: Checked, channels: int, seed: int, work: Work) -> Bare:
    """``bare`` with the regions where an object may stand. The same whatever the number of threads."""
    pairs = [shown(example) for example in Examples(checked, channels)]
    with one_thread_each():
        segmenter = ReferenceSegmenter(PRESET).fit(
            Recipe(pairs), checked.label_map.classes, derive(seed, "images without masks"), work.reporter
        )
    examples = Examples(checked, channels, unlabelled=bare.images)

    def look(index: int) -> Region:
        likely = 1 - segmenter.probabilities(unit_image(examples[len(pairs) + index]))[0].numpy()
        found: Region = ndimage.binary_dilation(likely >= SUSPECT, iterations=AROUND)
        return found

    return replace(bare, suspects=tuple(work.each(look, len(bare.images.images), "images")))


def backgrounds(bare: Bare, reporter: Reporter) -> tuple[CheckedImages, Sequence[Region]]:
    """Those of which enough is background. Raises DataError where none is."""
    good = [index for index, region in enumerate(bare.suspects) if region.mean() <= MOST]
    lost = len(bare.suspects) - len(good)
    if not good:
        raise DataError(
            f"--unlabelled: more than half of each of the {lost} images may be object, as far as the pairs tell; give "
            "images with more background"
        )
    if lost:
        reporter.note(f"{lost} of {len(bare.suspects)} images without masks are left out: more than half may be object")
    images = replace(bare.images, images=tuple(bare.images.images[index] for index in good))
    return images, [bare.suspects[index] for index in good]
