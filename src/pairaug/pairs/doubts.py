"""What is to be said of pairs that all decode: two kinds of masks under one roof, empty masks, twins, too few.

Enters: checked pairs. Leaves: sentences for the user, or a DataError where there is no going on.
"""

from __future__ import annotations

import glob
from collections import Counter
from collections.abc import Sequence
from pathlib import PurePosixPath
from shlex import quote

from pairaug.errors import DataError
from pairaug.pairs.checked import CheckedPair
from pairaug.pairs.decoding import EXIF_TURNS
from pairaug.pairs.labels import LabelMap, show_value, show_values

TOO_FEW = 5


def refuse_two_kinds(pairs: Sequence[CheckedPair]) -> None:
    """Two data sets under one roof: {0, 255} in some folders, {0, 1, 2} in others."""
    by_place: dict[str, set[int]] = {}
    for item in pairs:
        place = glob.escape(str(PurePosixPath(item.pair.mask_template).parent)).replace("{id}", "*")
        by_place.setdefault(place, set()).update(item.values)
    kinds: dict[frozenset[int], list[str]] = {}
    for place, values in by_place.items():
        kinds.setdefault(frozenset(values), []).append(place)
    by_size = sorted(kinds, key=len)
    for small in by_size:
        for large in by_size:
            nested = small <= large or large <= small
            if not nested and len(small & large) < 2:  # nothing in common but the background
                details = [
                    f"{show_values(sorted(kind))} in {' and '.join(kinds[kind])}: "
                    + " ".join(f"--only {quote(place)}" for place in kinds[kind])
                    for kind in (small, large)
                ]
                raise DataError(
                    "two kinds of masks in one data set; choose one with its flags, or take "
                    "all values for classes with --labels all",
                    details=details,
                )


def refuse_two_scales(pairs: Sequence[CheckedPair]) -> None:
    """Levels of which one and the same stands for different values (Hounsfield units, say) in different files."""
    scales: dict[tuple[float, float], str] = {}
    for item in pairs:
        if item.image_form is not None:
            scales.setdefault((item.image_form.slope, item.image_form.intercept), item.pair.image)
    if len(scales) > 1:
        (_, one), (_, other) = list(scales.items())[:2]
        raise DataError(
            f"images of different scales: {one} and {other} (values with sign or scale beside plain ones); bring them "
            "to one range with --window LOW,HIGH, or store them all in one type"
        )


def warnings_about(pairs: Sequence[CheckedPair], label_map: LabelMap) -> list[str]:
    warnings = []
    background = label_map.values[0]
    empty = [item for item in pairs if set(item.values) == {background}]
    if empty:
        warnings.append(f"{len(empty)} of {len(pairs)} masks are empty, such as {empty[0].pair.masks[0]}")
    total: Counter[int] = Counter()
    for item in pairs:
        total.update(item.values)
    if total[background] * 2 < sum(total.values()) and label_map.classes == 2:
        warnings.append(
            f"{show_value(background)} is taken for the background but covers only "
            f"{100 * total[background] / sum(total.values()):.3g} % of the masks; if they are inverted, say "
            f"--background {show_value(label_map.values[1])}"
        )
    seen: dict[str, str] = {}
    twins = []
    for item in pairs:
        if item.image_digest and item.image_digest in seen:
            twins.append(f"{item.pair.image} and {seen[item.image_digest]}")
        seen.setdefault(item.image_digest, item.pair.image)
    if twins:
        warnings.append(f"{len(twins)} images occur twice, such as {twins[0]}")
    turned = [item for item in pairs if item.turn != 1]
    if turned:
        warnings.append(
            f"{len(turned)} images are shown {EXIF_TURNS[turned[0].turn]}, as EXIF says, such as "
            f"{turned[0].pair.image}; if their masks were drawn on the stored pixels, say --exif ignore"
        )
    if len(pairs) < TOO_FEW:
        warnings.append(f"only {len(pairs)} pairs: what is made of them will hardly differ from them")
    return warnings
