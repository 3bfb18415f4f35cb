"""The gates that a fit leaves beside its model are applied, unless the user says otherwise."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pairaug.files import digest_file
from pairaug.fitted.model_file import load_model
from pairaug.gates.novelty import load_novelty, save_novelty
from pairaug.synthesis.manifest import MANIFEST
from pairaug.synthesis.run import SynthesisOptions, synthesize
from pairaug.synthesis.verify import verify
from tests.conftest import Cli, contents

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
    assert "the same fit-masks command makes it" in ran.err


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
    fit = ("fit-masks", drive / "masks", "--models", "models")
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
