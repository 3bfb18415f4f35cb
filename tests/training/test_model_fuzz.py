"""Damaged model files are refused with a ModelError, or load where nothing of theirs was hit, and then draw: no crash.

As ``tests.pairs.test_fuzz``: a child process under a limit on its memory, ``FUZZ_SECONDS`` for longer runs.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from pairaug.errors import ModelError, PairaugError
from tests.fuzzing import child, limit, mutated, other_value, refuse_lines, run_cases

ROUNDS = 120
FOLDERS = ("masks", "translator")
FILES = ("model.safetensors", "pairs.jsonl")


def damaged(data: bytes, rng: np.random.Generator) -> bytes:
    """Bytes of the header flipped, cut and repeated; or one value of its JSON replaced, at the right length."""
    if rng.random() < 0.5:
        return mutated(data, rng)
    length = int.from_bytes(data[:8], "little")
    if not 0 < length < len(data):  # pairs.jsonl
        return other_value(data, rng)
    header = data[8 : 8 + length]
    if rng.random() < 0.7:  # what pairaug itself wrote there: JSON in a string of JSON
        content = json.loads(header)
        told = other_value(content["__metadata__"]["pairaug"].encode(), rng)
        content["__metadata__"]["pairaug"] = told.decode()
        header = json.dumps(content).encode()
    else:
        header = other_value(header, rng)
    return len(header).to_bytes(8, "little") + header + data[8 + length :]


def write_damaged(model: Path, folder: Path, rng: np.random.Generator) -> None:
    """One of the two files damaged; where it is the list of pairs, mostly with the digest that it then has."""
    listed = rng.random() < 0.3
    weights, pairs = ((model / name).read_bytes() for name in FILES)
    if listed:
        hit = damaged(pairs, rng)
        if rng.random() < 0.8:
            before, after = (hashlib.sha256(one).hexdigest().encode() for one in (pairs, hit))
            assert before in weights
            weights = weights.replace(before, after)
        pairs = hit
    else:
        weights = damaged(weights, rng)
    folder.mkdir(exist_ok=True, parents=True)
    for name, data in zip(FILES, (weights, pairs), strict=True):
        (folder / name).write_bytes(data)


def load_damaged(models: Path, scratch: Path, seed: int, seconds: float) -> dict[str, float]:
    from pairaug.fitted.model_file import load_model
    from pairaug.synthesis.run import SynthesisOptions, synthesize

    rng = np.random.default_rng(seed)
    for name in FOLDERS:
        shutil.copytree(models / name, scratch / name, dirs_exist_ok=True)

    def case(number: int) -> int:
        name = FOLDERS[number % 2]
        other = FOLDERS[1 - number % 2]
        write_damaged(models / name, scratch / name, rng)
        shutil.copytree(models / other, scratch / other, dirs_exist_ok=True)
        shutil.rmtree(scratch / "out", ignore_errors=True)
        try:
            load_model(scratch / name, name)  # type: ignore[arg-type]
        except ModelError as error:
            if isinstance(error.__cause__, MemoryError) or "allocate memory" in error.message:
                raise AssertionError(f"{scratch / name} took more than a gigabyte") from error
            refuse_lines(error)
            return 1
        try:
            synthesize(scratch / "out", SynthesisOptions(1, scratch, threads=1))
        except PairaugError as error:
            refuse_lines(error)
        return 0

    return run_cases(case, ROUNDS, seconds)


@pytest.mark.skipif(sys.platform != "linux", reason="the limit on memory is Linux's")
def test_damaged_models_are_refused_within_a_gigabyte(fitted: Path, tmp_path: Path) -> None:
    seconds = float(os.environ.get("FUZZ_SECONDS", "0"))
    seed = time.time_ns() % 2**32 if seconds else 0
    ran = child("tests.training.test_model_fuzz", tmp_path, seed, seconds, fitted, seconds=seconds)
    assert ran.returncode == 0, f"seed {seed}, code {ran.returncode}\n{ran.stderr[-3000:]}"
    figures = json.loads(ran.stdout)
    assert figures["files"] >= ROUNDS
    assert figures["refused"] > figures["files"] // 2


def fit_small(folder: Path) -> Path:
    """Models of three drawn pairs of 64 px."""
    from pairaug.pairs.drawing import write_demo_pairs
    from pairaug.training.fit import fit_mask_generator, fit_translator
    from pairaug.training.plan import FitOptions

    data = write_demo_pairs(folder / "data", 3, side=64, seed=1)
    fit_mask_generator(data / "masks", FitOptions(models=folder / "models", threads=1))
    fit_translator(data, FitOptions(models=folder / "models", epochs=1, settings={"base": 2}, threads=1))
    return folder / "models"


if __name__ == "__main__":
    from pairaug.synthesis.run import SynthesisOptions, synthesize

    _folder = Path(sys.argv[1])
    _models = Path(sys.argv[4]) if len(sys.argv) > 4 else fit_small(_folder)
    synthesize(_folder / "whole", SynthesisOptions(1, _models, threads=1))  # what torch maps for itself is not counted
    limit()
    print(json.dumps(load_damaged(_models, _folder / "scratch", int(sys.argv[2]), float(sys.argv[3]))))
