"""Splits of a set that one pair of models has made: written where some pair may be trained on, and told in any case."""

from __future__ import annotations

import json
from pathlib import Path

from pairaug.synthesis.splits import splits_by_descent, worth_of
from pairaug.training.fit import fit_mask_generator, fit_translator
from pairaug.training.plan import FitOptions
from tests.conftest import Cli

ORIGINALS = [{"index": n, "origin": "original", "group": [n // 2]} for n in range(8)]


def synthetic(*groups: int) -> dict[str, object]:
    return {"index": 8, "origin": "synthetic", "group": [*groups]}


def test_a_new_pair_is_trained_on_where_none_of_its_groups_is_held_out() -> None:
    rows = [*ORIGINALS, synthetic(0), synthetic(1, 2), synthetic(0, 1, 2, 3)]
    splits = splits_by_descent(rows, 4)
    assert len(splits) == 4
    for split in splits:
        held_out = {row["group"][0] for row in split.validation}
        assert len(held_out) == 1
        assert len(split.validation) == 2
        trained = [row for row in split.train if row["origin"] == "synthetic"]
        assert trained == [row for row in rows[8:] if held_out.isdisjoint(row["group"])]
    assert "in each, 1 to 2 new pairs are trained on" in worth_of(splits)


def test_there_are_no_more_folds_than_groups_and_none_for_one_group() -> None:
    assert len(splits_by_descent([*ORIGINALS, synthetic(0)], 5)) == 4
    assert splits_by_descent([*ORIGINALS[:2], synthetic(0)], 5) == ()


def test_there_are_no_splits_where_every_new_pair_descends_from_everybody() -> None:
    assert splits_by_descent([*ORIGINALS, synthetic(0, 1, 2, 3)], 4) == ()
    assert splits_by_descent([*ORIGINALS, synthetic(0, 1, 2)], 4) != ()
    assert "every new pair descends from an original that is held out" in worth_of(())


def test_splits_by_descent_are_dealt_alike_however_many_pairs_there_are() -> None:
    few, many = ([*ORIGINALS, *[synthetic(0)] * count] for count in (1, 9))
    held_out = [[split.validation for split in splits_by_descent(rows, 4)] for rows in (few, many)]
    assert held_out[0] == held_out[1]


def test_a_network_leaves_no_splits_and_one_line_says_why(fitted: Path, cli: Cli) -> None:
    command = ("synthesize", "--models", fitted, "--count", 1, "--include-originals", "--format", "nnunet")
    ran = cli(*command, "--out", "out")
    assert ran.code == 0
    assert "no splits are written: in any fold every new pair descends from an original that is held out" in ran.err
    assert not Path("out/splits_final.json").exists()
    assert len(json.loads(Path("out/dataset.json").read_text())["training"]) == 7


def test_what_real_pixels_and_real_masks_make_is_split_by_descent(drive: Path, tmp_path: Path, cli: Cli) -> None:
    wanted = FitOptions(model=None, models=tmp_path / "models", threads=1, gate=False)
    fit_mask_generator(drive, wanted)
    fit_translator(drive, wanted)
    command = ("synthesize", "--models", tmp_path / "models", "--count", 6, "--include-originals")
    ran = cli(*command, "--format", "nnunet", "--out", "out")
    rows = [json.loads(line) for line in Path("out/metadata.jsonl").read_text().splitlines()]
    splits = splits_by_descent(rows, 5)
    assert worth_of(splits) in " ".join(ran.err.split())
    assert len(splits) == 5
    written = json.loads(Path("out/splits_final.json").read_text())
    for split, found in zip(splits, written, strict=True):
        assert found["val"] == [Path(row["mask_file_name"]).stem for row in split.validation]
        assert found["train"] == [Path(row["mask_file_name"]).stem for row in split.train]
