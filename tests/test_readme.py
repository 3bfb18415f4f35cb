"""The README is true: its commands exist and run, every command is in it."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer

import pairaug
from pairaug.cli.app import app
from tests.conftest import Cli
from tests.test_reference import shown_in

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()
COMMANDS = sorted(typer.main.get_command(app).commands)
BLOCKS = [line.strip() for line in re.findall(r"^    (.*)$", README, flags=re.MULTILINE)]
SHOWN = shown_in(README)


def test_the_first_two_commands_need_nothing_but_python_and_a_shell() -> None:
    first, second = [line for line in BLOCKS if line.startswith("python3 -m venv")][:2]
    assert first == "python3 -m venv .venv && .venv/bin/pip install -e '.[test]' && .venv/bin/pairaug demo"
    assert second == "python3 -m venv .venv && .venv/bin/pip install -e '.[test]' && .venv/bin/python -m pytest -q"


@pytest.mark.parametrize("command", [name for name in COMMANDS if name != "fit-mask-generator"])
def test_every_command_is_in_the_readme(command: str) -> None:
    assert f"`pairaug {command}" in README


def test_the_readmes_road_runs_as_shown(drive: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("drive").symlink_to(drive)
    road = [line for line in SHOWN if line.startswith(("pairaug fit-", "pairaug synthesize --count 1000"))][:3]
    assert [shlex.split(line)[1] for line in road] == ["fit-masks", "fit-translator", "synthesize"]
    for line in road:
        words = shlex.split(line)[1:]
        small = {"fit-translator": ["--epochs", "1", "--set", "base=2"], "synthesize": ["--count", "3"]}
        ran = cli(*words, *small.get(words[0], []))
        assert ran.code == 0, ran.err
    assert len(list(Path("augmented/images").iterdir())) == 3


def test_the_readmes_python_runs_as_shown(drive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each call as it stands, with shorter work in the place of long work."""
    Path("drive").symlink_to(drive)
    shown = re.search(r"^    import pairaug\n\n((?:    .*\n)+)", README, flags=re.MULTILINE)
    assert shown is not None
    code = "".join(line[4:] + "\n" for line in shown[1].splitlines())
    for long, short in (
        ("1000)", "3)"),
        ("max_minutes=5)", 'parts=["images"])'),
    ):
        assert long in code
        code = code.replace(long, short)
    printed: list[str] = []
    exec(code, {"pairaug": pairaug, "print": printed.append})
    assert printed[0].startswith("6 real pairs, 3 of 3 synthetic pairs")


def test_the_readmes_pictures_are_there() -> None:
    for path in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", README):
        assert (ROOT / path).is_file()
