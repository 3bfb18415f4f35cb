"""``pairaug models``: what there is to choose from."""

from __future__ import annotations

import typer

from pairaug.cli import options as opt
from pairaug.cli.help import Command
from pairaug.cli.output import emit, emit_json

_EXAMPLE = "pairaug models"


def register(app: typer.Typer) -> None:
    app.command("models", cls=Command, epilog=_EXAMPLE, short_help="List the models, their settings and their sizes.")(
        models
    )


def models(as_json: opt.AsJson = False) -> None:
    """List the models with the number of weights in their networks. Without --model a fit chooses by the data.

    The numbers hold for masks of two classes and images of three channels.
    """
    from pairaug.api.calls import list_models

    rows = list_models()
    if as_json:
        emit_json({"models": rows})
        return
    for row in rows:
        millions = f"{row['parameters_total'] / 1e6:.2f} M" if row["parameters_total"] else "-"
        emit(f"{row['name']:<12} {row['kind']:<10} {millions:>9}  {row['summary']}")
