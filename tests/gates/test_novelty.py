"""A mask that is a training mask once more does not pass; a new one does, and simple shapes are told as such."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from pairaug.errors import ModelError
from pairaug.gates.novelty import BLIND, FINE, NoveltyGate, fit_novelty, load_novelty, picture_of, save_novelty

MODEL = "0" * 64


def blobs(seed: int, side: int = 96) -> np.ndarray:
    """Two classes of smooth noise."""
    fields = ndimage.gaussian_filter(np.random.default_rng(seed).standard_normal((2, side, side)), (0, 6, 6))
    return np.where(fields[0] > 0.03, 1, np.where(fields[1] > 0.04, 2, 0)).astype(np.uint8)


def disc(radius: float) -> np.ndarray:
    """A disc in the middle."""
    rows, columns = np.indices((96, 96)) - 47.5
    return (rows**2 + columns**2 < radius**2).astype(np.uint8)


REAL = [blobs(seed) for seed in range(8)]
NEW = [blobs(seed) for seed in range(100, 110)]


def fitted(drawn: list[np.ndarray] = NEW, cells: int = FINE, groups: list[int] | None = None) -> NoveltyGate:
    return fit_novelty(REAL, groups or [*range(8)], 3, drawn, np.random.default_rng(0), cells=cells)


@pytest.fixture(scope="module")
def gate() -> NoveltyGate:
    return fitted()


def test_new_masks_pass_and_training_masks_do_not_however_they_are_turned(gate: NoveltyGate) -> None:
    assert gate.facts.rule == "likeness"
    assert gate.remark() == ""
    assert all(gate.judge(mask).passed for mask in NEW)
    for mask in REAL:
        for copy in (mask, mask[::-1], np.rot90(mask), np.roll(mask, (2, -1), (0, 1))):
            judged = gate.judge(np.ascontiguousarray(copy))
            assert not judged.passed
            assert judged.score < judged.limit == 1.0


def test_the_nearer_a_mask_comes_to_a_training_mask_the_lower_its_score(gate: NoveltyGate) -> None:
    mixed = [np.where(np.indices((96, 96))[0] < row, REAL[0], NEW[0]).astype(np.uint8) for row in (30, 60, 90)]
    scores = [gate.judge(mask).score for mask in mixed]
    assert scores == sorted(scores, reverse=True)


def test_an_empty_mask_is_no_copy(gate: NoveltyGate) -> None:
    assert gate.judge(np.zeros((50, 60), np.uint8)).passed


def test_a_model_that_stays_near_its_parents_is_held_to_copies_alone_and_says_so() -> None:
    near = [np.where(np.indices((96, 96))[0] < 80, mask, NEW[0]).astype(np.uint8) for mask in REAL]
    gate = fitted(near)
    assert gate.facts.rule == "copies"
    assert gate.facts.rejected == 0
    assert "100% of the model's masks lie nearer" in gate.remark()
    assert all(gate.judge(mask).passed for mask in near)
    assert not any(gate.judge(np.rot90(mask).copy()).passed for mask in REAL)


def test_simple_shapes_tell_nobody_apart_so_only_copies_are_rejected() -> None:
    discs = [disc(radius) for radius in (20.0, 21.0, 22.0, 23.0, 24.0, 25.0)]
    gate = fit_novelty(discs, range(6), 2, [disc(20.5)], np.random.default_rng(0))
    assert gate.facts.rule == "copies"
    assert "resemble each other like copies" in gate.remark()
    assert not gate.judge(discs[0]).passed
    assert gate.judge(disc(30.0)).passed


def test_masks_of_few_groups_do_not_tell_what_is_near() -> None:
    gate = fitted(groups=[0, 0, 0, 1, 1, 1, 2, 2])
    assert gate.facts.rule == "copies"
    assert "masks of 3 group(s)" in gate.remark()


def test_a_blind_gate_holds_no_outline_and_finds_copies_nevertheless() -> None:
    gate = fitted(cells=BLIND)
    assert gate.grids.shape == (8, 16, 16, 2)
    assert all(gate.judge(mask).passed for mask in NEW)
    assert not any(gate.judge(np.ascontiguousarray(mask[:, ::-1])).passed for mask in REAL)


def test_large_masks_are_looked_at_at_256_pixels() -> None:
    assert picture_of(np.ones((600, 300), np.uint8), 2, FINE).shape == (256, 128, 1)


def test_a_gate_is_the_same_from_its_file(gate: NoveltyGate, tmp_path: Path) -> None:
    digest = save_novelty(gate, tmp_path / "gate", MODEL)
    again = load_novelty(tmp_path / "gate", MODEL, 3)
    assert (again.digest, again.facts) == (digest, gate.facts)
    assert [again.judge(mask) for mask in REAL + NEW] == [gate.judge(mask) for mask in REAL + NEW]


def test_a_damaged_gate_and_one_of_another_model_are_refused(gate: NoveltyGate, tmp_path: Path) -> None:
    path = tmp_path / "gate"
    save_novelty(gate, path, MODEL)
    for model, classes, reason in (("1" * 64, 3, "another model"), (MODEL, 4, "masks of uint8")):
        with pytest.raises(ModelError, match=f"not a usable gate .*{reason}.*--gates none"):
            load_novelty(path, model, classes)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ModelError, match="not a usable gate"):
        load_novelty(path, MODEL, 3)
