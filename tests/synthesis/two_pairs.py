"""Two pairs, models fitted on them, and sets that take them over."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from pairaug.pairs.checked import CheckPolicy
from pairaug.synthesis.manifest import METADATA
from pairaug.synthesis.run import SynthesisOptions
from pairaug.training.fit import fit_mask_generator, fit_translator
from pairaug.training.plan import FitOptions

NARROW = {"base": 2}


def two_pairs(drive: Path, folder: Path) -> Path:
    for kind in ("images", "masks"):
        (folder / kind).mkdir(parents=True)
        for path in sorted((drive / kind).iterdir())[:2]:
            shutil.copy(path, folder / kind / path.name)
    return folder


def fit_both(data: Path, models: Path, policy: CheckPolicy | None = None) -> Path:
    fit_mask_generator(data, FitOptions(models=models, threads=1), policy=policy)
    fit_translator(data, FitOptions(models=models, epochs=1, settings=NARROW, threads=1), policy=policy)
    return models


def with_originals(models: Path, **others: object) -> SynthesisOptions:
    return SynthesisOptions(**{"count": 1, "models": models, "include_originals": True, **others})  # type: ignore[arg-type]


def rows_of(out: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (out / METADATA).read_text().splitlines()]
