"""Looking at every pair before anything is made of it.

Enters: found pairs and what the user allows. Leaves: for each pair its size, its forms, its label values and the
digests of its files, and the label map of them all. Every file is decoded in full; all that is wrong is listed at once.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pairaug.errors import DataError, ModelError
from pairaug.files import digest_bytes
from pairaug.pairs.checked import Checked, CheckedPair, CheckPolicy
from pairaug.pairs.decoding import decode_image, decode_mask
from pairaug.pairs.doubts import refuse_two_kinds, refuse_two_scales, warnings_about
from pairaug.pairs.form import LOSSY_FORMATS, Form
from pairaug.pairs.labels import (
    LabelMap,
    count_values,
    find_label_map,
    refuse_too_many,
    show_values,
    value_for_json,
)
from pairaug.pairs.pair import Found, Pair, Skipped
from pairaug.pairs.slices import content_digest


def check_pairs(found: Found, policy: CheckPolicy) -> Checked:
    """Decode every pair of ``found``. Raises DataError listing every file that cannot be used."""
    total = len(found.pairs) + len(found.bad)
    if not total:
        raise DataError(f"{found.root}: no pairs found; say what belongs together with --pair, --images and --masks")
    good, bad = _look_at_all(found, policy)
    bad = [*found.bad, *bad]
    if bad and not policy.skip_bad:
        raise DataError(
            f"{len(bad)} of {total} pairs cannot be used; mend them, or leave them out with --skip-bad",
            details=[entry.reason for entry in bad],
        )
    if not good:
        raise DataError(f"{found.root}: none of the {total} pairs can be used", [b.reason for b in bad])
    refuse_two_scales(good)
    counts = {"+".join(item.pair.masks[:2]): item.values for item in good}
    lossy = any(item.mask_form.format in LOSSY_FORMATS for item in good)
    label_map = find_label_map(counts, policy.cleaning, lossy=lossy)
    if not policy.cleaning.as_found:
        refuse_two_kinds(good)
    return Checked(
        root=found.root,
        pairs=tuple(good),
        label_map=label_map,
        layout=found.layout,
        policy=policy,
        skipped=found.skipped,
        bad=tuple(bad),
        warnings=tuple(warnings_about(good, label_map)),
    )


def load_image(root: Path, checked: CheckedPair, policy: CheckPolicy) -> NDArray[np.uint8] | NDArray[np.uint16]:
    pixels, _ = decode_image(root / checked.pair.image, policy.decode, checked.pair.glued)
    return pixels


def load_classes(root: Path, checked: CheckedPair, policy: CheckPolicy, label_map: LabelMap) -> NDArray[np.uint8]:
    """The mask of a pair as classes (H, W) in [0, K)."""
    raw, _ = _united_mask(root, checked.pair, policy)
    return label_map.to_classes(raw)


def refuse_changed(checked: Checked) -> None:
    """Raises DataError naming the files whose content is no longer what was checked."""
    changed = [
        item.pair.name
        for item in checked.pairs
        if (item.pair.image and content_digest(checked.root / item.pair.image) != item.image_digest)
        or united_digest([content_digest(checked.root / mask) for mask in item.pair.masks]) != item.mask_digest
    ]
    if changed:
        raise DataError(
            f"{changed[0]}"
            + (f" and {len(changed) - 1} more" if len(changed) > 1 else "")
            + " changed while the model was fitted; start again with --fresh, on the files as they are"
        )


def _look_at_all(found: Found, policy: CheckPolicy) -> tuple[list[CheckedPair], list[Skipped]]:
    def look(pair: Pair) -> CheckedPair | Skipped:
        try:
            return _look_at(found.root, pair, policy)
        except DataError as error:
            return Skipped(pair.name, error.message)

    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
        looks = list(pool.map(look, found.pairs))
    good = [item for item in looks if isinstance(item, CheckedPair)]
    return good, [item for item in looks if isinstance(item, Skipped)]


def _look_at(root: Path, pair: Pair, policy: CheckPolicy) -> CheckedPair:
    raw, mask_form = _united_mask(root, pair, policy)
    values = count_values(raw)
    refuse_too_many(pair.masks[0], values)
    height, width = raw.shape
    image_form, image_digest, levels = None, "", (0, 0)
    if pair.image:
        pixels, image_form = decode_image(root / pair.image, policy.decode, pair.glued)
        if pixels.shape[:2] != raw.shape:
            raise DataError(
                f"{pair.image} is {pixels.shape[1]}x{pixels.shape[0]} but {pair.masks[0]} is {width}x{height}; "
                "bring both to one size"
            )
        image_digest = content_digest(root / pair.image)
        levels = (int(pixels.min()), int(pixels.max()))
    parts = [content_digest(root / name) for name in pair.masks]
    return CheckedPair(
        pair=pair,
        size=(width, height),
        image_form=image_form,
        mask_form=mask_form,
        image_digest=image_digest,
        mask_digest=united_digest(parts),
        values=values,
        levels=levels,
        mask_parts=tuple(parts) if len(parts) > 1 else (),
    )


def _united_mask(root: Path, pair: Pair, policy: CheckPolicy) -> tuple[NDArray[np.int32], Form]:
    """The pair's mask, cleaned; several binary masks of one image are united."""
    union, form = _clean_mask(root, pair, pair.masks[0], policy)
    for name in pair.masks[1:]:
        part, _ = _clean_mask(root, pair, name, policy)
        if part.shape != union.shape:
            raise DataError(
                f"{name} is {part.shape[1]}x{part.shape[0]} but {pair.masks[0]}, a mask of the same image, is "
                f"{union.shape[1]}x{union.shape[0]}; bring them to one size"
            )
        np.maximum(union, part, out=union)
    values = list(count_values(union))
    if len(pair.masks) > 1 and len(values) > 2:
        raise DataError(
            f"{pair.masks[0]} and {len(pair.masks) - 1} more masks of {pair.image} hold several values "
            f"{show_values(values)} and cannot be united; choose one of them with --masks, or give --threshold"
        )
    return union, form


def _clean_mask(root: Path, pair: Pair, name: str, policy: CheckPolicy) -> tuple[NDArray[np.int32], Form]:
    raw, form = decode_mask(root / name, policy.decode, pair.glued)
    try:
        return policy.cleaning.apply(raw), form
    except DataError as error:
        raise DataError(f"{name}: {error.message}") from None


def united_digest(digests: Sequence[str]) -> str:
    """The digest of a mask from those of its files, of which it may be the union."""
    return digests[0] if len(digests) == 1 else digest_bytes("\n".join(digests).encode())


def summary(checked: Checked) -> dict[str, Any]:
    """What ``pairaug check --json`` prints, without the schema version."""
    return {
        "root": str(checked.root),
        "pairs": [
            {
                "image": item.pair.image or None,
                "mask": item.pair.mask,
                "size": list(item.size),
                "split": item.pair.split,
                "group": item.pair.group,
                "glued": item.pair.glued,
                "image_mode": item.image_form.mode if item.image_form else None,
                "mask_mode": item.mask_form.mode,
            }
            for item in checked.pairs
        ],
        "label_values": [value_for_json(value) for value in checked.label_map.values],
        "layout": checked.layout,
        "skipped": [{"path": entry.path, "reason": entry.reason} for entry in (*checked.skipped, *checked.bad)],
        "warnings": list(checked.warnings),
    }


def same_labels(mask_values: tuple[int, ...], image_values: tuple[int, ...]) -> None:
    """Raises ModelError where a mask generator and a translator speak of different label values."""
    if mask_values != image_values:
        raise ModelError(
            f"the mask model draws label values {show_values(mask_values)}, the translator knows "
            f"{show_values(image_values)}; fit both on the same masks"
        )
