"""Where the value of an option comes from: the flag, the environment, a file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import Cli


def test_a_value_comes_from_the_flag_then_the_environment_then_the_file(
    drive: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    def seed_and_origin(*arguments: object) -> tuple[int, str]:
        assert cli("fit-masks", drive, "--model", "warp", "--fresh", *arguments).code == 0
        run = json.loads(Path("elsewhere/masks/run.json").read_text())
        return run["identity"]["seed"], run["origins"]["seed"]

    Path("pairaug.toml").write_text('models = "elsewhere"\nseed = 1\n[fit-masks]\nseed = 2\nset = ["rotation=5"]\n')
    assert seed_and_origin() == (2, "config")
    monkeypatch.setenv("PAIRAUG_SEED", "3")
    assert seed_and_origin() == (3, "environment")
    assert seed_and_origin("--seed", 4) == (4, "flag")
    assert json.loads(Path("elsewhere/masks/run.json").read_text())["identity"]["settings"]["rotation"] == 5.0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sed = 1", "did you mean 'seed'"),
        ("[fit-mask]\nseed = 1", "did you mean 'fit-masks'"),
        ("[fit-masks]\ncount = 1", "unknown key 'count'"),
        ("seed = ", "not TOML"),
    ],
)
def test_a_mistake_in_the_file_is_named(drive: Path, cli: Cli, text: str, words: str) -> None:
    Path("pairaug.toml").write_text(text)
    ran = cli("check", drive)
    assert ran.code == 2
    assert words in ran.err


def test_a_table_in_pyproject_counts_too(drive: Path, cli: Cli) -> None:
    Path("pyproject.toml").write_text("[tool.pairaug]\nlimit = 2\n[tool.other]\nx = 1\n")
    assert len(json.loads(cli("check", drive, "--json").out)["pairs"]) == 2
