"""An evaluation decodes a file once, whatever is measured of it, and keeps no more than it may."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pairaug.evaluation.evaluate import EvaluationOptions, measure, open_sets
from pairaug.evaluation.views.as_json import as_json
from pairaug.evaluation.views.page import Invocation, page_of
from pairaug.pairs import checking, united
from pairaug.pairs.checked import CheckPolicy
from pairaug.pairs.checking import check_pairs, load_classes
from pairaug.pairs.kept import KeptPixels
from pairaug.pairs.pair import Pair
from pairaug.pairs.source import find_pairs
from pairaug.reporting import Reporter
from tests.evaluation.sets import InstantTrainer, drawn

PAIR = Pair("a.png", ("b.png",), "{id}.png", "{id}.png")


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each file was decoded, by its path."""
    found: Counter[str] = Counter()
    lock = Lock()

    def counted(function: Any) -> Any:
        def decode(path: Path, *arguments: Any) -> Any:
            with lock:
                found[str(path)] += 1
            return function(path, *arguments)

        return decode

    for module, name in ((checking, "decode_image"), (checking, "decode_turned"), (united, "decode_mask")):
        monkeypatch.setattr(module, name, counted(getattr(module, name)))
    return found


def everything(folder: Path) -> str:
    """All that is measured of two small sets, and their page."""
    real, other = folder / "real", folder / "other"
    if not real.exists():
        drawn(real, 0, 6)
        drawn(other, 1, 5)
    options = EvaluationOptions(cache=folder / "cache", segmenter=InstantTrainer(), threads=2)
    with open_sets(real, other, options, Reporter()) as sets:
        result = measure(sets, options, Reporter())
        page_of(result, sets, Invocation("real", "other", "pairaug evaluate", folder))
        return json.dumps(as_json(result, sets))


def test_a_file_is_decoded_once_for_all_that_is_measured_and_what_is_kept_changes_no_figure(
    tmp_path: Path, decoded: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    figures = everything(tmp_path)
    assert len(decoded) == 2 * (6 + 5)
    assert set(decoded.values()) == {1}
    monkeypatch.setattr(KeptPixels.__init__, "__defaults__", (0,))
    assert everything(tmp_path) == figures
    assert min(decoded.values()) > 3  # with nothing kept


def test_no_more_is_kept_than_the_budget_holds_and_the_first_stay() -> None:
    image, mask = np.zeros((8, 8, 3), np.uint8), np.full((8, 8), 255, np.int32)
    pixels = KeptPixels(2 * (image.nbytes + mask.size))
    pairs = [Pair(f"{place}.png", ("m.png",), "{id}.png", "{id}.png") for place in range(3)]
    for pair in pairs:
        pixels.keep(pair, mask, image)
    assert [pixels.image(pair) is not None for pair in pairs] == [True, True, False]
    pixels.keep(pairs[0], mask, image)  # looked at again
    assert pixels.mask(pairs[0]) is not None


@pytest.mark.parametrize("values", [[0, 255], [0, 256], [0, 65536], [0, -1], [0x1000000, 0x1FFFFFF]])
def test_label_values_are_kept_exactly(values: list[int]) -> None:
    mask = np.array([values], np.int32)
    pixels = KeptPixels()
    pixels.keep(PAIR, mask, None)
    found = pixels.mask(PAIR)
    assert found is not None
    assert found.dtype == np.int32
    assert np.array_equal(found, mask)
    assert pixels.image(PAIR) is None


def test_half_of_a_glued_picture_does_not_keep_the_whole() -> None:
    whole = np.zeros((4, 8), np.uint8)
    pixels = KeptPixels()
    pixels.keep(PAIR, np.zeros((4, 4), np.int32), whole[:, :4])
    assert pixels.image(PAIR) is not None
    assert pixels.image(PAIR).base is None  # type: ignore[union-attr]


def test_masks_that_are_read_again_by_their_colours_are_kept_as_the_second_reading_has_them(tmp_path: Path) -> None:
    """Palettes of two files list black and white in another order."""
    for name, order in (("a", (0, 1)), ("b", (1, 0))):
        picture = Image.fromarray(np.array([[0, 1], [1, 1]], np.uint8)[:, ::-1] ^ order[0], "P")
        picture.putpalette([level for place in order for level in ((0, 0, 0), (255, 255, 255))[place]])
        for folder in ("images", "masks"):
            (tmp_path / folder).mkdir(exist_ok=True)
        Image.fromarray(np.arange(4, dtype=np.uint8).reshape(2, 2)).save(tmp_path / "images" / f"{name}.png")
        picture.save(tmp_path / "masks" / f"{name}.png")
    pixels = KeptPixels()
    found = check_pairs(find_pairs(tmp_path), CheckPolicy(), pixels)
    assert found.policy.decode.palette == "colour"
    for item in found.pairs:
        decoded_again, as_kept = (
            load_classes(found.root, item, found.policy, found.label_map, one) for one in (None, pixels)
        )
        assert np.array_equal(decoded_again, as_kept)
