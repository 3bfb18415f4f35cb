"""Redo the paper: fit its models on its kind of data, draw its figures, measure its two findings.

    python examples/paper/reproduce.py DATA WORK [--only fit|show]

DATA is a folder with ``splits.json`` (for ``vessels`` and ``ct`` a ``train`` list of [image, mask] paths relative to
it). WORK receives the fitted models, the pictures and ``findings.json``. The same command continues where it was
stopped; about an hour and a half on two cores. Everything runs through the command line that users have.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

SEEDS = (0, 1, 2)
MASK_EPOCHS = "152,180,200"
IMAGE_EPOCHS = "1,6,11,16,21,30"


def main(arguments: list[str]) -> None:
    data, work = Path(arguments[0]), Path(arguments[1])
    only = arguments[arguments.index("--only") + 1] if "--only" in arguments else "all"
    work.mkdir(parents=True, exist_ok=True)
    if only in ("all", "fit"):
        fit_all(data, work)
    if only in ("all", "show"):
        sys.path.insert(0, str(Path(__file__).parent))
        from figures import show

        show(data, work)


def fit_all(data: Path, work: Path) -> None:
    vessels, ct = (write_list(data, work, name) for name in ("vessels", "ct"))
    translator = ["fit-translator", "--model", "vess2image", "--no-gate"]  # nor had the paper one
    masks = ["fit-masks", "--model", "vessgan", "--no-gate", "--sample-epochs", MASK_EPOCHS]
    pairaug(*translator, "--list", vessels, "--models", work / "vessels-0", "--sample-epochs", IMAGE_EPOCHS)
    for seed in SEEDS:
        pairaug(*masks, "--list", vessels, "--models", work / f"vessels-{seed}", "--seed", seed)
    pairaug(*translator, "--list", ct, "--models", work / "ct-0", "--epochs", 5, "--sample-epochs", "1,2,3,4,5")
    pairaug(*masks, "--list", ct, "--models", work / "ct-0")


def write_list(data: Path, work: Path, name: str) -> Path:
    """The training list of one data set as pairaug reads it."""
    pairs = json.loads((data / "splits.json").read_text())[name]["train"]
    path = work / f"{name}.txt"
    path.write_text("".join(f"{data.resolve() / image}\t{data.resolve() / mask}\n" for image, mask in pairs))
    return path


def pairaug(*arguments: object) -> None:
    command = [sys.executable, "-m", "pairaug", *map(str, arguments)]
    print("+ pairaug", *arguments[:3], "...", flush=True)
    subprocess.run(command, check=True)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(sys.argv[1:])
