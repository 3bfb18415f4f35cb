"""What goes wrong while a model is fitted: a process that is killed, a disk that is full, a folder that is taken."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pairaug import files
from pairaug.errors import DataError, OutputError, StorageError
from pairaug.locking import folder_lock
from pairaug.training.fit import fit_mask_generator
from pairaug.training.plan import FitOptions
from tests.conftest import Cli, contents

SMALL = {"width": 2}
STOPPED_RUN = """
import sys
from pathlib import Path
from pairaug.training import loop
from pairaug.training.fit import fit_mask_generator
from pairaug.training.plan import FitOptions
loop._CHECKPOINT_SECONDS, loop._CHECKPOINT_SHARE = 0.0, 1e9
save = loop._Run._save
def saved(self):
    kept = save(self)
    if self.progress.images >= 4:
        print("saved", flush=True)
        sys.stdin.read()  # until the test kills us
    return kept
loop._Run._save = saved
options = FitOptions("vessgan", Path(sys.argv[2]), epochs=3, size=16, settings={"width": 2}, threads=1)
fit_mask_generator(sys.argv[1], options)
"""


SWAPPED_FILE = """
import os
import sys
from pairaug.cli.app import run
from pairaug.training import plan, run as running
module, name, path, sys.argv = sys.argv[1], sys.argv[2], sys.argv[3], ["pairaug", *sys.argv[4:]]
module = {"plan": plan, "run": running}[module]
before = getattr(module, name)
def swap(*arguments, **named):
    result = before(*arguments, **named)
    os.remove(path)
    os.mkfifo(path)
    return result
setattr(module, name, swap)
run()
"""


def options(models: Path) -> FitOptions:
    return FitOptions("vessgan", models, epochs=3, size=16, settings=SMALL, threads=1)


def model_bytes(models: Path) -> bytes:
    return (models / "masks/model.safetensors").read_bytes()


def test_a_fit_killed_with_kill_9_ends_with_the_same_model(drive: Path, tmp_path: Path) -> None:
    fit_mask_generator(drive, options(tmp_path / "whole"))
    command = [sys.executable, "-c", STOPPED_RUN, str(drive), str(tmp_path / "killed")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"saved\n"
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert not (tmp_path / "killed/masks/model.safetensors").exists()
    checkpoints = sorted((tmp_path / "killed/masks/checkpoint").iterdir())
    assert 1 <= len(checkpoints) <= 2
    fit_mask_generator(drive, options(tmp_path / "killed"))
    assert model_bytes(tmp_path / "killed") == model_bytes(tmp_path / "whole")


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS])
def test_a_disk_that_fills_up_or_goes_read_only_ends_the_fit_with_exit_7_and_harms_nothing(
    code: int, drive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = tmp_path / "models"
    fit_mask_generator(drive, options(models))
    before = contents(models)
    calls = iter(range(1, 100))
    original = os.replace

    def replace(source: object, target: object) -> None:
        if next(calls) > 1:
            raise OSError(code, os.strerror(code))
        original(source, target)  # type: ignore[arg-type]

    monkeypatch.setattr(files.os, "replace", replace)
    more = FitOptions("vessgan", models, epochs=4, size=16, settings=SMALL, threads=1)
    with pytest.raises(
        StorageError, match=r"disk is full; free some space|not writable; choose another place"
    ) as caught:
        fit_mask_generator(drive, more)
    assert caught.value.exit_code == 7
    assert not list(models.rglob(".pairaug-tmp-*"))
    after = contents(models)
    changed = {name for name in before if after.get(name) != before[name]}
    assert changed <= {"masks/run.json"}
    monkeypatch.undo()
    fit_mask_generator(drive, more)
    fit_mask_generator(drive, FitOptions("vessgan", tmp_path / "whole", epochs=4, size=16, settings=SMALL, threads=1))
    assert model_bytes(models) == model_bytes(tmp_path / "whole")


def test_too_little_space_is_found_before_a_fit_begins(
    drive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files.shutil, "disk_usage", lambda path: _Usage)
    with pytest.raises(StorageError, match=r"needs about .*, 10 B free; free some space or choose another place"):
        fit_mask_generator(drive, options(tmp_path / "models"))
    assert not (tmp_path / "models/masks/history.jsonl").exists()


class _Usage:
    free = 10


def test_a_second_fit_in_one_folder_is_refused_naming_the_first(drive: Path, tmp_path: Path, cli: Cli) -> None:
    with folder_lock(tmp_path / "models/masks"):
        ran = cli("fit-masks", drive, "--models", tmp_path / "models")
    assert ran.code == OutputError.exit_code == 5
    assert f"in use by pairaug (process {os.getpid()}); wait for it or choose another place" in ran.err
    assert cli("fit-masks", drive, "--models", tmp_path / "models").code == 0


def test_one_pair_is_answered_and_what_cannot_be_trusted_is_said(drive: Path, cli: Cli) -> None:
    few = ("--limit", 1)
    masks = cli("fit-masks", drive, *few)
    translator = cli("fit-translator", drive, *few, "--epochs", 1, "--set", "base=2")
    assert (masks.code, translator.code) == (0, 0)
    for ran in (masks, translator, cli("check", drive, *few)):
        assert "only 1 pairs: what is made of them will hardly differ from them" in ran.err
    assert cli("synthesize", "--count", 2, "--out", "out").code == 0
    assert cli("verify", "out").code == 0


def test_no_pair_is_an_error(drive: Path) -> None:
    from pairaug.pairs.source import Selection

    with pytest.raises(DataError, match="6 pairs, none of which --only lets through; widen it"):
        fit_mask_generator(drive, selection=Selection(only=("none*",)))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
@pytest.mark.parametrize(("name", "after"), [("images/03.png", "plan.check_pairs"), ("masks/03.png", "run.train")])
def test_a_pipe_put_in_the_place_of_a_file_while_a_fit_runs_ends_it_with_one_line(
    drive: Path, tmp_path: Path, name: str, after: str
) -> None:
    data = Path(shutil.copytree(drive, tmp_path / "drive"))
    assert (data / name).is_file()
    fit = ["fit-translator", str(data), "--models", "models", "--epochs", "1", "--set", "base=2", "--quiet"]
    command = [sys.executable, "-c", SWAPPED_FILE, *after.split("."), str(data / name), *fit]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert ran.returncode == 3, ran.stderr
    assert ran.stderr.count("\n") == 1, ran.stderr
    assert f"{name}: is not a plain file; put the file itself in its place" in ran.stderr
    assert not (tmp_path / "models/translator/model.safetensors").exists()
