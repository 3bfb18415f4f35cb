"""Curves for TensorBoard: what the history says, once, however often a fit is cut off."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from pairaug.errors import StorageError
from pairaug.files import read_json_lines
from pairaug.reporting import Reporter
from pairaug.training import loop
from pairaug.training.history import HISTORY
from pairaug.training.loop import Schedule, train
from pairaug.training.tensorboard import Board
from tests.conftest import Cli
from tests.training.fakes import Fake, fake, masks
from tests.training.test_loop import Killed, kill_at

Curves = dict[str, dict[int, Any]]


class FakeWriter:
    """What torch's writer and TensorBoard's reader do together: a purge hides what came before from that step on."""

    shown: Curves
    full = False

    def __init__(self, place: str, purge_step: int) -> None:
        (Path(place) / "events.out.tfevents.1.fake").touch()
        for curve in self.shown.values():
            for step in [step for step in curve if step >= purge_step]:
                del curve[step]

    def add_scalar(self, tag: str, value: float, step: int) -> None:
        if self.full:
            raise OSError(28, "No space left on device")
        curve = self.shown.setdefault(tag, {})
        assert step not in curve, "one value a step"
        curve[step] = value

    def add_image(self, tag: str, picture: np.ndarray, step: int, dataformats: str) -> None:
        assert (picture.dtype, picture.shape[2], dataformats) == (np.uint8, 3, "HWC")
        self.shown.setdefault(tag, {})[step] = picture.shape

    def flush(self) -> None: ...
    def close(self) -> None: ...


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Curves:
    """The curves that a fake writer was given, by name and step."""
    module: Any = ModuleType("torch.utils.tensorboard")
    module.SummaryWriter = type("Writer", (FakeWriter,), {"shown": {}})
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", module)
    given = importlib.util.find_spec
    found = lambda name, *more: object() if name == "tensorboard" else given(name, *more)  # noqa: E731
    monkeypatch.setattr("pairaug.training.plan.find_spec", found)
    return module.SummaryWriter.shown


@pytest.fixture
def checkpoints_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "_CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr(loop, "_CHECKPOINT_SHARE", 1e9)


class Listener(Reporter):
    def __init__(self) -> None:
        self.warned: list[str] = []

    def warn(self, text: str) -> None:
        self.warned.append(text)


def run(folder: Path, hook: Callable[[Fake], None] = lambda model: None, *, board: bool = True, epochs: int = 4):
    listener = Listener()
    watcher = Board(folder / "board" / "masks", listener) if board else None
    schedule = Schedule(seed=1, batch_size=2, epochs=epochs)
    device = torch.device("cpu")
    train(fake(hook), masks(5), schedule, folder / "run", device=device, reporter=listener, watcher=watcher)
    return listener.warned


def losses(folder: Path) -> dict[int, float]:
    return {row["images"]: row["loss"] for row in read_json_lines(folder / "run" / HISTORY)}


def test_the_curves_are_the_losses_of_the_history_the_rates_and_the_pace(tmp_path: Path, shown: Curves) -> None:
    run(tmp_path)
    assert shown["loss/loss"] == losses(tmp_path)
    assert shown["rate/net"] == dict.fromkeys(losses(tmp_path), 0.05)
    assert shown["pace/steps a second"].keys() == shown["loss/loss"].keys()
    assert min(shown["pace/steps a second"].values()) > 0
    assert shown["epoch"][20] == 4.0


@pytest.mark.usefixtures("checkpoints_at_once")
@pytest.mark.parametrize("step", [1, 2, 5, 9])
def test_a_fit_that_was_killed_and_continued_shows_each_step_of_its_curve_once(
    step: int, tmp_path: Path, shown: Curves, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Killed):
        run(tmp_path, kill_at(step))
    monkeypatch.setattr(loop, "_CHECKPOINT_SECONDS", 60.0)
    run(tmp_path)
    assert shown["loss/loss"] == losses(tmp_path)
    assert len(shown["loss/loss"]) > 5


def test_more_epochs_continue_the_same_curve(tmp_path: Path, shown: Curves) -> None:
    run(tmp_path, epochs=2)
    before = dict(shown["loss/loss"])
    run(tmp_path, epochs=4)
    assert shown["loss/loss"] == losses(tmp_path)
    assert before.items() < shown["loss/loss"].items()


def test_a_fit_that_began_without_curves_has_its_earlier_losses_too(tmp_path: Path, shown: Curves) -> None:
    run(tmp_path, epochs=2, board=False)
    run(tmp_path, epochs=4)
    assert shown["loss/loss"] == losses(tmp_path)


def test_a_disk_that_fails_costs_the_curves_and_not_the_fit(
    tmp_path: Path, shown: Curves, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(tmp_path / "plain", board=False)
    monkeypatch.setattr(FakeWriter, "full", True)
    warned = run(tmp_path / "full")
    assert losses(tmp_path / "full") == losses(tmp_path / "plain")
    assert [line.partition(": ")[2] for line in warned] == [
        "No space left on device; the fit goes on without --tensorboard"
    ]
    assert shown == {}


def test_a_place_for_curves_that_cannot_be_written_is_refused_before_training(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="file"):
        Board(tmp_path / "file" / "masks", Reporter())


@pytest.mark.parametrize("command", ["fit-masks", "fit-translator"])
def test_without_the_package_the_command_to_install_it_is_told_and_nothing_is_made(
    command: str, cli: Cli, drive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pairaug.training.plan.find_spec", lambda name: None)
    ran = cli(command, drive, "--tensorboard", "curves", "--models", "m")
    assert (ran.code, ran.err) == (
        3,
        "pairaug: --tensorboard curves: writing it needs tensorboard: pip install 'pairaug[tensorboard]'\n",
    )
    assert not list(Path().iterdir())


def test_a_model_without_training_has_nothing_to_log_and_says_so(cli: Cli, drive: Path, shown: Curves) -> None:
    ran = cli("fit-masks", drive / "masks", "--model", "warp", "--tensorboard", "curves", "--no-gate", "-q")
    assert ran.code == 0
    assert ran.err == "warning: --tensorboard: warp has nothing to train, so there is nothing to log\n"
    assert shown == {}
    assert not Path("curves").exists()


def test_a_fit_shows_its_sample_sheets_and_ends_with_the_same_model(cli: Cli, drive: Path, shown: Curves) -> None:
    plain = ("fit-masks", drive / "masks", "--model", "vaegan", "--epochs", 2, "--threads", 1, "--no-gate", "--models")
    assert cli(*plain, "plain").code == cli(*plain, "shown", "--tensorboard", "curves").code == 0
    assert list(shown["samples"]) == [6, 12]
    assert (Path("curves/masks") / ".pairaug-own").is_file()
    assert Path("plain/masks/model.safetensors").read_bytes() == Path("shown/masks/model.safetensors").read_bytes()


@pytest.mark.slow
@pytest.mark.usefixtures("checkpoints_at_once")
def test_tensorboard_itself_reads_the_curve_of_a_fit_that_was_cut_off(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    with pytest.raises(Killed):
        run(tmp_path, kill_at(5))
    run(tmp_path)
    read = EventAccumulator(str(tmp_path / "board" / "masks"))
    read.Reload()
    found = [(event.step, event.value) for event in read.Scalars("loss/loss")]
    assert found == [(step, pytest.approx(value, rel=1e-6)) for step, value in losses(tmp_path).items()]
