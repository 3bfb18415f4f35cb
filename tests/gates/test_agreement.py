"""An image that does not show its mask, shows it elsewhere, or in another width, does not pass."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pairaug.errors import ModelError
from pairaug.gates.agreement import (
    AgreementFacts,
    AgreementGate,
    Found,
    limits_of,
    load_agreement,
    look,
    mean_depth,
    save_agreement,
    thin_classes,
    tried,
)
from pairaug.reporting import Reporter
from pairaug.segmenter.base import Example, Recipe
from pairaug.segmenter.fit import UNetSegmenter, fit_segmenter
from pairaug.segmenter.presets import Preset

MODEL = "0" * 64
FACTS = AgreementFacts("limits", 0.7, 0.05, 0.15, (1,), (0, 255))


class Bright:
    """A segmenter to which everything above the middle level is class 1."""

    def __init__(self) -> None:
        self.settings = {"classes": 2, "channels": 1, "width": 4, "side": 64}

    def predict(self, image: np.ndarray, *, flips: bool = True) -> np.ndarray:
        return (image[..., 0] > 0.5).astype(np.uint8)


def stripes(width: int) -> np.ndarray:
    """Lines of ``width`` px, 12 apart, in (60, 72)."""
    return np.broadcast_to(np.arange(72) % 12 < width, (60, 72)).astype(np.uint8)


def painted(mask: np.ndarray) -> np.ndarray:
    return (mask[..., None] * 255).astype(np.uint8)


GATE = AgreementGate(Bright(), FACTS)  # type: ignore[arg-type]


def test_an_image_of_its_mask_passes() -> None:
    assert GATE.judge(painted(stripes(5)), stripes(5)).passed


def test_an_image_of_another_mask_fails_by_dice() -> None:
    judged = GATE.judge(painted(stripes(5)), 1 - stripes(5))
    assert (judged.passed, judged.what, judged.score, judged.limit) == (False, "dice", 0.0, 0.7)


def test_an_image_beside_its_mask_fails_by_its_offset() -> None:
    judged = GATE.judge(painted(np.roll(stripes(5), 1, axis=1)), stripes(5))
    assert (judged.passed, judged.what) == (False, "offset")
    assert judged.score == pytest.approx(0.2, abs=0.02)  # a line of five that is one beside


def test_lines_that_are_too_wide_fail_by_their_width_where_the_class_is_thin() -> None:
    even = painted(np.maximum.reduce([np.roll(stripes(5), step, axis=1) for step in (-1, 0, 1)]))
    assert GATE.judge(even, stripes(5)).what == "width"
    assert replaced(thin=()).judge(even, stripes(5)).passed


def replaced(**changes: object) -> AgreementGate:
    return AgreementGate(Bright(), replace(FACTS, **changes))  # type: ignore[arg-type]


def test_levels_are_read_by_the_intensity_of_the_set() -> None:
    deep = stripes(5)[..., None].astype(np.uint16) * 200 + 1000
    assert replaced(intensity=(1000, 1200)).judge(deep, stripes(5)).passed
    assert not replaced(intensity=(0, 65535)).judge(deep, stripes(5)).passed


def test_two_empty_masks_agree() -> None:
    empty = np.zeros((60, 72), np.uint8)
    assert look(Bright(), np.zeros((60, 72, 1), np.float32), empty, (1,)) == Found(1.0, 0.0, 0.0)  # type: ignore[arg-type]


def test_the_mean_depth_of_a_line_grows_with_its_width_and_lines_are_thin() -> None:
    assert mean_depth(stripes(3) == 1) == pytest.approx(4 / 3, abs=0.02)  # but for the ends
    assert mean_depth(stripes(6) == 1) > mean_depth(stripes(3) == 1)
    line = np.zeros((200, 200), np.uint8)
    line[:, 50:54] = 1
    line[60:140, 100:180] = 2
    assert thin_classes([line], 3) == (1,)


def test_limits_are_where_a_further_real_pair_stays_and_not_nearer_than_few_pairs_can_say() -> None:
    wide = [0.6, 0.9, 0.85, 0.7, 0.95]
    limits = limits_of([Found(dice, 0.0, 0.2) for dice in wide], (1,), (0, 255))
    assert limits.dice == pytest.approx(0.8 - 2.1318 * np.sqrt(1.2) * np.std(wide, ddof=1), abs=1e-4)  # t of 4, 95 %
    assert (limits.gain, limits.width, limits.usual_width) == (0.02, 0.15, 0.2)
    close = [Found(0.8, 0.0, 0.0)] * 5
    assert limits_of(close, (), (0, 255)).dice == pytest.approx(0.7)
    assert limits_of(close, (), (0, 255), seen=True).dice == pytest.approx(0.6)


def test_widths_are_judged_against_those_that_the_segmenter_finds_on_real_pairs() -> None:
    even = painted(np.maximum.reduce([np.roll(stripes(5), step, axis=1) for step in (-1, 0, 1)]))
    assert GATE.judge(even, stripes(5)).what == "width"
    assert replaced(usual_width=0.2).judge(even, stripes(5)).passed


def test_a_translator_that_mostly_fails_makes_the_gate_stand_aside() -> None:
    good, bad = (painted(stripes(5)), stripes(5)), (painted(stripes(5)), 1 - stripes(5))
    gate = tried(Bright(), FACTS, [good, good, bad])  # type: ignore[arg-type]
    assert (gate.facts.rule, gate.remark()) == ("limits", "")
    assert gate.facts.rejected == pytest.approx(1 / 3)
    gate = tried(Bright(), FACTS, [good, bad, bad])  # type: ignore[arg-type]
    assert gate.facts.rule == "aside"
    assert "67% of the translator's images" in gate.remark()
    assert gate.judge(*bad).passed


@pytest.fixture(scope="module")
def segmenter() -> Iterator[UNetSegmenter]:
    image = np.random.default_rng(0).random((64, 64, 1), dtype=np.float32)
    example = Example(image, (image[..., 0] > 0.5).astype(np.uint8))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("pairaug.segmenter.fit.SETTLING", 1)
        yield fit_segmenter(Recipe([example]), 2, Preset("tiny", 2, 2, 1, 4, 3e-3, 0.1), 0, Reporter())


def test_a_gate_is_the_same_from_its_file(segmenter: UNetSegmenter, tmp_path: Path) -> None:
    gate = AgreementGate(segmenter, FACTS)
    digest = save_agreement(gate, tmp_path / "gate", MODEL)
    again = load_agreement(tmp_path / "gate", MODEL, 2, 1)
    assert (again.digest, again.facts) == (digest, FACTS)
    assert again.judge(painted(stripes(5)), stripes(5)) == gate.judge(painted(stripes(5)), stripes(5))


def test_a_damaged_gate_and_one_of_other_data_are_refused(segmenter: UNetSegmenter, tmp_path: Path) -> None:
    path = tmp_path / "gate"
    save_agreement(AgreementGate(segmenter, FACTS), path, MODEL)
    for model, classes, channels, reason in (("1" * 64, 2, 1, "another model"), (MODEL, 3, 1, "for 2 classes")):
        with pytest.raises(ModelError, match=f"not a usable gate .*{reason}.*--gates none"):
            load_agreement(path, model, classes, channels)
    save_agreement(AgreementGate(segmenter, replace(FACTS, intensity=(9, 9))), path, MODEL)
    with pytest.raises(ModelError, match="levels from 9 to 9"):
        load_agreement(path, MODEL, 2, 1)
