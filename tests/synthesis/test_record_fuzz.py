"""Damaged records of a set are refused in one line or made again: no crash, no hang, nothing touched outside the set.

As ``tests.pairs.test_fuzz``. Each case damages one record of a finished set, of a set in tar files or of one in work,
and then asks every reader of it: ``verify``, the finding of pairs, the evaluation, and the same synthesis again, after
which the set is as it was or refused.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pairaug.errors import PairaugError
from pairaug.pairs.checked import CheckPolicy
from pairaug.pairs.checking import check_pairs
from pairaug.pairs.source import find_pairs
from pairaug.synthesis.manifest import JOURNAL, MANIFEST, METADATA
from pairaug.synthesis.verify import verify
from tests.conftest import contents
from tests.fuzzing import child, limit, mutated, other_value, refuse_lines, run_cases

ROUNDS = 30
COUNT = 2
# Set -> its format and its records.
SETS = {
    "finished": ("mirror", (MANIFEST, METADATA)),
    "tar": ("webdataset", (MANIFEST, METADATA)),
    "in_work": ("mirror", (JOURNAL,)),
}


def same_command(out: Path, models: Path, name: str) -> None:
    from pairaug.synthesis.run import SynthesisOptions, synthesize

    synthesize(out, SynthesisOptions(COUNT, models, threads=1, format=SETS[name][0]))


def make_sets(folder: Path, models: Path) -> None:
    """One of each kind; the one in work has its journal alone, with every pair in it."""
    for name in SETS:
        same_command(folder / name, models, name)
    out = folder / "in_work"
    identity = json.loads((out / MANIFEST).read_bytes())["identity"]
    (out / JOURNAL).write_bytes(json.dumps({"identity": identity}).encode() + b"\n" + (out / METADATA).read_bytes())
    for record in (MANIFEST, METADATA):
        (out / record).unlink()


def damage(out: Path, record: str, rng: np.random.Generator) -> None:
    """One record other than it was; of a finished set mostly with the digest that its rows then have."""
    before = (out / record).read_bytes()
    after = other_value(before, rng) if rng.random() < 0.7 else mutated(before, rng)
    (out / record).write_bytes(after)
    if record == METADATA and rng.random() < 0.8:
        old, new = (hashlib.sha256(data).hexdigest().encode() for data in (before, after))
        (out / MANIFEST).write_bytes((out / MANIFEST).read_bytes().replace(old, new))


def ask(reader: Callable[[], object]) -> int:
    """1 where it refuses, in one line."""
    try:
        reader()
    except PairaugError as error:
        refuse_lines(error)
        return 1
    return 0


def evaluated(out: Path) -> None:
    """What ``evaluate`` reads of a set before it measures anything."""
    from pairaug.evaluation.sets.pair_set import Terms
    from pairaug.evaluation.sets.synthetic import open_synthetic

    rng = np.random.default_rng(0)
    with open_synthetic(out, Terms((0, 255), 3, (0, 255)), CheckPolicy(), 10, rng) as synthetic:
        assert len(synthetic.items) <= COUNT


def read_damaged(folder: Path, models: Path, seed: int, seconds: float) -> dict[str, float]:
    rng = np.random.default_rng(seed)
    make_sets(folder / "whole", models)
    neighbour = folder / "tried" / "x"
    neighbour.mkdir(parents=True)
    (neighbour / "note.txt").write_text("mine")
    (folder / "x").write_text("mine")

    def case(number: int) -> int:
        name = list(SETS)[number % len(SETS)]
        records = SETS[name][1]
        out = folder / "tried" / "set"
        shutil.rmtree(out, ignore_errors=True)
        shutil.copytree(folder / "whole" / name, out)
        damage(out, records[int(rng.integers(len(records)))], rng)
        refused = ask(lambda: verify(out)) if name != "in_work" else 0
        refused += ask(lambda: check_pairs(find_pairs(out), CheckPolicy()))
        refused += ask(lambda: evaluated(out))
        if ask(lambda: same_command(out, models, name)):
            refused += 1
        else:
            assert not verify(out).differing, verify(out)
        assert contents(neighbour) == {"note.txt": b"mine"}
        assert (folder / "x").read_text() == "mine"
        return refused

    return run_cases(case, ROUNDS, seconds)


@pytest.mark.skipif(sys.platform != "linux", reason="the limit on memory is Linux's")
def test_damaged_records_are_refused_or_made_again(fitted: Path, tmp_path: Path) -> None:
    seconds = float(os.environ.get("FUZZ_SECONDS", "0"))
    seed = time.time_ns() % 2**32 if seconds else 0
    ran = child("tests.synthesis.test_record_fuzz", tmp_path, seed, seconds, fitted, seconds=seconds)
    assert ran.returncode == 0, f"seed {seed}, code {ran.returncode}\n{ran.stderr[-3000:]}"
    figures = json.loads(ran.stdout)
    assert figures["files"] >= ROUNDS
    assert figures["refused"] > figures["files"] // 2


if __name__ == "__main__":
    from tests.training.test_model_fuzz import fit_small

    _folder = Path(sys.argv[1])
    _models = Path(sys.argv[4]) if len(sys.argv) > 4 else fit_small(_folder)
    make_sets(_folder / "first", _models)  # with all that is imported and mapped for it
    evaluated(_folder / "first" / "finished")
    limit()
    print(json.dumps(read_damaged(_folder, _models, int(sys.argv[2]), float(sys.argv[3]))))
