"""Kill and fail at every n-th file operation: the same command then ends well, with the same bytes.

OMP_NUM_THREADS=1 python -m pytest -n 0 -m slow -s tests/faults

PAIRAUG_FAULT_STEP (default 3) tries every so-manieth operation for each failure, PAIRAUG_KILL_STEP
(default 1) for kills.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from pairaug.pairs.drawing import write_demo_pairs
from pairaug.synthesis.folds.run import FoldsOptions, synthesize_folds
from pairaug.synthesis.formats import FORMATS
from pairaug.synthesis.run import SynthesisOptions, synthesize
from pairaug.training.fit import fit_mask_generator, fit_translator
from pairaug.training.plan import FitOptions
from tests.faults.harness import FOREIGN, all_files, try_points

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")]
STEP = int(os.environ.get("PAIRAUG_FAULT_STEP", "3"))
KINDS = {"kill": int(os.environ.get("PAIRAUG_KILL_STEP", "1")), "ENOSPC": STEP, "EIO": STEP, "EACCES": STEP}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``data``, two drawn pairs of 64 px, and ``models`` fitted on them."""
    root = tmp_path_factory.mktemp("faults")
    torch.set_num_threads(1)
    write_demo_pairs(root / "data", 2, side=64, seed=1)
    fit_mask_generator(root / "data/masks", FitOptions(models=root / "models", threads=1))
    small = {"base": 2}
    fit_translator(root / "data", FitOptions(models=root / "models", epochs=1, settings=small, threads=1))
    return root


def report(name: str, work: Callable[[Path], object], base: Path, scratch: Path, judged: Callable[..., object]) -> None:
    outcome = try_points(work, base, scratch, KINDS, judged)
    print(f"\n{name}: {outcome.points} points at {outcome.operations} operations, {len(outcome.failures)} failed")
    assert not outcome.failures, "\n".join(outcome.failures)


@pytest.mark.parametrize("state", ["new", "extended", "overwritten", "originals"])
@pytest.mark.parametrize("name", FORMATS)
def test_synthesize_at_every_operation(world: Path, tmp_path: Path, name: str, state: str) -> None:
    base = tmp_path / "base"
    base.mkdir()

    def options(**others: object) -> SynthesisOptions:
        common = {"count": 2, "models": world / "models", "threads": 1, "batch_size": 1, "format": name}
        return SynthesisOptions(**{**common, **others})  # type: ignore[arg-type]

    chosen = options()
    if state == "extended":
        synthesize(base / "out", options(count=1))
    if state == "overwritten":
        synthesize(base / "out", options(seed=7))
        chosen = options(overwrite=True)
    if state == "originals":
        chosen = options(count=1, include_originals=True)
    if state in ("extended", "overwritten"):
        (base / "out" / FOREIGN).write_text("mine")
    report(f"{name}, {state}", lambda folder: synthesize(folder / "out", chosen), base, tmp_path, all_files)


def test_evaluate_at_every_operation(world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys
    import tempfile

    from pairaug.cli.app import run

    base = tmp_path / "base"
    (base / "tmp").mkdir(parents=True)
    options = SynthesisOptions(2, world / "models", threads=1, format="webdataset")
    synthesize(base / "out", options)
    (base / "out" / FOREIGN).write_text("mine")

    def work(folder: Path) -> None:
        tempfile.tempdir = str(folder / "tmp")
        os.chdir(folder)
        wanted = ["--parts", "masks,images", "--html", "page.html", "--out-items", "items.jsonl", "--cache", "cache"]
        sys.argv = ["pairaug", "evaluate", str(world / "data"), "out", *wanted]
        try:
            run()
        except SystemExit as end:
            if end.code:
                raise OSError(f"exit {end.code}") from None

    report("evaluate", work, base, tmp_path, all_files)


def test_folds_at_every_operation(tmp_path: Path) -> None:
    """Two folds of four pairs, by models that are not trained: fits, new pairs and splits."""
    base = tmp_path / "base"
    write_demo_pairs(base / "data", 4, side=64, seed=1)
    quick = FitOptions(threads=1, gate=False)

    def work(folder: Path) -> None:
        wanted = SynthesisOptions(1, folder / "models", format="nnunet", threads=1, batch_size=1)
        synthesize_folds(folder / "data", folder / "out", FoldsOptions(2, quick, quick, wanted))

    report("folds", work, base, tmp_path, lambda folder: contents_of(folder / "out"))


@pytest.mark.parametrize("kind", ["masks", "translator"])
def test_fit_at_every_operation(world: Path, tmp_path: Path, kind: str) -> None:
    base = tmp_path / "base"
    base.mkdir()

    def work(folder: Path) -> None:
        if kind == "masks":
            fit_mask_generator(world / "data/masks", FitOptions(models=folder / "models", threads=1))
        else:
            options = FitOptions(models=folder / "models", epochs=2, settings={"base": 2}, threads=1)
            fit_translator(world / "data", options)

    report(f"fit {kind}", work, base, tmp_path, model_alone)


@pytest.mark.parametrize("state", ["fresh", "continued"])
@pytest.mark.parametrize("kind", ["masks", "translator"])
def test_fit_over_an_earlier_one_at_every_operation(world: Path, tmp_path: Path, kind: str, state: str) -> None:
    """``--fresh`` over a fit on other data, with another checkpoint; and a fit that is asked for one more epoch."""
    base = tmp_path / "base"
    base.mkdir()

    def fit(folder: Path, data: Path, epochs: int, fresh: bool = False) -> None:
        if kind == "masks":
            small = {"noise": 4, "width": 8}
            options = FitOptions("vessgan", folder / "models", epochs=epochs, settings=small, threads=1, fresh=fresh)
            fit_mask_generator(data / "masks", options)
        else:
            options = FitOptions(models=folder / "models", epochs=epochs, settings={"base": 2}, threads=1, fresh=fresh)
            fit_translator(data, options)

    if state == "fresh":
        write_demo_pairs(tmp_path / "other", 2, side=64, seed=2)
        fit(base, tmp_path / "other", 2)
    else:
        fit(base, world / "data", 1)
    (base / "models" / FOREIGN).write_text("mine")
    fit(tmp_path / "direct", world / "data", 2)

    def work(folder: Path) -> None:
        fit(folder, world / "data", 2, fresh=state == "fresh")

    work(shutil.copytree(base, tmp_path / "undisturbed"))
    assert model_alone(tmp_path / "undisturbed") == model_alone(tmp_path / "direct")
    report(f"fit {kind}, {state}", work, base, tmp_path, model_alone)


def model_alone(folder: Path) -> dict[str, bytes]:
    """What a fit is for: its record, its curves and its checkpoint also say how long it took."""
    files = contents_of(folder / "models")
    return {name: data for name, data in files.items() if Path(name).name in ("model.safetensors", "pairs.jsonl")}


def contents_of(folder: Path) -> dict[str, bytes]:
    return all_files(folder) if folder.exists() else {}
