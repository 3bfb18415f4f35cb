"""A set says which of its pairs are synthetic: they are counted, and no model is fitted on them unasked."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.conftest import Cli


@pytest.fixture
def mixed(drive: Path, tmp_path: Path) -> Path:
    """Six pairs of which rows call four synthetic."""
    data = Path(shutil.copytree(drive, tmp_path / "mixed"))
    rows = [
        {
            "file_name": f"images/{path.name}",
            "mask_file_name": f"masks/{path.name}",
            "origin": "original" if number < 2 else "synthetic",
        }
        for number, path in enumerate(sorted((data / "images").iterdir()))
    ]
    (data / "metadata.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return data


def test_check_counts_them(mixed: Path, drive: Path, cli: Cli) -> None:
    assert "synthetic     4 of them, and 2 originals" in cli("check", mixed).out
    told = json.loads(cli("check", mixed, "--json").out)
    assert told["synthetic"] == 4
    assert [pair["synthetic"] for pair in told["pairs"]] == [False] * 2 + [True] * 4
    assert "synthetic" not in cli("check", drive).out
    assert "pairs         2" in cli("check", mixed, "--only-originals").out


@pytest.mark.parametrize("command", ["fit-masks", "fit-translator", "folds"])
def test_no_model_is_fitted_on_them_until_they_are_left_out(mixed: Path, cli: Cli, command: str) -> None:
    out = ("--out", "out", "--folds", 2) if command == "folds" else ()
    ran = cli(command, mixed, "--dry-run", *out)
    assert ran.code == 3
    assert "4 of 6 pairs are synthetic; --only-originals takes the other 2" in ran.err
    ran = cli(command, mixed, "--dry-run", "--only-originals", *out)
    assert ran.code == 0
    assert "2 pairs" in ran.out


def test_rows_in_a_list_say_it_too(mixed: Path, cli: Cli) -> None:
    listed = mixed.parent / "list.jsonl"
    rows = [json.loads(line) for line in (mixed / "metadata.jsonl").read_text().splitlines()]
    paths = [{**row, **{key: str(mixed / row[key]) for key in ("file_name", "mask_file_name")}} for row in rows]
    listed.write_text("".join(json.dumps(row) + "\n" for row in paths))
    assert json.loads(cli("check", "--list", listed, "--json").out)["synthetic"] == 4


def test_a_set_of_nothing_else_has_no_originals_to_take(mixed: Path, cli: Cli) -> None:
    lines = (mixed / "metadata.jsonl").read_text().splitlines(keepends=True)
    (mixed / "metadata.jsonl").write_text("".join(lines[2:]))
    assert "4 of 4 pairs are synthetic; give the real pairs" in cli("fit-masks", mixed, "-n").err
    ran = cli("fit-masks", mixed, "-n", "--only-originals")
    assert ran.code == 3
    assert "all 4 pairs are synthetic; give real ones" in ran.err
