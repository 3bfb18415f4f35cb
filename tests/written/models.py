"""The reference of the models, from the registry, their docstrings and their settings."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from importlib import import_module
from typing import Any

from pairaug import list_models
from pairaug.registry import MODELS, SUITED, ModelEntry
from tests.written.blocks import prose

KEEPS = {
    "nothing": "weights alone",
    "masks": "the training masks, as they are",
    "pictures": "the training images and masks, as they are",
}
SUITS = {
    "trees": "the default where the masks are trees",
    "objects": "the default for all other masks",
    "images": "the default",
    "training": "the default where `--epochs`, `--minutes`, `--size` or `--set` is given",
}


def models() -> str:
    """A section for each model, the mask generators first."""
    counted = {row["name"]: row["parameters"] for row in list_models()}
    kinds = {"masks": "## Mask generators", "translator": "## Translators"}
    parts: list[str] = []
    for kind, heading in kinds.items():
        parts.append(heading)
        of_kind = [entry for entry in MODELS.values() if entry.kind == kind]
        for entry in sorted(of_kind, key=lambda one: one.name not in SUITED.values()):
            parts += _model(entry, counted[entry.name])
    return "\n\n".join(parts)


def _model(entry: ModelEntry, counted: Mapping[str, int]) -> Iterable[str]:
    module = import_module(entry.module)
    first = (inspect.getdoc(module) or "").split("\n\n")[0].partition(": ")[2]
    path = entry.module.replace(".", "/")
    yield f"### `{entry.name}`"
    yield prose(f"{first[:1].upper()}{first[1:]} [Method, sources, figures](../../src/{path}.py).")
    yield "\n".join(prose(f"* {fact}", "  ") for fact in _facts(entry, counted))
    yield _settings(entry.load().Config)


def _facts(entry: ModelEntry, counted: Mapping[str, int]) -> Iterable[str]:
    suited = [SUITS[data] for data, name in SUITED.items() if name == entry.name]
    if suited:
        yield f"Taken without being asked for: {' and '.join(suited)}."
    if entry.trains:
        weights = ", ".join(f"{network} {count / 1e6:.2f} M" for network, count in counted.items())
        yield f"Training: {entry.epochs} passes over the pairs by default, at {entry.size} x {entry.size} pixels."
        yield f"Weights, for two classes and three channels: {weights}."
    else:
        yield "Training: none; masks and images of any size."
    yield f"Its file holds {KEEPS[entry.keeps]}."
    if entry.kind == "translator":
        yield f"Images for one mask: {'many, chosen by the seed' if entry.many_per_mask else 'one'}."
    if entry.takes_images:
        yield "Images without masks help it (`--unlabelled`)."


def _settings(config: type[Any]) -> str:
    words = inspect.getdoc(config) or ""
    told = ", ".join(f"`{name}={value}`" for name, value in asdict(config()).items())
    return prose(f"Settings (`--set`) and their defaults: {told}. {words}")
