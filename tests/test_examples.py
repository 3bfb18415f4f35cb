"""The examples run as they stand."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pairaug.models.translators.vess2image import Vess2ImageConfig

ROOT = Path(__file__).resolve().parents[1]


def test_the_shell_pipelines_run_and_leave_what_they_say(drive: Path, tmp_path: Path) -> None:
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    process = subprocess.run(
        ["bash", ROOT / "examples/pipelines.sh", drive, tmp_path / "out"],
        env={**os.environ, "PATH": programs, "FIT": "--epochs 1 --set base=2 --no-gate"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    assert "refused with exit code 5" in process.stdout
    assert "6 pairs, all as written" in process.stdout
    assert len((tmp_path / "out/augmented/metadata.jsonl").read_text().splitlines()) == 8
    assert len((tmp_path / "out/largest.txt").read_text().splitlines()) == 3


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(ROOT / "examples/paper"))
    import figures

    return figures


def test_the_papers_seventh_figure_is_drawn_from_the_model(figures) -> None:
    page = figures.architecture(Vess2ImageConfig(base=2))
    assert page.width > 1000


def test_the_papers_measure_of_collapse_is_the_dice_of_pairs(figures) -> None:
    import numpy as np

    one, other = np.array([[True, True, False, False]]), np.array([[False, True, True, False]])
    assert figures.dice(one, other) == 0.5
    assert figures.pairwise_dice([one, one, one]) == 1.0
    assert figures.pairwise_dice([one, one, other]) == pytest.approx(2 / 3)
    assert figures.dice(one & other & ~one, one & ~one) == 1.0
