"""How an evaluation reads: as JSON with the promised keys, as text, as rows, and as the data of its page."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from pairaug.evaluation.evaluate import EvaluationOptions, measure, open_sets
from pairaug.evaluation.parts.images import ImageRealism
from pairaug.evaluation.parts.masks import NEIGHBOURS
from pairaug.evaluation.views.as_json import as_json
from pairaug.evaluation.views.as_text import as_text
from pairaug.evaluation.views.page import Invocation, _most_suspicious, page_of, read_losses
from pairaug.files import digest_bytes
from pairaug.metrics.novelty import Nearest
from pairaug.report.figure import Figure
from pairaug.report.page.document import render
from pairaug.reporting import Reporter
from tests.evaluation.conftest import Whole
from tests.evaluation.sets import REAL, InstantTrainer, opened
from tests.evaluation.utility.fakes import DrawnCase, NoCopies, untold

KEYS = Path(__file__).with_name("json_keys.txt")


def keys_of(content: Any, path: str = "") -> Iterator[str]:
    """A line a value, in order: the keys that lead to it; ``[]`` stands for every entry of a list."""
    if isinstance(content, dict):
        for key, value in content.items():
            yield from keys_of(value, f"{path}.{key}" if path else key)
    elif isinstance(content, list) and content and isinstance(content[0], dict | list):
        yield from dict.fromkeys(line for value in content for line in keys_of(value, f"{path}[]"))
    else:
        yield path


def test_the_keys_of_the_json_and_their_order_are_a_promise(
    whole: Whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``json_keys.txt`` was written by the first version; keys may be added on purpose, never renamed or moved."""
    from pairaug.evaluation.utility import sides

    monkeypatch.setattr(sides, "Detector", NoCopies)
    monkeypatch.setattr(sides, "scenario_of", untold)
    case = DrawnCase(tmp_path / "cells")
    utility = case.measure(case.trainer(gain={0.5: 0.03}), seeds=2).to_json()
    assert list(keys_of({**whole.content, "utility": utility})) == KEYS.read_text().splitlines()


def test_a_key_that_is_renamed_or_moved_is_noticed() -> None:
    assert list(keys_of({"a": {"b": 1, "c": [{"d": 1}, {"d": 2}]}})) == ["a.b", "a.c[].d"]
    assert list(keys_of({"b": 1, "a": 2})) != list(keys_of({"a": 2, "b": 1}))


def test_the_json_has_the_promised_keys_and_is_json(whole: Whole) -> None:
    content = json.loads(json.dumps(whole.content, allow_nan=False))
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


def test_statistics_are_named_by_the_label_value(whole: Whole) -> None:
    assert "255/share" in whole.content["masks"]["statistics"]


def test_the_text_answers_first_and_names_what_is_missing(whole: Whole) -> None:
    lines = whole.text.splitlines()
    asked = [line.split("?")[0] for line in lines if re.match(r"[a-z ]+\? ", line)]
    assert asked == ["new", "real", "varied", "fits its masks", "does it help"]
    assert lines[2].startswith("new?            cannot tell")  # 0 of 24 flagged may be 13 % of what they stand for
    assert "--utility" in whole.text.split("not measured")[-1]
    assert "cartoon" in whole.text


def test_every_pair_looked_at_has_a_row(whole: Whole) -> None:
    rows = whole.rows
    assert [row["file_name"] for row in rows] == [f"images/p{index:03d}.png" for index in range(24)]
    assert all(row["nearest_mask"].startswith("masks/p") for row in rows)
    assert all(0 <= row["agreement"] <= 1 and row["offset"] == [0, 0] for row in rows)
    assert json.dumps(rows, allow_nan=False)
    page = (Path(__file__).parents[2] / "examples/reference/json.md").read_text()
    told = page.partition("`--out-items FILE` writes a row")[2].partition("\n\n")[0]
    assert re.findall(r"`(\w+)`", told) == list(rows[0])


def test_the_page_holds_every_part_that_was_measured_and_names_the_others(folder: Path, real: Path) -> None:
    options = EvaluationOptions(
        parts=("novelty", "agreement"), sample=4, cache=folder / "cache", segmenter=InstantTrainer()
    )
    with open_sets(real, real, options, Reporter()) as sets:
        page = page_of(measure(sets, options, Reporter()), sets, Invocation("mine", "made", "pairaug evaluate", folder))
    assert [answer.tone for answer in page.answers] == ["bad", *["not measured"] * 2, "good", "not measured"]
    assert len(page.samples.real) == 8
    assert len(page.suspects) == 8
    assert all(suspect.flagged and suspect.synthetic.name == suspect.nearest.name for suspect in page.suspects)
    assert {gap.part for gap in page.gaps} == {"masks", "images", "utility", "losses"}
    text = render(page)
    assert "mine" in text
    assert "<script" not in text


def test_a_figure_of_a_part_holds_its_values_and_stands_in_json_and_text(whole: Whole) -> None:
    assert whole.result.masks is not None
    figures = whole.result.masks.figures(["0", "255"])
    share = figures[0]
    assert (share.key, share.name, share.group) == ("255/share", "share of the picture", "statistics")
    assert share.real is not None
    assert share.synthetic is not None
    assert (share.real.shape, share.synthetic.shape) == ((REAL,), (24,))
    assert [figure.key for figure in figures if figure.group == "scores"] == [*NEIGHBOURS, "pairwise_dice"]
    assert whole.content["masks"]["statistics"]["255/share"]["ratio"] == share.value
    assert whole.content["masks"]["coverage"] == figures[-5].value
    assert all(figure.name in whole.text for figure in figures)


def test_a_figure_that_a_part_adds_stands_in_every_view(
    whole: Whole, real: Path, other: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = ImageRealism.figures
    new = Figure("sharpness", "sharpness", 0.25, 0.2, 0.3, meaning="Quite new.").beside(0.4, 0.3, 0.5)
    monkeypatch.setattr(ImageRealism, "figures", lambda part: [*known(part), new])
    with opened(real, other) as sets:
        content, text = as_json(whole.result, sets)["images"], as_text(whole.result, sets)
        page = render(page_of(whole.result, sets, Invocation("mine", "made", "pairaug evaluate", tmp_path)))
    assert (content["sharpness"], content["intervals"]["sharpness"], content["held_out"]["sharpness"]) == (
        0.25,
        [0.2, 0.3],
        0.4,
    )
    assert re.search(r"sharpness +0\.25 +\[0\.2, 0\.3\] +0\.4 +Quite new\.", text)
    assert "sharpness<small>Quite new.</small>" in page


def test_several_classes_are_told_apart_by_their_label_values(whole: Whole) -> None:
    assert whole.result.masks is not None
    figures = whole.result.masks.figures(["0", "128", "255"])
    assert (figures[0].name, figures[0].of, figures[0].title) == (
        "share of the picture",
        "128",
        "share of the picture, 128",
    )
    assert whole.result.masks.figures(["0", "1", "2"], ["", "cytoplasm", "nucleus"])[0].of == "cytoplasm"
    assert whole.result.masks.figures(["0", "255"])[0].of == ""


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
