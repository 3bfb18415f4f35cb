"""Looking at every pair before anything is made of it.

Enters: found pairs and what the user allows. Leaves: for each pair its size, its forms, its label values and the
digests of its files, and the label map of them all. Every file is decoded in full; all that is wrong is listed at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pairaug.errors import DataError, ModelError
from pairaug.files import digest_bytes
from pairaug.machine.workers import default_threads, in_order
from pairaug.pairs.checked import Checked, CheckedPair, CheckPolicy
from pairaug.pairs.decoding import EXIF_TURNS, decode_image, decode_turned
from pairaug.pairs.doubts import refuse_two_kinds, refuse_two_scales, warnings_about
from pairaug.pairs.form import LOSSY_FORMATS
from pairaug.pairs.groups import suggest_groups
from pairaug.pairs.kept import KeptPixels
from pairaug.pairs.kinds import refuse_two_writings, warn_of_numbered_objects, warn_of_values_apart
from pairaug.pairs.labels import (
    LabelMap,
    count_values,
    find_label_map,
    refuse_too_many,
    show_values,
    value_for_json,
)
from pairaug.pairs.pair import Found, Pair, Skipped
from pairaug.pairs.palettes import Choice, Stored, choose_reading
from pairaug.pairs.remedies import mend
from pairaug.pairs.slices import content_digest
from pairaug.pairs.transparency import ALPHA_MODES
from pairaug.pairs.united import united_mask


def check_pairs(found: Found, policy: CheckPolicy, kept: KeptPixels | None = None) -> Checked:
    """Decode every pair of ``found``, into ``kept`` too. Raises DataError listing every file that cannot be used."""
    total = len(found.pairs) + len(found.bad)
    if not total:
        raise DataError(f"{found.root}: no pairs found; say what belongs together with --pair, --images and --masks")
    good, bad, reading = _read_alike(found, policy, kept)
    policy = reading.of(policy)
    bad = [*found.bad, *bad]
    if bad and not policy.skip_bad:
        raise DataError(
            f"{len(bad)} of {total} pairs cannot be used; {mend(bad, total)}",
            details=[entry.reason for entry in bad],
        )
    if not good:
        raise DataError(f"{found.root}: none of the {total} pairs can be used", [b.reason for b in bad])
    refuse_two_scales(good)
    counts = {"+".join(item.pair.masks[:2]): item.values for item in good}
    _refuse_dropped_masks(good, policy)
    lossy = any(item.mask_form.format in LOSSY_FORMATS for item in good)
    cleaning = replace(policy.cleaning, as_found=True) if found.class_names else policy.cleaning
    label_map = find_label_map(counts, cleaning, lossy=lossy)
    if not cleaning.as_found:
        refuse_two_kinds(good)
    if reading.refusal is not None:
        raise reading.refusal
    if not cleaning.settled:
        refuse_two_writings(counts)
    return Checked(
        root=found.root,
        pairs=tuple(good),
        label_map=label_map,
        layout=found.layout,
        policy=policy,
        skipped=found.skipped,
        bad=tuple(bad),
        warnings=(*([reading.remark] if reading.remark else []), *_warnings(found, good, label_map, policy, kept)),
        class_names=found.class_names,
    )


def _read_alike(
    found: Found, policy: CheckPolicy, kept: KeptPixels | None
) -> tuple[list[CheckedPair], list[Skipped], Choice]:
    """Every pair looked at, by number or by colour as the masks of all of them ask, and what was chosen."""
    looks, bad = _look_at_all(found, policy, kept)
    if policy.decode.palette == "auto":
        choice = choose_reading([one for look in looks for one in look.stored], settled=policy.cleaning.settled)
    else:
        choice = Choice(policy.decode.palette)
    if policy.decode.palette == "auto" and choice.palette == "colour":
        looks, bad = _look_at_all(found, choice.of(policy), kept)
    return [look.pair for look in looks], bad, choice


def _refuse_dropped_masks(good: Sequence[CheckedPair], policy: CheckPolicy) -> None:
    """Masks of which nothing is left without their alpha channel."""
    if policy.decode.alpha != "drop" or not any(item.mask_form.mode in ALPHA_MODES for item in good):
        return
    if len({value for item in good for value in item.values}) == 1:
        raise DataError(f"all {len(good)} masks hold one value beside their alpha channel; read that with --alpha mask")


def _warnings(
    found: Found, good: list[CheckedPair], label_map: LabelMap, policy: CheckPolicy, kept: KeptPixels | None
) -> list[str]:
    warnings = warnings_about(good, label_map)
    if policy.cleaning.settled or found.class_names:
        return [*warnings, *filter(None, [suggest_groups([item.pair for item in good])])]
    by_name = {item.pair.masks[0]: item for item in good}
    values = {name: item.values for name, item in by_name.items()}

    def load(name: str) -> NDArray[np.int32]:
        return _raw_mask(found.root, by_name[name].pair, policy, kept)

    remark = warn_of_numbered_objects(values, load) or warn_of_values_apart(values)
    groups = suggest_groups([item.pair for item in good])
    return [*warnings, *filter(None, (remark, groups))]


def load_image(
    root: Path, checked: CheckedPair, policy: CheckPolicy, kept: KeptPixels | None = None
) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """The image of a pair, decoded unless it is among those ``kept`` by the same check."""
    found = None if kept is None else kept.image(checked.pair)
    return decode_image(root / checked.pair.image, policy.decode, checked.pair.glued)[0] if found is None else found


def load_classes(
    root: Path, checked: CheckedPair, policy: CheckPolicy, label_map: LabelMap, kept: KeptPixels | None = None
) -> NDArray[np.uint8]:
    """The mask of a pair as classes (H, W) in [0, K), likewise."""
    return label_map.to_classes(_raw_mask(root, checked.pair, policy, kept))


def _raw_mask(root: Path, pair: Pair, policy: CheckPolicy, kept: KeptPixels | None) -> NDArray[np.int32]:
    found = None if kept is None else kept.mask(pair)
    return united_mask(root, pair, policy)[0] if found is None else found


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


@dataclass(frozen=True)
class _Look:
    """A pair that decodes, and the numbers that its mask files store."""

    pair: CheckedPair
    stored: tuple[Stored, ...]


def _look_at_all(found: Found, policy: CheckPolicy, kept: KeptPixels | None) -> tuple[list[_Look], list[Skipped]]:
    def look(pair: Pair) -> _Look | Skipped:
        try:
            return _look_at(found.root, pair, policy, kept)
        except DataError as error:
            return Skipped(pair.name, error.message)

    looks = in_order(look, found.pairs, min(8, default_threads()))
    good = [item for item in looks if isinstance(item, _Look)]
    return good, [item for item in looks if isinstance(item, Skipped)]


def _look_at(root: Path, pair: Pair, policy: CheckPolicy, kept: KeptPixels | None) -> _Look:
    raw, stored = united_mask(root, pair, policy)
    as_stored = len(stored) == 1 and stored[0].counts and not policy.cleaning.changes
    values = dict(stored[0].counts) if as_stored else count_values(raw, pair.masks[0])
    refuse_too_many(pair.masks[0], values)
    height, width = raw.shape
    pixels: NDArray[np.uint8] | NDArray[np.uint16] | None = None
    image_form, image_digest, levels, grey, turn = None, "", (0, 0), False, 1
    if pair.image:
        pixels, image_form, turn = decode_turned(root / pair.image, policy.decode, pair.glued)
        if pixels.shape[:2] != raw.shape:
            raise DataError(_two_sizes(pair, pixels.shape[:2], raw.shape, turn))
        image_digest = content_digest(root / pair.image)
        levels = (int(pixels.min()), int(pixels.max()))
        grey = is_grey(pixels)
    if kept is not None:
        kept.keep(pair, raw, pixels)
    parts = [content_digest(root / name) for name in pair.masks]
    checked = CheckedPair(
        pair=pair,
        size=(width, height),
        image_form=image_form,
        mask_form=stored[0].form,
        image_digest=image_digest,
        mask_digest=united_digest(parts),
        values=values,
        levels=levels,
        mask_parts=tuple(parts) if len(parts) > 1 else (),
        grey=grey,
        turn=turn,
    )
    return _Look(checked, stored)


def _two_sizes(pair: Pair, image: tuple[int, ...], mask: tuple[int, ...], turn: int) -> str:
    sizes = f"{pair.image} is {image[1]}x{image[0]} but {pair.masks[0]} is {mask[1]}x{mask[0]}"
    if turn == 1:
        return f"{sizes}; bring both to one size"
    if image[::-1] == mask and turn >= 5:
        return f"{sizes}: the image is {EXIF_TURNS[turn]}, as EXIF says, its mask is not; say --exif ignore"
    return f"{sizes} (the image is {EXIF_TURNS[turn]}, as EXIF says); bring both to one size"


def is_grey(pixels: NDArray[Any]) -> bool:
    """Whether an image has one channel, or three that are equal."""
    if pixels.ndim == 2:
        return True
    red = pixels[..., 0]
    return bool(np.array_equal(red, pixels[..., 1]) and np.array_equal(red, pixels[..., 2]))


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
                "synthetic": item.pair.synthetic,
                "image_mode": item.image_form.mode if item.image_form else None,
                "mask_mode": item.mask_form.mode,
            }
            for item in checked.pairs
        ],
        "synthetic": checked.synthetic,
        "label_values": [value_for_json(value) for value in checked.label_map.values],
        "class_names": list(checked.class_names),
        "palette": checked.policy.decode.palette,
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
