"""Shared fixtures: drawn data sets, the command line run in process, and small fitted models."""

from __future__ import annotations

import os
import sys

if "PYTEST_XDIST_WORKER" in os.environ:  # as many workers as cores: one thread each, before torch is loaded
    os.environ.setdefault("OMP_NUM_THREADS", "1")

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from PIL import Image

from pairaug.gates.names import GATE_OF
from pairaug.pairs.drawing import draw_blob_pair, write_demo_pairs

# The same examples in every run: a test that fails now and then helps nobody. No deadlines: speed is not tested here.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")

# The gate of a translator takes three segmenters: the tests of that gate alone have it fitted.
GATE_OF.pop("translator", None)


@dataclass(frozen=True)
class Ran:
    """What a command left behind."""

    code: int
    out: str
    err: str


Cli = Callable[..., Ran]


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Every test starts in an empty folder without pairaug's variables."""
    for name in [name for name in os.environ if name.startswith("PAIRAUG_") and name != "PAIRAUG_TEST_DATA"]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    """``cli("check", folder)`` runs the command in this process."""
    from pairaug.cli.app import run

    def call(*arguments: object) -> Ran:
        monkeypatch.setattr(sys, "argv", ["pairaug", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            run()
        captured = capsys.readouterr()
        return Ran(int(end.value.code or 0), captured.out, captured.err)

    return call


@pytest.fixture(scope="session")
def drive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six drawn vessel pairs as images/*.png and masks/*.png, 96 px."""
    return write_demo_pairs(tmp_path_factory.mktemp("data") / "drive", 6, side=96, seed=1)


@pytest.fixture(scope="session")
def cells(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five grey pairs of three classes {0, 128, 255} and different sizes, Imgs/*.jpg with GT/*.png."""
    root = tmp_path_factory.mktemp("data") / "cells"
    (root / "Imgs").mkdir(parents=True)
    (root / "GT").mkdir()
    values = np.array([0, 128, 255], np.uint8)
    for i in range(5):
        image, labels = draw_blob_pair(np.random.default_rng(i), 60 + 8 * i, 90 - 6 * i)
        Image.fromarray(image).save(root / "Imgs" / f"{i}.jpg", quality=95)
        Image.fromarray(values[labels]).save(root / "GT" / f"{i}.png")
    return root


@pytest.fixture(scope="session")
def fitted(tmp_path_factory: pytest.TempPathFactory, drive: Path) -> Path:
    """A folder of models fitted on ``drive``: warp, and a very narrow vess2image."""
    from pairaug.training.fit import fit_mask_generator, fit_translator
    from pairaug.training.plan import FitOptions

    models = tmp_path_factory.mktemp("models")
    fit_mask_generator(drive / "masks", FitOptions(models=models, threads=1))
    fit_translator(drive, FitOptions(models=models, epochs=1, settings={"base": 4}, threads=1))
    return models


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data sets, where there is one."""
    named = os.environ.get("PAIRAUG_TEST_DATA")
    folder = Path(named) if named else Path(__file__).resolve().parents[2] / "shared" / "data"
    if not (folder / "splits.json").is_file():
        pytest.skip("no real data here; PAIRAUG_TEST_DATA names the folder")
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder by its relative path."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}
