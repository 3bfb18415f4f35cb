"""Sets in folds of the drawn ``patients`` (a fixture): how to ask for them, and whom a row descends from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pairaug.files import digest_file
from pairaug.pairs.source import Selection
from pairaug.synthesis.folds.run import FoldsOptions
from pairaug.synthesis.options import SynthesisOptions
from pairaug.training.plan import FitOptions

QUICK = FitOptions(threads=1, gate=False)
BY_PATIENT = Selection(group_by=r"(\d)_\d\.png")
FOLDS = 3


def in_folds(models: Path, format: str = "mirror", count: int = 2, **others: Any) -> FoldsOptions:
    """Without gates, by models that are not trained."""
    wanted = SynthesisOptions(count, models, format=format, threads=1, **others)
    return FoldsOptions(FOLDS, QUICK, QUICK, wanted)


def parents_of(row: dict[str, Any]) -> set[str]:
    """Digests of the files that a pair was made of."""
    return {*row["derived_from"], *row["pixels_from"]}


def digests_of(data: Path, patient: str) -> set[str]:
    return {digest_file(path) for path in data.rglob(f"{patient}_*.png")}
