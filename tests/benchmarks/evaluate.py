"""What ``evaluate`` costs on 20 real and 200 synthetic pairs at 256 px, and whether its memory grows with the count.

The segmenter is fitted for two steps alone: what a cached one costs in use is the same, and how good it is is no
matter here. ``--memory``: peak memory at 200 and at 1,000 synthetic pairs, all of them looked at, and at the default
sample. Aims: 180 s of wall time on 2 cores (CPU seconds are told too, for busy machines), and no growth.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from pairaug.evaluation.evaluate import EvaluationOptions, evaluate
from pairaug.pairs.drawing import write_demo_pairs
from pairaug.segmenter.presets import PRESETS
from pairaug.segmenter.reference import ReferenceSegmenter

REAL, SIDE = 20, 256


def main() -> None:
    if "--child" in sys.argv:
        print(json.dumps(child(*sys.argv[2:])))
        return
    counts = (200, 1000) if "--memory" in sys.argv else (200,)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_demo_pairs(root / "real", REAL, side=SIDE)
        for count in counts:
            write_demo_pairs(root / f"synthetic-{count}", count, side=SIDE, seed=1)
        runs = [(str(count), str(count), "") for count in counts]
        if "--memory" in sys.argv:
            runs.append((str(counts[-1]), "200", " of which 200 are looked at"))
        run(root, "200", "20")  # fills the cache
        print(
            json.dumps({f"{count} pairs{words}": run(root, count, sample) for count, sample, words in runs}, indent=1)
        )


def run(root: Path, count: str, sample: str) -> dict[str, float]:
    command = [sys.executable, __file__, "--child", str(root), count, sample]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def child(root: str, count: str, sample: str) -> dict[str, float]:
    segmenter = ReferenceSegmenter()
    segmenter._preset = replace(PRESETS["quick"], few=2, many=2)
    segmenter.name = "two steps"
    options = EvaluationOptions(sample=int(sample), cache=Path(root, "cache"), segmenter=segmenter)
    began, before = time.perf_counter(), time.process_time()
    evaluate(Path(root, "real"), Path(root, f"synthetic-{count}"), options)
    return {
        "wall_seconds": round(time.perf_counter() - began, 1),
        "cpu_seconds": round(time.process_time() - before, 1),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    }


if __name__ == "__main__":
    main()
