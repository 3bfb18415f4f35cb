"""Fuzzing that anyone can run: damaged images, models and records, each case under a limit of memory and time.

    python -m tests.fuzzing SEED SECONDS [images models records]

shares the seconds among the kinds, in turns of half a minute, prints how many files were tried, refused and failed, and
keeps the files of what failed. Each turn is a child process with a gigabyte beside what its libraries map, and each
case ends the child after ``CASE_SECONDS`` of its own work. The short runs of the suite call the same functions.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

GIGABYTE = 2**30
SLOWEST = 5.0
CASE_SECONDS = 20
TURN_SECONDS = 30.0
HEADER = 400
KINDS = {
    "images": "tests.pairs.test_fuzz",
    "models": "tests.training.test_model_fuzz",
    "records": "tests.synthesis.test_record_fuzz",
}
ROOT = Path(__file__).resolve().parents[1]
_VALUES = (b"0", b"-1", b"1e999", b"99999999999999999999", b"null", b'"x"', b"[]", b"{}", b"NaN", b"true", b"65537")
_NESTED = (b"[" * 100_000, b'{"a":' * 100_000, b"9" * 5000, b'"../../x"', b'"/x"', b'"\\u0000"', b'"\\ud800"', b"[[1]]")


def mutated(data: bytes, rng: np.random.Generator) -> bytes:
    """``data`` cut off, with other bytes in its header or elsewhere, with an extreme number, or with a piece twice."""
    damaged = bytearray(data)
    for _ in range(int(rng.integers(1, 4))):
        place = int(rng.integers(0, min(HEADER, len(damaged)) if rng.random() < 0.7 else len(damaged)))
        kind = rng.integers(0, 5)
        if kind == 0:
            del damaged[int(rng.integers(1, len(damaged) + 1)) :]
        elif kind == 1:
            damaged[place] = int(rng.integers(0, 256))
        elif kind == 2:
            damaged[place] ^= 1 << int(rng.integers(0, 8))
        elif kind == 3:
            number = (0, 1, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF)[int(rng.integers(0, 6))]
            width = 2 if number < 0x10000 and rng.random() < 0.5 else 4
            damaged[place : place + width] = number.to_bytes(width, "big" if rng.random() < 0.5 else "little")
        else:
            damaged[place:place] = damaged[place : place + int(rng.integers(1, 64))]
    return bytes(damaged)


def other_value(text: bytes, rng: np.random.Generator) -> bytes:
    """JSON in which what follows one colon, comma or bracket is something else."""
    places = [place + 1 for place, byte in enumerate(text) if byte in b":,["]
    place = places[int(rng.integers(len(places)))]
    end = place
    while end < len(text) and text[end] not in b",]}\n":
        end += 1
    values = _VALUES if rng.random() < 0.8 else _NESTED
    return text[:place] + values[int(rng.integers(len(values)))] + text[end:]


def limit() -> None:
    """From here on, no more than a gigabyte beside what Python and its libraries have mapped already."""
    import resource

    mapped = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (mapped + GIGABYTE, mapped + GIGABYTE))


def peak_megabytes() -> float:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


@contextmanager
def bounded(what: object) -> Iterator[None]:
    """One case. It fails after more than ``SLOWEST`` seconds; one that does not come back is ended with its process.

    The seconds are of the processor, since others may be at work on the machine, and of the clock for one that waits.
    """
    started = time.process_time()
    signal.setitimer(signal.ITIMER_PROF, CASE_SECONDS)
    signal.setitimer(signal.ITIMER_REAL, 10 * CASE_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
    took = time.process_time() - started
    assert took < SLOWEST, f"{what} took {took:.0f} s"


def refuse_lines(error: Exception) -> None:
    """Raises AssertionError where what the user would read is more than one line."""
    assert "\n" not in str(error), str(error)


def run_cases(case: Callable[[int], int], rounds: int, seconds: float) -> dict[str, float]:
    """``case(number)`` says how often something was refused; cases until ``rounds`` are done and ``seconds`` over."""
    began, done, refused, slowest = time.monotonic(), 0, 0, 0.0
    while done < rounds or time.monotonic() - began < seconds:
        started = time.process_time()
        with bounded(f"case {done}"):
            refused += case(done)
        done, slowest = done + 1, max(slowest, time.process_time() - started)
    return {"files": done, "refused": refused, "slowest_seconds": slowest, "peak_megabytes": peak_megabytes()}


def child(module: str, *arguments: object, seconds: float) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", module, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=seconds + 600, check=False)


def main(seed: int, seconds: float, kinds: list[str]) -> int:
    """Turns until the seconds are over; the number of those that failed."""
    scratch = Path(tempfile.mkdtemp(prefix="pairaug-fuzz-"))
    totals: dict[str, Counter[str]] = {kind: Counter() for kind in kinds}
    worst: dict[str, dict[str, float]] = {kind: {} for kind in kinds}
    began, turn, failures = time.monotonic(), 0, 0
    while time.monotonic() - began < seconds:
        kind = kinds[turn % len(kinds)]
        folder = scratch / f"{kind}-{seed + turn}"
        folder.mkdir()
        ran = child(KINDS[kind], folder, seed + turn, TURN_SECONDS, seconds=TURN_SECONDS)
        if ran.returncode:
            failures += 1
            print(f"FAILED {kind}, seed {seed + turn}, code {ran.returncode}: see {folder}\n{ran.stderr[-2500:]}")
        else:
            figures = json.loads(ran.stdout)
            totals[kind].update(files=figures["files"], refused=figures["refused"])
            for name in ("slowest_seconds", "peak_megabytes"):
                worst[kind][name] = max(figures[name], worst[kind].get(name, 0.0))
            shutil.rmtree(folder)
        turn += 1
        if turn % len(kinds) == 0:
            passed = {kind: dict(totals[kind]) | worst[kind] for kind in kinds}
            print(f"{time.monotonic() - began:.0f} s, {failures} failed: {json.dumps(passed)}", flush=True)
    return failures


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.exit(min(100, main(int(sys.argv[1]), float(sys.argv[2]), sys.argv[3:] or list(KINDS))))
