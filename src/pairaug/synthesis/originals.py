"""The training pairs of the translator, taken over into the augmented set.

A model knows its training pairs by the digests of their files alone; the files are looked for by content below the
folder that the fit's ``run.json`` names, so that they may have been renamed but not changed. A file that the format
can hold as it is becomes a hard link (a copy where the file system cannot); others are decoded and written anew.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pairaug.errors import DataError, ModelError, PairaugError
from pairaug.files import digest_bytes, digest_file
from pairaug.pairs.checking import CheckedPair, CheckPolicy, load_classes, load_image
from pairaug.pairs.decoding import DecodePolicy, decode_mask
from pairaug.pairs.encoding import encode_image, encode_mask
from pairaug.pairs.labels import Cleaning
from pairaug.pairs.pair import Pair
from pairaug.pairs.scanning import scan
from pairaug.pairs.source import find_pairs
from pairaug.synthesis.formats.base import Format, Place
from pairaug.synthesis.rendering import as_form
from pairaug.synthesis.rows import Made, pair_row
from pairaug.synthesis.shards import shard_name
from pairaug.training.model_file import FittedModel, TrainedPair
from pairaug.training.run_folder import RUN_FILE


def data_root(folder: Path) -> Path | None:
    """Where the data of a fit lie, as its ``run.json`` says; None where that is not known."""
    try:
        return Path(json.loads((folder / RUN_FILE).read_text())["source"]["root"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


@dataclass(frozen=True)
class Originals:
    """``pairs`` in the order of training; ``paths[i]`` are the image and the masks of pair i, relative to ``root``."""

    root: Path
    pairs: Sequence[TrainedPair]
    paths: Sequence[tuple[str, tuple[str, ...]]]
    policy: CheckPolicy
    format: Format

    def take(self, index: int) -> Made:
        """Original pair ``index``, which is also its index in the set."""
        pair, (image_path, mask_paths) = self.pairs[index], self.paths[index]
        place = self.format.place(pair, f"original_{index:06d}")
        item = _as_checked(pair, image_path, mask_paths)
        classes = load_classes(self.root, item, self.policy, self.format.label_map)
        image, mask = self._image(item, pair, place), self._mask(item, pair, place, classes)
        shard = shard_name(index) if self.format.sharded else None
        digests = (_digest(image), _digest(mask))
        row = pair_row(place, index, "original", digests, classes, self.format.label_map, shard=shard)
        return Made(image, mask, row)

    def _image(self, item: CheckedPair, pair: TrainedPair, place: Place) -> bytes | Path:
        if self.format.keeps_files and place.image_form == pair.image_form and not pair.glued:
            return self.root / item.pair.image
        pixels: NDArray[Any] = load_image(self.root, item, self.policy)
        if pixels.ndim == 2:
            pixels = pixels[..., None]
        if place.image_form.bits == 16 and pixels.dtype == np.uint8:
            pixels = pixels.astype(np.uint16) * 257
        return encode_image(as_form(pixels, place.image_form), place.image_form)

    def _mask(self, item: CheckedPair, pair: TrainedPair, place: Place, classes: NDArray[np.uint8]) -> bytes | Path:
        values = self.format.to_values(classes)
        alone = len(item.pair.masks) == 1 and not pair.glued
        if self.format.keeps_files and place.mask_form == pair.mask_form and alone:
            path = self.root / item.pair.masks[0]
            raw, _ = decode_mask(path, self.policy.decode)
            if np.array_equal(raw, values):  # nothing was cleaned away for training
                return path
        return encode_mask(values, place.mask_form)


def find_originals(translator: FittedModel, folder: Path, output_format: Format) -> Originals:
    """The files of every training pair of the translator in ``folder``.

    Raises DataError where any is gone or changed, ModelError where the fit does not say how the data were read.
    """
    root = data_root(folder)
    if root is None or not root.is_dir():
        where = "is not recorded" if root is None else f"was {root}, which does not exist"
        raise DataError(
            f"--include-originals: the place of the training data {where}; put them back, fit the translator again, "
            "or leave --include-originals out"
        )
    by_digest = _files_by_digest(root)
    united: Mapping[tuple[str, str], tuple[str, ...]] | None = None
    paths, missing = [], []
    for pair in translator.pairs:
        image, mask = by_digest.get(pair.image_sha256), by_digest.get(pair.mask_sha256)
        masks: tuple[str, ...] = (mask,) if mask else ()
        if image and not masks:
            united = united if united is not None else _united_masks(root)
            masks = united.get((image, pair.mask_sha256), ())
        if image and masks:
            paths.append((image, masks))
        else:
            missing.append(
                f"mask with SHA-256 {pair.mask_sha256}" if image else f"image with SHA-256 {pair.image_sha256}"
            )
    if missing:
        raise DataError(
            f"--include-originals: {len(missing)} of {len(translator.pairs)} training pairs are no longer in {root}, "
            "or were changed; put them back, fit the translator again, or leave --include-originals out",
            missing,
        )
    return Originals(root, translator.pairs, paths, _policy(translator), output_format)


def _files_by_digest(root: Path) -> dict[str, str]:
    names, _ = scan(root)
    with ThreadPoolExecutor(4) as pool:
        digests = list(pool.map(lambda name: digest_file(root / name), names))
    return dict(zip(reversed(digests), reversed(names), strict=True))  # of equal files the first


def _united_masks(root: Path) -> dict[tuple[str, str], tuple[str, ...]]:
    """(image, digest of all its masks) -> the masks, of the pairs whose mask is the union of several files."""
    try:
        found = find_pairs(root).pairs
    except PairaugError:
        return {}
    united = {}
    for pair in found:
        if len(pair.masks) > 1:
            digests = "\n".join(digest_file(root / mask) for mask in pair.masks)
            united[pair.image, digest_bytes(digests.encode())] = pair.masks
    return united


def _policy(translator: FittedModel) -> CheckPolicy:
    """How the training data were read, as the fit recorded it."""
    try:
        reading = translator.info["reading"]
        cleaning: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in reading["cleaning"].items()}
        return CheckPolicy(DecodePolicy(**reading["decode"]), Cleaning(**cleaning))
    except (KeyError, TypeError, ValueError, AttributeError):
        raise ModelError(
            "--include-originals: the translator does not say how its data were read (an earlier version fitted it); "
            "fit it again, or leave --include-originals out"
        ) from None


def _as_checked(pair: TrainedPair, image: str, masks: tuple[str, ...]) -> CheckedPair:
    where = Pair(image, masks, pair.image_template, pair.mask_template, None, pair.glued)
    digests = (pair.image_sha256, pair.mask_sha256)
    return CheckedPair(where, pair.size, pair.image_form, pair.mask_form, *digests, {}, (0, 0))


def _digest(content: bytes | Path) -> str:
    return digest_file(content) if isinstance(content, Path) else digest_bytes(content)
