"""A page to look at, from drawn pairs and real metrics: ``python -m tests.report.example FILE [vessels|cells|bare]``.

The pairs are drawn, their statistics and likeness measured; intervals, power, scores and losses are made up.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np

from pairaug.metrics.novelty import wilson
from pairaug.metrics.overlap import dice, offset_profile, pairwise_dice
from pairaug.metrics.planting import plant
from pairaug.metrics.statistics import STATISTICS, mask_statistics
from pairaug.metrics.wasserstein import wasserstein
from pairaug.pairs.drawing import draw_blob_pair, draw_fundus_pair
from pairaug.report.figure import Figure
from pairaug.report.page.contents import (
    Answer,
    Arm,
    DataSet,
    Findings,
    Gap,
    Labels,
    LearningCurve,
    LossHistory,
    Page,
    Sample,
    Samples,
    Suspect,
    Utility,
)
from pairaug.report.page.document import render


def draw_pair(kind: str, seed: int, side: int, synthetic: bool) -> Sample:
    """One drawn pair; synthetic vessels are a little blurred and sparse, so that the page has something to say."""
    rng = np.random.default_rng([seed, synthetic])
    if kind == "cells":
        grey, labels = draw_blob_pair(rng, side * 3 // 4, side, classes=4)
        image = (grey.astype(np.uint16) * 13 + 400).astype(np.uint16)
    else:
        image, labels = draw_fundus_pair(rng, side)
        if synthetic and seed % 2:
            labels = labels * (np.hypot(*np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]) < 0.8).astype(np.uint8)
    name = f"im_{seed:04d}_synthetic.png" if synthetic else f"{seed + 21}_training.png"
    return Sample(name, image, labels.astype(np.uint8), f"{image.shape[1]} × {image.shape[0]} px")


def draw_copy(original: Sample, kind: str, index: int) -> Sample:
    """A planted copy among the synthetic pairs."""
    rng = np.random.default_rng(index)
    labels = plant(original.labels[..., None].astype(np.float32), kind, rng, True)[..., 0].round().astype(np.uint8)
    planes = original.image if original.image.ndim == 3 else original.image[..., None]
    moved = plant(planes.astype(np.float32), kind, np.random.default_rng(index), False)
    image = moved.round().astype(original.image.dtype)
    return Sample(f"im_{index:04d}_synthetic.png", image if original.image.ndim == 3 else image[..., 0], labels)


@cache
def example(kind: str = "vessels", real_count: int = 12, synthetic_count: int = 24, side: int = 256) -> Page:
    """Every part filled; the synthetic set holds two rigid copies and four elastic ones that say what they are."""
    real = [draw_pair(kind, seed, side, False) for seed in range(real_count)]
    synthetic = [draw_pair(kind, seed, side, True) for seed in range(synthetic_count - 6)]
    synthetic += [draw_copy(real[place], "rigid", 900 + place) for place in range(2)]
    derived = [draw_copy(real[place], "elastic_2", 910 + place) for place in range(2, 6)]
    classes = ("vessel",) if kind == "vessels" else ("cytoplasm", "nucleus", "platelet")
    both = [*synthetic, *derived]
    return Page(
        title="Are the new vessel pairs worth training on?" if kind == "vessels" else "Drawn cells, four classes",
        command="pairaug evaluate ./drive/training ./augmented --test ./drive/test --utility --html page.html",
        version="pairaug 0.1.0",
        compared=(
            DataSet("real", "drive/training", real_count, real_count, "9f2c51d8e0aa7b3c44d1", "565 × 584 px, RGB"),
            DataSet(
                "synthetic", "augmented", len(both), None, "17ab0e6cc92f5d01b7e3", "masks by warp, images by vess2image"
            ),
            DataSet("test", "drive/test", 8, 8, "c0ffee0123456789abcd", "seen by no model, gate or style"),
        ),
        classes=classes,
        answers=_answers(),
        samples=Samples(real, both[::2], "at random, seed 0"),
        masks=_masks(real, both, classes),
        images=_images(),
        novelty=(found := _novelty(real, synthetic, derived))[0],
        suspects=found[1],
        agreement=_agreement(real, len(classes) + 1),
        utility=_utility(),
        losses=_losses(),
        gaps=(
            Gap(
                "Variety among images of one mask",
                "the synthetic set has one image for each mask",
                "synthesise with --per-mask 4",
            ),
        ),
        made="26 November 2026",
        notes=("Two synthetic masks are empty and were left out of the novelty figures.",),
    )


def bare() -> Page:
    """A page on which nothing was measured."""
    sets = (DataSet("real", "drive/training", 12), DataSet("synthetic", "augmented", 24))
    answer = Answer("Does training on these pairs help?", "add --utility", "It is slow.", "not measured", "utility")
    gap = Gap("Utility", "it is measured on request only", "add --utility", "utility")
    return Page("Nothing yet", "pairaug evaluate a b", "pairaug 0.1.0", sets, ("vessel",), (answer,), gaps=(gap,))


def _answers() -> tuple[Answer, ...]:
    return (
        Answer("new?", "yes", "Masks: 0 of 20 flagged as copies; of held-out real masks, 0 of 12.", "good", "novelty"),
        Answer(
            "real?", "no", "Images are 1.93 times as far from real ones as those among themselves (at least 1.50; "
            "held-out real ones reach 1.22).", "bad", "images", "Fine: none of 30 mask statistics lies beyond.",
        ),
        Answer("varied?", "with a doubt", "Mask recall 0.52, held-out real 0.75.", "warning", "masks"),
        Answer("fits its masks?", "yes", "A segmenter agrees 0.97 times as well.", "good", "agreement"),
        Answer(
            "does it help?", "cannot tell", "+1.4 points of Dice (−0.4 to 2.2) against real pairs with classical "
            "augmentation, at the same number of steps. This run could have seen differences of 1.8 points and more.",
            "unclear", "utility",
        ),
    )  # fmt: skip


def _masks(real: list[Sample], synthetic: list[Sample], classes: tuple[str, ...]) -> Findings:
    count = len(classes) + 1
    first, second = ([mask_statistics(s.labels.astype(np.int64), count) for s in items] for items in (real, synthetic))
    found = []
    for value, class_name in enumerate(classes, 1):
        for name in STATISTICS:
            key = f"{value}/{name}"
            left, right = ([one[key] for one in items] for items in (first, second))
            apart, within = wasserstein(right, left), wasserstein(left[::2], left[1::2])
            title, of = name.replace("_", " "), class_name if len(classes) > 1 else ""
            words = {"group": "statistics", "of": of, "meaning": "Measured on every mask.", "unit": "px"}
            times = apart / within if within else 0.0
            even = Figure(key, title, apart, 0.6 * apart, 1.5 * apart, 0, 0, 0, "difference", **words)
            ratio = Figure(key, title, times, times / 1.4, times * 1.4, 1.0, 0.75, 1.4, "ratio", **words)
            pooled = {"real": np.concatenate(left), "synthetic": np.concatenate(right)}
            found.append(replace(ratio if within else even, **pooled))
    ours, theirs = (pairwise_dice([s.labels for s in items], count) for items in (real, synthetic))
    overlap = Figure("dice", "pairwise Dice", theirs.value, theirs.low, theirs.high, meaning="Overlap of two masks.")
    return Findings(
        [
            *found,
            _score("coverage", 0.81, 0.7, 0.92, 0.87, 0.75, 1.0),
            _score("density", 1.21, 0.8, 1.5, 1.0, 0.7, 1.3),
            _score("recall", 0.52, 0.4, 0.64, 0.75, 0.6, 0.9),
            overlap.beside(ours.value, ours.low, ours.high),
        ]
    )


def _score(name: str, *figures: float) -> Figure:
    return Figure(name, name, *figures, meaning="Of a set. As high as held-out real is good.")


def _images() -> Findings:
    distance = Figure("mmd_ratio", "kernel MMD", 1.93, 1.5, 2.48, 1.01, 0.83, 1.22, "ratio", "distance")
    return Findings(
        [
            distance,
            _score("precision", 0.61, 0.45, 0.8, 0.78, 0.6, 0.95),
            _score("recall", 0.33, 0.2, 0.5, 0.77, 0.6, 0.95),
            _score("density", 0.7, 0.5, 1.0, 1.0, 0.7, 1.3),
            _score("coverage", 0.5, 0.3, 0.7, 0.88, 0.7, 1.0),
            Figure("variety", "variety", None, measured=False, compared=False),
        ],
        "640 features of a fixed random network over three scales",
        "5be1f2aa90cc",
    )


def _share(name: str, group: str, hits: int, count: int, **words: str) -> Figure:
    found = wilson(hits, count)
    figure = Figure(name, name, found.value, found.low, found.high, scale="share", group=group, count=count, **words)
    return replace(figure, compared=False)


def _planted(what: str, found: tuple[tuple[str, int], ...]) -> list[Figure]:
    return [
        _share(kind, f"planted copies of {what}", hits, 40, remark="are found" if hits >= 36 else "cannot tell")
        for kind, hits in found
    ]


def _novelty(real: list[Sample], synthetic: list[Sample], derived: list[Sample]) -> tuple[Findings, list[Suspect]]:
    both = [*synthetic, *derived]
    likeness = [
        [max(dice(turned > 0, one.labels > 0) for turned in _turns(sample.labels)) for one in real] for sample in both
    ]
    bar = 13 * float(np.median([max(row) for row in likeness]))
    suspects = []
    for place, (sample, row) in enumerate(zip(both, likeness, strict=True)):
        nearest, score = real[int(np.argmax(row))], 10 * max(row)
        view = ("whole", "coarse", "crop")[place % 3]
        source = (nearest.name,) if place >= len(synthetic) else ()
        suspects.append(
            Suspect(sample, nearest, "image" if place % 3 == 2 else "mask", score, bar, score > bar, view, source)
        )
    flags = [suspect.flagged for suspect in suspects]
    suspects.sort(key=lambda suspect: -suspect.score)
    found = (("exact", 40), ("rigid", 40), ("crop", 38), ("elastic_1", 40), ("elastic_2", 39), ("elastic_5", 7))
    derived_share = _share(
        "synthetic masks, derived", "copies", sum(flags[len(synthetic) :]), len(derived), remark="counted apart"
    )
    images = Figure("images", "synthetic images", None, scale="share", group="copies", count=len(synthetic))
    figures = [
        _share("synthetic masks", "copies", sum(flags[: len(synthetic)]), len(synthetic)).beside(0.0, 0.0, 0.24),
        derived_share,
        replace(images, meaning=f"{len(synthetic)} items without a known source.").beside(0.08, 0.01, 0.35),
        *_planted("masks", found),
        *_planted("images", (("exact", 40), ("rigid", 31))),
    ]
    return Findings(figures), suspects[:6]


def _turns(labels: Labels) -> list[Labels]:
    """Flips and turns that keep the shape."""
    square = labels.shape[0] == labels.shape[1]
    turned = [labels, np.rot90(labels)] if square else [labels]
    return [flip for one in turned for flip in (one, one[::-1], one[:, ::-1], one[::-1, ::-1])]


def _agreement(real: list[Sample], classes: int) -> Findings:
    profiles = [offset_profile(np.roll(s.labels, (1, 0), (0, 1)), s.labels, classes) for s in real[:6]]
    still = [offset_profile(s.labels, s.labels, classes) for s in real[:6]]
    return Findings(
        [
            Figure("dice_ratio", "Dice", 0.972, 0.955, 0.99, 1.0, 0.97, 1.03, "ratio", "agreement"),
            Figure("cldice_ratio", "clDice", 1.081, 1.05, 1.11, 1.0, 0.96, 1.04, "ratio", "agreement"),
        ],
        "A small U-Net that learned from two folds of the real pairs (90 s each) looks for the mask in each image.",
        profiles={
            "Synthetic pairs": 0.8 * np.mean(profiles, axis=0),
            "Held-out real pairs": 0.82 * np.mean(still, axis=0),
        },
    )


def _utility() -> Utility:
    rng = np.random.default_rng(3)
    luck = rng.normal(0, 0.012, 6)

    def scores(mean: float) -> np.ndarray:
        return np.round(mean + luck + rng.normal(0, 0.006, 6), 4)

    names = (
        ("real", 5, 0.731, False),
        ("real + classical", 5, 0.762, False),
        ("real + classical, elastic pairs", 5, 0.766, False),
        ("real + classical + synthetic", 5, 0.771, True),
        ("synthetic + classical", 0, 0.702, True),
    )
    arms = [Arm(name, pairs, scores(mean), synthetic) for name, pairs, mean, synthetic in names]
    main, base = arms[3], arms[1]
    gains = [
        _gain(main, base, -0.004, 0.022, 0.018),
        _gain(main, arms[2], -0.009, 0.02, 0.02),
        _gain(arms[4], base, -0.081, -0.039, 0.03),
    ]
    points = {2: scores(0.69), 5: base.scores, 9: scores(0.779), 12: scores(0.785), 20: scores(0.802)}
    curve = LearningCurve(points, main.name, 5, float(main.scores.mean()), 6.6, 4.4, 11.0, "on the curve")
    sentence = (
        "Real pairs with synthetic ones score 1.4 points of Dice above real pairs alone, both with classical "
        "augmentation; the interval (−0.4 to 2.2) holds 0 and gains that would matter."
    )
    return Utility("Dice on vessels", "8 pairs of 8 patients", arms, gains, "cannot tell", sentence, 0.01, curve)


def _gain(arm: Arm, baseline: Arm, low: float, high: float, band: float) -> Figure:
    mean = float((arm.scores - baseline.scores).mean())
    return Figure(
        "difference", arm.name, mean, low, high, scale="points", group="gains", meaning=f"against {baseline.name}",
        remark=f"smallest difference this run could have seen: {100 * band:.1f}", band=band, compared=False,
    )  # fmt: skip


def _losses() -> tuple[LossHistory, ...]:
    rng = np.random.default_rng(5)
    x = np.arange(0, 6000, 10, dtype=np.float64)
    noise = rng.normal(0, 1, (3, len(x)))
    first = 0.5 + 0.2 * np.exp(-x / 900) + 0.03 * noise[0]
    second = 12 * np.exp(-x / 1500) + 3 + 0.4 * noise[1]
    third = 0.7 * np.exp(-x / 1800) + 0.05 + 0.015 * np.abs(noise[2])
    second[200:210] = np.nan
    history = {"discriminator": first, "generator": second, "L1": third}
    return (
        LossHistory("warp (masks)", "images seen", x[:0], {}),
        LossHistory("vess2image (images)", "images seen", x, history),
    )


def write(target: Path, kind: str) -> None:
    page = bare() if kind == "bare" else example(kind)
    target.write_text(render(page), encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "vessels")
