"""The paper's method in figures: its two models, fitted on 5 and on 20 pairs, measured by ``pairaug evaluate``.

    python examples/paper/table.py DATA WORK [--sets vessels,ct] [--sizes 5,20] [--seeds 3] [--arms A] [--curve A]
        [--utility-alone]

DATA is a folder with ``splits.json``: for ``vessels`` and ``ct`` the lists ``train`` and ``test`` of [image, mask]
paths, ``group_by``, and ``subsets`` with draws of 5 and 20 training pairs, of which the first is taken. WORK receives
models, 200 synthetic pairs a draw, pages, and ``SET-SIZE.json``. The same command continues where it was
stopped. ``--arms``, ``--curve`` and ``--max-minutes`` are those of ``pairaug evaluate``, to leave something out for
time, and ``--utility-alone`` leaves out everything else. ``--show`` prints what is there and measures nothing.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

COUNT = 200
# Slices of one patient on both sides of the published CT split, which ``evaluate`` refuses: a training slice that a
# draw may hold, and the test slice that is left out then.
SHARED_PATIENTS = {"LungInfection-Train/Doctor-label/Imgs/5.jpg": "LungInfection-Test/Imgs/93.jpg"}
CURVE = {"5": "2,10", "20": "10"}  # other numbers of real pairs at which the baseline runs; each costs minutes


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--sets", default="vessels,ct")
    parser.add_argument("--sizes", default="5,20")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--arms", default="classical,dilution,copy-paste,synthetic")
    parser.add_argument("--curve", default="none")
    parser.add_argument("--max-minutes", type=float, default=600)
    parser.add_argument("--utility-alone", action="store_true")
    parser.add_argument("--show", action="store_true")
    asked = parser.parse_args()
    asked.work.mkdir(parents=True, exist_ok=True)
    chosen = [(name, size) for size in asked.sizes.split(",") for name in asked.sets.split(",")]
    if not asked.show:
        for name, size in chosen:
            make(asked.data, asked.work, name, size)
        for name, size in chosen:
            measure(asked, name, size)
    show(asked.work, chosen)


def make(data: Path, work: Path, name: str, size: str) -> None:
    """Fit both models on one draw of the training pairs, and synthesise from them."""
    split = json.loads((data / "splits.json").read_text())[name]
    source = write_list(data, work / f"{name}-{size}.txt", split["subsets"][size][0])
    models, out = work / f"models-{name}-{size}", work / f"synthetic-{name}-{size}"
    pairaug("fit-masks", "--list", source, "--model", "vessgan", "--no-gate", "--models", models)
    pairaug("fit-translator", "--list", source, "--model", "vess2image", "--no-gate", "--models", models)
    pairaug("synthesize", "--count", COUNT, "--gates", "none", "--models", models, "--out", out)


def measure(asked: argparse.Namespace, name: str, size: str) -> None:
    """Everything, against all training pairs; utility is tested on the test list."""
    data, work = asked.data, asked.work
    split = json.loads((data / "splits.json").read_text())[name]
    train = write_list(data, work / f"{name}-train.txt", split["train"])
    test = write_list(data, work / f"{name}-{size}-test.txt", unseen(split["test"], split["subsets"][size][0]))
    result = pairaug(
        *("evaluate", "-", work / f"synthetic-{name}-{size}"),
        *(("--group-by", split["group_by"]) if split["group_by"] else ()),
        *(("--parts", "utility") if asked.utility_alone else ()),
        *("--models", work / f"models-{name}-{size}", "--cache", work / "segmenters"),
        *("--utility", "--test", test, "--seeds", asked.seeds),
        *("--arms", asked.arms, "--curve", asked.curve, "--sizes", CURVE[size], "--max-minutes", asked.max_minutes),
        *("--html", work / f"{name}-{size}.html", "--json"),
        lines=train.read_text(),
    )
    (work / f"{name}-{size}.json").write_text(result)


def unseen(test: list[list[str]], draw: list[list[str]]) -> list[list[str]]:
    """The test pairs of patients that the draw does not hold."""
    held = [other for seen, other in SHARED_PATIENTS.items() if any(image.endswith(seen) for image, _ in draw)]
    return [pair for pair in test if not pair[0].endswith(tuple(held))]


def write_list(data: Path, path: Path, pairs: list[list[str]]) -> Path:
    """A list of pairs as pairaug reads it."""
    path.write_text("".join(f"{data.resolve() / image}\t{data.resolve() / mask}\n" for image, mask in pairs))
    return path


def show(work: Path, chosen: list[tuple[str, str]]) -> None:
    """Markdown tables of what was measured: a column a data set and size."""
    found = {
        f"{name}, {size} pairs": json.loads((work / f"{name}-{size}.json").read_text())
        for name, size in chosen
        if (work / f"{name}-{size}.json").is_file()
    }
    if all(one["masks"] for one in found.values()):
        print_table(["", *found], [[row, *(cell(one) for one in found.values())] for row, cell in ROWS.items()])
    for title, one in found.items():
        if one["utility"]:
            print(f"\n{title}: {one['utility']['sentence']}\n")
            head = ["arm", "real pairs", "Dice over training", "over real + classical"]
            print_table(head, list(utility_rows(one["utility"])))


def print_table(head: list[str], rows: list[list[str]]) -> None:
    for row in (head, ["---"] * len(head), *rows):
        print("| " + " | ".join(row) + " |")


def beside(part: str, name: str) -> Callable[[Found], str]:
    """A figure with its interval, and what held-out real pairs score."""

    def cell(found: Found) -> str:
        measured = found[part]
        value, held_out = measured[name], measured["held_out"].get(name)
        low, high = measured["intervals"].get(name) or (None, None)
        return f"{number(value)} [{number(low)}, {number(high)}] ({number(held_out)})"

    return cell


def statistic(name: str) -> Callable[[Found], str]:
    def cell(found: Found) -> str:
        one = next(value for key, value in found["masks"]["statistics"].items() if key.endswith("/" + name))
        value = one["ratio"] if one["kind"] == "ratio" else one["difference"]
        return f"{number(value)} [{number(one['low'])}, {number(one['high'])}] ({number(one['held_out'])})"

    return cell


def copies(kind: str) -> Callable[[Found], str]:
    def cell(found: Found) -> str:
        novelty = found["novelty"]
        return f"{novelty['flagged_share'][kind]:.1%} ({novelty['held_out_share'][kind]:.1%})"

    return cell


def offset(found: Found) -> str:
    measured = found["agreement"]
    return f"{tuple(measured['offset'])} ({tuple(measured['held_out']['offset'])})"


def utility_rows(utility: Found) -> Iterator[list[str]]:
    for arm in utility["arms"]:
        gain = next(
            (
                one
                for one in utility["differences"]
                if one["measure"] == "dice"
                and (one["arm"], one["real_pairs"]) == (arm["arm"], arm["real_pairs"])
                and one["baseline"] == "real + classical"
            ),
            None,
        )
        text = "" if gain is None else f"{gain['mean']:+.3f} [{number(gain['low'])}, {number(gain['high'])}]"
        looks = ", ".join(f"{number(look['dice'])} after {look['steps']}" for look in arm["over_steps"])
        yield [arm["arm"], str(arm["real_pairs"]), looks, text]


def number(value: float | None) -> str:
    return "?" if value is None else f"{value:.2f}" if abs(value) >= 1 else f"{value:.3f}"


Found = dict[str, Any]
ROWS: dict[str, Callable[[Found], str]] = {
    **{
        f"masks: {title}, times real": statistic(name)
        for title, name in (
            ("foreground share", "share"),
            ("connected parts", "parts"),
            ("loops", "loops"),
            ("skeleton length", "skeleton_length"),
            ("mean width", "mean_width"),
            ("end points", "end_points"),
            ("box dimension", "box_dimension"),
        )
    },
    "masks: mean pairwise Dice": beside("masks", "pairwise_dice"),
    "masks: coverage": beside("masks", "coverage"),
    "masks: recall": beside("masks", "recall"),
    "images: MMD, times real": beside("images", "mmd_ratio"),
    "images: coverage": beside("images", "coverage"),
    "images: recall": beside("images", "recall"),
    "masks flagged as copies": copies("masks"),
    "images flagged as copies": copies("images"),
    "agreement: Dice, times real": beside("agreement", "dice_ratio"),
    "agreement: clDice, times real": beside("agreement", "cldice_ratio"),
    "agreement: offset in pixels": offset,
}


def pairaug(*arguments: object, lines: str | None = None) -> str:
    command = [sys.executable, "-m", "pairaug", *map(str, arguments)]
    print("+ pairaug", *arguments[:3], "...", file=sys.stderr, flush=True)
    return subprocess.run(command, check=True, input=lines, stdout=subprocess.PIPE, text=True).stdout


if __name__ == "__main__":
    main()
