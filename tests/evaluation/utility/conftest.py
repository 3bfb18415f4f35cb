"""A drawn case to measure."""

from __future__ import annotations

from pathlib import Path

import pytest

from pairaug.evaluation.utility import sides
from tests.evaluation.utility.fakes import Bench, NoCopies, items


@pytest.fixture
def strict_bench(tmp_path: Path) -> Bench:
    """A small case, searched for copies in disguise."""
    return Bench(
        tmp_path / "cells", real=items(0, 7, "real"), test=items(100, 6, "test"), synthetic=items(200, 6, "new")
    )


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """A case that is not searched for copies in disguise."""
    monkeypatch.setattr(sides, "Detector", NoCopies)
    return Bench(tmp_path / "cells")
