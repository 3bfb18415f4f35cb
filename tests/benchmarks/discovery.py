"""How long it takes to find the pairs of a large folder: names alone, nothing is opened.

    python tests/benchmarks/discovery.py [PAIRS]

Prints one JSON object: seconds for each layout, best of three.
"""

from __future__ import annotations

import json
import sys
import time

from pairaug.pairs.discovery import discover

LAYOUTS = {
    "images/000001.png, masks/000001.png": ("images/{:06}.png", "masks/{:06}.png"),
    "000001.jpg, 000001_mask.png": ("{:06}.jpg", "{:06}_mask.png"),
    "000001.jpg, 000001_outlined.png": ("{:06}.jpg", "{:06}_outlined.png"),
    "images/t000001.png, masks/man_seg000001.png": ("images/t{:06}.png", "masks/man_seg{:06}.png"),
}


def seconds(image: str, mask: str, count: int) -> float:
    paths = [pattern.format(number) for pattern in (image, mask) for number in range(count)]
    began = time.perf_counter()
    found = discover(paths, lambda path: path.endswith("d.png") or "masks/" in path)
    took = time.perf_counter() - began
    assert len(found.pairs) == count
    return took


if __name__ == "__main__":
    pairs = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    best = {name: min(seconds(*patterns, pairs) for _ in range(3)) for name, patterns in LAYOUTS.items()}
    print(json.dumps({"pairs": pairs, "seconds": {name: round(took, 2) for name, took in best.items()}}))
