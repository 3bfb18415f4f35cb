"""The headline table: what do new pairs add to a segmenter trained to its plateau, on five sets?

    python tests/benchmarks/headline.py DATA WORK [--sets ct,ultrasound,nuclei,vessels,cells] [--sizes 5,20]
        [--draws 0,1,2] [--masks-model NAME --translator NAME] [--unlabelled [--style]] [--no-gates]
        [--share S] [--seeds N] [--steps N] [--arms A,...] [--test-lists] [--dry]

DATA is a folder with ``splits.json``: for each set the lists ``train`` and ``test`` of [image, mask] paths,
``group_by``, and ``subsets`` with draws of training pairs. For every set, size and draw both models are fitted on the
draw (where they are named), ``--count`` pairs are synthesised, and ``pairaug evaluate --utility`` trains the arms. WORK
receives lists, models, sets, trainings and ``SET-SIZE-DRAW.json``; the same command goes on where it was stopped, on
another machine too where it finds these last files.

Choices are made *inside* the training lists, which is the default: the training pairs of groups that the draw does not
touch, shuffled with seed 0, are parted into the pairs that are scored (half of them, ``MOST_SCORED`` at most) and the
rest. ``--test-lists`` opens the test lists, once, for the table that closes a question; the rest are then all training
pairs outside the draw. The rest, without images that show a scored pair in disguise (``apart``), are the oracle's pairs
and, with ``--unlabelled``, images without masks, for the arms and for the translator; with ``--style`` too, the new
pairs are painted in their manner instead. ``--no-gates`` fits and applies no gate, which saves minutes.

``--sets other-cells`` is another site: labels of cells up to file 050, tested on half of the files after it, which
``evaluate`` calls another site by their images; the other half are the images without masks and the oracle's pairs.

The most telling cells come first: 5 pairs of all sets, then further draws, then the first draw of 20 pairs. A cell
that ``evaluate`` refuses, or with nothing to score, is told of and missing in the table; without further pairs it has
no oracle. ``headline_table.py`` says how intervals are pooled. ``--dry`` tells the plan and about how long it takes on
two cores.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from apart import apart
from headline_table import Measured, markdown, summary

from pairaug.evaluation.utility.options import OF_UNLABELLED
from pairaug.registry import AUTO, MODELS

SETS = ("ct", "ultrasound", "nuclei", "vessels", "cells")
FLAGS = {"ultrasound": ("--threshold", "1")}
OTHER_SITE = {"other-cells": "cells"}  # trained on the train list, tested on the test list, which is of another site
MOST_SCORED = 28
FEW = 5
OF_FURTHER = (*OF_UNLABELLED, "oracle")
# Slices of one patient on both sides of the published CT split, which ``evaluate`` refuses: a training slice and the
# test slice that is left out where a draw, or the oracle's pairs, hold it.
SHARED_PATIENTS = {
    "LungInfection-Train/Doctor-label/Imgs/5.jpg": "LungInfection-Test/Imgs/93.jpg",
    "LungInfection-Train/Doctor-label/Imgs/17.jpg": "LungInfection-Test/Imgs/91.jpg",
}
MINUTES_A_TRAINING = 5.5

Pairs = list[list[str]]


@dataclass(frozen=True)
class Cell:
    """A draw of training pairs of one set."""

    name: str
    size: str
    draw: int

    @property
    def title(self) -> str:
        return f"{self.name}-{self.size}-{self.draw}"


@dataclass(frozen=True)
class Sides:
    """``real``: what models and arms learn from; ``scored``: test pairs; ``rest``: pairs whose masks nothing sees."""

    real: Pairs
    scored: Pairs
    rest: Pairs


def main() -> None:
    asked = parsed()
    splits = json.loads((asked.data / "splits.json").read_text())
    splits |= {name: splits[of] for name, of in OTHER_SITE.items()}
    cells = list(planned(asked, splits))
    if asked.dry:
        dry(asked, cells, splits)
        return
    asked.work.mkdir(parents=True, exist_ok=True)
    for cell in cells:
        parts = sides(splits[cell.name], cell, test_lists=asked.test_lists)
        try:
            measure(asked, cell, parts, splits[cell.name]["group_by"])
        except subprocess.CalledProcessError as error:
            print(f"{cell.title}: left out, pairaug ended with {error.returncode}", file=sys.stderr, flush=True)
        found = read(asked.work, cells)
        print(markdown(found), flush=True)
        (asked.work / "headline.json").write_text(json.dumps(summary(found), indent=1) + "\n")


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--sizes", default="5,20")
    parser.add_argument("--draws", default="0,1,2")
    parser.add_argument("--masks-model")
    parser.add_argument("--translator")
    parser.add_argument("--unlabelled", action="store_true")
    parser.add_argument("--arms")
    parser.add_argument("--share", default="0.5")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--style", action="store_true")
    parser.add_argument("--no-gates", action="store_true")
    parser.add_argument("--test-lists", action="store_true")
    parser.add_argument("--dry", action="store_true")
    return parser.parse_args()


def planned(asked: argparse.Namespace, splits: dict[str, Any]) -> Iterator[Cell]:
    """Sizes as given; of 5 pairs the first draw of all sets, then the others, of more pairs the first draw alone."""
    for size in asked.sizes.split(","):
        for draw in map(int, asked.draws.split(",") if int(size) <= FEW else "0"):
            for name in asked.sets.split(","):
                if draw < len(splits[name]["subsets"].get(size, ())):
                    yield Cell(name, size, draw)


def arms(asked: argparse.Namespace, cell: Cell, parts: Sides) -> list[str]:
    """Those asked for, or the baseline, its rivals and the new pairs, without those that have no further pairs."""
    new = ["synthetic"] if asked.masks_model and asked.translator else ["dilution"]
    elsewhere = ["histogram-matching", "amplitude-swap"] if cell.name in OTHER_SITE else []
    further = [*(["self-training", *elsewhere] if asked.unlabelled else []), "oracle"]
    wanted = asked.arms.split(",") if asked.arms else ["classical", *new, "copy-paste", *further]
    return [arm for arm in wanted if parts.rest or arm not in OF_FURTHER]


def dry(asked: argparse.Namespace, cells: list[Cell], splits: dict[str, Any]) -> None:
    trainings = 0
    for cell in cells:
        parts = sides(splits[cell.name], cell, test_lists=asked.test_lists)
        print(f"{cell.title}: {len(parts.real)} pairs, {len(parts.scored)} scored, {len(parts.rest)} besides")
        trainings += len(arms(asked, cell, parts)) * asked.seeds if parts.scored else 0
    print(f"{trainings} trainings, about {trainings * MINUTES_A_TRAINING / 2 / 60:.1f} h on two cores")


def sides(split: dict[str, Any], cell: Cell, *, test_lists: bool) -> Sides:
    """See the top of the module. No group stands on two sides."""
    pattern = split["group_by"]

    def group(pair: list[str]) -> str:
        match = re.search(pattern, pair[0]) if pattern else None
        return match[1] if match else pair[0]

    real = split["subsets"][cell.size][cell.draw]
    if cell.name in OTHER_SITE:
        order = np.random.default_rng(0).permutation(len(split["test"]))
        there = [split["test"][index] for index in order]
        return Sides(real, there[: len(there) // 2], there[len(there) // 2 :])
    touched = {group(pair) for pair in real}
    free = [pair for pair in split["train"] if group(pair) not in touched]
    if test_lists:
        held = [one for seen, one in SHARED_PATIENTS.items() if any(pair[0].endswith(seen) for pair in split["train"])]
        return Sides(real, [pair for pair in split["test"] if not pair[0].endswith(tuple(held) or "?")], free)
    names = sorted({group(pair) for pair in free})
    shuffled = [names[index] for index in np.random.default_rng(0).permutation(len(names))]
    ordered = sorted(free, key=lambda pair: shuffled.index(group(pair)))
    wanted, count = min(MOST_SCORED, len(free) // 2), 0
    for name in shuffled:
        if count >= wanted:
            break
        count += sum(group(pair) == name for pair in free)
    return Sides(real, ordered[:count], ordered[count:])


def measure(asked: argparse.Namespace, cell: Cell, parts: Sides, group_by: str | None) -> None:
    """Fit, synthesise and evaluate what is not there yet; the result goes to ``WORK/SET-SIZE-DRAW.json``."""
    if not parts.scored:
        print(f"{cell.title}: left out, there is nothing to score on", file=sys.stderr, flush=True)
        return
    folder, flags, chosen = asked.work / cell.title, FLAGS.get(cell.name, ()), arms(asked, cell, parts)
    folder.mkdir(exist_ok=True)
    rest = apart(asked.data, parts.rest, parts.scored, int(flags[1]) if flags else None)
    lists = {
        name: write_list(folder / f"{name}.txt", asked.data, pairs)
        for name, pairs in (("real", parts.real), ("scored", parts.scored), ("rest", rest))
    }
    images = write_images(folder / "images.txt", asked.data, rest)
    new = asked.masks_model and asked.translator
    models = [asked.masks_model, asked.translator, asked.count, asked.style, asked.no_gates] if new else []
    command = [
        *("evaluate", lists["real"], *([folder / "synthetic"] if models else ()), "--utility", *flags),
        *(("--parts", "utility") if models else ("--fitted-on", lists["real"])),
        *("--test", lists["scored"], "--arms", ",".join(chosen), "--curve", "none", "--share", asked.share),
        *("--seeds", asked.seeds, *(("--steps", asked.steps) if asked.steps else ())),
        *(("--oracle", lists["rest"]) if "oracle" in chosen else ()),
        *(("--unlabelled", images) if asked.unlabelled and rest else ()),
        *(("--group-by", group_by) if group_by else ()),
        *("--models", folder / "models", "--json"),
    ]
    path = asked.work / f"{cell.title}.json"
    asked_for = [str(part.relative_to(asked.work) if isinstance(part, Path) else part) for part in [*command, *models]]
    if path.exists() and json.loads(path.read_text()).get("asked_for") == asked_for:
        return
    if models:
        make(asked, folder, lists["real"], images if asked.unlabelled and rest else None, flags)
    result = json.loads(pairaug(command))
    content = {"cell": vars(cell), "asked_for": asked_for, "utility": result["utility"]}
    path.write_text(json.dumps(content, indent=1) + "\n")


def make(asked: argparse.Namespace, folder: Path, real: Path, images: Path | None, flags: tuple[str, ...]) -> None:
    """Both models fitted on the draw, and pairs from them."""
    models, out = folder / "models", folder / "synthetic"
    fit = ["--list", real, "--models", models, *flags, *(["--no-gate"] if asked.no_gates else [])]
    takes = asked.translator == AUTO or MODELS[asked.translator].takes_images
    more = ["--unlabelled", images] if images and takes and not asked.style else []
    pairaug(["fit-masks", "--model", asked.masks_model, *fit])
    pairaug(["fit-translator", "--model", asked.translator, *more, *fit])
    manner = ["--style-from", images] if images and asked.style else []
    gates = ["--gates", "none"] if asked.no_gates else []
    pairaug(["synthesize", "--count", asked.count, "--models", models, "--out", out, "--overwrite", *manner, *gates])


def write_list(path: Path, data: Path, pairs: Pairs) -> Path:
    """A list of pairs as pairaug reads it."""
    path.write_text("".join(f"{data.resolve() / image}\t{data.resolve() / mask}\n" for image, mask in pairs))
    return path


def write_images(path: Path, data: Path, pairs: Pairs) -> Path:
    """A list of their images alone."""
    path.write_text("".join(f"{data.resolve() / image}\n" for image, _ in pairs))
    return path


def read(work: Path, cells: list[Cell]) -> list[Measured]:
    """What was measured of the cells, in order."""
    found = []
    for cell in cells:
        path = work / f"{cell.title}.json"
        if path.exists():
            found.append(Measured(cell.name, cell.size, cell.draw, json.loads(path.read_text())["utility"]))
    return found


def pairaug(arguments: list[Any]) -> str:
    command = [sys.executable, "-m", "pairaug", *map(str, arguments)]
    print("+ pairaug", *arguments[:2], "...", file=sys.stderr, flush=True)
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


if __name__ == "__main__":
    main()
