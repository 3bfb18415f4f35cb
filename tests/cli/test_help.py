"""Every help page shows every word that was written for it, in one style."""

from __future__ import annotations

import re
from typing import Annotated, Any

import pytest
import typer
from typer.testing import CliRunner

from pairaug.cli import options as opt
from pairaug.cli.app import app
from pairaug.cli.help import Command
from tests.conftest import Cli

COMMANDS: dict[str, Any] = typer.main.get_command(app).commands  # type: ignore[attr-defined]


def written_for(command: Any) -> list[str]:
    """What the page of a command has to show: its own text, and for each option its names and its help."""
    texts = [paragraph for paragraph in (command.help or "").split("\n\n") if paragraph]
    for parameter in command.params:
        texts += [parameter.help] if parameter.help else []
        if parameter.param_type_name == "option" and not parameter.hidden:
            texts += [*parameter.opts, parameter.metavar or ""]
    return [" ".join(text.split()) for text in texts if text]


def lost(texts: list[str], page: str) -> list[str]:
    """Those of ``texts`` that the page lacks, wherever it begins a new line."""
    shown = "".join(page.split())
    return [text for text in texts if "".join(text.split()) not in shown]


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_a_help_page_loses_no_word(name: str, cli: Cli) -> None:
    ran = cli(name, "--help")
    assert ran.code == 0
    assert len(written_for(COMMANDS[name])) >= 3
    assert lost(written_for(COMMANDS[name]), ran.out) == []


def test_the_overview_loses_no_word(cli: Cli) -> None:
    page = cli("--help").out
    shown = [text for c in COMMANDS.values() if not c.hidden for text in (c.name, c.short_help)]
    assert lost(["Learn from a few image/mask pairs, synthesise many.", *shown], page) == []


def test_words_in_square_brackets_are_no_markup() -> None:
    small = typer.Typer(rich_markup_mode=None)

    @small.command(cls=Command)
    def one(
        folder: Annotated[str, opt.option("--folder", panel="P", help="A folder [pairaug-models], a part [0].")] = "",
    ) -> None: ...

    page = CliRunner().invoke(small, ["--help"]).output
    assert lost(["P:", "A folder [pairaug-models], a part [0]."], page) == []
    assert lost(["A folder [bold]."], page) == ["A folder [bold]."]


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_a_default_is_told_in_one_way(name: str, cli: Cli) -> None:
    """As ``(default x)`` or ``(default: words)`` at the end of the sentence."""
    for parameter in COMMANDS[name].params:
        if "default" in (parameter.help or "").replace("marks the default", ""):
            assert re.search(r" \(default:? [^()]+\)( or|\.$)", parameter.help), parameter.help
        if parameter.param_type_name == "option" and parameter.default not in (None, False, ""):
            assert f"(default {parameter.default})" in parameter.help


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_sentence_of_a_help_page_begins_and_ends_as_one(name: str) -> None:
    for text in (COMMANDS[name].short_help or "A.", *(p.help for p in COMMANDS[name].params if p.help)):
        assert re.match(r"[A-Z]", text), text
        assert text.endswith("."), text


def test_options_stand_below_their_panels_and_arguments_by_their_names(cli: Cli) -> None:
    page = cli("evaluate", "--help").out
    assert page.startswith("Usage: pairaug evaluate [OPTIONS] REAL [SYNTHETIC]\n")
    headings = re.findall(r"^([A-Z].*):$", page, flags=re.MULTILINE)
    assert headings == [
        "Arguments",
        "What to measure",
        "Whether the pairs help",
        "Which files",
        "What the values mean",
        "Running",
        "Options",
    ]
