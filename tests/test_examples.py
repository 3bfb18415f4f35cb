"""The examples run as they stand."""

from __future__ import annotations

import json
import os
import re
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
def first_set(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(ROOT / "examples"))
    import first_set

    return first_set


@pytest.mark.parametrize("folder", ["drive", "cells"])
def test_the_first_set_leads_from_a_folder_to_two_networks(
    first_set, folder: str, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    source = request.getfixturevalue(folder)
    small = ["--folds", "2", "--count", "2", "--steps", "2", "--side", "16"]
    monkeypatch.setattr(sys, "argv", ["first_set.py", str(source), "--out", "made", *small])
    first_set.main()
    told = capsys.readouterr().out
    pairs = {"drive": 6, "cells": 5}[folder]
    assert told.startswith(f"{pairs} pairs, ")
    assert re.findall(r"fold (\d): Dice 0\.\d+ without, 0\.\d+ with", told) == ["0", "1"]
    assert f"over {pairs} held-out pairs" in told
    rows = [json.loads(line) for line in Path("made/set/metadata.jsonl").read_text().splitlines()]
    assert [row["origin"] for row in rows].count("synthetic") == 4


def test_the_first_sets_measure_is_the_dice_of_the_classes_above_the_background(first_set) -> None:
    import torch

    truth = torch.zeros(1, 40, 40, dtype=torch.long)
    truth[:, :, 20:] = 1
    half = torch.zeros_like(truth)
    half[:, :20, 20:] = 1
    as_shares = [torch.nn.functional.one_hot(found, 2).movedim(-1, 1) for found in (truth, half, 1 - truth)]
    scores = [float(first_set.soft_dice(found, truth)) for found in as_shares]
    assert scores == pytest.approx([1, 2 / 3, 0], abs=0.01)


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
