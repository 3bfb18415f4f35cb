"""Are the masks that a generator draws from a few training masks built like all of them?

    python tests/benchmarks/mask_generators.py DATA [--models recompose,warp,themselves] [--sets ct,ultrasound,...]
        [--draws 0,1,2] [--pairs 5] [--count 200] [--copies 1000] [--set bend=0.03] [--epochs N] [--fits FOLDER]

DATA is a folder with ``splits.json``; only its training lists are opened. A generator is fitted on each draw of
``--pairs`` training pairs (one that trains for ``--epochs``, its own number by default; with ``--fits`` it goes on from
what lies in that folder), and ``--count`` of its masks are compared with those of the whole training list by the
statistics of ``pairaug evaluate``: the ratios to real halves (1: like real, larger is worse), coverage beside that of
held-out real masks. ``--copies``: so many masks are looked at for copies of the masks drawn from (exact:
pixel by pixel; rigid: flipped, turned by right angles or shifted by up to 2 % of the side, which is taken for a copy at
Dice 0.95) and by the copy search of ``pairaug evaluate`` among all training masks. "themselves" repeats the masks drawn
from: what so few masks can say of all. Prints a JSON object a draw, and a summary a model at the end. Masks a
second are told by the processor's time. Half a minute a row on one core without --copies.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pairaug.arrays.resampling import resize_labels
from pairaug.evaluation.sets.pair_set import compact
from pairaug.machine.randomness import numpy_generator, torch_generator
from pairaug.metrics.equal_sizes import draw_halves
from pairaug.metrics.features import mask_features, standardise
from pairaug.metrics.neighbours import compare_neighbours
from pairaug.metrics.novelty import CopyDetector
from pairaug.metrics.reduction import one_hot
from pairaug.metrics.statistics import Values, mask_statistics
from pairaug.metrics.wasserstein import condensed, wasserstein
from pairaug.models.base import Example, Shape, build_config
from pairaug.pairs.checked import CheckPolicy
from pairaug.pairs.checking import check_pairs, load_classes
from pairaug.pairs.labels import Cleaning
from pairaug.pairs.source import find_pairs
from pairaug.registry import ModelEntry, find_model
from pairaug.reporting import Reporter
from pairaug.training.fit import make_objective
from pairaug.training.loop import Schedule, train
from pairaug.training.sampler import Sampler

SIDE = 128  # longer side at which rigid copies are looked for
RIGID = 0.95
DRAWS = 60
Mask = NDArray[np.uint8]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--models", default="recompose,warp,themselves")
    parser.add_argument("--sets", default="ct,ultrasound,nuclei,cells")
    parser.add_argument("--draws", default="0,1,2")
    parser.add_argument("--pairs", default="5")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--copies", type=int, default=0)
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--fits", type=Path)
    asked = parser.parse_args()
    splits = json.loads((asked.data / "splits.json").read_text())
    settings = dict(item.split("=") for item in asked.set)
    rows = []
    for name in asked.sets.split(","):
        real, classes = loaded(asked.data, name, splits[name])
        seen = Real(real, classes)
        for draw in map(int, asked.draws.split(",")):
            chosen = [real[splits[name]["train"].index(pair)] for pair in splits[name]["subsets"][asked.pairs][draw]]
            for model in asked.models.split(","):
                kept = asked.fits / f"{name}-{asked.pairs}-{draw}-{model}" if asked.fits else None
                sample = sampler(model, chosen, classes, settings, asked.epochs, kept)
                row = {"set": name, "draw": draw, "model": model, **seen.compared(sample, asked.count)}
                if asked.copies:
                    row |= seen.copies(sample, chosen, asked.copies)
                rows.append(row)
                print(json.dumps(row), flush=True)
    for model in asked.models.split(","):
        print(json.dumps(summary(model, [row for row in rows if row["model"] == model])), flush=True)


def loaded(data: Path, name: str, split: dict[str, Any]) -> tuple[list[Mask], int]:
    """The training masks as classes, and their number."""
    lines = [f"{data.resolve() / image}\t{data.resolve() / mask}" for image, mask in split["train"]]
    policy = CheckPolicy(cleaning=Cleaning(threshold=1 if name == "ultrasound" else None))
    checked = check_pairs(find_pairs("-", lines=lines), policy)
    places = {(Path(checked.root) / pair.pair.image).resolve(): pair for pair in checked.pairs}
    found = [places[(data / image).resolve()] for image, _ in split["train"]]
    masks = [load_classes(checked.root, pair, checked.policy, checked.label_map) for pair in found]
    return masks, checked.label_map.classes


def sampler(
    model: str, masks: list[Mask], classes: int, settings: dict[str, str], epochs: int | None, kept: Path | None
) -> Callable[[int], Mask]:
    """The number of a mask -> the mask, at the size of one of ``masks``."""
    if model == "themselves":
        return lambda number: masks[number % len(masks)]
    entry = find_model(model, "masks")
    config = build_config(entry.load().Config, settings if model == "recompose" else {})
    if entry.trains:
        with tempfile.TemporaryDirectory() as folder:
            network = trained(entry, config, masks, classes, epochs or entry.epochs, kept or Path(folder))
    else:
        network = entry.load()(config, Shape(classes, 0, 0, 0), torch.Generator().manual_seed(0))
        network.remember([Example(mask) for mask in masks])

    def sample(number: int) -> Mask:
        height, width = masks[int(numpy_generator(0, "reference", number).integers(len(masks)))].shape
        drawn = network.sample(torch_generator(0, "mask", number, 0), (height, width)).labels
        return resize_labels(drawn.numpy().astype(np.uint8), height, width)

    return sample


def trained(entry: ModelEntry, config: Any, masks: list[Mask], classes: int, epochs: int, folder: Path) -> Any:
    """A mask generator trained on ``masks`` as ``pairaug fit-masks`` trains it."""
    examples = [Example(resize_labels(mask, entry.size, entry.size)) for mask in masks]
    shape = Shape(classes, 0, entry.size, entry.size)
    objective, _ = train(
        lambda: make_objective(entry, config, shape, 0, examples),
        Sampler(examples, 0),
        Schedule(0, 1, epochs),
        folder,
        device=torch.device("cpu"),
        reporter=Reporter(),
    )
    return objective.result


class Real:
    """All training masks, and what is asked of new ones beside them."""

    def __init__(self, masks: list[Mask], classes: int) -> None:
        self.masks, self.classes = masks, classes
        self.statistics = [mask_statistics(mask, classes) for mask in masks]
        self.features = np.stack([mask_features(mask, classes) for mask in masks])
        self.detector: CopyDetector | None = None

    def compared(self, sample: Callable[[int], Mask], count: int) -> dict[str, Any]:
        began = time.process_time()
        made = [sample(number) for number in range(count)]
        seconds = time.process_time() - began
        theirs = [mask_statistics(mask, self.classes) for mask in made]
        ratios = {}
        for key in self.statistics[0]:
            values = [[item[key] for item in side] for side in (self.statistics, theirs)]
            found = ratio(*values)
            if np.isfinite(found):
                ratios[key] = round(found, 2)
        features, others = standardise(
            self.features, np.stack([mask_features(mask, self.classes) for mask in made]), channels=self.classes - 1
        )
        near = compare_neighbours(features, others, None, rng(0), draws=DRAWS)
        assert near.mean is not None
        assert near.held_out is not None
        return {
            "a_second": round(count / max(seconds, 1e-9), 1),
            "ratios": ratios,
            "coverage": round(near.mean.coverage, 3),
            "held_out_coverage": round(near.held_out.coverage, 3),
        }

    def copies(self, sample: Callable[[int], Mask], chosen: list[Mask], count: int) -> dict[str, Any]:
        """Copies among ``count`` masks; the power of the two searches is that of planted ones."""
        detector = self.detector or CopyDetector([self._picture(mask) for mask in self.masks], None, rng(1))
        self.detector = detector
        made = [sample(number) for number in range(count)]
        exact = sum(any(np.array_equal(mask, one) for one in chosen) for mask in made)
        rigid = sum(nearest_rigid(mask, chosen) >= RIGID for mask in made)
        flagged = sum(detector.look(self._picture(mask)).flagged for mask in made)
        planted = [np.roll(np.rot90(one, turn), round(0.015 * len(one)), axis=0) for one in chosen for turn in range(4)]
        power = float(np.mean([nearest_rigid(mask, chosen) >= RIGID for mask in planted if mask.any()]))
        return {"copies": {"exact": exact, "rigid": rigid, "flagged": flagged, "of": count, "rigid_power": power}}

    def _picture(self, mask: Mask) -> NDArray[np.floating]:
        return compact(one_hot(mask, self.classes))


def ratio(real: list[Values], synthetic: list[Values]) -> float:
    """The ratio of ``pairaug evaluate`` without its interval; NaN where real halves do not differ."""
    pool = [condensed(values) for values in (*real, *synthetic)]
    apart, within = [], []
    for draw in draw_halves(range(len(real)), len(synthetic), rng(0), DRAWS):
        first, second, theirs = (
            [pool[index] for index in side] for side in (draw.first, draw.second, draw.synthetic[: draw.size])
        )
        apart.append((wasserstein(theirs, first) + wasserstein(theirs, second)) / 2)
        within.append(wasserstein(first, second))
    usual = float(np.nanmean(within))
    return float(np.nanmean(apart)) / usual if usual > 0 else float("nan")


def rng(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def nearest_rigid(mask: Mask, chosen: list[Mask]) -> float:
    """The greatest overlap, 2 |A = B > 0| / (|A| + |B|), over flips, right angles and small shifts."""
    query, best = small(mask), 0.0
    for one in chosen:
        for flipped in (one, one[:, ::-1]):
            for turn in range(4):
                best = max(best, shifted_overlap(query, small(np.rot90(flipped, turn))))
    return best


def shifted_overlap(query: Mask, other: Mask) -> float:
    if query.shape != other.shape:
        return 0.0
    reach = round(0.02 * SIDE)
    total = int((query > 0).sum() + (other > 0).sum())
    overlaps = [
        int(((query == moved) & (query > 0)).sum())
        for row in range(-reach, reach + 1)
        for moved in (np.roll(other, (row, column), axis=(0, 1)) for column in range(-reach, reach + 1))
    ]
    return 2 * max(overlaps) / max(total, 1)


def small(mask: Mask) -> Mask:
    """On a grid of SIDE by SIDE, at pixel centres."""
    rows, columns = (((np.arange(SIDE) + 0.5) * length / SIDE).astype(np.intp) for length in mask.shape)
    return mask[np.ix_(rows, columns)]


def summary(model: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    ratios = np.array([value for row in rows for value in row["ratios"].values()])
    short = [row["held_out_coverage"] - row["coverage"] for row in rows]
    return {
        "model": model,
        "ratios": len(ratios),
        "at most 1.5": round(float((ratios <= 1.5).mean()), 3),
        "above 2": round(float((ratios > 2).mean()), 3),
        "largest": float(ratios.max()),
        "median": float(np.median(ratios)),
        "mean coverage below held-out": round(float(np.mean(short)), 3),
        "most": round(max(short), 3),
        "slowest, masks a second": min(row["a_second"] for row in rows),
    }


if __name__ == "__main__":
    main()
