"""Sanity of the whole: real scores like real, copies are flagged, collapse and blur are seen, what is missing is named.

The sets are small and drawn; each is measured once, for several tests.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from pairaug.evaluation.evaluate import PARTS, EvaluationOptions, evaluate, measure, open_sets
from pairaug.evaluation.parts.images import ImageRealism, measure_images
from pairaug.evaluation.parts.masks import MaskRealism, measure_masks
from pairaug.evaluation.parts.novelty import Novelty, measure_novelty
from pairaug.evaluation.views.as_json import as_json
from pairaug.evaluation.views.as_text import as_text
from pairaug.metrics.equal_sizes import Comparison
from pairaug.metrics.neighbours import coverage_floor
from pairaug.metrics.planting import plant
from pairaug.reporting import Reporter
from tests.conftest import Cli
from tests.evaluation.conftest import Whole
from tests.evaluation.sets import REAL, InstantTrainer, draw_masks, drawn, opened, paint, work, write

MEASURED = ("masks", "images", "novelty", "agreement")


def masks_of(real: Path, synthetic: Path, per_mask: int = 1) -> MaskRealism:
    with opened(real, synthetic) as sets:
        return measure_masks(sets.real, sets.synthetic.items, sets.synthetic.masks, per_mask, work(), 0)


def images_of(real: Path, synthetic: Path, per_mask: int = 1) -> ImageRealism:
    with opened(real, synthetic) as sets:
        return measure_images(sets.real, sets.synthetic.items, sets.synthetic.masks, per_mask, work(), 0)


def novelty_of(real: Path, synthetic: Path, derived: Callable[[int], bool] = lambda index: False) -> Novelty:
    with opened(real, synthetic) as sets:
        flags = [derived(index) for index in range(len(sets.synthetic.items))]
        return measure_novelty(sets.real, sets.synthetic.items, flags, work(), 0)


def holds(found: Comparison) -> bool:
    return found.low is not None and found.high is not None and found.low <= 1 <= found.high


def test_real_against_real_scores_about_1_everywhere(whole: Whole) -> None:
    result = whole.result
    ratios = [found for found in result.masks.statistics.values() if found.kind == "ratio"]
    assert len(ratios) >= 9
    assert sum(holds(found) for found in ratios) >= len(ratios) - 1
    assert holds(result.images.mmd.ratio)
    assert result.images.mmd.p > 0.05
    for part in (result.masks, result.images):
        assert part.neighbours.mean.coverage == pytest.approx(part.neighbours.held_out.coverage, abs=0.15)
        assert part.neighbours.low.recall <= part.neighbours.held_out.recall <= part.neighbours.high.recall + 0.1
    assert result.agreement.dice.low <= 1 <= result.agreement.dice.high
    assert result.masks.dice.value == pytest.approx(result.masks.real_dice.value, abs=0.03)


def test_unseen_real_pairs_are_flagged_in_at_most_5_percent(real: Path, folder: Path) -> None:
    found = novelty_of(real, drawn(folder / "unseen", 5, 60))
    assert found.masks.share.value <= 0.05
    assert found.images.share.value <= 0.05
    assert found.masks.held_out.value <= 0.07


@pytest.mark.parametrize("kind", ["exact", "rigid"])
def test_copies_are_flagged_and_name_their_original(real: Path, folder: Path, kind: str) -> None:
    rng = np.random.default_rng(3)
    masks = draw_masks(0, REAL)
    copied, images = [], []
    for mask, image in zip(masks, paint(masks, 0), strict=True):
        both = np.stack([mask, image], axis=-1).astype(np.float32)
        moved = plant(both, kind, rng, holds_labels=True)
        copied.append(moved[..., 0].astype(np.int64))
        images.append(moved[..., 1].astype(np.uint8))
    found = novelty_of(real, write(folder / kind, copied, images))
    for search in (found.masks, found.images):
        assert search.share.value >= 0.99
        assert [nearest.index for nearest in search.nearest] == list(range(REAL))
        assert len(search.suspects) == REAL


def test_declared_masks_are_counted_apart_their_images_are_not(real: Path) -> None:
    found = novelty_of(real, real, derived=lambda index: index < 6)
    assert (found.masks.share.count, found.masks.derived.count) == (REAL - 6, 6)
    assert found.masks.derived.value == 1
    assert (found.images.share.count, found.images.derived.count) == (REAL, 0)


def test_one_mask_repeated_drives_coverage_to_the_floor_and_overlap_to_1(real: Path, folder: Path) -> None:
    mask = draw_masks(9, 1)
    found = masks_of(real, write(folder / "collapsed", mask * 12, paint(mask * 12, 9)))
    half = REAL // 2
    assert found.neighbours.coverage_floor == coverage_floor(half)
    assert found.neighbours.mean.coverage <= coverage_floor(half)
    assert found.neighbours.mean.recall < 0.2
    assert found.dice.value == 1


def test_a_mask_that_has_several_images_on_purpose_counts_once(real: Path, folder: Path) -> None:
    masks = draw_masks(9, 12)
    once = masks_of(real, write(folder / "once", masks, paint(masks, 9)))
    twice = write(folder / "twice", masks * 2, paint(masks * 2, 9))
    assert masks_of(real, twice, per_mask=2).dice == once.dice
    assert masks_of(real, twice).dice.value > once.dice.value


def test_blurred_images_raise_the_ratio(real: Path, other: Path, folder: Path) -> None:
    masks = draw_masks(1, 24)
    blurred = write(folder / "blurred", masks, [ndimage.gaussian_filter(image, 1.0) for image in paint(masks, 1)])
    sharp, soft = images_of(real, other), images_of(real, blurred)
    assert soft.mmd.ratio.low > sharp.mmd.ratio.high
    assert soft.mmd.p < 0.01


def test_more_synthetic_pairs_do_not_move_the_ratio_beyond_its_interval(real: Path, other: Path, folder: Path) -> None:
    more = images_of(real, drawn(folder / "more", 1, 72)).mmd.ratio
    fewer = images_of(real, other).mmd.ratio
    assert fewer.low <= more.value <= fewer.high


def test_one_image_a_mask_is_no_variety_and_several_different_ones_are(real: Path, folder: Path) -> None:
    masks = [mask for mask in draw_masks(4, 6) for _ in range(3)]
    same = images_of(real, write(folder / "same", masks, [i for i in paint(draw_masks(4, 6), 4) for _ in range(3)]))
    assert same.variety.value == pytest.approx(0, abs=1e-6)
    various = images_of(real, write(folder / "various", masks, paint(masks, 4)))
    assert 0.1 < various.variety.low < various.variety.value < various.variety.high
    assert various.variety.masks == 6


def test_a_time_limit_leaves_parts_out_and_names_them(real: Path, other: Path, tmp_path: Path) -> None:
    options = EvaluationOptions(max_minutes=1e-9, cache=tmp_path, segmenter=InstantTrainer())
    found = evaluate(real, other, options)
    assert (found.masks, found.images, found.novelty, found.agreement) == (None, None, None, None)
    reasons = {entry.part: entry.reason for entry in found.not_measured}
    assert all("--max-minutes" in reasons[part] for part in MEASURED)
    assert found.out_of_time


def test_the_time_that_reading_the_sets_took_counts(real: Path, other: Path, tmp_path: Path) -> None:
    options = EvaluationOptions(max_minutes=5, parts=("masks",), cache=tmp_path, segmenter=InstantTrainer())
    with open_sets(real, other, options, Reporter()) as sets:
        assert measure(sets, options, Reporter()).masks is not None
        slow = replace(sets, began=sets.began - 301)
        assert measure(slow, options, Reporter()).masks is None


def test_a_command_that_measured_nothing_says_how_long_is_needed(real: Path, other: Path, cli: Cli) -> None:
    ran = cli("evaluate", real, other, "--max-minutes", 0.0001)
    assert ran.code == 8
    assert "all parts without utility take about" in ran.err
    assert "nothing was measured within --max-minutes 0.0001; give it about" in ran.err


def test_segmenters_that_would_not_fit_into_the_time_are_not_begun(real: Path, other: Path, tmp_path: Path) -> None:
    trainer = InstantTrainer(expected=3600.0)
    options = EvaluationOptions(max_minutes=5, parts=("agreement",), cache=tmp_path, segmenter=trainer, threads=1)
    found = evaluate(real, other, options)
    assert found.agreement is None
    assert "takes about 2.0 h" in next(entry.reason for entry in found.not_measured if entry.part == "agreement")
    assert trainer.recipes == []


def test_the_same_call_gives_the_same_figures_whatever_the_threads(real: Path, other: Path, tmp_path: Path) -> None:
    made = []
    for threads in (1, 3):
        options = EvaluationOptions(
            parts=("images", "agreement"), threads=threads, sample=6, cache=tmp_path, segmenter=InstantTrainer()
        )
        with open_sets(real, other, options, Reporter()) as sets:
            made.append(json.dumps(as_json(measure(sets, options, Reporter()), sets)))
    assert made[0] == made[1]


@pytest.mark.parametrize(("count", "known"), [(1, set()), (3, {"masks", "images"})])
def test_few_real_pairs_give_what_can_be_given(count: int, known: set[str], folder: Path, tmp_path: Path) -> None:
    few = drawn(tmp_path / "few", 0, count)
    options = EvaluationOptions(sample=5, cache=tmp_path, segmenter=InstantTrainer())
    with open_sets(few, drawn(tmp_path / "new", 1, 5), options, Reporter()) as sets:
        result = measure(sets, options, Reporter())
        content = as_json(result, sets)
        assert as_text(result, sets)
    missing = {entry.part for entry in result.not_measured}
    assert "novelty" in missing
    assert ("images" in missing) == (count == 1)
    assert content["masks"]["pairwise_dice"] is not None
    assert bool(content["masks"]["statistics"]) == ("masks" in known)
    assert any(text.startswith(f"only {count} real pairs") for text in result.remarks)


def test_the_parts_are_in_order_of_their_cost() -> None:
    assert PARTS == ("masks", "images", "novelty", "agreement", "utility")
