"""What the random features see and what they do not."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import ndimage

from pairaug.metrics import features
from pairaug.metrics.mmd import MmdComparison, compare_mmd


@pytest.fixture(scope="module")
def sets(pictures) -> tuple[list[np.ndarray], list[np.ndarray]]:
    return pictures(1, 16), pictures(2, 16)


@pytest.fixture(scope="module")
def real_features(sets) -> np.ndarray:
    return features.image_set_features(sets[0])


@pytest.fixture(scope="module")
def against_real(real_features) -> Callable[[list[np.ndarray]], MmdComparison]:
    def against(synthetic: list[np.ndarray]) -> MmdComparison:
        both = features.standardise(real_features, features.image_set_features(synthetic), channels=3)
        return compare_mmd(*both, None, np.random.default_rng(0), draws=40, permutations=199)

    return against


def test_fresh_images_of_the_same_kind_score_about_1(sets, against_real) -> None:
    found = against_real(sets[1])
    assert found.ratio.low < 1 < found.ratio.high
    assert found.p > 0.05


def test_blur_raises_mmd(sets, against_real) -> None:
    found = against_real([ndimage.gaussian_filter(image, (0.7, 0.7, 0)) for image in sets[1]])
    assert found.ratio.low > 1.3
    assert found.p < 0.01


def test_sharpened_noise_raises_mmd(sets, against_real) -> None:
    sharp = [np.clip(2 * image - ndimage.gaussian_filter(image, (1, 1, 0)), 0, 1) for image in sets[1]]
    assert against_real(sharp).ratio.low > 1.3


def test_a_swap_of_colour_channels_raises_mmd(sets, against_real) -> None:
    assert against_real([image[..., ::-1] for image in sets[1]]).ratio.low > 1.3


def test_moved_parts_are_not_seen_beyond_the_thumbnail(sets) -> None:
    image = sets[0][0]
    network, octaves, moments, _ = features.block_lengths(3)
    before, after = features.image_features(image), features.image_features(image[:, ::-1])
    blind = slice(network, network + octaves + moments)
    assert before[blind] == pytest.approx(after[blind], abs=1e-5)
    assert np.abs(before - after)[network + octaves + moments :].max() > 1e-3


def test_grey_images_masks_and_any_size_have_features_of_one_length(tangles) -> None:
    mask = tangles(0, 1)[0]
    wide = np.random.default_rng(0).random((70, 333)).astype(np.float32)
    expected = sum(features.block_lengths(1))
    assert features.image_features(wide).shape == features.mask_features(mask, 2).shape == (expected,)
    assert np.isfinite(features.mask_features(np.zeros((40, 40), dtype=int), 2)).all()


def test_features_do_not_touch_or_follow_the_global_random_state(sets) -> None:
    import torch

    first = features.image_features(sets[0][0])
    torch.manual_seed(5)
    state = torch.get_rng_state()
    features.random_network.cache_clear()
    assert (features.image_features(sets[0][0]) == first).all()
    assert torch.equal(state, torch.get_rng_state())


def test_the_digest_names_the_weights_and_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    one, three = features.network_digest(1), features.network_digest(3)
    assert one != three
    assert len(one) == 64
    monkeypatch.setattr(features, "GAIN", 11.0)
    assert features.network_digest(3) != three
    monkeypatch.undo()
    features.random_network.cache_clear()
    assert features.network_digest(3) == three
    monkeypatch.setattr(features, "SEED", 1)
    features.random_network.cache_clear()
    assert features.network_digest(3) != three
    features.random_network.cache_clear()


def test_an_image_outside_of_0_and_1_is_refused_with_its_range() -> None:
    with pytest.raises(ValueError, match=r"lies in \[0, 1\], got \[0, 255\]"):
        features.image_features(np.array([[0.0, 255.0]]))
    with pytest.raises(ValueError, match="uint8"):
        features.image_features(np.zeros((8, 8), dtype=np.uint8))


def test_standardised_blocks_weigh_the_same(real_features) -> None:
    (scaled,) = features.standardise(real_features, channels=3)
    ends = np.cumsum(features.block_lengths(3))
    weights = [part.var(axis=0, ddof=1).sum() for part in np.split(scaled, ends[:-1], axis=1)]
    assert weights == pytest.approx([1, 1, 1, 1], rel=0.05)


def test_unseen_items_of_the_same_kind_are_no_further_away_than_those_that_set_the_scale() -> None:
    """What the deviation of the six real items alone made 1.2 times as far."""
    ratios = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        items = rng.standard_normal((12, sum(features.block_lengths(1))))
        real, others = features.standardise(items[:6], items[6:], channels=1)
        apart = np.linalg.norm(real[:, None] - others[None], axis=2).mean()
        within = np.linalg.norm(real[:, None] - real[None], axis=2).sum() / 30
        ratios.append(apart / within)
    assert np.mean(ratios) == pytest.approx(1, abs=0.06)
