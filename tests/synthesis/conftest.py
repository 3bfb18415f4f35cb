"""Fixtures of this room: models of several classes and sizes, and a way to fail at the n-th rename."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from pairaug import files
from pairaug.training.fit import fit_mask_generator, fit_translator
from pairaug.training.plan import FitOptions


@pytest.fixture(scope="session")
def fitted_cells(tmp_path_factory: pytest.TempPathFactory, cells: Path) -> Path:
    """Models of grey pairs of three classes {0, 128, 255} and many sizes."""
    models = tmp_path_factory.mktemp("cell-models")
    fit_mask_generator(cells / "GT", FitOptions(models=models, threads=1))
    fit_translator(cells, FitOptions(models=models, epochs=1, settings={"base": 2}, threads=1))
    return models


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
