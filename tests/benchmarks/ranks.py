"""Images a second of a vess2image fit by two processes with one thread each, over one process with one thread.

    python tests/benchmarks/ranks.py [--images 24] [--base 64] [--rounds 3]      JSON

Drawn pairs at 256 px, batch 1 a process, gloo. One and two take turns; the best round of each counts, since whatever
else the machine does only slows them.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SIDE = 256


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--images", type=int, default=24)
    parser.add_argument("--base", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rank-of", default="")
    asked = parser.parse_args()
    if asked.rank_of:
        be_rank(Path(asked.rank_of), asked.images, asked.base)
        return
    from pairaug.pairs.drawing import write_demo_pairs

    found: dict[int, list[float]] = {1: [], 2: []}
    with tempfile.TemporaryDirectory() as folder:
        data = write_demo_pairs(Path(folder) / "pairs", 8, side=SIDE)
        for _ in range(asked.rounds):
            for count, rates in found.items():
                rates.append(rate(count, data, asked.images, asked.base))
    one, two = max(found[1]), max(found[2])
    print(
        json.dumps(
            {
                "images": asked.images,
                "base": asked.base,
                "one_process_images_per_second": round(one, 3),
                "two_processes_images_per_second": round(two, 3),
                "ratio": round(two / one, 2),
                "all": {str(count): [round(r, 3) for r in rates] for count, rates in found.items()},
            }
        )
    )


def rate(count: int, data: Path, images: int, base: int) -> float:
    """Images a second of ``count`` processes, told by the first."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = str(one.getsockname()[1])
    words = [sys.executable, __file__, "--rank-of", str(data), "--images", str(images), "--base", str(base)]
    ranks = []
    for rank in range(count):
        variables = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": count, "LOCAL_WORLD_SIZE": count}
        numbers = {name: str(number) for name, number in variables.items()}
        place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "OMP_NUM_THREADS": "1"}
        ranks.append(subprocess.Popen(words, env={**os.environ, **numbers, **place}, stdout=subprocess.PIPE, text=True))
    outputs = [process.communicate()[0] for process in ranks]
    return float(outputs[0])


def be_rank(data: Path, images: int, base: int) -> None:
    import torch

    from pairaug.arrays.examples import Examples
    from pairaug.machine.randomness import torch_generator
    from pairaug.machine.ranks import joined
    from pairaug.models.base import Shape
    from pairaug.models.translators.vess2image import Vess2ImageConfig
    from pairaug.pairs.checked import CheckPolicy
    from pairaug.pairs.checking import check_pairs
    from pairaug.pairs.source import find_pairs
    from pairaug.registry import find_model
    from pairaug.training.run import make_objective
    from pairaug.training.sampler import Sampler

    torch.set_num_threads(1)
    with joined() as ranks:
        examples = Examples(check_pairs(find_pairs(data), CheckPolicy()), 3, (SIDE, SIDE))
        shape = Shape(2, 3, SIDE, SIDE)
        entry = find_model("vess2image", "translator")
        objective = make_objective(entry, Vess2ImageConfig(base=base), shape, 0, examples)
        objective.distribute(ranks)
        sampler, seen, began = Sampler(examples, 0, ranks=ranks), 0, 0.0
        warm = 2 * ranks.count
        while seen < images + warm:
            if seen == warm:
                began = time.perf_counter()
            chosen = sampler.step(seen, 1)
            batch = sampler.batch(seen, chosen, torch.device("cpu"))
            objective.step(batch, torch_generator(0, "step", seen, ranks.rank))
            seen += len(chosen)
        if ranks.first:
            print((seen - warm) / (time.perf_counter() - began))


if __name__ == "__main__":
    main()
