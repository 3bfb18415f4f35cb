"""File names are bytes: some are no text, some would steer a terminal. Neither may hurt."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pairaug.cli.output import ConsoleReporter, emit
from tests.conftest import Cli

NO_TEXT = os.fsdecode(b"a\xff")  # "aÿ" in Latin-1, no UTF-8
STEERING = "b\x1b[2J\x9b31m"  # clears the screen, then writes red


@pytest.fixture
def odd(tmp_path: Path, drive: Path) -> Path:
    root = tmp_path / "odd"
    for folder in ("images", "masks"):
        (root / folder).mkdir(parents=True)
        for source, name in zip(sorted((drive / folder).iterdir()), (NO_TEXT, STEERING, "c", "d"), strict=False):
            try:
                shutil.copy(source, root / folder / f"{name}.png")
            except (OSError, UnicodeError):
                pytest.skip("this file system takes no such name")
    return root


@pytest.mark.parametrize("flag", ["--json", "--jsonl"])
def test_json_of_a_name_that_is_no_text_is_read_back_as_the_same_name(cli: Cli, odd: Path, flag: str) -> None:
    ran = cli("check", odd, flag)
    assert ran.code == 0
    rows = json.loads(ran.out)["pairs"] if flag == "--json" else [json.loads(line) for line in ran.out.splitlines()]
    assert {row["image"] for row in rows} >= {f"images/{NO_TEXT}.png", f"images/{STEERING}.png"}


def test_a_set_with_such_names_is_fitted_synthesised_and_evaluated(cli: Cli, odd: Path, fitted: Path) -> None:
    assert cli("fit-masks", odd / "masks", "--model", "warp", "--models", "m").code == 0
    shutil.copytree(fitted / "translator", Path("m/translator"))
    out = os.fsdecode(b"out\xff")
    ran = cli("synthesize", "--count", 2, "--models", "m", "--out", out, "--json")
    assert ran.code == 0
    assert json.loads(ran.out)["out"].endswith(out)
    assert cli("verify", out, "--json").code == 0
    ran = cli("evaluate", odd, out, "--parts", "images", "--json", "--html", "page.html")
    assert ran.code == 0
    assert json.loads(ran.out)["schema_version"] == 1


def test_a_refusal_of_a_name_that_is_no_text_is_json_too(cli: Cli, odd: Path) -> None:
    (odd / "masks" / f"{NO_TEXT}.png").write_bytes(b"rubbish")
    ran = cli("check", odd, "--json")
    assert ran.code == 3
    assert NO_TEXT in json.loads(ran.err)["error"]["details"][0]


def test_a_path_that_is_no_text_reaches_a_pipe_as_its_bytes(drive: Path) -> None:
    command = [sys.executable, "-m", "pairaug", "fit-masks", drive / "masks", "--model", "warp", "--models", b"m\xff"]
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8:strict"}
    ran = subprocess.run(command, env=environment, capture_output=True, check=True)
    assert ran.stdout == b"m\xff/masks/model.safetensors\n"


def test_a_refusal_shows_control_characters_and_does_not_send_them(cli: Cli, odd: Path) -> None:
    (odd / "masks" / f"{STEERING}.png").write_bytes(b"rubbish")
    ran = cli("check", odd)
    assert ran.code == 3
    assert r"b\x1b[2J\x9b31m.png" in ran.err
    assert not {"\x1b", "\x9b"} & set(ran.err)


def test_notes_and_warnings_show_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    reporter = ConsoleReporter(quiet=False)
    reporter.note(STEERING)
    reporter.warn(STEERING)
    err = capsys.readouterr().err
    assert err.count(r"b\x1b[2J\x9b31m") == 2
    assert "\x9b" not in err


@pytest.mark.parametrize(("terminal", "shown"), [(True, r"b\x1b[2J\x9b31m"), (False, STEERING)])
def test_data_show_control_characters_on_a_terminal_and_hold_them_in_a_pipe(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], terminal: bool, shown: str
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal)
    emit(f"{STEERING}\nline two")
    assert capsys.readouterr().out == f"{shown}\nline two\n"
