"""The manner of another picture: levels and grain are the donor's, places stay."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from pairaug.models import restyling
from pairaug.models.restyling import Manner, restyled

Picture = np.ndarray


@pytest.fixture(autouse=True)
def _full_strength(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restyling, "STRENGTHS", (1.0, 1.0))


def smooth(seed: int, channels: int = 3, size: tuple[int, int] = (120, 150)) -> Picture:
    """Broad patches in [-0.6, 0.6] without grain."""
    rng = np.random.default_rng(seed)
    picture = ndimage.gaussian_filter(rng.normal(size=(channels, *size)), (0, 8, 8))
    return (0.6 * picture / np.abs(picture).max()).astype(np.float32)


def grainy(seed: int, deviation: float = 0.1) -> Picture:
    picture = smooth(seed)
    return picture + np.random.default_rng(seed + 100).normal(0, deviation, picture.shape).astype(np.float32)


def test_the_levels_become_the_donors() -> None:
    donor = smooth(1) * 0.3 + np.array([0.5, -0.2, 0.1], np.float32)[:, None, None]
    found = restyled(smooth(0), Manner.of(donor), np.random.default_rng(0))
    for share in (0.05, 0.5, 0.95):
        wanted = np.quantile(donor, share, axis=(1, 2))
        assert np.abs(np.quantile(found, share, axis=(1, 2)) - wanted).max() < 0.02


def test_ranks_and_so_places_stay() -> None:
    picture = smooth(0)
    found = restyled(picture, Manner.of(smooth(1) * 0.5), np.random.default_rng(0))
    for own, new in zip(picture, found, strict=True):
        assert np.corrcoef(own.ravel().argsort().argsort(), new.ravel().argsort().argsort())[0, 1] > 0.999


def test_a_smooth_picture_gets_the_donors_grain_and_a_grainy_one_loses_it() -> None:
    def grain(picture: Picture) -> float:
        return float((picture - ndimage.gaussian_filter(picture, (0, 1, 1))).std())

    rough, even = grainy(2), smooth(3)
    assert grain(restyled(even, Manner.of(rough), np.random.default_rng(0))) == pytest.approx(grain(rough), rel=0.2)
    assert grain(restyled(rough, Manner.of(even), np.random.default_rng(0))) < 0.5 * grain(rough)


def test_the_same_generator_gives_the_same_bytes_and_the_picture_is_not_touched() -> None:
    picture, manner = smooth(0), Manner.of(grainy(1))
    before = picture.copy()
    first, again = (restyled(picture, manner, np.random.default_rng(5)) for _ in range(2))
    assert np.array_equal(first, again)
    assert np.array_equal(picture, before)
    assert not np.array_equal(first, restyled(picture, manner, np.random.default_rng(6)))


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (64, 64)])
@pytest.mark.parametrize("level", [-1.0, 0.25])
def test_even_pictures_and_tiny_ones_stay_finite(size: tuple[int, int], level: float) -> None:
    even = np.full((1, *size), level, np.float32)
    for picture, donor in ((even, grainy(0)[:1]), (grainy(0)[:1], even), (even, even)):
        found = restyled(picture, Manner.of(donor), np.random.default_rng(0))
        assert found.shape == picture.shape
        assert np.isfinite(found).all()
        assert np.abs(found).max() <= 1
