"""Help pages: plain text in one style for the overview and the commands.

Each page has the same order: usage, what the command does, an example, what is needed, the options that everybody
needs, and last those on files and values of pairs. Plain, and written here, because loading Rich's tables takes longer
than all else that ``--help`` does, because Rich takes words in square brackets for its markup, and because Typer breaks
lines at the hyphens of options and shows a type beside what takes no value.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

from typer.core import TyperCommand, TyperGroup

from pairaug.cli.options import FILES, RUN, VALUES

_LAST = (RUN, FILES, VALUES)  # panels that come after those of a command, in this order
_WIDEST_NAME = 24
_NO_BREAK = "\N{NO-BREAK SPACE}"
_DEFAULT = re.compile(r"\(default:? ")

Row = tuple[str, str]


class _Plain:
    """What the pages of a command and of the list of commands have in common; ``epilog`` holds the example lines."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """The whole page, as wide as ``formatter`` says."""
        width = formatter.width
        usage = " ".join(piece.strip("{}") for piece in self.collect_usage_pieces(ctx))  # type: ignore[attr-defined]
        blocks = [f"Usage: {ctx.command_path} {usage}"]
        text = (self.help or "").split("\n\n")  # type: ignore[attr-defined]
        blocks += [_filled(" ".join(paragraph.split()), width, "  ") for paragraph in text if paragraph.strip()]
        example = (self.epilog or "").splitlines()  # type: ignore[attr-defined]
        if example:
            blocks.append("\n".join([f"Example{'s' * (len(example) > 1)}:", *(f"  {line}" for line in example)]))
        blocks += [_section(heading, rows, width) for heading, rows in self.sections(ctx) if rows]
        formatter.write("\n\n".join(blocks) + "\n")

    def sections(self, ctx: Any) -> Iterable[tuple[str, Sequence[Row]]]:
        """Headings, and below each what is called how, and its text."""
        raise NotImplementedError


class Command(_Plain, TyperCommand):
    """A command whose help page lists each option below its panel."""

    def sections(self, ctx: Any) -> list[tuple[str, list[Row]]]:
        """The arguments, the panels in the order of the options, and what most never need last."""
        found: dict[str, list[Row]] = {"Arguments": []}
        for parameter in self.get_params(ctx):
            if parameter.param_type_name == "argument":
                panel = "Arguments"
            else:
                panel = getattr(parameter, "rich_help_panel", None) or RUN
            if not getattr(parameter, "hidden", False):
                found.setdefault(panel, []).append((names_of(parameter), text_of(parameter)))
        first = [heading for heading in found if heading not in _LAST]
        return [(heading, found.get(heading, [])) for heading in (*first, *_LAST)]


class Overview(_Plain, TyperGroup):
    """The list of commands."""

    def sections(self, ctx: Any) -> list[tuple[str, list[Row]]]:
        """The commands in the order in which they are used, then the options."""
        commands = [(name, command.short_help or "") for name, command in self.commands.items() if not command.hidden]
        options = [(names_of(one), text_of(one)) for one in self.get_params(ctx) if not getattr(one, "hidden", False)]
        return [("Commands", commands), ("Options", options)]


def names_of(parameter: Any) -> str:
    """``-o, --out DIR``: the short name first, and a value only where one is to be typed."""
    if parameter.param_type_name == "argument":
        return str(parameter.metavar or parameter.name.upper())
    names = ", ".join(sorted(parameter.opts, key=len))
    return f"{names} {parameter.metavar}" if takes_value(parameter) and parameter.metavar else names


def text_of(parameter: Any) -> str:
    """The help of a parameter; of one that takes a value it ends with ``(default: x)`` or ``(required)``."""
    text = _DEFAULT.sub("(default: ", parameter.help or "")
    if not takes_value(parameter) or "(default: " in text:
        return text
    if parameter.required:
        return _before_the_stop(text, "(required)")
    if parameter.param_type_name == "argument":
        return text
    default = parameter.default
    return _before_the_stop(text, f"(default: {'none' if default in (None, '') or callable(default) else default})")


def takes_value(parameter: Any) -> bool:
    return not getattr(parameter, "is_flag", False)


def _before_the_stop(text: str, words: str) -> str:
    return f"{text.removesuffix('.')} {words}."


def _section(heading: str, rows: Sequence[Row], width: int) -> str:
    """Names in a column of their own, texts beside them; a text whose name is too long begins below it."""
    fitting = [len(name) for name, _ in rows if len(name) <= _WIDEST_NAME]
    column = 2 + max(fitting, default=_WIDEST_NAME) + 2
    lines = [f"{heading}:"]
    for name, text in rows:
        begun = f"  {name}".ljust(column)
        if len(name) > _WIDEST_NAME:
            lines.append(f"  {name}")
            begun = " " * column
        lines.append(_filled(text, width, " " * column, begun))
    return "\n".join(lines)


def _filled(text: str, width: int, indent: str, first: str | None = None) -> str:
    """``text`` in lines of at most ``width``, never broken inside a word or at the hyphen of one."""
    kept = text.replace("(default: ", f"(default:{_NO_BREAK}")
    lines = textwrap.fill(
        kept,
        max(width, len(indent) + 20),
        initial_indent=indent if first is None else first,
        subsequent_indent=indent,
        break_on_hyphens=False,
        break_long_words=False,
    )
    return lines.replace(_NO_BREAK, " ")
