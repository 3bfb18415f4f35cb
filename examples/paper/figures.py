"""The paper's figures 1 to 7 from the runs of ``reproduce.py``, and its two findings as numbers.

Figures 1, 3, 5 and 6 show real data and stay in WORK; 2, 4 and 7 show none.
"""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from statistics import mean

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from pairaug.arrays.resampling import resize_labels
from pairaug.files import read_json_lines
from pairaug.fitted.model_file import load_model
from pairaug.machine.randomness import torch_generator
from pairaug.models.base import MaskGenerator, Shape
from pairaug.models.translators.vess2image import Vess2Image, Vess2ImageConfig
from pairaug.pairs.checked import CheckPolicy
from pairaug.pairs.checking import check_pairs, load_classes
from pairaug.pairs.source import find_pairs
from pairaug.report.curves import loss_curves
from pairaug.report.sheets import CAPTION, GAP
from pairaug.training.objectives.vess2image import Vess2ImageObjective

SAMPLES = 64
CELL = 192
MASK_EPOCHS, IMAGE_EPOCHS, CT_EPOCHS = (152, 180, 200), (1, 6, 11, 16, 21), (1, 2, 3, 4, 5)
SEEDS = (0, 1, 2)


def show(data: Path, work: Path) -> None:
    """Write ``figure-*.png`` and ``findings.json`` into ``work``."""
    groups = [_rows(work / f"vessels-{seed}/masks/samples", MASK_EPOCHS, columns=2) for seed in SEEDS]
    _beside(groups).save(work / "figure-1.png")
    _losses(work / "vessels-0/masks").save(work / "figure-2.png")
    _rows(work / "vessels-0/translator/samples", IMAGE_EPOCHS, columns=3).save(work / "figure-3.png")
    _losses(work / "vessels-0/translator").save(work / "figure-4.png")
    _rows(work / "ct-0/masks/samples", MASK_EPOCHS[-1:], columns=2).save(work / "figure-5.png")
    _rows(work / "ct-0/translator/samples", CT_EPOCHS, columns=3).save(work / "figure-6.png")
    architecture(Vess2ImageConfig()).save(work / "figure-7.png")
    findings = {
        "masks": {
            f"vessels, seed {seed}": mask_variety(work / f"vessels-{seed}/masks", work / "vessels.txt")
            for seed in SEEDS
        }
        | {"ct, seed 0": mask_variety(work / "ct-0/masks", work / "ct.txt")},
        "translator": {name: losses_over_time(work / f"{name}-0/translator") for name in ("vessels", "ct")},
        "mask_losses": {f"vessels, seed {s}": losses_over_time(work / f"vessels-{s}/masks") for s in SEEDS}
        | {"ct, seed 0": losses_over_time(work / "ct-0/masks")},
    }
    (work / "findings.json").write_text(json.dumps(findings, indent=2) + "\n")
    print(json.dumps(findings, indent=2))


def mask_variety(model: Path, listing: Path) -> dict[str, float]:
    """How alike 64 samples of a mask generator are, beside its training masks at the same side."""
    fitted = load_model(model, "masks")
    assert isinstance(fitted.network, MaskGenerator)
    size = (fitted.shape.height, fitted.shape.width)
    made = [fitted.network.sample(torch_generator(0, "variety", i), size).labels.numpy() > 0 for i in range(SAMPLES)]
    checked = check_pairs(find_pairs(str(listing), lines=listing.read_text().splitlines()), CheckPolicy())
    real = [
        resize_labels(load_classes(checked.root, item, checked.policy, checked.label_map), *size) > 0
        for item in checked.pairs
    ]
    return {
        "pairwise_dice_of_samples": round(pairwise_dice(made), 4),
        "pairwise_dice_of_real_masks": round(pairwise_dice(real), 4),
        "nearest_real_mask_dice_mean": round(mean(max(dice(one, other) for other in real) for one in made), 4),
        "foreground_of_samples": round(float(np.mean(made)), 4),
        "foreground_of_real_masks": round(float(np.mean(real)), 4),
    }


def pairwise_dice(masks: list[NDArray[np.bool_]]) -> float:
    return mean(dice(one, other) for one, other in itertools.combinations(masks, 2))


def dice(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    """2 |A and B| / (|A| + |B|); 1 for two empty masks."""
    total = int(one.sum()) + int(other.sum())
    return 1.0 if total == 0 else 2.0 * int((one & other).sum()) / total


def losses_over_time(run: Path) -> dict[str, float]:
    """Mean losses in the first and the last tenth of a run, and how often the discriminator's was near 0."""
    rows = read_json_lines(run / "history.jsonl")
    tenth = max(1, len(rows) // 10)
    facts: dict[str, float] = {}
    for name in ("discriminator", "adversarial" if "adversarial" in rows[0] else "generator"):
        facts[f"{name}_first_tenth"] = round(mean(row[name] for row in rows[:tenth]), 4)
        facts[f"{name}_last_tenth"] = round(mean(row[name] for row in rows[-tenth:]), 4)
    facts["share_of_lines_with_discriminator_below_0.1"] = round(mean(row["discriminator"] < 0.1 for row in rows), 4)
    return facts


def architecture(config: Vess2ImageConfig) -> Image.Image:
    """The U-Net and the PatchGAN as their modules report themselves: a bar a block, as high as its feature map."""
    model = Vess2Image(config, Shape(2, 3, 256, 256), torch.Generator().manual_seed(0))
    discriminator = Vess2ImageObjective(model, torch.Generator().manual_seed(0)).discriminator
    boxes: list[tuple[str, str, int, int]] = []

    def watch(network: str, part: str) -> object:
        return lambda module, inputs, output: boxes.append((network, part, output.shape[1], output.shape[2]))

    for part, blocks in (("encoder", model.generator.encoder), ("decoder", model.generator.decoder)):
        for block in blocks:
            block.register_forward_hook(watch("U-Net generator", part))
    model.generator.output.register_forward_hook(watch("U-Net generator", "output"))
    for block in [*discriminator.blocks, discriminator.output]:
        block.register_forward_hook(watch("PatchGAN discriminator", "discriminator"))
    planes = torch.zeros(1, 1, 256, 256)
    with torch.no_grad():
        discriminator(planes, model.generator(planes, None))
    return _draw_boxes(boxes)


def _draw_boxes(boxes: list[tuple[str, str, int, int]]) -> Image.Image:
    colours = {
        "encoder": (86, 180, 233),
        "decoder": (230, 159, 0),
        "output": (0, 158, 115),
        "discriminator": (204, 121, 167),
    }
    page = Image.new("RGB", (60 + 58 * len(boxes), 360), "white")
    draw = ImageDraw.Draw(page)
    centres: dict[tuple[str, int], tuple[float, float]] = {}
    previous = ""
    for i, (network, part, channels, side) in enumerate(boxes):
        height = 30 + 22 * np.log2(side)
        left, top = 20 + 58 * i + (30 if network != boxes[0][0] else 0), 190 - height / 2
        draw.rectangle((left, top, left + 40, top + height), fill=colours[part], outline=(60, 60, 60))
        draw.text((left, top + height + 4), f"{channels}\n{side}x{side}", fill=(60, 60, 60))
        if network != previous:
            draw.text((left, 8), network, fill=(60, 60, 60))
            previous = network
        if part == "encoder":
            centres[part, side] = (left + 20, top)
        elif part == "decoder" and ("encoder", side) in centres:
            x, y = centres["encoder", side]
            level = 150 - height / 2 - (left - x) * 0.02
            draw.line(((x, y), (x, level), (left + 20, level), (left + 20, top)), fill=(150, 150, 150))
    return page


def _losses(run: Path) -> Image.Image:
    rows = read_json_lines(run / "history.jsonl")
    names = [name for name in rows[0] if name not in ("images", "epoch")]
    return loss_curves(rows, names, "epoch")


def _rows(samples: Path, epochs: tuple[int, ...], *, columns: int) -> Image.Image:
    """The first row of the sample sheet of each epoch, below each other, with the epoch beside it."""
    width, height = columns * (CELL + GAP) + GAP, CELL + GAP
    page = Image.new("RGB", (width + 40, len(epochs) * height + CAPTION), "white")
    draw = ImageDraw.Draw(page)
    for i, epoch in enumerate(epochs):
        with Image.open(samples / f"epoch-{epoch:05d}.png") as whole:
            if i == 0:
                page.paste(whole.crop((0, 0, width, CAPTION)), (40, 0))
            page.paste(whole.crop((0, CAPTION + GAP, width, CAPTION + GAP + height)), (40, CAPTION + i * height))
        draw.text((6, CAPTION + i * height + CELL // 2), str(epoch), fill=(60, 60, 60))
    return page


def _beside(pictures: list[Image.Image]) -> Image.Image:
    page = Image.new("RGB", (sum(p.width for p in pictures), max(p.height for p in pictures)), "white")
    left = 0
    for picture in pictures:
        page.paste(picture, (left, 0))
        left += picture.width
    return page
