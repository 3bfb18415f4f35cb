"""Help pages: plain text in one style for the overview and the commands, options under the headings of their panels.

Plain, because loading Rich's tables takes longer than all else that ``--help`` does, and because Rich takes words in
square brackets for its markup.
"""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand


class Command(TyperCommand):
    """A command whose help page lists each option below its panel."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """``SOURCE`` rather than Typer's ``{SOURCE}``."""
        return [piece.strip("{}") for piece in super().collect_usage_pieces(ctx)]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the sections: the arguments, the panels in the order of the options, and the rest last."""
        sections: dict[str, list[tuple[str, str]]] = {"Arguments": []}
        others: list[tuple[str, str]] = []
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is None:
                continue
            panel = getattr(parameter, "rich_help_panel", None)
            if parameter.param_type_name == "argument":
                sections["Arguments"].append((record[0].split(" <")[0], record[1]))
            elif panel:
                sections.setdefault(panel, []).append(record)
            else:
                others.append(record)
        for heading, records in (*sections.items(), ("Options", others)):
            if records:
                with formatter.section(heading):
                    formatter.write_dl(records)
