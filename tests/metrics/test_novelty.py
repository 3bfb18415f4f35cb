"""Copies are found, real items left alone, and the detector says when it cannot tell."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from pairaug.errors import DataError
from pairaug.metrics import matching, novelty, planting
from pairaug.metrics.reduction import one_hot

KINDS = planting.KINDS


def flat(masks: list[np.ndarray]) -> list[np.ndarray]:
    return [one_hot(mask, 2) for mask in masks]


@pytest.fixture(scope="module")
def real(tangles) -> list[np.ndarray]:
    return flat(tangles(11, 20))


@pytest.fixture(scope="module")
def detector(real: list[np.ndarray]) -> novelty.CopyDetector:
    return novelty.CopyDetector(real, None, np.random.default_rng(0))


@pytest.fixture(scope="module")
def powers(detector: novelty.CopyDetector, real: list[np.ndarray]) -> dict[str, novelty.Power]:
    return {power.kind: power for power in detector.power(real, np.random.default_rng(1), holds_labels=True)}


@pytest.mark.parametrize("kind", ["exact", "rigid", "crop", "elastic_1", "elastic_2"])
def test_planted_copies_are_flagged(powers: dict[str, novelty.Power], kind: str) -> None:
    assert powers[kind].found.value >= 0.95
    assert powers[kind].can_tell


def test_every_kind_of_copy_is_planted(powers: dict[str, novelty.Power]) -> None:
    assert tuple(powers) == KINDS


@pytest.mark.parametrize("kind", ["exact", "rigid", "crop", "elastic_1"])
def test_a_copy_names_its_original(detector: novelty.CopyDetector, real: list[np.ndarray], kind: str) -> None:
    rng = np.random.default_rng(2)
    assert [detector.look(planting.plant(real[i], kind, rng, True)).index for i in range(8)] == list(range(8))


def test_unseen_real_items_are_flagged_in_at_most_5_percent(detector: novelty.CopyDetector, tangles) -> None:
    share = novelty.flagged_share((detector.look(p) for p in flat(tangles(99, 100))), ())
    assert share.value <= 0.05
    assert detector.held_out.value <= 0.05


def test_an_exact_copy_is_at_distance_0(detector: novelty.CopyDetector, real: list[np.ndarray]) -> None:
    found = detector.look(real[3])
    assert (found.index, found.flagged) == (3, True)
    assert found.distance == pytest.approx(0, abs=1e-5)


def test_a_copy_in_another_size_is_flagged(detector: novelty.CopyDetector, real: list[np.ndarray]) -> None:
    found = detector.look(np.kron(real[5], np.ones((2, 2, 1), dtype=np.float32)))
    assert (found.index, found.flagged) == (5, True)


def test_an_empty_mask_is_no_copy_even_of_an_empty_one(real: list[np.ndarray]) -> None:
    empty = np.zeros_like(real[0])
    found = novelty.CopyDetector([*real, empty, empty], None, np.random.default_rng(0)).look(empty)
    assert found == novelty.Nearest(None, None, None, float("-inf"), False)


def test_siblings_within_a_group_do_not_raise_the_threshold(real: list[np.ndarray]) -> None:
    rng = np.random.default_rng(3)
    siblings = [planting.plant(picture, "elastic_1", rng, True) for picture in real[:5]]
    grouped = novelty.CopyDetector([*real, *siblings], [*range(20), *range(5)], rng)
    assert grouped.linked == ()
    assert grouped.calibration.threshold < 5
    assert grouped.held_out.value <= 0.1


def test_near_duplicates_among_the_real_items_are_listed_and_count_as_one_group(real: list[np.ndarray]) -> None:
    rng = np.random.default_rng(4)
    twin = planting.plant(real[7], "elastic_1", rng, True)
    found = novelty.CopyDetector([*real, twin], None, rng)
    assert found.linked == ((7, 20),)
    assert found.look(planting.plant(real[2], "rigid", rng, True)).flagged


def test_where_copies_cannot_be_told_the_answer_is_none_not_0() -> None:
    blind = novelty.Power("rigid", novelty.wilson(8, 10), can_tell=False)
    seeing = novelty.Power("exact", novelty.wilson(10, 10), can_tell=True)
    clean = [novelty.Nearest(0, "whole", 0.9, 0.0, False)] * 4
    assert novelty.flagged_share(clean, [seeing, blind]) == novelty.Share(None, None, None, 4)
    assert novelty.flagged_share(clean, [seeing]).value == 0
    assert novelty.flagged_share(clean, [seeing, blind], needed=("exact",)).value == 0


def test_a_detector_of_likenesses_finds_no_power_in_blobs_that_are_all_alike() -> None:
    rng = np.random.default_rng(5)
    rows, columns = np.indices((64, 64))
    discs = [((rows - 32) ** 2 + (columns - 32) ** 2 < rng.uniform(14, 15) ** 2).astype(int) for _ in range(12)]
    detector = novelty.CopyDetector(flat(discs), None, rng)
    powers = detector.power(flat(discs), rng, holds_labels=True)
    assert not {power.kind: power for power in powers}["elastic_2"].can_tell


def test_too_few_groups_are_refused_with_the_remedy(real: list[np.ndarray]) -> None:
    with pytest.raises(DataError, match="give at least 4"):
        novelty.CopyDetector(real[:6], [0, 0, 1, 1, 2, 2], np.random.default_rng(0))


def test_memory_does_not_grow_with_the_number_of_queries(
    detector: novelty.CopyDetector, real: list[np.ndarray]
) -> None:
    def peak(count: int) -> int:
        tracemalloc.start()
        novelty.flagged_share((detector.look(np.roll(real[0], i, 0)) for i in range(count)), ())
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(1)
    assert peak(30) < 1.2 * peak(3)


def test_wilson_of_ten_hits_in_fifty() -> None:
    """Golden numbers: the closed formula by hand with z = 1.96, (0.112, 0.330) to three places."""
    found = novelty.wilson(10, 50)
    assert (found.value, found.low, found.high) == (
        0.2,
        pytest.approx(0.1124, abs=1e-4),
        pytest.approx(0.3304, abs=1e-4),
    )
    assert novelty.wilson(0, 20).low == 0
    assert novelty.wilson(0, 20, independent=10).high > novelty.wilson(0, 20).high
    assert novelty.wilson(0, 0).value is None


@pytest.mark.parametrize("turn", range(8))
def test_every_flip_and_turn_is_at_distance_0(turn: int, tangles) -> None:
    picture = flat(tangles(6, 1))[0]
    turned = np.rot90(picture, turn % 4)[:, :: -1 if turn > 3 else 1]
    assert matching.Matcher([picture]).distances(np.ascontiguousarray(turned))[:2] == pytest.approx(0, abs=1e-5)


def test_a_shift_by_half_a_grid_cell_is_forgiven(tangles) -> None:
    picture = flat([np.kron(mask, np.ones((2, 2), dtype=int)) for mask in tangles(9, 1)])[0]
    moved = np.roll(picture, 192 // matching.WHOLE_SIDE // 2 + 1, axis=0)  # 2 of the 3 px of a cell
    assert matching.Matcher([picture]).distances(moved)[0] < 0.06


def test_an_empty_reference_is_at_no_distance_from_anything(tangles) -> None:
    picture = flat(tangles(9, 1))[0]
    found = matching.Matcher([picture, np.zeros_like(picture)]).distances(picture)
    assert np.isfinite(found[:, 0]).all()
    assert np.isnan(found[:, 1]).all()


def test_unrelated_masks_are_far_apart(tangles) -> None:
    first, second = flat(tangles(7, 2))
    assert matching.Matcher([first]).distances(second).min() > 0.3


def test_an_elastic_field_has_the_stated_length_and_no_side_effect_of_size() -> None:
    for height, width in ((64, 64), (50, 200)):
        field = planting.elastic_field(height, width, 0.02, np.random.default_rng(0))
        length = np.sqrt((field**2).sum(axis=0).mean())
        assert field.shape == (2, height, width)
        assert length == pytest.approx(0.02 * max(height, width))


def test_planted_masks_hold_no_value_in_between(tangles) -> None:
    picture = flat(tangles(8, 1))[0]
    for kind in KINDS:
        assert set(np.unique(planting.plant(picture, kind, np.random.default_rng(0), True))) <= {0.0, 1.0}


def test_whoever_listens_can_end_the_work_between_any_two_pictures(real: list[np.ndarray]) -> None:
    class Over(Exception):
        pass

    asked = 0
    last = len(real) + 3

    def between() -> None:
        nonlocal asked
        asked += 1
        if asked == last:
            raise Over

    detector = novelty.CopyDetector(real, None, np.random.default_rng(0), between=between)
    assert asked == len(real)
    with pytest.raises(Over):
        detector.power(real, np.random.default_rng(1), holds_labels=True)
    last = asked + 2
    with pytest.raises(Over):
        novelty.CopyDetector(real, None, np.random.default_rng(0), between=between)
    assert asked == last
