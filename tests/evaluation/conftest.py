"""What all tests of the evaluation share: one core, and two drawn sets with all that is measured of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch

from pairaug.evaluation.evaluate import Evaluation, EvaluationOptions, measure, open_sets
from pairaug.evaluation.views.as_json import as_json
from pairaug.evaluation.views.as_text import as_text
from pairaug.evaluation.views.item_rows import item_rows
from pairaug.reporting import Reporter
from tests.evaluation.sets import REAL, InstantTrainer, drawn


class Whole(NamedTuple):
    """An evaluation, and how it reads as JSON, as text and as rows."""

    result: Evaluation
    content: dict[str, Any]
    text: str
    rows: list[dict[str, Any]]


@pytest.fixture(autouse=True, scope="package")
def _one_thread() -> None:
    """Small operations on several threads wait for each other longer than they work, above all on a busy machine."""
    torch.set_num_threads(1)


@pytest.fixture(scope="package")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("evaluate")


@pytest.fixture(scope="package")
def real(folder: Path) -> Path:
    return drawn(folder / "real", 0, REAL)


@pytest.fixture(scope="package")
def other(folder: Path) -> Path:
    """Pairs from the very same source."""
    return drawn(folder / "other", 1, 24)


@pytest.fixture(scope="package")
def whole(folder: Path, real: Path, other: Path) -> Whole:
    """Everything but utility, measured once."""
    options = EvaluationOptions(cache=folder / "cache", segmenter=InstantTrainer())
    with open_sets(real, other, options, Reporter()) as sets:
        result = measure(sets, options, Reporter())
        return Whole(result, as_json(result, sets), as_text(result, sets), list(item_rows(result, sets)))
