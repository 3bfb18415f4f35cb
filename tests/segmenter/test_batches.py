"""What a fit is shown: frames, crops deformed alike in picture and labels, and how often each pair is drawn."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch

from pairaug.pairs.drawing import draw_fundus_pair
from pairaug.reporting import Reporter
from pairaug.segmenter import augment, batches
from pairaug.segmenter.augment import Augmenter, Draw
from pairaug.segmenter.base import Augmentation, Example, Recipe
from pairaug.segmenter.fit import (
    SETTLING,
    fit_segmenter,
)
from pairaug.segmenter.frames import SETS, Frames, KeptFrames, size_at, to_frame, working_side
from pairaug.segmenter.presets import Preset
from tests.segmenter.drawn import as_labels, blobs


@pytest.mark.parametrize("augmentation", ["none", "classical", "classical and warped"])
def test_picture_and_labels_are_deformed_alike(augmentation: Augmentation) -> None:
    """A picture that is its own mask stays so; intensity changes are switched off by looking at the shares' sum too."""
    labels = as_labels(draw_fundus_pair(np.random.default_rng(3), side=96)[1])
    frame = to_frame(Example(labels[..., None].astype(np.float32), labels), 96, 2)
    augmenter = Augmenter((96, 96), augmentation)
    pictures, shares = augmenter.crops([Draw(frame, (0.5, 0.5))] * 12, np.random.default_rng(0))
    for picture, share in zip(pictures[:, 0], shares[:, 1], strict=True):
        inside, outside = picture[share > 0.9].mean(), picture[share < 0.1].mean()
        assert inside > outside + 0.5
        assert np.corrcoef(picture.ravel(), share.ravel())[0, 1] > 0.75
    assert torch.allclose(shares.sum(dim=1), torch.ones(12, 96, 96), atol=1e-3)


def test_without_augmentation_a_whole_crop_is_the_frame() -> None:
    example = blobs(1, 1)[0]
    frame = to_frame(example, 64, 3)
    pictures, shares = Augmenter((64, 64), "none").crops([Draw(frame, (0.5, 0.5))], np.random.default_rng(0))
    planes = torch.from_numpy(frame.planes.astype(np.float32))
    assert torch.allclose(torch.cat([pictures[0], shares[0]]), planes, atol=1e-3)


def test_the_deformations_of_a_step_do_not_depend_on_what_the_pictures_hold() -> None:
    """Two arms with one seed: the labels of the same real pair are deformed alike, whatever else is in the set."""
    real = to_frame(blobs(1, 1)[0], 64, 3)
    others = [to_frame(example, 64, 3) for example in blobs(2, 2)]
    augmenter = Augmenter((64, 64), "classical")
    crops = [
        augmenter.crops([Draw(other, (0.5, 0.5)), Draw(real, (0.5, 0.5))], np.random.default_rng(4))[1][1]
        for other in others
    ]
    assert torch.equal(crops[0], crops[1])


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 1.0])
def test_the_share_of_synthetic_draws_is_the_share_asked_for(share: float, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: Counter[str] = Counter()
    real, synthetic = blobs(0, 3), blobs(1, 5)
    crops = Augmenter.crops

    def counted(self: Augmenter, draws: list[Draw], rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        for draw in draws:
            drawn["synthetic" if any(draw.frame is frame for frame in kept) else "real"] += 1
        return crops(self, draws, rng)

    kept: list[object] = []
    made = Frames.__getitem__

    def remembered(self: Frames, index: int) -> object:
        frame = made(self, index)
        if len(self) == len(synthetic):
            kept.append(frame)
        return frame

    monkeypatch.setattr(Frames, "__getitem__", remembered)
    monkeypatch.setattr(Augmenter, "crops", counted)
    preset = Preset("short", 10, 10, 4, 4, 1e-3, 0.1)
    fit_segmenter(Recipe(real, synthetic, share), 3, preset, 0, Reporter())
    assert drawn.total() == 4 * (10 + SETTLING)
    assert drawn["synthetic"] == share * drawn.total()


def test_every_example_is_drawn_equally_often() -> None:
    walk = batches.Walk(4, np.random.default_rng(0))
    counts = Counter(index for _ in range(10) for index in walk.next(2))
    assert counts == dict.fromkeys(range(4), 5)


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_no_pair_stands_twice_in_a_batch_while_there_are_others(size: int) -> None:
    walk, rng = batches.Walk(5, np.random.default_rng(0)), np.random.default_rng(1)
    counts: Counter[int] = Counter()
    for _ in range(200):
        beside = [int(rng.integers(5))]
        found = walk.next(size, beside)
        assert len({*found, *beside}) == size + 1
        counts.update(found)
    assert max(counts.values()) - min(counts.values()) <= 0.15 * counts.total()


def test_a_batch_larger_than_the_set_shows_every_pair_about_as_often() -> None:
    counts = Counter(batches.Walk(3, np.random.default_rng(0)).next(8, beside=[1]))
    assert sorted(counts.values()) == [2, 3, 3]


def test_copies_of_the_real_pairs_are_others_than_those_that_stand_beside_them(monkeypatch: pytest.MonkeyPatch) -> None:
    real = blobs(0, 5)
    crops, seen = Augmenter.crops, []

    def looked_at(self: Augmenter, draws: list[Draw], rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        seen.append(len({id(draw.frame) for draw in draws}))
        return crops(self, draws, rng)

    monkeypatch.setattr(Augmenter, "crops", looked_at)
    drawn = batches.Batches(Recipe(real, real, 0.5), 64, 3, KeptFrames()).draw(4, 0)
    for _ in range(30):
        next(drawn)
    assert seen == [4] * 30


def test_frames_beyond_the_memory_allowed_are_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    examples = blobs(0, 3)
    frames = Frames(examples, 64, 3)
    size = frames[0].planes.nbytes + frames[0].foreground.nbytes
    monkeypatch.setattr("pairaug.segmenter.frames.KEPT_BYTES", size)
    frames = Frames(examples, 64, 3)
    assert frames[0] is frames[0]
    assert frames[1] is not frames[1]
    assert np.array_equal(frames[1].planes, to_frame(examples[1], 64, 3).planes)


def test_kept_frames_are_made_once_for_a_set_of_examples_and_given_up_for_later_sets() -> None:
    sets = [blobs(seed, 2) for seed in range(SETS + 1)]
    kept = KeptFrames()
    first = kept.of(sets[0], 64, 3)
    assert kept.of(sets[0], 64, 3) is first
    assert kept.of(sets[0], 32, 3) is not first
    assert kept.of(list(sets[0]), 64, 3) is not first
    for others in sets[1:]:
        kept.of(others, 64, 3)
    assert kept.of(sets[0], 64, 3) is not first


def test_thin_structures_get_a_larger_frame_than_thick_ones() -> None:
    rows = np.arange(1200)
    thin, thick = ((rows // width % 12 == 0)[None].repeat(1200, 0).astype(np.uint8) for width in (8, 60))
    image = np.zeros((1200, 1200, 1), np.float32)
    assert working_side([Example(image, thin)], 2) > 1.5 * working_side([Example(image, thick)], 2)


def test_a_frame_keeps_the_aspect_and_each_class_its_area() -> None:
    example = blobs(3, 1, height=90, width=150)[0]
    frame = to_frame(example, 50, 3)
    assert frame.planes.shape[1:] == size_at((90, 150), 50) == (30, 50)
    for value in range(3):
        assert frame.planes[-3 + value].mean() == pytest.approx((example.labels == value).mean(), abs=2e-3)


def test_a_crop_at_any_place_is_sampled_as_from_the_whole_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the part that a crop reads is converted: also where it reaches far beyond the frame, and is reflected."""
    found = []
    frame = to_frame(blobs(2, 1, height=90, width=150)[0], 150, 3)
    for whole in (False, True):
        if whole:
            monkeypatch.setattr(augment, "_needed", lambda places, size: slice(0, size))
        augmenter = Augmenter((64, 160), "classical and warped")
        draws = [Draw(frame, (row, column)) for row in (0.0, 0.3, 1.0) for column in (0.1, 0.9)]
        found.append(torch.cat(augmenter.crops(draws, np.random.default_rng(0)), dim=1))
    assert torch.allclose(*found, atol=1e-3)
