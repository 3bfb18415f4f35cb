"""Fixtures of this room: models of many sizes, models of two pairs, and a way to fail at the n-th rename."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pairaug import files
from pairaug.pairs.drawing import write_demo_pairs
from pairaug.training.fit import fit_mask_generator, fit_translator
from pairaug.training.plan import FitOptions
from tests.synthesis.quick_gate import quick_agreement
from tests.synthesis.two_pairs import fit_both, two_pairs


@pytest.fixture(scope="session")
def fitted_cells(tmp_path_factory: pytest.TempPathFactory, cells: Path) -> Path:
    """Models of grey pairs of three classes {0, 128, 255} and many sizes."""
    models = tmp_path_factory.mktemp("cell-models")
    fit_mask_generator(cells / "GT", FitOptions(models=models, threads=1))
    fit_translator(cells, FitOptions(models=models, epochs=1, settings={"base": 2}, threads=1))
    return models


@pytest.fixture(scope="session")
def patients(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight pairs of four patients, ``0_0.png`` to ``3_1.png``, 64 px."""
    drawn, data = (tmp_path_factory.mktemp(name) for name in ("drawn", "patients"))
    write_demo_pairs(drawn, 8, side=64, seed=2)
    for kind in ("images", "masks"):
        (data / kind).mkdir()
        for number, path in enumerate(sorted((drawn / kind).iterdir())):
            shutil.copy(path, data / kind / f"{number // 2}_{number % 2}.png")
    return data


@pytest.fixture
def quick() -> Iterator[None]:
    with quick_agreement():
        yield


@pytest.fixture(scope="module")
def own(drive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of one's own: ``data``, two pairs of ``drive``, and ``models`` fitted on them."""
    own = tmp_path_factory.mktemp("own")
    fit_both(two_pairs(drive, own / "data"), own / "models")
    return own


@pytest.fixture
def data(own: Path, drive: Path) -> Path:
    """The data set of ``own``, which a test may change: it is made anew for each."""
    shutil.rmtree(own / "data", ignore_errors=True)
    return two_pairs(drive, own / "data")


@pytest.fixture
def models(own: Path, data: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(own / "models", tmp_path / "models"))


@pytest.fixture
def fail_at_rename(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """``fail_at_rename(n)``: the n-th file from now on, and each after it, cannot be put in its place (0: all can)."""
    original = os.replace

    def fail_at(number: int) -> None:
        left = [number]

        def replace(source: object, target: object) -> None:
            left[0] -= 1
            if number and left[0] <= 0:
                raise OSError(errno.EIO, "cut off")
            original(source, target)  # type: ignore[arg-type]

        monkeypatch.setattr(files.os, "replace", replace)

    return fail_at
