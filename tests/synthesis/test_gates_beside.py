"""The gates that a fit leaves beside its model are applied, unless the user says otherwise."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pairaug.files import digest_file
from pairaug.fitted.model_file import load_model
from pairaug.gates.agreement import load_agreement, look, save_agreement
from pairaug.gates.novelty import load_novelty, save_novelty
from pairaug.synthesis.manifest import MANIFEST, METADATA
from pairaug.synthesis.run import SynthesisOptions, synthesize
from pairaug.synthesis.verify import verify
from pairaug.training.fit import fit_translator
from pairaug.training.plan import FitOptions
from tests.conftest import Cli, contents
from tests.several import together

GATE = Path("masks/gate-novelty.safetensors")


def manifest_of(out: Path) -> dict[str, Any]:
    return json.loads((out / MANIFEST).read_text())


def demanding(models: Path, limits: tuple[float, float, float]) -> None:
    """Raise the limits of the gate in ``models``."""
    model = load_model(models / "masks", "masks")
    gate = load_novelty(models / GATE, model.digest, len(model.label_values))
    gate.facts = replace(gate.facts, limits=limits)
    save_novelty(gate, models / GATE, model.digest)


@pytest.fixture
def strict(fitted: Path, tmp_path: Path) -> Path:
    """Models whose gate of masks rejects some of what is drawn and lets some pass."""
    models = tmp_path / "strict"
    shutil.copytree(fitted, models)
    demanding(models, (0.38, 0.0, 0.0))
    return models


def test_a_fit_records_its_gate_and_the_manifest_names_it(fitted: Path) -> None:
    recorded = json.loads((fitted / "masks/run.json").read_text())["gates"]["novelty"]
    assert recorded["sha256"] == digest_file(fitted / GATE)
    synthesize("out", SynthesisOptions(2, fitted))
    manifest = manifest_of(Path("out"))
    assert [(gate["name"], gate["sha256"]) for gate in manifest["gates"]] == [("novelty", recorded["sha256"])]
    assert manifest["gates"][0]["rule"] == recorded["rule"]
    assert manifest["config"]["gates"] == {"value": "all", "origin": "default"}


def test_what_the_gate_rejects_is_counted_and_the_bytes_do_not_depend_on_threads(strict: Path, cli: Cli) -> None:
    command = ("synthesize", "--models", strict, "--count", 8)
    ran = cli(*command, "--out", "one", "--threads", 1, "--batch-size", 1)
    rejected = manifest_of(Path("one"))["counts"]["rejected"]
    assert rejected
    assert f"{rejected} rejected by the gates and drawn again (novelty {rejected})" in ran.err
    cli(*command, "--out", "two", "--threads", 3, "--batch-size", 8)
    strip = {MANIFEST}
    assert {k: v for k, v in contents(Path("one")).items() if k not in strip} == {
        k: v for k, v in contents(Path("two")).items() if k not in strip
    }
    assert manifest_of(Path("one"))["rejects"] == manifest_of(Path("two"))["rejects"]
    assert verify(Path("one")).differing == ()


def test_a_gate_that_lets_nothing_pass_ends_the_command_with_8(strict: Path, cli: Cli) -> None:
    demanding(strict, (2.0, 0.0, 0.0))
    ran = cli("synthesize", "--models", strict, "--count", 2, "--out", "out")
    assert ran.code == 8
    assert manifest_of(Path("out"))["gaps"] == [0, 1]


def test_none_applies_no_gate_and_is_named_in_the_command(strict: Path, cli: Cli) -> None:
    assert cli("synthesize", "--models", strict, "--count", 4, "--out", "out", "--gates", "none").code == 0
    manifest = manifest_of(Path("out"))
    assert manifest["gates"] == manifest["rejects"] == []
    assert "--gates none" in manifest["command"]


def test_models_without_gates_still_synthesise_and_the_user_hears_of_it(strict: Path, cli: Cli) -> None:
    (strict / GATE).unlink()
    ran = cli("synthesize", "--models", strict, "--count", 2, "--out", "out")
    assert ran.code == 0
    assert "no novelty gate lies beside the model" in ran.err
    ran = cli("synthesize", "--models", strict, "--count", 2, "--out", "other", "--gates", "novelty")
    assert ran.code == 4
    assert "the same fit-masks command without --no-gate makes it" in ran.err


def test_a_gate_of_another_model_is_refused(strict: Path, cli: Cli) -> None:
    shutil.copy(strict / GATE, strict / "kept")
    model = load_model(strict / "masks", "masks")
    save_novelty(load_novelty(strict / "kept", model.digest, 2), strict / GATE, "0" * 64)
    ran = cli("synthesize", "--models", strict, "--count", 2, "--out", "out")
    assert ran.code == 4
    assert "it belongs to another model" in ran.err


def test_masks_that_the_user_gives_are_not_judged_for_novelty(strict: Path, drive: Path, cli: Cli) -> None:
    ran = cli("synthesize", "--models", strict, "--masks-from", drive / "masks", "--out", "out", "--gates", "novelty")
    assert ran.code == 0
    assert manifest_of(Path("out"))["gates"] == []


def test_an_unknown_gate_is_refused_with_the_nearest_name(fitted: Path, cli: Cli) -> None:
    ran = cli("synthesize", "--models", fitted, "--count", 2, "--out", "out", "--gates", "novelti")
    assert ran.code == 2
    assert "--gates novelti: no gate 'novelti'; did you mean 'novelty'?" in ran.err


def test_the_same_fit_makes_a_gate_that_is_missing_and_leaves_the_model_as_it_is(drive: Path, cli: Cli) -> None:
    fit = ("fit-masks", drive / "masks", "--model", "warp", "--models", "models")
    assert cli(*fit, "--no-gate").code == 0
    before = contents(Path("models/masks"))
    assert GATE.name not in before
    assert "gates" not in json.loads(before["run.json"])
    assert cli(*fit).code == 0
    after = contents(Path("models/masks"))
    assert after.keys() - before.keys() == {GATE.name}
    assert after["model.safetensors"] == before["model.safetensors"]
    assert cli(*fit).code == 0
    assert contents(Path("models/masks")) == after
    (Path("models") / GATE).write_bytes(b"damaged")
    assert cli(*fit).code == 0
    assert contents(Path("models/masks")) == after
    assert cli(*fit, "--fresh", "--no-gate").code == 0
    assert GATE.name not in contents(Path("models/masks"))


IMAGES = Path("translator/gate-agreement.safetensors")


@pytest.fixture
def both(strict: Path, drive: Path, quick: None) -> Path:
    """Models with two gates, each of which rejects some of what it sees."""
    fit_translator(drive, FitOptions(models=strict, epochs=1, settings={"base": 4}, threads=1))
    model = load_model(strict / "translator", "translator")
    gate = load_agreement(strict / IMAGES, model.digest, 2, model.shape.channels)
    out = synthesize("ungated", SynthesisOptions(6, strict, gates="none"))
    files = [json.loads(line) for line in (out / METADATA).read_text().splitlines()]
    opened = [[np.asarray(Image.open(out / row[key])) for key in ("file_name", "mask_file_name")] for row in files]
    found = [look(gate.segmenter, (image / np.float32(255)), (mask > 0).astype(np.uint8), ()) for image, mask in opened]
    middle = float(np.median([one.dice for one in found]))
    gate.facts = replace(gate.facts, rule="limits", dice=middle, gain=9.0, width=9.0)
    save_agreement(gate, strict / IMAGES, model.digest)
    return strict


def test_a_translator_gets_its_gate_from_the_same_command_too_and_its_run_tells_of_it(
    strict: Path, drive: Path, quick: None, cli: Cli
) -> None:
    before = contents(strict / "translator")
    assert IMAGES.name not in before
    ran = cli("fit-translator", drive, "--models", strict, "--epochs", 1, "--set", "base=4", "--threads", 1)
    assert ran.code == 0
    assert "more to fit the agreement gate (--no-gate leaves it out)" in ran.err
    after = contents(strict / "translator")
    assert {name for name in after if after[name] != before.get(name)} == {IMAGES.name, "run.json"}
    recorded = json.loads(after["run.json"])["gates"]["agreement"]
    assert recorded["sha256"] == digest_file(strict / IMAGES)
    assert recorded["limits"].keys() == {"dice", "offset", "width"}
    (strict / IMAGES).unlink()
    cli("fit-translator", drive, "--models", strict, "--epochs", 1, "--set", "base=4", "--threads", 2)
    assert digest_file(strict / IMAGES) == recorded["sha256"]


def test_images_are_judged_beside_masks_and_the_bytes_depend_on_neither_batch_nor_threads_nor_ranks(
    both: Path, cli: Cli
) -> None:
    command = ("synthesize", "--models", both, "--count", 6)
    cli(*command, "--out", "one", "--threads", 1, "--batch-size", 1)
    manifest = manifest_of(Path("one"))
    assert [gate["name"] for gate in manifest["gates"]] == ["novelty", "agreement"]
    kinds = {reject["gate"] for reject in manifest["rejects"]}
    assert kinds == {"novelty", "agreement dice"}
    assert manifest["counts"]["pairs"]
    cli(*command, "--out", "two", "--threads", 3, "--batch-size", 6)
    ends = together(*command, "--out", "three", "--threads", 1)
    assert {end.code for end in ends} <= {0, 8}
    for other in ("two", "three"):
        files, whole = contents(Path(other)), contents(Path("one"))
        assert files.keys() == whole.keys()
        assert {name for name in files if files[name] != whole[name]} <= {MANIFEST}
        assert manifest_of(Path(other))["rejects"] == manifest["rejects"]


def test_given_masks_are_judged_by_their_images_alone(both: Path, drive: Path, cli: Cli) -> None:
    cli("synthesize", "--models", both, "--masks-from", drive / "masks", "--out", "out")
    assert [gate["name"] for gate in manifest_of(Path("out"))["gates"]] == ["agreement"]
