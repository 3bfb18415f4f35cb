"""Every help page shows every word that was written for it, in one style."""

from __future__ import annotations

import re
import shlex
from typing import Annotated, Any

import pytest
import typer
from typer.testing import CliRunner

from pairaug.cli import options as opt
from pairaug.cli.app import app
from pairaug.cli.help import Command, takes_value, text_of
from tests.conftest import Cli

COMMANDS: dict[str, Any] = typer.main.get_command(app).commands  # type: ignore[attr-defined]


def written_for(command: Any) -> list[str]:
    """What the page of a command has to show: its own text, and for each option its names and its help."""
    texts = [paragraph for paragraph in (command.help or "").split("\n\n") if paragraph]
    texts += (command.epilog or "").splitlines()
    for parameter in command.params:
        texts += [text_of(parameter)] if parameter.help else []
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
    assert lost(["P:", "A folder [pairaug-models], a part [0] (default: none)."], page) == []
    assert lost(["A folder [bold]."], page) == ["A folder [bold]."]


PAGES = ["", *sorted(COMMANDS)]


def page_of(name: str, width: int, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("COLUMNS", str(width + 2))  # Typer leaves two columns free
    return CliRunner().invoke(app, [*filter(None, [name]), "--help"], prog_name="pairaug").output


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_option_that_takes_a_value_ends_with_its_default_in_one_notation(name: str) -> None:
    for parameter in COMMANDS[name].params:
        text = text_of(parameter)
        if parameter.param_type_name == "option" and takes_value(parameter):
            assert re.search(r" \((default: [^()]+|required)\)\.$", text), text
        assert len(re.findall("default", text)) <= 1
        if parameter.param_type_name == "option" and parameter.default not in (None, False, ""):
            assert f"(default: {parameter.default})" in text


def test_an_option_that_names_no_default_gets_the_one_it_has() -> None:
    small = typer.Typer(rich_markup_mode=None)

    @small.command(cls=Command)
    def one(
        many: Annotated[int, opt.option("--many", panel="P", help="How many.", metavar="N")] = 3,
        old: Annotated[str, opt.option("--old", panel="P", help="Written (default x).", metavar="X")] = "x",
        where: Annotated[str | None, opt.option("--where", panel="P", help="A place.", metavar="DIR")] = None,
        flag: Annotated[bool, opt.option("--flag", panel="P", help="A flag.")] = False,
    ) -> None: ...

    page = CliRunner().invoke(small, ["--help"]).output
    lines = [line.strip() for line in page.splitlines()]
    assert "--many N     How many (default: 3)." in lines
    assert "--old X      Written (default: x)." in lines
    assert "--where DIR  A place (default: none)." in lines
    assert "--flag       A flag." in lines


@pytest.mark.parametrize(
    ("flag", "default"),
    [
        ("--images-as", "as the originals are"),
        ("--masks-as", "as the originals are"),
        ("--class-names", "those of the originals, or the values"),
        ("--area", "any"),
        ("--parts", "any"),
        ("--include-class", "any"),
    ],
)
def test_the_default_of_a_wish_says_what_is_made_without_it(flag: str, default: str) -> None:
    options = {name: parameter for parameter in COMMANDS["synthesize"].params for name in parameter.opts}
    assert text_of(options[flag]).endswith(f"(default: {default}).")


@pytest.mark.parametrize("name", PAGES)
def test_nothing_on_a_page_looks_like_something_to_type_but_is_not(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    page = page_of(name, 100, monkeypatch)
    assert not re.search(r"<\w+>", page)
    assert "{" not in page.replace("{id}", "")
    assert page.startswith(f"Usage: pairaug {name}".rstrip() + " [OPTIONS]")


@pytest.mark.parametrize("name", PAGES)
def test_every_page_has_an_example_that_its_command_takes(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    page = page_of(name, 80, monkeypatch)
    examples = re.search(r"^Examples?:\n((?:  .+\n)+)", page, flags=re.MULTILINE)
    assert examples is not None
    assert page.index("\nExample") < page.index("\nCommands:" if not name else "--help")
    for line in examples[1].splitlines():
        program, command, *arguments = shlex.split(line.split("|")[-1])
        assert program == "pairaug"
        assert command == (name or command)
        COMMANDS[command].make_context(command, arguments)


def test_an_example_with_an_option_that_is_none_would_be_noticed() -> None:
    with pytest.raises(Exception, match="No such option"):
        COMMANDS["verify"].make_context("verify", ["./augmented", "--fast"])


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("name", PAGES)
def test_no_word_is_broken_and_no_line_is_too_long(name: str, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = page_of(name, width, monkeypatch).splitlines()
    assert [line for line in lines if len(line) > width] == []
    assert [line for line in lines if re.search(r"\w-$|\.\.\.$|\(default:$", line) and "COMMAND ..." not in line] == []


@pytest.mark.parametrize("name", ["check", "fit-masks", "fit-translator", "evaluate"])
def test_the_basics_stand_before_the_options_on_files(name: str, cli: Cli) -> None:
    headings = re.findall(r"^([A-Z].*):$", cli(name, "--help").out, flags=re.MULTILINE)
    assert headings[-3:] == ["Running", "Which files", "What the values mean"]


def test_the_overview_has_the_style_of_a_command(cli: Cli) -> None:
    headings = re.findall(r"^([A-Z].*):$", cli("--help").out, flags=re.MULTILINE)
    assert headings == ["Examples", "Commands", "Options"]


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
        "Examples",
        "Arguments",
        "What to measure",
        "Whether the pairs help",
        "Running",
        "Which files",
        "What the values mean",
    ]
