"""What happens to synthetic draws: objects stay whole and keep their labels, colours become a donor's, and no more."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import get_args, overload

import numpy as np
import pytest
import torch
from scipy.ndimage import binary_dilation

from pairaug.segmenter import batches, recolouring
from pairaug.segmenter.base import Change, Example, Recipe
from pairaug.segmenter.batches import Batches, Walk
from pairaug.segmenter.changes import change_of
from pairaug.segmenter.frames import Frame, Frames, KeptFrames, to_frame, to_picture
from pairaug.segmenter.pasting import SCALE, WINDOW, Paster, cut, parts_of
from pairaug.segmenter.recolouring import amplitudes, matched, quantiles, swapped

CHANGES: tuple[Change, ...] = get_args(Change)
SEEDS = range(12)


def disc(height: int, width: int, row: int, column: int, radius: float) -> np.ndarray:
    rows, columns = np.ogrid[:height, :width]
    return (rows - row) ** 2 + (columns - column) ** 2 <= radius**2


def cell(seed: int, height: int = 90, width: int = 110) -> Example:
    """A nucleus (2) in its cytoplasm (1); the picture, in three channels, is brighter with every class."""
    rng = np.random.default_rng(seed)
    row, column = (int(rng.integers(24, size - 24)) for size in (height, width))
    labels = disc(height, width, row, column, 14).astype(np.uint8) + disc(height, width, row + 3, column, 6)
    image = labels[..., None] * 0.4 + rng.random((height, width, 3)) * 0.1
    return Example(image.astype(np.float32), labels.astype(np.uint8))


def textured(seed: int, height: int = 60, width: int = 75) -> np.ndarray:
    """An image with shades, unlike in its channels."""
    rng = np.random.default_rng(seed)
    coarse = rng.random((height // 5, width // 5, 3)).repeat(5, 0).repeat(5, 1)
    return ((0.7 * coarse + 0.3 * rng.random((height, width, 3))) ** [1, 2, 3]).astype(np.float32)


def empty(height: int = 90, width: int = 110) -> Frame:
    return to_frame(Example(np.zeros((height, width, 3), np.float32), np.zeros((height, width), np.uint8)), 110, 3)


def pasted_into(frame: Frame, donors: list[Example], seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The grey picture and the shares."""
    found = Paster(Frames(donors, 110, 3)).pasted(frame, np.random.default_rng(seed))
    planes = found.planes.astype(np.float32)
    assert found.planes.shape == frame.planes.shape
    assert np.isin(np.flatnonzero(planes[3] < 0.49), found.foreground).all()
    assert planes[3].ravel()[found.foreground].max(initial=0) < 0.51
    return planes[:3].mean(axis=0), planes[3:]


@pytest.mark.parametrize("seed", SEEDS)
def test_pasted_labels_lie_on_pasted_pixels(seed: int) -> None:
    picture, shares = pasted_into(empty(), [cell(1), cell(2)], seed)
    assert (shares[1:].sum(axis=0) > 0.9).sum() > 50
    brightness = [picture[share > 0.95] for share in shares]
    assert np.quantile(brightness[0], 0.99) < np.quantile(brightness[1], 0.05)
    assert np.quantile(brightness[1], 0.95) < np.quantile(brightness[2], 0.05)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_nucleus_moves_inside_its_cytoplasm(seed: int) -> None:
    labels = pasted_into(empty(), [cell(1)], seed)[1].argmax(axis=0)
    assert (labels == 1).sum() > 20
    around = binary_dilation(labels == 2, np.ones((3, 3)))
    assert not (labels[around] == 0).any()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_pasted_object_replaces_what_lies_below_it(seed: int) -> None:
    below = to_frame(Example(np.zeros((90, 110, 3), np.float32), np.ones((90, 110), np.uint8)), 110, 3)
    labels = np.where(disc(90, 110, 45, 50, 15), 2, 0).astype(np.uint8)
    _, shares = pasted_into(below, [Example(labels[..., None].repeat(3, 2) / np.float32(2), labels)], seed)
    assert (shares[2] > 0.99).sum() > 50
    assert np.allclose(shares[1], 1 - shares[2], atol=2e-3)
    assert np.allclose(shares[0], 0, atol=2e-3)


def test_objects_come_from_other_frames_and_from_the_frame_itself_where_there_is_no_other() -> None:
    both = [cell(1), Example(np.ones((90, 110, 3), np.float32), (cell(2).labels > 0).astype(np.uint8))]
    both[1].image[both[1].labels > 0] = 0
    own = to_frame(both[0], 110, 3)
    for seed in SEEDS:
        had = int((own.planes[5] > 0.5).sum())
        assert (pasted_into(own, both, seed)[1][2] > 0.5).sum() <= had  # nuclei are in the first alone
    assert max((pasted_into(own, both[:1], seed)[1][2] > 0.5).sum() for seed in SEEDS) > 1.4 * had


@pytest.mark.parametrize("seed", SEEDS)
def test_of_a_tree_a_window_is_pasted(seed: int) -> None:
    labels = np.zeros((110, 110), np.uint8)
    labels[::12, 2:108] = labels[2:108, ::18] = 1
    tree = Example(labels[..., None].repeat(3, 2).astype(np.float32), labels)
    _, shares = pasted_into(empty(110, 110), [tree], seed)
    pixels = (shares[1] > 0.5).sum()
    largest = 3 * np.pi / 4 * (SCALE[1] * WINDOW[1] * 110) ** 2
    assert 0 < pixels < 0.35 * largest  # a fifth of a window is tree


@pytest.mark.parametrize("change", CHANGES)
def test_pairs_without_any_object_are_drawn_as_well(change: Change) -> None:
    nothing = [Example(textured(seed), np.zeros((60, 75), np.uint8)) for seed in range(3)]
    recipe = Recipe(nothing, nothing, 0.5, change=change, donors=[textured(9)])
    pictures, shares = next(Batches(recipe, 75, 3, KeptFrames()).draw(4, 0))
    assert torch.isfinite(pictures).all()
    assert float(shares[:, 0].min()) > 0.99


def test_matched_levels_have_the_quantiles_of_the_donor_and_keep_their_order() -> None:
    donor = to_picture(textured(1), 75).transpose(2, 0, 1)
    frame = to_frame(cell(0), 110, 3)
    before = frame.planes[:3]
    after = matched(before, quantiles(np.ascontiguousarray(donor)))
    levels = np.linspace(0.02, 0.98, 33)
    for old, new, wanted in zip(before, after, donor, strict=True):
        assert np.abs(np.quantile(new, levels) - np.quantile(wanted, levels)).max() < 0.03
        assert (np.diff(new.ravel()[np.argsort(old.ravel(), kind="stable")]) >= 0).all()
    assert np.abs(np.quantile(before[0], levels) - np.quantile(donor[0], levels)).max() > 0.3


@pytest.mark.parametrize("strength", [0.4, 1.0])
def test_a_swap_takes_low_amplitudes_from_the_donor_and_keeps_every_phase(strength: float) -> None:
    picture, donor = (np.ascontiguousarray(to_picture(textured(s), 75).transpose(2, 0, 1)) for s in (1, 2))
    found = swapped(picture, amplitudes(donor), 0.1, strength)
    old, new, other = (np.fft.rfft2(planes.astype(np.float64)) for planes in (picture, found, donor))
    large = np.abs(old) > 1e-2 * np.abs(old).max()
    large[:, 0, 0] = False
    assert np.abs(np.angle(new[large] / old[large])).max() < 1e-3
    rows = np.r_[-6:7]
    inside = np.zeros(old.shape, bool)
    inside[:, rows[:, None], np.arange(7)] = True
    inside[:, 0, 0] = False
    wanted = np.where(inside, (1 - strength) * np.abs(old) + strength * np.abs(other), np.abs(old))
    ratio = np.abs(new)[large] / wanted[large]
    assert ratio == pytest.approx(np.median(ratio), rel=1e-3)


def test_a_swap_takes_over_the_balance_of_the_channels() -> None:
    reddish, bluish = (textured(s) * np.array(tint, np.float32) for s, tint in ((1, [1, 0.4, 0.2]), (2, [0.2, 0.4, 1])))
    picture, donor = (np.ascontiguousarray(to_picture(one, 75).transpose(2, 0, 1)) for one in (reddish, bluish))
    found = swapped(picture, amplitudes(donor), 0.05, 1.0).mean(axis=(1, 2))
    assert np.argmax(picture.mean(axis=(1, 2))) == 0
    assert np.corrcoef(found, donor.mean(axis=(1, 2)))[0, 1] > 0.99


@pytest.mark.parametrize("shape", [(60, 75), (20, 75), (75, 9), (75, 2), (1, 75)])
def test_donors_of_any_shape_recolour_and_leave_the_labels_alone(shape: tuple[int, int]) -> None:
    donor = np.random.default_rng(0).random((*shape, 3)).astype(np.float32)
    for change, example in itertools.product(CHANGES[2:], (cell(0), cell(1, 160, 50))):
        frame, kept = to_frame(example, 110, 3), KeptFrames()
        recipe = Recipe([example], change=change, donors=[donor])
        found = change_of(recipe, kept.of(recipe.real, 110, 3), 110, kept)(frame, np.random.default_rng(0))
        assert np.array_equal(found.planes[3:], frame.planes[3:])
        assert np.array_equal(found.foreground, frame.foreground)
        assert np.isfinite(found.planes).all()
        assert not np.array_equal(found.planes[:3], frame.planes[:3])


class Lazy(Sequence[np.ndarray]):
    """Images that count how often each is decoded."""

    def __init__(self) -> None:
        self.decoded: Counter[int] = Counter()

    def __len__(self) -> int:
        return 3

    @overload
    def __getitem__(self, index: int) -> np.ndarray: ...
    @overload
    def __getitem__(self, index: slice) -> list[np.ndarray]: ...
    def __getitem__(self, index: int | slice) -> np.ndarray | list[np.ndarray]:
        assert isinstance(index, int)
        self.decoded[index] += 1
        return textured(index)


@pytest.mark.parametrize("change", CHANGES[2:])
def test_donors_are_decoded_once_for_all_fits_while_memory_allows(
    change: Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    donors, pairs, kept = Lazy(), [cell(0)], KeptFrames()
    recipe = Recipe(pairs, pairs, 0.5, change=change, donors=donors)
    for _ in range(2):
        drawing = Batches(recipe, 110, 3, kept).draw(8, 0)
        for _ in range(6):
            next(drawing)
    assert donors.decoded == {0: 1, 1: 1, 2: 1}
    monkeypatch.setattr(recolouring, "KEPT_BYTES", 0)
    next(Batches(recipe, 110, 3, KeptFrames()).draw(8, 0))
    assert donors.decoded.total() == 3 + 4


def test_a_change_without_donors_is_refused() -> None:
    with pytest.raises(ValueError, match="histogram matching takes colours from donors"):
        Batches(Recipe([cell(0)], change="histogram matching"), 110, 3, KeptFrames())


@pytest.mark.parametrize("change", CHANGES)
def test_equal_seeds_give_equal_bytes_and_a_change_moves_nothing_that_is_real(change: Change) -> None:
    real, synthetic = [cell(seed) for seed in range(3)], [cell(seed) for seed in range(3, 5)]
    recipe = Recipe(real, synthetic, 0.5, change=change, donors=[textured(8), textured(9)])

    def drawn(recipe: Recipe, seed: int) -> list[torch.Tensor]:
        return [
            torch.cat(batch, 1) for batch in itertools.islice(Batches(recipe, 110, 3, KeptFrames()).draw(4, seed), 3)
        ]

    first, again, other = (torch.stack(drawn(recipe, seed)) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    unchanged = torch.stack(drawn(replace(recipe, change="none"), 1))
    assert torch.equal(unchanged[:, 2:, 3:], first[:, 2:, 3:])
    assert torch.equal(unchanged[:, :2], first[:, :2]) == (change == "none")


@pytest.mark.parametrize(("first", "last"), [(0.5, 0.0), (1.0, 0.25), (0.0, 0.5), (0.5, 0.5), (1.0, 1.0)])
def test_the_share_falls_in_a_straight_line_to_the_last_one(
    first: float, last: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts: Counter[str] = Counter()

    class Counted(Walk):
        def next(self, wanted: int, beside: Sequence[int] = ()) -> list[int]:
            counts["real" if self._count == 1 else "synthetic"] += wanted
            return super().next(wanted, beside)

    monkeypatch.setattr(batches, "Walk", Counted)
    small = [Example(np.zeros((32, 32, 3), np.float32), np.zeros((32, 32), np.uint8))] * 3
    recipe = Recipe(small[:1], small[1:], first, "none", last_share=last)
    drawing, of_each = Batches(recipe, 32, 3, KeptFrames()).draw(4, 0, total=41), []
    for _ in range(51):
        before = counts["synthetic"]
        next(drawing)
        of_each.append(counts["synthetic"] - before)
    assert counts.total() == 51 * 4
    line = np.concatenate([np.linspace(first, last, 41), np.full(10, last)])
    assert np.abs(np.cumsum(of_each) - np.floor(np.cumsum(4 * line) + 1e-6)).max() == 0
    settling, before = Batches(recipe, 32, 3, KeptFrames()).draw(4, 0, plain=True), counts["synthetic"]
    for _ in range(10):
        next(settling)
    assert counts["synthetic"] - before == 40 * last


def test_of_two_objects_whose_boxes_overlap_only_one_is_cut() -> None:
    labels = np.zeros((60, 60), np.uint8)
    labels[10:50, 10:20] = labels[40:50, 10:50] = 1
    labels[12:30, 30:48] = 2
    frame = to_frame(Example(labels[..., None].repeat(3, 2) / np.float32(2), labels), 60, 3)
    parts = parts_of(frame)
    shares = [cut(frame, parts, which, np.random.default_rng(0))[3:].sum(axis=(1, 2)) for which in range(2)]
    assert sorted((float(share[1]), float(share[2])) for share in shares) == [(0.0, 18.0 * 18), (700.0, 0.0)]
