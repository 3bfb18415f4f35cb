"""Every convention in the wild, drawn in its exact names: what pairs, what does not, why, and what new names are."""

from __future__ import annotations

from pathlib import Path

import pytest

from pairaug.pairs.pair import Found
from pairaug.pairs.source import find_pairs
from tests.pairs.drawn import draw
from tests.pairs.layouts import LAYOUTS, Layout

by_name = pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)


def drawn_layout(root: Path, layout: Layout) -> Found:
    for path, kind in layout.kinds().items():
        draw(root, path, kind)
    return find_pairs(root)


def as_table(found: Found) -> dict[str, str | tuple[str, ...]]:
    return {pair.image: pair.masks[0] if len(pair.masks) == 1 else pair.masks for pair in found.pairs}


@by_name
def test_each_image_gets_its_own_mask(layout: Layout, tmp_path: Path) -> None:
    found = drawn_layout(tmp_path, layout)
    assert as_table(found) == layout.pairs
    assert {pair.image: pair.split for pair in found.pairs if pair.split} == layout.split


# Words unknown to us are only seen to be words where several names share them.
UNKNOWN = ("unknown suffix", "satellite", "words of one's own in two folders", "letters in two folders")
SHARED = (
    "trees of one's own",
    "humps for words",
    "Cityscapes",
    "Cell Tracking Challenge",
    "letters for words",
    "CamVid, one folder each",
)
known_words = [layout for layout in LAYOUTS if layout.name not in UNKNOWN + SHARED]


@pytest.mark.parametrize("layout", known_words, ids=lambda layout: layout.name)
def test_one_pair_alone_is_found_by_its_names(layout: Layout, tmp_path: Path) -> None:
    image, masks = next(iter(layout.pairs.items()))
    for path in (image, *((masks,) if isinstance(masks, str) else masks)):
        draw(tmp_path, path, layout.kinds()[path])
    assert as_table(find_pairs(tmp_path)) == {image: masks}


@by_name
def test_what_is_left_out_is_listed_with_its_reason(layout: Layout, tmp_path: Path) -> None:
    found = drawn_layout(tmp_path, layout)
    reasons = {entry.path: entry.reason for entry in found.skipped}
    texts = {path: f"not an image file ({Path(path).suffix})" for path in layout.texts}
    assert reasons == layout.reasons() | texts


@by_name
def test_new_pairs_named_by_the_templates_are_found_again(layout: Layout, tmp_path: Path) -> None:
    found = drawn_layout(tmp_path / "original", layout)
    written = {}
    for index in range(5):
        pair = found.pairs[index % len(found.pairs)]
        image, mask = (t.replace("{id}", f"synthetic_{index:06d}") for t in (pair.image_template, pair.mask_template))
        written[image] = mask
        draw(tmp_path / "copy", image, "image")
        draw(tmp_path / "copy", mask, "mask")
    again = find_pairs(tmp_path / "copy")
    assert as_table(again) == written
    assert {pair.split for pair in again.pairs} <= {pair.split for pair in found.pairs}
