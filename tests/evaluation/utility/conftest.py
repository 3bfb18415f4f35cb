"""A drawn case to measure."""

from __future__ import annotations

from pathlib import Path

import pytest

from pairaug.evaluation.utility import sides
from tests.evaluation.utility.fakes import DrawnCase, NoCopies, items, untold


@pytest.fixture
def strict_case(tmp_path: Path) -> DrawnCase:
    """A small case, searched for copies in disguise."""
    return DrawnCase(
        tmp_path / "cells", real=items(0, 7, "real"), test=items(100, 6, "test"), synthetic=items(200, 6, "new")
    )


@pytest.fixture
def case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DrawnCase:
    """A case that is not searched for copies in disguise."""
    monkeypatch.setattr(sides, "Detector", NoCopies)
    monkeypatch.setattr(sides, "scenario_of", untold)
    return DrawnCase(tmp_path / "cells")
