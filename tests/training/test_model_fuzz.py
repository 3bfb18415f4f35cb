"""Damaged model files are refused with a ModelError (or load where nothing of theirs was hit): no crash, no hang.

As ``tests.pairs.test_fuzz``: a child process under a limit on its memory, ``FUZZ_SECONDS`` for longer runs,
``python -m tests.training.test_model_fuzz MODELS SCRATCH SEED SECONDS`` for the figures.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from pairaug.errors import ModelError
from tests.pairs.test_fuzz import SLOWEST, limit, mutated, peak_megabytes

ROUNDS = 120
KINDS = ("masks", "translator")
FILES = ("model.safetensors", "pairs.jsonl")
_NUMBERS = (b"0", b"-1", b"1e999", b"99999999999999999999", b"null", b'"x"', b"[]", b"{}", b"NaN", b"true", b"65537")


def damaged(data: bytes, rng: np.random.Generator) -> bytes:
    """Bytes of the header flipped, cut and repeated; or one value of its JSON replaced, at the right length."""
    if rng.random() < 0.5:
        return mutated(data, rng)
    length = int.from_bytes(data[:8], "little")
    if not 0 < length < len(data):  # pairs.jsonl
        return _other_value(data, rng)
    header = _other_value(data[8 : 8 + length], rng)
    return len(header).to_bytes(8, "little") + header + data[8 + length :]


def _other_value(text: bytes, rng: np.random.Generator) -> bytes:
    """JSON in which what follows one colon or comma is something else."""
    places = [place + 1 for place, byte in enumerate(text) if byte in b":,["]
    place = places[int(rng.integers(len(places)))]
    end = place
    while end < len(text) and text[end] not in b",]}\n":
        end += 1
    return text[:place] + _NUMBERS[int(rng.integers(len(_NUMBERS)))] + text[end:]


def load_damaged(models: Path, scratch: Path, seed: int, seconds: float) -> dict[str, float]:
    from pairaug.fitted.model_file import load_model

    rng = np.random.default_rng(seed)
    began, done, slowest, refused = time.monotonic(), 0, 0.0, 0
    while done < ROUNDS or time.monotonic() - began < seconds:
        kind = KINDS[done % 2]
        folder = scratch / kind
        folder.mkdir(exist_ok=True, parents=True)
        hit = FILES[int(rng.random() < 0.15)]
        for name in FILES:
            data = (models / kind / name).read_bytes()
            (folder / name).write_bytes(damaged(data, rng) if name == hit else data)
        started = time.process_time()
        try:
            load_model(folder, kind)
        except ModelError as error:
            if isinstance(error.__cause__, MemoryError) or "allocate memory" in error.message:
                raise AssertionError(f"{folder} took more than a gigabyte") from error
            refused += 1
        took = time.process_time() - started
        assert took < SLOWEST, f"{folder} took {took:.0f} s"
        done, slowest = done + 1, max(slowest, took)
    return {"files": done, "refused": refused, "slowest_seconds": slowest}


@pytest.mark.skipif(sys.platform != "linux", reason="the limit on memory is Linux's")
def test_damaged_models_are_refused_within_a_gigabyte(fitted: Path, tmp_path: Path) -> None:
    seconds = float(os.environ.get("FUZZ_SECONDS", "0"))
    seed = time.time_ns() % 2**32 if seconds else 0
    for kind in KINDS:
        (tmp_path / "models" / kind).mkdir(parents=True)
        for name in FILES:
            shutil.copy(fitted / kind / name, tmp_path / "models" / kind / name)
    command = [sys.executable, "-m", "tests.training.test_model_fuzz"]
    command += [str(tmp_path / "models"), str(tmp_path / "scratch"), str(seed), str(seconds)]
    root = Path(__file__).resolve().parents[2]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=root, timeout=seconds + 300, check=False)
    assert ran.returncode == 0, f"seed {seed}, code {ran.returncode}\n{ran.stderr[-3000:]}"
    figures = json.loads(ran.stdout)
    assert figures["files"] >= ROUNDS
    assert figures["refused"] > figures["files"] // 2


if __name__ == "__main__":
    from pairaug.fitted.model_file import load_model

    for _kind in KINDS:  # so that what torch maps for itself is not counted
        load_model(Path(sys.argv[1]) / _kind, _kind)  # type: ignore[arg-type]
    limit()
    figures = load_damaged(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))
    print(json.dumps(figures | {"peak_megabytes": peak_megabytes()}))
