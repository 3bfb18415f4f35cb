"""Images without masks: where they lie, and what they hold.

Enters: what a user typed, as for pairs: a folder, a list, or a folder with ``metadata.jsonl``. Leaves: ``Found``, whose
pairs have no masks, and of each image that decodes its form, its digest and its levels. A folder may hold masks too,
which are no images: those of its pairs, those so named, and series of files that look like masks.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from pairaug.errors import DataError
from pairaug.machine.workers import default_threads, in_order
from pairaug.pairs.checked import Checked
from pairaug.pairs.checking import is_grey
from pairaug.pairs.decoding import decode_image
from pairaug.pairs.discovery import discover
from pairaug.pairs.form import DecodePolicy, Form
from pairaug.pairs.listing import METADATA, images_of_lines, pairs_of_metadata, read_list
from pairaug.pairs.naming import File, Style, describe
from pairaug.pairs.pair import Found, Pair, Skipped
from pairaug.pairs.readings import SAMPLE
from pairaug.pairs.remedies import mend
from pairaug.pairs.slices import content_digest
from pairaug.pairs.source import Selection, looks_like_mask, narrowed, not_excluded
from pairaug.pairs.templates import image_of_path
from pairaug.pairs.words import Role

_LAYOUT = "bare images"


@dataclass(frozen=True)
class CheckedImage:
    """An image that decodes. ``levels``: lowest and highest; ``grey``: one channel, or three that are equal.

    ``size`` is (width, height).
    """

    pair: Pair
    form: Form
    digest: str
    levels: tuple[int, int]
    grey: bool
    size: tuple[int, int]


@dataclass(frozen=True)
class CheckedImages:
    """Images that were looked at in full; ``bad``: those that --skip-bad leaves out."""

    root: Path
    images: tuple[CheckedImage, ...]
    decode: DecodePolicy
    bad: tuple[Skipped, ...]

    @property
    def stored_channels(self) -> int:
        """Channels of the files: 1 where all have one, else 3."""
        return max(item.form.channels for item in self.images)

    @property
    def channels(self) -> int:
        """1 where all images are grey (also those stored as three equal channels), else 3."""
        return max(1 if item.grey else item.form.channels for item in self.images)

    @property
    def deep(self) -> bool:
        """Whether there are images of 16 bits among them."""
        return any(item.form.bits == 16 for item in self.images)


def find_images(source: str | Path, selection: Selection, lines: Iterable[str] | None = None) -> Found:
    """The images of ``source``; ``lines`` are those of a list file. Raises DataError where there is none."""
    root, skipped = Path(source), list[Skipped]()
    if lines is not None:
        root, images = images_of_lines(lines, str(source))
    elif (root / METADATA).is_file():
        images = [replace(pair, masks=(), mask_template="", mask_labels=()) for pair in pairs_of_metadata(root)]
    else:
        images, skipped = _from_folder(root, selection)
    if not images:
        raise DataError(f"{source}: holds no image, or masks alone; give a folder of images, or a list of their paths")
    images = [replace(image, split=None) for image in images]  # which split a mask would be in says nothing here
    return narrowed(Found(root, tuple(images), _LAYOUT, tuple(skipped)), replace(selection, empty_slices=True))


def open_images(source: Path, selection: Selection, decode: DecodePolicy, *, skip_bad: bool) -> CheckedImages:
    """Find the images of a folder or of a list, and decode each. Raises DataError."""
    found = find_images(source, selection, read_list(source) if source.is_file() else None)
    return check_images(str(source), found, decode, skip_bad=skip_bad)


def check_images(name: str, found: Found, decode: DecodePolicy, *, skip_bad: bool) -> CheckedImages:
    """Decode every image. Raises DataError listing every file that cannot be used; ``skip_bad`` leaves them out."""

    def look(pair: Pair) -> CheckedImage | Skipped:
        try:
            pixels, form = decode_image(found.root / pair.image, decode, pair.glued)
        except DataError as error:
            return Skipped(pair.image, error.message)
        digest = content_digest(found.root / pair.image)
        levels, size = (int(pixels.min()), int(pixels.max())), (pixels.shape[1], pixels.shape[0])
        return CheckedImage(pair, form, digest, levels, is_grey(pixels), size)

    looks = in_order(look, found.pairs, min(8, default_threads()))
    bad = [*found.bad, *(item for item in looks if isinstance(item, Skipped))]
    good = tuple(item for item in looks if isinstance(item, CheckedImage))
    total, reasons = len(good) + len(bad), [entry.reason for entry in bad]
    if not good:
        raise DataError(f"{name}: none of the {total} images can be used", reasons)
    if bad and not skip_bad:
        raise DataError(f"{name}: {len(bad)} of {total} images cannot be used; {mend(bad, total)}", reasons)
    return CheckedImages(found.root, good, decode, tuple(bad))


def refuse_unlike(name: str, theirs: Checked | CheckedImages, channels: int, *, grey: bool, deep: bool) -> None:
    """Grey images do not go with colour, nor 16 bits with 8. Raises DataError.

    ``channels``, ``grey``, ``deep``: of the real images, as stored; whether all are grey; whether some have 16 bits.
    """
    if theirs.stored_channels != channels and not (grey and theirs.channels == 1):
        kinds = {1: "grey", 3: "colour"}
        raise DataError(
            f"{name}: its images are {kinds[theirs.stored_channels]}, the real ones {kinds[channels]}; "
            "convert one set to the other's mode"
        )
    if theirs.deep and not deep:
        raise DataError(f"{name}: its images have 16 bits, the real ones 8; convert one set to the other's depth")


def _from_folder(root: Path, selection: Selection) -> tuple[list[Pair], list[Skipped]]:
    files, skipped = not_excluded(root, selection)
    look = cache(looks_like_mask(root))
    try:
        pairs = discover(files, look, several="parts").pairs
    except DataError:  # which masks belong to the images is no question here
        pairs = []
    paired = {pair.image for pair in pairs}
    masks = {mask for pair in pairs for mask in pair.masks}
    described = describe(files, Style.AFFIXES)
    masks |= {file.path for file in described if file.role in (Role.MASK, Role.OTHER) and file.path not in paired}
    series: dict[tuple[str, str, str], list[File]] = defaultdict(list)
    for file in described:
        if file.path not in masks | paired:
            series[file.series, file.folder, file.extension].append(file)
    for members in series.values():
        if all(look(file.path) for file in members[:SAMPLE]):
            masks |= {file.path for file in members}
    left = [Skipped(path, "a mask") for path in files if path in masks]
    return [image_of_path(path) for path in files if path not in masks], [*skipped, *left]
