"""Every help page shows every word of what was written for it; Rich's markup would swallow those in square brackets."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
import typer
from typer.testing import CliRunner

from pairaug.cli import options as opt
from pairaug.cli.app import app
from tests.conftest import Cli

COMMANDS: dict[str, Any] = typer.main.get_command(app).commands  # type: ignore[attr-defined]


def written_for(command: Any) -> list[str]:
    """What the page of a command has to show: its own text, and for each option its names and its help."""
    texts = [paragraph for paragraph in (command.help or "").split("\n\n") if paragraph]
    for parameter in command.params:
        texts += [parameter.help] if parameter.help else []
        if parameter.param_type_name == "option" and not parameter.hidden:
            texts += [*parameter.opts, parameter.metavar or ""]
    return [" ".join(text.replace("\\[", "[").split()) for text in texts if text]


def lost(texts: list[str], page: str) -> list[str]:
    shown = " ".join(page.split())
    return [text for text in texts if text not in shown]


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    monkeypatch.setenv("TERMINAL_WIDTH", "400")


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


def test_words_that_rich_takes_for_markup_are_noticed() -> None:
    small = typer.Typer()

    @small.command()
    def one(folder: Annotated[str, typer.Option(help="A folder [pairaug-models].")] = "") -> None: ...

    page = CliRunner().invoke(small, ["--help"], env={"COLUMNS": "400", "TERMINAL_WIDTH": "400"}).output
    assert "A folder" in page
    assert lost(["A folder [pairaug-models]."], page) == ["A folder [pairaug-models]."]


def test_our_own_options_keep_them() -> None:
    small = typer.Typer()

    @small.command()
    def one(
        folder: Annotated[str, opt.option("--folder", panel="P", help="A folder [pairaug-models], a part [0].")] = "",
    ) -> None: ...

    page = CliRunner().invoke(small, ["--help"], env={"COLUMNS": "400", "TERMINAL_WIDTH": "400"}).output
    assert lost(["A folder [pairaug-models], a part [0]."], page) == []
