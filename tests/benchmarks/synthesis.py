"""What synthesis costs beside the network's bare forward passes, and whether its memory grows with the count."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch

from pairaug.fitted.model_file import load_model
from pairaug.machine.workers import default_threads
from pairaug.pairs.drawing import write_demo_pairs
from pairaug.synthesis.run import SynthesisOptions, synthesize
from pairaug.training.fit import fit_mask_generator, fit_translator
from pairaug.training.plan import FitOptions

PAIRS, SIDE = 200, 256


def main() -> None:
    memory = "--memory" in sys.argv
    if "--child" in sys.argv:
        models, out, count = sys.argv[2:]
        synthesize(out, SynthesisOptions(int(count), Path(models)))
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
        return
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        data = write_demo_pairs(root / "data", 20, side=SIDE)
        # Full width for time; narrow for memory, where only the growth matters.
        settings = {"base": 8} if memory else {}
        fit_mask_generator(data, FitOptions(models=root / "models", gate=False))
        fit_translator(data, FitOptions(models=root / "models", minutes=0.05, settings=settings, gate=False))
        print(json.dumps(peak_memory(root) if memory else wall_time(root)))


def wall_time(root: Path) -> dict[str, float]:
    translator = load_model(root / "models/translator", "translator").network
    labels = torch.zeros(1, SIDE, SIDE, dtype=torch.int64)
    threads = default_threads()

    def bare(index: int) -> None:
        translator.translate(labels, [torch.Generator()])

    torch.set_num_threads(1)
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(bare, range(2 * threads)))
        began = time.perf_counter()
        list(pool.map(bare, range(PAIRS)))
        forward = time.perf_counter() - began
    began = time.perf_counter()
    synthesize(root / "out", SynthesisOptions(PAIRS, root / "models"))
    wall = time.perf_counter() - began
    return {
        "pairs": PAIRS,
        "threads": threads,
        "forward_seconds": round(forward, 2),
        "synthesize_seconds": round(wall, 2),
        "ratio": round(wall / forward, 3),
    }


def peak_memory(root: Path) -> dict[str, float]:
    peaks = {}
    for count in (200, 2000):
        command = [sys.executable, __file__, "--child", str(root / "models"), str(root / f"out-{count}"), str(count)]
        child = subprocess.run(command, check=True, capture_output=True, text=True)
        peaks[count] = int(child.stdout.split()[-1]) / 1024
    return {
        "peak_mb_at_200": round(peaks[200], 1),
        "peak_mb_at_2000": round(peaks[2000], 1),
        "ratio": round(peaks[2000] / peaks[200], 3),
    }


if __name__ == "__main__":
    main()
