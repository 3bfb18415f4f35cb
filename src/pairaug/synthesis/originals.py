"""The training pairs of the translator, taken over into the augmented set.

A model knows its training pairs by the digests of their files alone; the files are looked for by content below the
folder that the fit's ``run.json`` names, so that they may have been renamed but not changed. A file that the format
can hold as it is becomes a hard link (a copy where the file system cannot); others are decoded and written anew, and
so is every slice of a volume and every DICOM file, because their headers may name a patient.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pairaug.errors import DataError
from pairaug.files import digest_bytes, digest_file
from pairaug.fitted.model_file import FittedModel, TrainedPair
from pairaug.json_text import parse_json
from pairaug.machine.workers import in_order
from pairaug.pairs.checked import CheckedPair, CheckPolicy
from pairaug.pairs.checking import load_classes, load_image
from pairaug.pairs.decoding import decode_mask
from pairaug.pairs.encoding import encode_glued, encode_image, encode_mask
from pairaug.pairs.pair import Pair
from pairaug.pairs.scanning import scan
from pairaug.pairs.slices import AXES, is_medical, is_volume, slice_digest, slice_name
from pairaug.synthesis.ancestry import Descent, trained_groups
from pairaug.synthesis.formats.base import Format, Place
from pairaug.synthesis.kept_names import kept_places
from pairaug.synthesis.reading import reading_of
from pairaug.synthesis.rendering import as_form
from pairaug.synthesis.rows import Made, pair_row
from pairaug.synthesis.shards import shard_name
from pairaug.training.run_folder import RUN_FILE

# More slices along an axis than any scanner takes; they are found by their digests, without opening the volume.
_MOST_SLICES = 4096


def data_root(folder: Path) -> Path | None:
    """Where the data of a fit lie, as its ``run.json`` says; None where that is not known."""
    try:
        return Path(parse_json((folder / RUN_FILE).read_bytes())["source"]["root"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


@dataclass(frozen=True)
class Originals:
    """``pairs`` in the order of training; ``paths[i]`` are the image and the masks of pair i, relative to ``root``.

    ``places[i]``: where its files go in the set; ``groups[i]``: the number of its group.
    """

    root: Path
    pairs: Sequence[TrainedPair]
    paths: Sequence[tuple[str, tuple[str, ...]]]
    places: Sequence[Place]
    groups: Sequence[int]
    policy: CheckPolicy
    format: Format

    def take(self, index: int) -> Made:
        """Original pair ``index``, which is also its index in the set."""
        pair, place, (image_path, mask_paths) = self.pairs[index], self.places[index], self.paths[index]
        item = _as_checked(pair, image_path, mask_paths)
        classes = load_classes(self.root, item, self.policy, self.format.label_map)
        if place.glued:
            image = mask = self._both(item, pair, place, classes)
        else:
            image, mask = self._image(item, pair, place), self._mask(item, pair, place, classes)
        shard = shard_name(index, len(self.pairs)) if self.format.sharded else None
        row = pair_row(
            place,
            index,
            "original",
            (_digest(image), _digest(mask)),
            classes,
            self.format.label_map,
            Descent((self.groups[index],)),
            glues=self.format.glues,
            shard=shard,
        )
        return Made(image, mask, row)

    def _image(self, item: CheckedPair, pair: TrainedPair, place: Place) -> bytes | Path:
        path = self.root / item.pair.image
        if self.format.keeps_files and place.image_form == pair.image_form and not pair.glued:
            assert not is_medical(str(path)), path  # its header may name a patient
            return path
        return encode_image(self._pixels(item, place), place.image_form)

    def _mask(self, item: CheckedPair, pair: TrainedPair, place: Place, classes: NDArray[np.uint8]) -> bytes | Path:
        values = self.format.to_values(classes)
        alone = len(item.pair.masks) == 1 and not pair.glued
        if self.format.keeps_files and place.mask_form == pair.mask_form and alone:
            path = self.root / item.pair.masks[0]
            assert not is_medical(str(path)), path
            if self._untouched(path, pair, values):
                return path
        return encode_mask(values, place.mask_form)

    def _both(self, item: CheckedPair, pair: TrainedPair, place: Place, classes: NDArray[np.uint8]) -> bytes | Path:
        values, path = self.format.to_values(classes), self.root / item.pair.image
        if place.image_form == pair.image_form and self._untouched(path, pair, values):
            return path
        assert place.glued
        return encode_glued(self._pixels(item, place), values, place.mask_form, place.glued)

    def _untouched(self, path: Path, pair: TrainedPair, values: NDArray[np.int32]) -> bool:
        """Whether a plain reader finds in the file what was learnt: nothing cleaned away, no colours or alpha read."""
        alpha = "drop" if self.policy.decode.alpha == "mask" else self.policy.decode.alpha
        raw, form = decode_mask(path, replace(self.policy.decode, palette="index", alpha=alpha), pair.glued)
        return form == pair.mask_form and np.array_equal(raw, values)

    def _pixels(self, item: CheckedPair, place: Place) -> NDArray[Any]:
        pixels: NDArray[Any] = load_image(self.root, item, self.policy)
        if pixels.ndim == 2:
            pixels = pixels[..., None]
        return as_form(pixels, place.image_form, self.format.translator.intensity)


def find_originals(
    translator: FittedModel, folder: Path, output_format: Format, moved_to: Path | None = None
) -> Originals:
    """The files of every training pair of the translator in ``folder``; ``moved_to``: where they lie now.

    Raises DataError where any is gone or changed, ModelError where the fit does not say how the data were read.
    """
    root = moved_to or data_root(folder)
    if root is None or not root.is_dir():
        where = "is not recorded" if root is None else f"was {root}, which does not exist"
        if moved_to is not None:
            raise DataError(f"--originals {moved_to}: is not a folder; name the folder that holds the training data")
        raise DataError(
            f"--include-originals: the place of the training data {where}; say where they are with --originals DIR, "
            "or leave --include-originals out"
        )
    by_digest = _files_by_digest(root, translator.pairs)
    paths, missing = [], []
    for pair in translator.pairs:
        image = by_digest.get(pair.image_sha256)
        parts = pair.mask_parts or (pair.mask_sha256,)
        masks = tuple(by_digest[part] for part in parts if part in by_digest)
        if image and len(masks) == len(parts):
            paths.append((image, masks))
        else:
            missing.append(
                f"mask with SHA-256 {pair.mask_sha256}" if image else f"image with SHA-256 {pair.image_sha256}"
            )
    if missing:
        raise DataError(
            f"--include-originals: {len(missing)} of {len(translator.pairs)} training pairs are no longer in {root}, "
            "or were changed; put them back, say where they are with --originals DIR, or leave --include-originals out",
            missing,
        )
    places = kept_places(output_format, translator.pairs, paths)
    groups, policy = trained_groups(translator.pairs), reading_of(translator, "--include-originals")
    return Originals(root, translator.pairs, paths, places, groups, policy, output_format)


def _files_by_digest(root: Path, pairs: Sequence[TrainedPair]) -> dict[str, str]:
    """Digest -> path of every file below ``root``, and of those slices of volumes that are training pairs."""
    names, _ = scan(root)
    digests = in_order(lambda name: digest_file(root / name), names, 4)
    found = dict(zip(reversed(digests), reversed(names), strict=True))  # of equal files the first
    wanted = {digest for pair in pairs for digest in (pair.image_sha256, pair.mask_sha256, *pair.mask_parts)}
    wanted -= found.keys()
    volumes = [(name, digest) for name, digest in zip(names, digests, strict=True) if is_volume(name)]
    for name, digest in volumes if wanted else ():
        for axis in AXES.values():
            for index in range(_MOST_SLICES):
                if (own := slice_digest(digest, axis, index)) in wanted:
                    found.setdefault(own, slice_name(name, axis, index))
    return found


def _as_checked(pair: TrainedPair, image: str, masks: tuple[str, ...]) -> CheckedPair:
    where = Pair(image, masks, pair.image_template, pair.mask_template, None, pair.glued, mask_labels=pair.mask_labels)
    digests = (pair.image_sha256, pair.mask_sha256)
    return CheckedPair(where, pair.size, pair.image_form, pair.mask_form, *digests, {}, (0, 0))


def _digest(content: bytes | Path) -> str:
    return digest_file(content) if isinstance(content, Path) else digest_bytes(content)
