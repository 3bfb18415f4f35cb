"""Sanity of the whole: real scores like real, copies are flagged, collapse and blur are seen, what is missing is named.

The sets are small and drawn; each is measured once, for several tests.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from pairaug.evaluation.evaluate import PARTS, Evaluation, EvaluationOptions, evaluate, measure, open_sets
from pairaug.evaluation.parts.images import ImageRealism, measure_images
from pairaug.evaluation.parts.masks import MaskRealism, measure_masks
from pairaug.evaluation.parts.novelty import Novelty, measure_novelty
from pairaug.evaluation.views.as_json import as_json
from pairaug.evaluation.views.as_text import as_text
from pairaug.evaluation.views.item_rows import item_rows
from pairaug.evaluation.views.page import Origin, _most_suspicious, page_masks, page_of, read_losses
from pairaug.files import digest_bytes
from pairaug.metrics.equal_sizes import Comparison
from pairaug.metrics.neighbours import coverage_floor
from pairaug.metrics.novelty import Nearest
from pairaug.metrics.planting import plant
from pairaug.report.page.document import render
from pairaug.reporting import Reporter
from tests.conftest import Cli
from tests.evaluation.sets import FakeSource, draw_masks, drawn, opened, paint, work, write

REAL = 16
MEASURED = ("masks", "images", "novelty", "agreement")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("evaluate")


@pytest.fixture(scope="module")
def real(folder: Path) -> Path:
    return drawn(folder / "real", 0, REAL)


@pytest.fixture(scope="module")
def other(folder: Path) -> Path:
    """Pairs from the very same source."""
    return drawn(folder / "other", 1, 24)


@pytest.fixture(scope="module")
def whole(folder: Path, real: Path, other: Path) -> tuple[Evaluation, dict[str, Any], str, list[dict[str, Any]]]:
    """Everything measured once: the result, and how it reads as JSON, as text and as rows."""
    options = EvaluationOptions(cache=folder / "cache", segmenter=FakeSource())
    with open_sets(real, other, options, Reporter()) as sets:
        result = measure(sets, options, Reporter())
        return result, as_json(result, sets), as_text(result, sets), list(item_rows(result, sets))


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


def test_real_against_real_scores_about_1_everywhere(whole: tuple[Evaluation, Any, Any, Any]) -> None:
    result = whole[0]
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


def test_the_json_has_the_promised_keys_and_is_json(whole: tuple[Any, dict[str, Any], Any, Any]) -> None:
    content = json.loads(json.dumps(whole[1], allow_nan=False))
    assert {"masks", "images", "novelty", "agreement", "utility", "digests", "not_measured"} <= content.keys()
    assert {"statistics", "coverage", "density", "recall", "pairwise_dice"} <= content["masks"].keys()
    for found in content["masks"]["statistics"].values():
        assert {"ratio", "low", "high", "held_out"} <= found.keys()
    assert {"mmd_ratio", "p", "precision", "recall", "density", "coverage", "variety"} <= content["images"].keys()
    names = {"mask_copies", "image_copies", "flagged_share", "held_out_share", "power"}
    assert names <= content["novelty"].keys()
    assert {"dice_ratio", "cldice_ratio", "offset"} <= content["agreement"].keys()
    assert content["utility"] is None
    assert {entry["part"] for entry in content["not_measured"]} == {"utility", "images.variety"}
    assert all(
        content["digests"][name] for name in ("real", "synthetic", "mask_features", "image_features", "segmenter")
    )


def test_statistics_are_named_by_the_label_value(whole: tuple[Any, dict[str, Any], Any, Any]) -> None:
    assert "255/share" in whole[1]["masks"]["statistics"]


def test_the_text_answers_first_and_names_what_is_missing(whole: tuple[Any, Any, str, Any]) -> None:
    lines = whole[2].splitlines()
    assert [line.split("?")[0] for line in lines[2:7]] == ["new", "real", "varied", "fits its masks", "does it help"]
    assert lines[2].startswith("new?            cannot tell")  # 0 of 24 flagged may be 13 % of what they stand for
    assert "--utility" in whole[2].split("not measured")[-1]
    assert "cartoon" in whole[2]


def test_every_pair_looked_at_has_a_row(whole: tuple[Any, Any, Any, list[dict[str, Any]]]) -> None:
    rows = whole[3]
    assert [row["file_name"] for row in rows] == [f"images/p{index:03d}.png" for index in range(24)]
    assert all(row["nearest_mask"].startswith("masks/p") for row in rows)
    assert all(0 <= row["agreement"] <= 1 and row["offset"] == [0, 0] for row in rows)
    assert json.dumps(rows, allow_nan=False)


def test_a_time_limit_leaves_parts_out_and_names_them(real: Path, other: Path, tmp_path: Path) -> None:
    options = EvaluationOptions(max_minutes=1e-9, cache=tmp_path, segmenter=FakeSource())
    found = evaluate(real, other, options)
    assert (found.masks, found.images, found.novelty, found.agreement) == (None, None, None, None)
    reasons = {entry.part: entry.reason for entry in found.not_measured}
    assert all("--max-minutes" in reasons[part] for part in MEASURED)
    assert found.out_of_time


def test_a_command_that_measured_nothing_says_how_long_is_needed(real: Path, other: Path, cli: Cli) -> None:
    ran = cli("evaluate", real, other, "--max-minutes", 0.0001)
    assert ran.code == 8
    assert "all parts without utility take about" in ran.err
    assert "nothing was measured within --max-minutes 0.0001; give it about" in ran.err


def test_segmenters_that_would_not_fit_into_the_time_are_not_begun(real: Path, other: Path, tmp_path: Path) -> None:
    source = FakeSource(expected=3600.0)
    options = EvaluationOptions(max_minutes=5, parts=("agreement",), cache=tmp_path, segmenter=source, threads=1)
    found = evaluate(real, other, options)
    assert found.agreement is None
    assert "takes about 2.0 h" in next(entry.reason for entry in found.not_measured if entry.part == "agreement")
    assert source.recipes == []


def test_the_same_call_gives_the_same_figures_whatever_the_threads(real: Path, other: Path, tmp_path: Path) -> None:
    made = []
    for threads in (1, 3):
        options = EvaluationOptions(
            parts=("images", "agreement"), threads=threads, sample=6, cache=tmp_path, segmenter=FakeSource()
        )
        with open_sets(real, other, options, Reporter()) as sets:
            made.append(json.dumps(as_json(measure(sets, options, Reporter()), sets)))
    assert made[0] == made[1]


@pytest.mark.parametrize(("count", "known"), [(1, set()), (3, {"masks", "images"})])
def test_few_real_pairs_give_what_can_be_given(count: int, known: set[str], folder: Path, tmp_path: Path) -> None:
    few = drawn(tmp_path / "few", 0, count)
    options = EvaluationOptions(sample=5, cache=tmp_path, segmenter=FakeSource())
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


def test_the_page_holds_every_part_that_was_measured_and_names_the_others(folder: Path, real: Path) -> None:
    options = EvaluationOptions(
        parts=("novelty", "agreement"), sample=4, cache=folder / "cache", segmenter=FakeSource()
    )
    with open_sets(real, real, options, Reporter()) as sets:
        page = page_of(measure(sets, options, Reporter()), sets, Origin("mine", "made", "pairaug evaluate", folder))
    assert [answer.tone for answer in page.answers] == ["bad", *["not measured"] * 2, "good", "not measured"]
    assert len(page.samples.real) == 8
    assert len(page.suspects) == 8
    assert all(suspect.flagged and suspect.synthetic.name == suspect.nearest.name for suspect in page.suspects)
    assert {gap.part for gap in page.gaps} == {"masks", "images", "utility", "losses"}
    text = render(page)
    assert "mine" in text
    assert "<script" not in text


def test_the_pages_distributions_and_scores_are_those_measured(whole: tuple[Evaluation, Any, Any, Any]) -> None:
    masks = page_masks(whole[0].masks, ["255"])
    assert [one.name for one in masks.distributions][:2] == ["share of the picture", "connected parts"]
    assert masks.distributions[0].real.shape == (REAL,)
    assert masks.distributions[0].synthetic.shape == (24,)
    assert {score.name for score in masks.scores} == {"coverage", "density", "recall", "pairwise Dice"}


def test_loss_histories_are_read_from_the_models_folder(tmp_path: Path) -> None:
    (tmp_path / "translator").mkdir()
    rows = [{"images": 5, "epoch": 1.0, "l1": 0.5}, {"images": 10, "epoch": 2.0, "l1": 0.25, "gan": 1.0}]
    (tmp_path / "translator/history.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "translator/model.safetensors").write_bytes(b"weights")
    manifest = {"models": {"translator": {"sha256": digest_bytes(b"weights")}}}
    (found,) = read_losses(tmp_path, manifest)
    assert (found.model, found.x.tolist()) == ("translator", [5, 10])
    assert found.losses["l1"].tolist() == [0.5, 0.25]
    assert np.isnan(found.losses["gan"][0])
    assert list(read_losses(tmp_path / "nowhere", manifest)) == []
    assert list(read_losses(tmp_path, None)) == []
    assert list(read_losses(tmp_path, {"models": {"translator": {"sha256": digest_bytes(b"others")}}})) == []
    (tmp_path / "translator/history.jsonl").write_text('{"images": "x", "l1": 1.0}\n')
    (found,) = read_losses(tmp_path, manifest)
    assert np.isnan(found.x).all()


def test_the_suspects_shown_are_of_different_real_items_before_two_are_of_one() -> None:
    nearest = [
        Nearest(index=real, view="whole", distance=0.1, score=score, flagged=True)
        for real, score in ((0, 9.0), (0, 8.0), (1, 3.0), (0, 7.0), (2, 2.0))
    ]
    nearest.append(Nearest(None, None, None, float("-inf"), False))
    assert _most_suspicious(SimpleNamespace(nearest=nearest)) == [0, 2, 4, 1, 3]  # type: ignore[arg-type]
