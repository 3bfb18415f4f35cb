"""The pages for users: what they show exists, and the keys that they name are those that come out."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
import typer

from pairaug.cli.app import app
from pairaug.evaluation.utility.options import ARM_NAMES
from pairaug.synthesis.formats import FORMATS
from tests.conftest import Cli
from tests.written.blocks import filled, names_in
from tests.written.files import BLOCKS, PAGES

ROOT = Path(__file__).resolve().parents[1]
TEXTS = {page.name: page.read_text() for page in [ROOT / "README.md", *sorted(PAGES.glob("*.md"))]}
COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]


def shown_in(text: str) -> list[str]:
    """The commands that a page shows, each on a line of its own, without the words behind ``#``."""
    lines = re.findall(r"^ {4,}(pairaug .*)$", text, flags=re.MULTILINE)
    return [line.split("#")[0].strip() for line in lines]


@pytest.mark.parametrize("line", sorted({line for text in TEXTS.values() for line in shown_in(text)}))
def test_every_option_that_a_page_shows_exists(line: str) -> None:
    words = shlex.split(line.split("|")[0].split("&&")[0])
    assert words[1] in COMMANDS
    known = {flag for parameter in COMMANDS[words[1]].params for flag in parameter.opts}
    assert {word.split("=")[0] for word in words[2:] if word.startswith("--")} <= known


@pytest.mark.parametrize("page", TEXTS)
def test_every_flag_that_a_page_speaks_of_is_one(page: str) -> None:
    known = {flag for command in COMMANDS.values() for parameter in command.params for flag in parameter.opts}
    of_others = {"--nproc-per-node", "--verify_dataset_integrity", "--help"}
    # Benchmarks have flags of their own, and follow a line that ends in a backslash.
    own = re.sub(r"^ +python tests/benchmarks.*\\\n.*$", "", TEXTS[page], flags=re.MULTILINE)
    assert set(re.findall(r"(?<![\w-])--[a-z][\w-]+", own)) - of_others <= known


def test_a_block_is_written_anew_and_all_else_stays() -> None:
    page = "before\n<!-- written: x -->\nold\n<!-- end of x -->\nafter"
    code = "\n    new\n    code\n"
    assert filled(page, {"x": lambda: code}) == f"before\n<!-- written: x -->\n{code}\n<!-- end of x -->\nafter"
    with pytest.raises(KeyError):
        filled(page, {})


def test_every_block_has_a_place() -> None:
    assert sorted(name for text in TEXTS.values() for name in names_in(text)) == sorted(BLOCKS)


def test_every_command_and_format_and_arm_is_explained() -> None:
    for name in (name for name, command in COMMANDS.items() if not command.hidden):
        assert f"\n## `pairaug {name}" in TEXTS["commands.md"]
    for name in FORMATS:
        assert f"\n| `{name}`" in TEXTS["layouts-and-formats.md"]
    for name in ARM_NAMES:
        assert f"`{name}`" in TEXTS["evaluation.md"]


def named(row: str) -> set[str]:
    """The keys in the second cell of a row of ``json.md``, without those of an entry in parentheses."""
    found = re.search(rf"^\| {re.escape(row)} \| (.*) \|$", TEXTS["json.md"], flags=re.MULTILINE)
    assert found, row
    return keys_in(found[1])


def keys_in(cell: str) -> set[str]:
    return set(re.findall(r"`(\w+)`", re.sub(r"\([^)]*\)", "", cell)))


def inside(row: str, key: str) -> set[str]:
    """The keys of an entry, in the parentheses behind ``key``."""
    found = re.search(rf"^\| {re.escape(row)} \|.*`{key}` \(a list of ([^)]*)\)", TEXTS["json.md"], flags=re.MULTILINE)
    assert found, row
    return set(re.findall(r"`(\w+)`", found[1]))


def printed(cli: Cli, *words: object) -> dict[str, object]:
    ran = cli(*words, "--json")
    assert ran.code == 0, ran.err
    content = json.loads(ran.out)
    assert content.pop("schema_version") == 1
    return content


def test_the_keys_of_commands_that_change_nothing_are_told(cli: Cli, drive: Path, fitted: Path) -> None:
    checked = printed(cli, "check", drive)
    assert (set(checked), set(checked["pairs"][0])) == (named("`check`"), inside("`check`", "pairs"))  # type: ignore[index]
    listed = printed(cli, "models")
    assert (set(listed), set(listed["models"][0])) == (named("`models`"), inside("`models`", "models"))  # type: ignore[index]
    cells = re.findall(r"^\| the same with `--dry-run` \| (.*) \|$", TEXTS["json.md"], flags=re.MULTILINE)
    planned = [
        ("fit-masks", drive),
        ("synthesize", "--out", "new", "--models", fitted),
        ("folds", drive, "--out", "new"),
    ]
    for cell, words in zip(cells, planned, strict=True):
        assert keys_in(cell) == set(printed(cli, *words, "--dry-run"))


def test_the_keys_of_commands_that_write_and_of_the_manifest_are_told(cli: Cli, drive: Path, fitted: Path) -> None:
    made = printed(cli, "fit-masks", drive, "--model", "warp", "--models", "mine")
    assert set(made) == named("`fit-masks`, `fit-translator`")
    assert set(printed(cli, "synthesize", "--count", "2", "--models", fitted, "--out", "new")) == named("`synthesize`")
    assert set(printed(cli, "verify", "new")) == named("`verify`")
    table = TEXTS["json.md"].partition("`manifest.json` is written last")[2].partition("`metadata.jsonl` has")[0]
    keys = {key for cell in re.findall(r"^\| (`.*?) \|", table, flags=re.MULTILINE) for key in re.findall(r"\w+", cell)}
    assert keys == set(json.loads(Path("new/manifest.json").read_bytes()))
