"""Does ``evaluate`` see what it should on real data? One half of a training list against spoilt copies of the other.

    python tests/benchmarks/sanity.py DATA [--sets vessels,ct,nuclei,cells] [--cache FOLDER]

DATA is a folder with ``splits.json`` (a ``train`` list of [image, mask] paths a set, and ``group_by``). The first half
(groups kept whole, seed 0) is the real set, with two reference segmenters fitted on it (about 3 minutes a set on two
cores; ``--cache`` keeps them). Measured against it: the other half as it is; its masks moved 2 px up; its images
dealt to other masks; its images blurred; one of its pairs repeated; and the first half itself, and mirrored.
Every line is one call of ``pairaug evaluate``. Nothing of the test lists is read.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from segmenter import groups

Pair = tuple[Image.Image, NDArray[Any]]
Spoil = Callable[[list[Pair]], list[Pair]]
SHIFT, BLUR = 2, 2.0  # pixels


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--sets", default="vessels,ct,nuclei,cells")
    parser.add_argument("--cache", type=Path)
    asked = parser.parse_args()
    splits = json.loads((asked.data / "splits.json").read_text())
    print("| set | synthetic set | MMD | mask coverage | agreement | offset | masks flagged | images flagged |")
    print("| --- " * 8 + "|")
    for name in asked.sets.split(","):
        with tempfile.TemporaryDirectory() as folder:
            try_set(asked.data, name, splits[name], Path(folder), asked.cache or Path(folder, "cache"))


def try_set(data: Path, name: str, split: dict[str, Any], folder: Path, cache: Path) -> None:
    first, other = halves(split)
    lines = "".join(f"{data.resolve() / image}\t{data.resolve() / mask}\n" for image, mask in first)
    for title, (source, spoil) in SPOILT.items():
        pairs = spoil([read(data, *pair) for pair in (first if source == "real" else other)])
        written = write(folder / title, pairs)
        command = [sys.executable, "-m", "pairaug", "evaluate", "-", str(written), "--json", "--cache", str(cache)]
        if split["group_by"]:
            command += ["--group-by", split["group_by"]]
        done = subprocess.run(command, input=lines, check=True, capture_output=True, text=True)
        print(f"| {name} | {title} | {row(json.loads(done.stdout))} |", flush=True)


def halves(split: dict[str, Any]) -> tuple[list[list[str]], list[list[str]]]:
    """Two halves of the training pairs by whole groups, in the list's order."""
    names = groups(split)
    distinct = np.random.default_rng(0).permutation(sorted(set(names)))
    chosen = set(distinct[: len(distinct) // 2])
    sides = [[pair for pair, name in zip(split["train"], names, strict=True) if (name in chosen) == side]
             for side in (True, False)]  # fmt: skip
    return sides[0], sides[1]


def read(data: Path, image: str, mask: str) -> Pair:
    return Image.open(data / image).copy(), np.array(Image.open(data / mask))


def write(folder: Path, pairs: list[Pair]) -> Path:
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True)
    for index, (image, mask) in enumerate(pairs):
        image.save(folder / "images" / f"p{index:03d}.png")
        Image.fromarray(mask).save(folder / "masks" / f"p{index:03d}.png")
    return folder


def as_it_is(pairs: list[Pair]) -> list[Pair]:
    return pairs


def masks_moved(pairs: list[Pair]) -> list[Pair]:
    """Masks moved up, so that the images lie ``SHIFT`` px below them."""
    return [(image, np.roll(mask, -SHIFT, axis=0)) for image, mask in pairs]


def images_dealt(pairs: list[Pair]) -> list[Pair]:
    """Every mask with the next one's image, brought to the mask's size."""
    images = [pairs[(index + 1) % len(pairs)][0] for index in range(len(pairs))]
    return [(image.resize(mask.shape[1::-1]), mask) for image, (_, mask) in zip(images, pairs, strict=True)]


def blurred(pairs: list[Pair]) -> list[Pair]:
    return [(image.filter(ImageFilter.GaussianBlur(BLUR)), mask) for image, mask in pairs]


def repeated(pairs: list[Pair]) -> list[Pair]:
    return [pairs[0]] * len(pairs)


def mirrored(pairs: list[Pair]) -> list[Pair]:
    return [(image.transpose(Image.Transpose.FLIP_LEFT_RIGHT), mask[:, ::-1].copy()) for image, mask in pairs]


SPOILT: dict[str, tuple[str, Spoil]] = {
    "other half": ("other", as_it_is),
    "masks moved 2 px": ("other", masks_moved),
    "images dealt to other masks": ("other", images_dealt),
    "images blurred": ("other", blurred),
    "one pair repeated": ("other", repeated),
    "the real half itself": ("real", as_it_is),
    "the real half mirrored": ("real", mirrored),
}


def row(found: dict[str, Any]) -> str:
    masks, images, novelty, agreement = (found[part] for part in ("masks", "images", "novelty", "agreement"))
    shares, held_out = novelty["flagged_share"], novelty["held_out_share"]
    cells = [
        f"{ratio(images['mmd_ratio'], images['intervals']['mmd_ratio'])}, p {number(images['p'])}",
        f"{number(masks['coverage'])} (held-out {number(masks['held_out']['coverage'])}, "
        f"floor {number(masks['coverage_floor'])})",
        ratio(agreement["dice_ratio"], agreement["intervals"]["dice_ratio"]),
        f"{agreement['offset']} ({agreement['held_out']['offset']})",
        *(f"{number(shares[kind])} ({number(held_out[kind])})" for kind in ("masks", "images")),
    ]
    return " | ".join(cells)


def ratio(value: float | None, interval: list[float | None] | None) -> str:
    low, high = interval or (None, None)
    return f"{number(value)} [{number(low)}, {number(high)}]"


def number(value: float | None) -> str:
    return "?" if value is None else f"{value:.2f}"


if __name__ == "__main__":
    main()
