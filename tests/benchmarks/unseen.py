"""What does ``evaluate`` say of real pairs that nobody copied? The test list stands in for a synthetic set.

    python tests/benchmarks/unseen.py DATA [--sets vessels,ct,nuclei,cells]

DATA is a folder with ``splits.json`` (a ``train`` and a ``test`` list of [image, mask] paths a set, and ``group_by``).
The training list is the real set. Nothing is fitted: masks, images and novelty are measured, in about 15 s a set.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from sanity import number, ratio

COLUMNS = (
    "set",
    "masks flagged",
    "images flagged",
    "planted masks found",
    "planted images found",
    "MMD",
    "mask coverage",
    "image coverage",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--sets", default="vessels,ct,nuclei,cells")
    asked = parser.parse_args()
    splits = json.loads((asked.data / "splits.json").read_text())
    print(f"| {' | '.join(COLUMNS)} |")
    print("| --- " * len(COLUMNS) + "|")
    for name in asked.sets.split(","):
        print(f"| {name} | {row(evaluate(asked.data, splits[name]))} |", flush=True)


def evaluate(data: Path, split: dict[str, Any]) -> dict[str, Any]:
    train, test = (
        "".join(f"{data.resolve() / image}\t{data.resolve() / mask}\n" for image, mask in split[side])
        for side in ("train", "test")
    )
    with tempfile.TemporaryDirectory() as folder:
        listed = Path(folder, "test.txt")
        listed.write_text(test)
        command = [sys.executable, "-m", "pairaug", "evaluate", "-", str(listed), "--json"]
        command += ["--parts", "masks,images,novelty"]
        if split["group_by"]:
            command += ["--group-by", split["group_by"]]
        found: dict[str, Any] = json.loads(
            subprocess.run(command, input=train, check=True, capture_output=True, text=True).stdout
        )
    return found


def row(found: dict[str, Any]) -> str:
    masks, images, novelty = found["masks"], found["images"], found["novelty"]
    cells = [
        *(flagged(novelty["details"][kind]["flagged"]) for kind in ("masks", "images")),
        *(" ".join(number(share) for share in novelty["power"][kind].values()) for kind in ("masks", "images")),
        f"{ratio(images['mmd_ratio'], images['intervals']['mmd_ratio'])}, p {images['p']:.3f}",
        *(f"{number(part['coverage'])} (held-out {number(part['held_out']['coverage'])})" for part in (masks, images)),
    ]
    return " | ".join(cells)


def flagged(counted: dict[str, Any]) -> str:
    """How many of how many, and the share that chance allows."""
    return f"{round(counted['share'] * counted['items'])} of {counted['items']}, to {counted['high']:.0%}"


if __name__ == "__main__":
    main()
