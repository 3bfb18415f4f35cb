"""A fit is what it was asked to be: by its data, its reading and its length, also after a fault."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from pairaug.errors import DivergedError, OutputError
from pairaug.pairs.drawing import write_demo_pairs
from pairaug.reporting import Reporter
from pairaug.training.fit import fit_mask_generator
from pairaug.training.loop import CHECKPOINTS, Schedule, train
from pairaug.training.plan import FitOptions
from tests.conftest import Cli, contents
from tests.training.fakes import Fake, fake, masks
from tests.training.test_loop import CPU, same, weights

SMALL = ("--model", "vessgan", "--size", 16, "--set", "width=2", "--threads", 1)
MODEL = Path("pairaug-models/masks/model.safetensors")


@pytest.fixture
def other(tmp_path: Path) -> Path:
    return write_demo_pairs(tmp_path / "other", 6, side=96, seed=9)


def fitted(source: Path, models: Path, epochs: int) -> bytes:
    options = FitOptions("vessgan", models, epochs=epochs, size=16, settings={"width": 2}, threads=1)
    return fit_mask_generator(source, options).read_bytes()


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("--alpha", "drop"), "--alpha: refuse there, drop here"),
        (("--threshold", 128), "--threshold: none there, 128 here"),
        (("--background", 255), "--background: none there, 255 here"),
        (("--window", "-1000,400"), "the window: none there, -1000,400 here"),
        (("--batch-size", 2), "the batch size: 1 there, 2 here"),
        (("--precision", "bfloat16"), "--precision: float32 there, bfloat16 here"),
        (("--set", "noise=7"), "--set noise: 100 there, 7 here"),
        (("--limit", 5), "the data: 6 pairs there, 5 pairs here"),
    ],
)
def test_whatever_changes_a_tensor_makes_another_run_and_is_named(
    more: tuple[object, ...], words: str, drive: Path, cli: Cli
) -> None:
    assert cli("fit-masks", drive, *SMALL, "--epochs", 1).code == 0
    before = MODEL.read_bytes()
    again = cli("fit-masks", drive, *SMALL, "--epochs", 1, *more)
    assert again.code == OutputError.exit_code
    assert words in again.err
    assert MODEL.read_bytes() == before


def test_other_files_of_the_same_number_are_told_in_words(drive: Path, other: Path, cli: Cli) -> None:
    cli("fit-masks", drive)
    again = cli("fit-masks", other)
    assert again.code == 5
    assert "the data: 6 pairs here as there, but other files" in again.err


def test_more_epochs_extend_and_fewer_are_said(drive: Path, tmp_path: Path, cli: Cli) -> None:
    long = fitted(drive, tmp_path / "long", 4)
    assert cli("fit-masks", drive, *SMALL, "--epochs", 2).code == 0
    assert cli("fit-masks", drive, *SMALL, "--epochs", 4).code == 0
    assert MODEL.read_bytes() == long
    fewer = cli("fit-masks", drive, *SMALL, "--epochs", 2)
    assert fewer.code == 0
    assert "already 4 epochs, 2 asked; --fresh starts again" in fewer.err
    assert MODEL.read_bytes() == long
    assert cli("fit-masks", drive, *SMALL, "--epochs", 2, "--fresh").code == 0
    assert MODEL.read_bytes() == fitted(drive, tmp_path / "short", 2)


def test_a_longer_time_budget_goes_on_and_one_after_epochs_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 10_000_000, 2))
    monkeypatch.setattr("pairaug.training.loop.time.monotonic", lambda: float(next(clock)))

    def images(minutes: float | None, epochs: int | None = None) -> int:
        schedule = Schedule(1, 1, epochs, minutes)
        return train(fake(), masks(5), schedule, tmp_path, device=CPU, reporter=Reporter())[1].images

    counted = [images(None, 2), images(1.0), images(1.0), images(3.0)]
    assert counted[0] == 10
    assert counted[0] < counted[1] == counted[2] < counted[3]


def test_minutes_after_minutes_train_further_by_the_command_too(drive: Path, cli: Cli) -> None:
    assert cli("fit-masks", drive, *SMALL, "--minutes", 0.0005).code == 0
    run = MODEL.parent / "run.json"
    first = json.loads(run.read_text())["images_seen"]
    assert "already complete" in cli("fit-masks", drive, *SMALL, "--minutes", 0.0005).err
    assert cli("fit-masks", drive, *SMALL, "--minutes", 0.02).code == 0
    assert json.loads(run.read_text())["images_seen"] > first
    assert " minutes, 0.001 asked; --fresh" in cli("fit-masks", drive, *SMALL, "--minutes", 0.001).err


class Spoilt(Fake):
    """Its weights stop being numbers in the last step, unseen by any loss."""

    last: int

    def step(self, batch, generator):
        losses = super().step(batch, generator)
        self.steps = getattr(self, "steps", 0) + 1
        if self.steps == self.last:
            with torch.no_grad():
                self.net.weight.fill_(float("nan"))
        return losses


def test_weights_that_are_not_finite_after_the_last_step_are_no_end(tmp_path: Path) -> None:
    def spoilt(last: int):
        return lambda: type("Once", (Spoilt,), {"last": last})(
            fake()().shape, torch.Generator().manual_seed(3), lambda model: None
        )

    with pytest.raises(DivergedError, match="not finite") as caught:
        train(spoilt(4), masks(4), Schedule(1, 1, 1), tmp_path, device=CPU, reporter=Reporter())
    assert caught.value.exit_code == 6
    assert not list((tmp_path / CHECKPOINTS).glob("*"))


def test_a_model_whose_weights_are_not_finite_is_never_written(
    drive: Path, monkeypatch: pytest.MonkeyPatch, cli: Cli
) -> None:
    from pairaug.models.masks.vessgan import VessGAN

    state = VessGAN.inference_state
    nan = float("nan")
    monkeypatch.setattr(VessGAN, "inference_state", lambda self: {k: v * nan for k, v in state(self).items()})
    ran = cli("fit-masks", drive, *SMALL, "--epochs", 1)
    assert ran.code == 6
    assert "weights that are not finite" in ran.err
    assert not MODEL.exists()


def test_checkpoints_of_another_run_are_never_gone_on_from(drive: Path, other: Path, tmp_path: Path, cli: Cli) -> None:
    direct = fitted(other, tmp_path / "direct", 3)
    cli("fit-masks", drive, *SMALL, "--epochs", 5)
    for name in ("run.json", "model.safetensors"):
        (MODEL.parent / name).unlink()
    ran = cli("fit-masks", other, *SMALL, "--epochs", 3)
    assert ran.code == 0
    assert "continuing" not in ran.err
    assert "of another run: removed" in ran.err
    assert MODEL.read_bytes() == direct


def test_a_checkpoint_without_an_identity_is_not_one_of_this_run(tmp_path: Path) -> None:
    train(fake(), masks(5), Schedule(1, 1, 2, run="earlier"), tmp_path, device=CPU, reporter=Reporter())
    direct, _ = train(fake(), masks(5), Schedule(1, 1, 1, run="now"), tmp_path / "x", device=CPU, reporter=Reporter())
    again, progress = train(fake(), masks(5), Schedule(1, 1, 1, run="now"), tmp_path, device=CPU, reporter=Reporter())
    assert progress.images == 5
    assert same(weights(direct), weights(again))


@pytest.mark.parametrize("hurt", ["cut", "flipped", "gone", "pairs gone", "all gone"])
@pytest.mark.parametrize("trains", [True, False])
def test_a_damaged_model_is_made_again_by_the_same_command(trains: bool, hurt: str, drive: Path, cli: Cli) -> None:
    command = ("fit-masks", drive, *(SMALL if trains else ("--model", "warp")), *(("--epochs", 2) if trains else ()))
    cli(*command)
    whole = contents(MODEL.parent)
    data = MODEL.read_bytes()
    if hurt == "cut":
        MODEL.write_bytes(data[:-40])
    elif hurt == "flipped":
        MODEL.write_bytes(data[:-9] + bytes([data[-9] ^ 1]) + data[-8:])
    elif hurt == "pairs gone":
        (MODEL.parent / "pairs.jsonl").unlink()
    else:
        MODEL.unlink()
    if hurt == "all gone":
        shutil.rmtree(MODEL.parent / CHECKPOINTS, ignore_errors=True)
    ran = cli(*command)
    assert ran.code == 0
    assert "made again" in ran.err
    after = contents(MODEL.parent)
    for name in ("model.safetensors", "pairs.jsonl"):
        assert after[name] == whole[name]
    assert "already complete" in cli(*command).err


def test_what_pairaug_wrote_into_a_folder_of_masks_is_no_mask(
    tmp_path: Path, cli: Cli, drive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(drive / "masks", tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    assert cli("fit-masks", ".").code == 0
    again = cli("fit-masks", ".")
    assert again.code == 0
    assert "already complete" in again.err
    dry = cli("fit-masks", ".", "--dry-run")
    assert "skips pairaug-models: a folder that pairaug wrote" in dry.out
    for mark in Path(".").rglob(".pairaug-own"):  # as earlier versions left it
        mark.unlink()
    dry = cli("fit-masks", ".", "--dry-run")
    assert "skips pairaug-models/masks: a folder that pairaug wrote" in dry.out
    assert "6 masks" in dry.out


def test_a_fit_among_the_data_is_refused_and_leaves_no_mark(drive: Path, tmp_path: Path, cli: Cli) -> None:
    shutil.copytree(drive, tmp_path / "drive")
    before = contents(tmp_path / "drive")
    ran = cli("fit-masks", tmp_path / "drive", "--models", tmp_path / "drive")
    assert ran.code == 5
    assert "holds files of the data set, such as" in ran.err
    assert contents(tmp_path / "drive") == before


def test_files_that_changed_during_a_fit_are_refused_with_a_remedy_that_works(
    drive: Path, tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = Path(shutil.copytree(drive, tmp_path / "data"))
    mask = data / "masks/01.png"

    def change(*_: object) -> None:
        Image.fromarray(np.full((96, 96), 255, np.uint8)).save(mask)

    with monkeypatch.context() as during:
        during.setattr("pairaug.training.run.Run._draw_losses", change)
        ran = cli("fit-masks", data, *SMALL, "--epochs", 1)
    assert ran.code == 3
    assert "start again with --fresh" in ran.err
    assert cli("fit-masks", data, *SMALL, "--epochs", 1).code == 5
    assert cli("fit-masks", data, *SMALL, "--epochs", 1, "--fresh").code == 0


def test_a_fit_leaves_the_callers_number_of_threads_as_it_was(drive: Path, tmp_path: Path) -> None:
    from pairaug.training.fit import fit_mask_generator
    from pairaug.training.plan import FitOptions

    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        fit_mask_generator(drive, FitOptions(models=tmp_path / "models", threads=1))
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)
