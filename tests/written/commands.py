"""The reference of the command line: what each command does, an example, and its options, from the Typer app."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, get_type_hints

import typer

from pairaug.api.keywords import PairKeywords
from pairaug.cli.app import app
from pairaug.cli.help import names_of, takes_value, text_of
from pairaug.cli.options import RUN
from tests.written.blocks import prose

ARGUMENTS = "Arguments"
SHARED = frozenset("--" + name.replace("_", "-") for name in get_type_hints(PairKeywords))


def commands_page() -> str:
    """A section for each command, in the order in which they are used; the options on pairs once, at the end."""
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    known = {name: one for name, one in commands.items() if not one.hidden}
    parts = [part for name, one in known.items() for part in _command(name, one)]
    shared = [parameter for parameter in known["check"].params if _is_shared(parameter)]
    return "\n\n".join([*parts, "## Options on pairs", *_tables(shared)])


def _command(name: str, command: Any) -> Iterable[str]:
    arguments = [parameter for parameter in command.params if parameter.param_type_name == "argument"]
    words = [names_of(one) if one.required else f"[{names_of(one)}]" for one in arguments]
    yield f"## `{' '.join(['pairaug', name, *words])}`"
    for paragraph in (command.help or "").split("\n\n"):
        yield prose(paragraph)
    yield "\n".join(f"    {line}" for line in (command.epilog or "").splitlines())
    own = [one for one in command.params if not getattr(one, "hidden", False) and not _is_shared(one)]
    yield from _tables(own)
    if any(map(_is_shared, command.params)):
        yield "And the [options on pairs](#options-on-pairs)."


def _tables(parameters: Iterable[Any]) -> Iterable[str]:
    panels: dict[str, list[Any]] = {}
    for parameter in parameters:
        panel = ARGUMENTS if parameter.param_type_name == "argument" else _panel(parameter)
        panels.setdefault(panel, []).append(parameter)
    for panel, held in sorted(panels.items(), key=lambda entry: (entry[0] != ARGUMENTS, entry[0] == RUN)):
        rows = [f"| {_named(one)} | {text_of(one)} |" for one in held]
        yield "\n".join([f"| {panel.lower()} | |", "| --- | --- |", *rows])


def _named(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return f"`{names_of(parameter)}`"
    names = ", ".join(f"`{name}`" for name in sorted(parameter.opts, key=len))
    return f"{names} `{parameter.metavar}`" if takes_value(parameter) and parameter.metavar else names


def _panel(parameter: Any) -> str:
    return getattr(parameter, "rich_help_panel", None) or RUN


def _is_shared(parameter: Any) -> bool:
    return bool(SHARED & set(parameter.opts)) and parameter.param_type_name == "option"
