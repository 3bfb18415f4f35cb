"""What the manifest says of where a data set came from.

All that determines the content, and nothing that does not (threads, places): equal sets have equal manifests.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from typing import Any

from pairaug import __version__
from pairaug.fitted.model_file import FittedModel
from pairaug.gates.names import ALL
from pairaug.pairs.labels import value_for_json
from pairaug.synthesis.drafts import GeneratedMasks, Masks
from pairaug.synthesis.formats.base import Format
from pairaug.synthesis.formats.mirror import changed_image_formats, changed_mask_formats
from pairaug.synthesis.options import DEFAULT_PREFIX
from pairaug.synthesis.styles import Styles


def manifest_body(
    config: Mapping[str, Any],
    origins: Mapping[str, str],
    output_format: Format,
    used: Mapping[str, Any],
) -> dict[str, Any]:
    """``config``: the options that determine the content, by name; ``origins``: where their values came from.

    ``used``: the models (``models_used``). What was counted is no part of it: it is known at the end (``counts``).
    """
    translator = output_format.translator
    return {
        "version": __version__,
        "command": _command(config),
        "config": {name: {"value": value, "origin": origins.get(name, "default")} for name, value in config.items()},
        "format": {"name": output_format.name, **output_format.facts()},
        "license": config["license"],
        "terms": _terms(model.get("terms", []) for model in used.values()),
        "models": dict(used),
        "label_values": [value_for_json(value) for value in translator.label_values],
        "class_names": output_format.class_names,
        "layout": translator.info.get("layout", ""),
        "levels": _levels(translator),
        "image_formats_changed_to_png": changed_image_formats(translator.pairs),
        "mask_formats_changed_to_png": changed_mask_formats(translator.pairs, translator.label_values),
    }


def models_used(translator: FittedModel, masks: Masks, styles: Styles | None = None) -> dict[str, Any]:
    """What the manifest says of the two models and of the pictures in whose manner was painted."""
    used: dict[str, Any] = {"translator": _model_facts(translator)}
    if isinstance(masks, GeneratedMasks):
        used["masks"] = _model_facts(masks.fitted)
    else:
        used["masks"] = {"given": len(masks.checked.pairs), "sha256": masks.checked.digest}
    if styles is not None:
        used["style"] = styles.manifest()
    return used


def counts(asked: int, pairs: int, originals: int, rejected: int) -> dict[str, int]:
    """``asked``: synthetic pairs; ``pairs``: all in the set; ``rejected``: drawings that no gate let pass."""
    return {"asked": asked, "pairs": pairs, "originals": originals, "rejected": rejected}


def _levels(translator: FittedModel) -> dict[str, float]:
    """What a level stands for: value = slope * level + intercept; for NIfTI and DICOM other than 1 and 0."""
    form = translator.pairs[0].image_form
    assert form is not None
    return {"slope": form.slope, "intercept": form.intercept}


def _command(config: Mapping[str, Any]) -> str:
    folds = ["folds", "SOURCE", "--folds", str(config["folds"])] if "folds" in config else ["synthesize"]
    words = ["pairaug", *folds, "--count", str(config["count"]), "--seed", str(config["seed"])]
    if config["per_mask"] > 1:
        words += ["--per-mask", str(config["per_mask"])]
    if config.get("masks_from"):
        words += ["--masks-from", "DIR"]
    if config.get("style_from"):
        words += ["--style-from", "DIR"]
    if config["prefix"] != DEFAULT_PREFIX:
        words += ["--prefix", config["prefix"]]
    if config["format"] != "mirror":
        words += ["--format", config["format"]]
    for name in ("images_as", "masks_as", "class_names"):
        if config[name] is not None:
            words += [f"--{name.replace('_', '-')}", config[name]]
    if config["include_originals"] and "folds" not in config:
        words.append("--include-originals")
    if config.get("gates", ALL) != ALL:
        words += ["--gates", config["gates"]]
    if config["license"] is not None:
        words += ["--license", config["license"]]
    return shlex.join(words)


def _terms(of_models: Iterable[list[dict[str, str]]]) -> list[dict[str, str]]:
    """The files that state the terms of the source, each once, by name and digest."""
    found = {(term["name"], term["sha256"]) for terms in of_models for term in terms}
    return [{"name": name, "sha256": digest} for name, digest in sorted(found)]


def _model_facts(fitted: FittedModel) -> dict[str, Any]:
    return {
        "name": fitted.name,
        "sha256": fitted.digest,
        "pairs_sha256": fitted.info["pairs_digest"],
        "data_sha256": fitted.info["data_digest"],
        "seen": [one.row() for one in fitted.seen],
        "keeps": fitted.entry.keeps,
        "contains_training_masks": fitted.entry.keeps != "nothing",
        "seed": fitted.info.get("seed"),
        "images_seen": fitted.info.get("images_seen"),
        "config": fitted.info["config"],
        "terms": list(fitted.info.get("terms", [])),
    }
