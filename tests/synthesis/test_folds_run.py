"""A set in folds made with networks, with gates, by several processes, and by a run that was cut off in its fits."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pairaug.errors import Interrupted, StorageError
from pairaug.files import OWN_MARK, digest_file, read_json_lines
from pairaug.synthesis import ledger
from pairaug.synthesis.folds.run import FoldsOptions, synthesize_folds
from pairaug.synthesis.manifest import MANIFEST
from pairaug.synthesis.options import SynthesisOptions
from pairaug.synthesis.verify import verify
from pairaug.training.plan import FitOptions
from tests.conftest import contents
from tests.several import together
from tests.synthesis.patients import BY_PATIENT, digests_of
from tests.synthesis.quick_gate import quick_agreement
from tests.synthesis.two_pairs import rows_of

TWO = 2
DRAWS = FitOptions("vessgan", epochs=1, size=16, settings={"noise": 4, "width": 8}, threads=1, gate=False)
PAINTS = FitOptions("vess2image", epochs=1, settings={"base": 2}, threads=1, gate=False)
FLAGS = ("--folds", TWO, "--count", 2, "--group-by", BY_PATIENT.group_by, "--threads", 1)


def by_networks(data: Path, root: Path) -> Path:
    options = FoldsOptions(TWO, DRAWS, PAINTS, SynthesisOptions(2, root / "models", threads=1))
    return synthesize_folds(data, root / "out", options, selection=BY_PATIENT).path


@pytest.fixture(scope="module")
def networks(patients: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``models`` and ``out`` of a run of networks that nothing disturbed."""
    root = tmp_path_factory.mktemp("networks")
    by_networks(patients, root)
    return root


def test_what_networks_make_descends_from_all_that_they_saw_and_they_saw_nothing_held_out(
    patients: Path, networks: Path
) -> None:
    rows = rows_of(networks / "out")
    for fold in range(TWO):
        held_out = {str(row["file_name"])[7] for row in rows if row["origin"] == "original" and row["fold"] == fold}
        made = [row for row in rows if row["origin"] == "synthetic" and row["fold"] == fold]
        assert [row["group"] for row in made] == [sorted(map(int, {*"0123"} - held_out))] * 2
        digests = {digest for patient in held_out for digest in digests_of(patients, patient)}
        for kind in ("masks", "translator"):
            seen = read_json_lines(networks / "models" / f"fold-{fold}-of-{TWO}" / kind / "pairs.jsonl")
            assert digests.isdisjoint({one[key] for one in seen for key in ("image_sha256", "mask_sha256")})
    assert verify(networks / "out").differing == ()


def test_a_run_whose_disk_fails_in_any_of_its_fits_goes_on_to_the_same_bytes(
    patients: Path, networks: Path, tmp_path: Path, fail_at_rename: Callable[[int], None]
) -> None:
    for number in (2, 9, 14):
        fail_at_rename(number)
        with pytest.raises(StorageError):
            by_networks(patients, tmp_path)
        assert not (tmp_path / "out" / MANIFEST).exists()
    fail_at_rename(0)
    by_networks(patients, tmp_path)
    assert contents(tmp_path / "out") == contents(networks / "out")
    for made in (tmp_path / "models").rglob("model.safetensors"):
        assert made.read_bytes() == (networks / made.relative_to(tmp_path)).read_bytes()


def test_the_same_command_fits_nothing_again(patients: Path, networks: Path) -> None:
    files = [path for path in networks.rglob("*") if path.is_file() and path.name != OWN_MARK]
    before = {path: path.stat().st_mtime_ns for path in files}
    by_networks(patients, networks)
    assert {path: path.stat().st_mtime_ns for path in before} == before


@pytest.fixture(scope="module")
def gated(patients: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``models`` with both gates and ``out``, by one process."""
    root = tmp_path_factory.mktemp("gated")
    fit = FitOptions(threads=1)
    options = FoldsOptions(TWO, fit, fit, SynthesisOptions(2, root / "models", threads=1))
    with quick_agreement():
        synthesize_folds(patients, root / "out", options, selection=BY_PATIENT)
    return root


def test_each_fold_has_gates_of_its_own(gated: Path) -> None:
    gates: list[dict[str, Any]] = json.loads((gated / "out" / MANIFEST).read_text())["gates"]
    named = [(gate["fold"], gate["name"]) for gate in gates]
    assert named == [(fold, name) for fold in range(TWO) for name in ("novelty", "agreement")]
    for gate in gates:
        kind = "masks" if gate["name"] == "novelty" else "translator"
        own = gated / "models" / f"fold-{gate['fold']}-of-{TWO}" / kind / f"gate-{gate['name']}.safetensors"
        assert gate["sha256"] == digest_file(own)


def test_two_processes_make_the_set_of_one_gates_and_all(patients: Path, gated: Path) -> None:
    hook = "from tests.synthesis.quick_gate import enter; enter()"
    first, second = together("folds", patients, "--out", "out", "--models", "models", *FLAGS, hooks=(hook, hook))
    assert first.code in (0, 8), first.err
    assert second.code == first.code
    assert (second.out, second.err) == ("", "")
    files, alone = contents(Path("out")), contents(gated / "out")
    assert files.keys() == alone.keys()
    assert {name for name in files if files[name] != alone[name]} <= {MANIFEST, "README.md", "croissant.json"}


def test_a_refusal_of_one_fold_is_told_once(patients: Path, tmp_path: Path) -> None:
    data = Path(shutil.copytree(patients, tmp_path / "data"))
    mask = np.array(Image.open(data / "masks/0_0.png"))
    mask[20:40, 20:40] = 128
    Image.fromarray(mask).save(data / "masks/0_0.png")
    ends = together("folds", data, "--out", "out", *FLAGS, "--no-gate")
    assert [end.code for end in ends] == [3, 3]
    assert "give fewer --folds" in ends[0].err
    assert ends[1].err == ""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_what_is_made_and_the_same_command_ends_with_the_same_bytes(
    patients: Path, networks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    original = ledger.Ledger.add

    def add(self: ledger.Ledger, made: Any) -> None:
        original(self, made)
        if len(self.rows) == 7:
            os.kill(os.getpid(), number)

    monkeypatch.setattr(ledger.Ledger, "add", add)
    with pytest.raises(Interrupted) as caught:
        by_networks(patients, tmp_path)
    monkeypatch.undo()
    assert caught.value.exit_code == 128 + number
    assert not (tmp_path / "out" / MANIFEST).exists()
    by_networks(patients, tmp_path)
    assert contents(tmp_path / "out") == contents(networks / "out")
