"""``pairaug models``: what there is to choose from."""

from __future__ import annotations

from typing import Any

import typer

from pairaug.cli import options as opt
from pairaug.cli.output import emit, emit_json


def register(app: typer.Typer) -> None:
    app.command("models", short_help="List the models and their parameters.")(models)


def models(as_json: opt.AsJson = False) -> None:
    """List the models, with the parameters of their networks for one mask plane and three image channels."""
    rows = [_row(name) for name in _names()]
    if as_json:
        emit_json({"models": rows})
        return
    for row in rows:
        millions = f"{row['parameters_total'] / 1e6:.2f} M" if row["parameters_total"] else "-"
        star = "*" if row["default"] else " "
        emit(f"{star} {row['name']:<12} {row['kind']:<10} {millions:>9}  {row['summary']}")


def _names() -> list[str]:
    from pairaug.registry import MODELS

    return list(MODELS)


def _row(name: str) -> dict[str, Any]:
    from dataclasses import asdict

    from pairaug.models.base import Shape
    from pairaug.registry import DEFAULT_MODEL, MODELS
    from pairaug.training.objectives.base import count_trained

    entry = MODELS[name]
    model_class = entry.load()
    config = model_class.Config()
    shape = Shape(2, 3 if entry.kind == "translator" else 0, entry.size or 256, entry.size or 256)
    counts = count_trained(model_class, entry.load_objective(), config, shape)
    return {
        "name": entry.name,
        "kind": entry.kind,
        "default": DEFAULT_MODEL[entry.kind] == entry.name,
        "summary": entry.summary,
        "parameters": counts,
        "parameters_total": sum(counts.values()),
        "size": entry.size or None,
        "epochs": entry.epochs,
        "keeps": entry.keeps,
        "works": entry.works,
        "many_per_mask": entry.many_per_mask,
        "settings": asdict(config),
    }
