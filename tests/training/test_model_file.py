"""A model's file: what it says, and that nothing in it is believed unchecked."""

from __future__ import annotations

import contextlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load, save

from pairaug.errors import ModelError
from pairaug.fitted.header import MAX_HEADER
from pairaug.fitted.model_file import load_model


@pytest.fixture
def translator(fitted: Path, tmp_path: Path) -> Path:
    """A copy of the fitted translator's folder to spoil."""
    return Path(shutil.copytree(fitted / "translator", tmp_path / "translator"))


def header_of(path: Path) -> dict:
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    return json.loads(data[8 : 8 + length])


def info_of(path: Path) -> dict:
    return json.loads(header_of(path)["__metadata__"]["pairaug"])


def rewrite(folder: Path, *, info: dict | None = None, tensors: dict | None = None) -> None:
    path = folder / "model.safetensors"
    kept = load(path.read_bytes())
    metadata = {"pairaug": json.dumps({**info_of(path), **(info or {})})}
    path.write_bytes(save(tensors or kept, metadata=metadata))


def test_a_model_says_what_it_is_and_what_it_saw_but_not_where(translator: Path, drive: Path) -> None:
    fitted = load_model(translator, "translator")
    assert fitted.name == "vess2image"
    assert fitted.label_values == (0, 255)
    assert len(fitted.pairs) == 6
    assert {pair.size for pair in fitted.pairs} == {(96, 96)}
    text = (translator / "model.safetensors").read_bytes() + (translator / "pairs.jsonl").read_bytes()
    assert str(drive.parent).encode() not in text


def test_the_mask_model_without_training_says_that_it_contains_training_masks(fitted: Path) -> None:
    assert info_of(fitted / "masks" / "model.safetensors")["contains_training_masks"] is True
    assert info_of(fitted / "translator" / "model.safetensors")["contains_training_masks"] is False


def test_a_missing_model_names_the_two_commands(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"pairaug fit-masks .* && pairaug fit-translator"):
        load_model(tmp_path / "masks", "masks")


def test_a_missing_list_of_pairs_is_refused(translator: Path) -> None:
    (translator / "pairs.jsonl").unlink()
    with pytest.raises(ModelError, match=r"pairs\.jsonl.*copied whole"):
        load_model(translator, "translator")


def test_a_changed_list_of_pairs_is_refused(translator: Path) -> None:
    path = translator / "pairs.jsonl"
    path.write_bytes(path.read_bytes().replace(b"{id}", b"../{id}"))
    with pytest.raises(ModelError, match="not the one"):
        load_model(translator, "translator")


@pytest.mark.parametrize("template", ["../{id}.png", "/{id}.png", "a/../../{id}.png"])
def test_a_naming_pattern_that_leaves_the_output_is_refused(translator: Path, template: str) -> None:
    from pairaug.files import digest_bytes

    path = translator / "pairs.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    path.write_text("".join(json.dumps({**row, "image_template": template}) + "\n" for row in rows))
    rewrite(translator, info={"pairs_digest": digest_bytes(path.read_bytes())})
    with pytest.raises(ModelError, match="relative path"):
        load_model(translator, "translator")


def test_weights_of_another_shape_or_not_finite_are_refused(translator: Path) -> None:
    tensors = load((translator / "model.safetensors").read_bytes())
    name = next(iter(tensors))
    for wrong in (tensors[name].flatten()[:1].clone(), torch.full_like(tensors[name], float("nan"))):
        rewrite(translator, tensors={**tensors, name: wrong})
        with pytest.raises(ModelError, match="not a usable model"):
            load_model(translator, "translator")


@pytest.mark.parametrize(
    "info",
    [
        {"model": "os.system"},
        {"kind": "masks"},
        {"format_version": 99},
        {"label_values": [0]},
        {"shape": {"classes": 2, "channels": 3, "height": 10**9, "width": 1}},
        {"shape": {"classes": 2, "channels": 3}},
        {"config": {"base": "x"}},
        {"config": {"nonsense": 1}},
        {"forms": [{"suffix": ".png", "format": "EPS", "mode": "RGB", "palette": ""}]},  # as version 1 had them
    ],
)
def test_a_header_that_lies_is_refused(translator: Path, info: dict) -> None:
    rewrite(translator, info=info)
    with pytest.raises(ModelError, match="not a usable model"):
        load_model(translator, "translator")


def test_a_header_that_is_too_long_or_a_size_that_is_not_declared_is_refused(translator: Path) -> None:
    path = translator / "model.safetensors"
    data = path.read_bytes()
    for wrong in (
        (MAX_HEADER + 1).to_bytes(8, "little") + b" " * (MAX_HEADER + 1),
        data[:-4],
        data + b"1234",
        data[:7],
        b"",
    ):
        path.write_bytes(wrong)
        with pytest.raises(ModelError, match="not a usable model"):
            load_model(translator, "translator")


def test_settings_that_ask_for_more_than_the_file_holds_are_refused_before_memory_is_given(translator: Path) -> None:
    info = info_of(translator / "model.safetensors")
    rewrite(translator, info={"config": {**info["config"], "base": 4096}})
    with pytest.raises(ModelError, match=r"settings that ask for \d{10,} parameters, in a file of \d+ bytes"):
        load_model(translator, "translator")


def test_rubbish_in_the_header_is_refused_and_never_crashes(translator: Path) -> None:
    path = translator / "model.safetensors"
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    rng = np.random.default_rng(0)
    for _ in range(150):
        spoilt = bytearray(data)
        for place in rng.integers(0, 8 + length, size=int(rng.integers(1, 6))):
            spoilt[place] = int(rng.integers(256))
        path.write_bytes(spoilt)
        with contextlib.suppress(ModelError):  # a change in an unused word may leave it usable
            load_model(translator, "translator")
