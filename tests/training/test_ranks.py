"""Two processes train one model: as one with their common batch would, resumed alike, and ended together."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest
from PIL import Image

from tests.conftest import Cli
from tests.several import End, together

DATA = Path("pairs")
SMALL = ("--model", "vessgan", "--set", "width=8", "--size", 16)

DIE = """
import os, signal
from pairaug.training.objectives.vessgan import VessGANObjective as objective
learn, steps = objective.step, iter(range(1, 1000))
def step(self, batch, generator):
    if next(steps) == 4:
        os.kill(os.getpid(), signal.{signal})
    return learn(self, batch, generator)
objective.step = step
"""
SAVE_ALWAYS = "from pairaug.training import loop; loop._CHECKPOINT_SECONDS, loop._CHECKPOINT_SHARE = 0.0, 1e9\n"


def fit(models: str | Path, epochs: int, *, hooks: tuple[str, ...] = ("", "")) -> list[End]:
    return together("fit-masks", DATA, *SMALL, "--epochs", epochs, "--models", models, "--threads", 1, hooks=hooks)


@pytest.fixture(autouse=True)
def _pairs(drive: Path) -> None:
    DATA.symlink_to(drive)


@pytest.fixture(scope="module")
def whole(drive: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[list[End], Path]:
    """A run of two ranks that nothing disturbed."""
    models = tmp_path_factory.mktemp("whole")
    arguments = ("fit-masks", drive, *SMALL, "--epochs", 4, "--models", models, "--threads", 1)
    return together(*arguments), models


def weights(models: str | Path) -> bytes:
    return Path(models, "masks", "model.safetensors").read_bytes()


def test_two_ranks_are_one_run_that_only_the_first_tells_of(whole: tuple[list[End], Path]) -> None:
    (first, second), models = whole
    assert (first.code, second.code) == (0, 0), first.err
    assert "parameters" in first.err
    assert (second.out, second.err) == ("", "")
    run = json.loads((models / "masks/run.json").read_text())
    assert run["identity"]["ranks"] == 2
    assert run["images_seen"] == 4 * run["pairs"]


def test_a_run_of_two_ranks_goes_on_with_two_and_is_refused_by_one(whole: tuple[list[End], Path], cli: Cli) -> None:
    assert fit("parts", 2)[0].code == 0
    assert fit("parts", 4)[0].code == 0
    assert weights(whole[1]) == weights("parts")
    ran = cli("fit-masks", DATA, *SMALL, "--epochs", 6, "--models", "parts")
    assert ran.code == 5
    assert "the number of processes: 2 there, 1 here" in ran.err


def test_a_rank_that_dies_ends_the_other_with_one_line_and_the_run_goes_on_later(
    whole: tuple[list[End], Path],
) -> None:
    dying = SAVE_ALWAYS + DIE.format(signal="SIGKILL")
    survivor, dead = fit("killed", 4, hooks=(SAVE_ALWAYS, dying))
    assert dead.code == -signal.SIGKILL
    assert survivor.code == 7
    assert "another process of this run ended" in survivor.err.splitlines()[-1]
    assert "Traceback" not in survivor.err
    again = fit("killed", 4)[0]
    assert again.code == 0
    assert "continuing after" in again.err
    assert weights(whole[1]) == weights("killed")


def test_a_signal_to_one_rank_saves_and_ends_both(whole: tuple[list[End], Path]) -> None:
    ends = fit("stopped", 4, hooks=("", DIE.format(signal="SIGTERM")))
    assert [end.code for end in ends] == [143, 143], ends
    assert "saved after" in ends[0].err
    assert fit("stopped", 4)[0].code == 0
    assert weights(whole[1]) == weights("stopped")


def test_a_loss_that_is_not_finite_on_one_rank_is_passed_over_on_both() -> None:
    spoil = """
from pairaug.training.objectives import vessgan
loss, calls = vessgan.real_or_fake_loss, iter(range(1, 10000))
vessgan.real_or_fake_loss = lambda logits, target: loss(logits, target) * (float("nan") if next(calls) == 6 else 1)
"""
    ends = fit("models", 2, hooks=("", spoil))
    assert [end.code for end in ends] == [0, 0], ends
    assert "1 steps without a finite loss were passed over" in ends[0].err


def test_a_refusal_is_told_once() -> None:
    ends = together("fit-masks", "nowhere")
    assert [end.code for end in ends] == [3, 3]
    assert "nowhere" in ends[0].err
    assert ends[1].err == ""


def test_one_rank_looks_at_images_without_masks_and_tells_the_other(drive: Path) -> None:
    short = "from pairaug.training import finding, plan\nfinding.LOOKING = plan.Looking(steps=2)\n"
    blind = short + "def look(*_):\n    raise AssertionError('this rank looks too')\nfinding._found = look\n"
    Path("more").mkdir()
    for path in (drive / "images").iterdir():
        Image.open(path).rotate(90).save(Path("more", path.name))
    ended = together(
        "fit-translator", DATA, "--model", "graft", "--no-gate", "--unlabelled", "more", "--models", "models",
        "--threads", 1, hooks=(short, blind),
    )  # fmt: skip
    assert [one.code for one in ended] == [0, 0], ended[0].err + ended[1].err
    assert "images without masks" in ended[0].err
    assert ended[1].err == ""
