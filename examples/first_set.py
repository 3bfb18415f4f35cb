"""From a folder of image/mask pairs to a trained segmentation network, with the new pairs and without.

    pairaug demo && python examples/first_set.py pairaug-demo/data

The pairs are dealt into folds. From the other folds' pairs alone pairaug makes new ones, and a small U-Net is trained
twice, for equally many steps: on real pairs, and with half of each batch synthetic. Both are scored on the fold's own
pairs, which neither pairaug nor the network has seen. All that is made lies in OUT.
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path

import numpy
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

import pairaug

Examples = tuple[Tensor, Tensor]  # images (N, 3, side, side), masks (N, side, side) of classes 0 to K-1
BATCH = 4


def make_set(folder: Path, out: Path, folds: int, count: int, seed: int) -> tuple[Path, int]:
    """Check the pairs, then fit and synthesise fold by fold; the new set and its number of classes."""
    checked = pairaug.check(folder)
    classes = len(checked.label_map.values)
    print(f"{len(checked.pairs)} pairs, {checked.layout}, {classes} classes", flush=True)
    fits = {"models": out / "models", "no_gate": True, "seed": seed}
    return pairaug.folds(folder, out / "set", folds=folds, count=count, masks_as="classes", **fits), classes


def load(made: Path, rows: list[dict], side: int) -> Examples:
    """Pairs as tensors of one size: each image with mean 0 and deviation 1, whatever its bit depth."""
    images, masks = [], []
    for row in rows:
        with Image.open(made / row["file_name"]) as picture:
            levels = numpy.array(picture if picture.mode.startswith("I") else picture.convert("RGB"), numpy.float32)
        with Image.open(made / row["mask_file_name"]) as picture:
            classes = numpy.array(picture, numpy.float32)
        image = torch.from_numpy(levels.reshape(*levels.shape[:2], -1)).permute(2, 0, 1).expand(3, -1, -1)
        image = functional.interpolate(image[None], (side, side), mode="bilinear", antialias=True)[0]
        images.append((image - image.mean()) / (image.std() + 1e-6))
        masks.append(functional.interpolate(torch.from_numpy(classes)[None, None], (side, side), mode="nearest")[0, 0])
    return torch.stack(images), torch.stack(masks).long()


class UNet(nn.Module):
    """Three scales; (N, 3, side, side) -> scores (N, classes, side, side). ``side``: a multiple of 4."""

    def __init__(self, classes: int, width: int = 16) -> None:
        super().__init__()
        self.down = nn.ModuleList([block(3, width), block(width, 2 * width), block(2 * width, 4 * width)])
        self.up = nn.ModuleList([block(6 * width, 2 * width), block(3 * width, width)])
        self.head = nn.Conv2d(width, classes, 1)

    def forward(self, images: Tensor) -> Tensor:
        fine = self.down[0](images)
        middle = self.down[1](functional.max_pool2d(fine, 2))
        found = self.down[2](functional.max_pool2d(middle, 2))
        for level, beside in zip(self.up, (middle, fine), strict=True):
            found = level(torch.cat([functional.interpolate(found, scale_factor=2.0), beside], dim=1))
        return self.head(found)


def block(inputs: int, outputs: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for channels in (inputs, outputs):
        layers += [nn.Conv2d(channels, outputs, 3, padding=1, bias=False), nn.GroupNorm(4, outputs), nn.ReLU()]
    return nn.Sequential(*layers)


def augmented(images: Tensor, masks: Tensor) -> Examples:
    """Classical augmentation, the same for both networks: turns, shifts, scales, contrast, brightness."""
    draw = torch.rand(len(images), 6) * 2 - 1
    turn, scale = draw[:, 0] * math.radians(15), 1 + 0.15 * draw[:, 1]
    along, across = scale * turn.cos(), scale * turn.sin()
    moves = torch.stack([along, -across, 0.1 * draw[:, 2], across, along, 0.1 * draw[:, 3]], dim=1).reshape(-1, 2, 3)
    grid = functional.affine_grid(moves, list(images.shape), align_corners=False)
    moved = functional.grid_sample(images, grid, padding_mode="reflection", align_corners=False)
    kept = functional.grid_sample(masks[:, None].float(), grid, "nearest", "reflection", align_corners=False)
    return moved * (1 + 0.3 * draw[:, 4, None, None, None]) + 0.3 * draw[:, 5, None, None, None], kept[:, 0].long()


def trained(real: Examples, new: Examples | None, classes: int, steps: int, seed: int) -> UNet:
    """A network after ``steps`` batches; with ``new``, half of each batch is drawn from there."""
    torch.manual_seed(seed)
    network = UNet(classes)
    optimiser = torch.optim.AdamW(network.parameters(), lr=3e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=3e-3, total_steps=steps)
    sources = [real] * BATCH if new is None else [real, new] * (BATCH // 2)
    for _ in range(steps):
        drawn = [(source, int(torch.randint(len(source[0]), ()))) for source in sources]
        images, masks = augmented(*(torch.stack([source[part][index] for source, index in drawn]) for part in (0, 1)))
        scores = network(images)
        loss = functional.cross_entropy(scores, masks) - soft_dice(scores.softmax(1), masks).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return network.eval()


def soft_dice(shares: Tensor, masks: Tensor) -> Tensor:
    """(N,): twice the overlap over the sum of both areas, the mean over all classes above the background."""
    truth = functional.one_hot(masks, shares.shape[1]).movedim(-1, 1)
    both, either = (shares * truth).sum((2, 3)), (shares + truth).sum((2, 3))
    return ((2 * both + 1) / (either + 1))[:, 1:].mean(1)


def dice(network: UNet, held_out: Examples) -> Tensor:
    """(N,): the Dice of each held-out pair, at the size that the network works at."""
    with torch.no_grad():
        found = torch.cat([network(image[None]).argmax(1) for image in held_out[0]])
        return soft_dice(functional.one_hot(found, network.head.out_channels).movedim(-1, 1), held_out[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="pairs in any layout that 'pairaug check' understands")
    parser.add_argument("--out", type=Path, default=Path("first-set"), help="where all that is made lies")
    for name, default in (("folds", 2), ("count", 40), ("steps", 200), ("side", 128), ("seed", 0)):
        parser.add_argument(f"--{name}", type=int, default=default, help=f"default {default}")
    asked = parser.parse_args()
    made, classes = make_set(asked.folder, asked.out, asked.folds, asked.count, asked.seed)
    rows = [json.loads(line) for line in (made / "metadata.jsonl").read_text(encoding="utf-8").splitlines()]
    without, with_new = [], []
    for fold in range(asked.folds):
        real = load(made, [row for row in rows if row["origin"] == "original" and row["fold"] != fold], asked.side)
        held_out = load(made, [row for row in rows if row["origin"] == "original" and row["fold"] == fold], asked.side)
        new = load(made, [row for row in rows if row["origin"] == "synthetic" and row["fold"] == fold], asked.side)
        for scores, added in ((without, None), (with_new, new)):
            scores.append(dice(trained(real, added, classes, asked.steps, asked.seed), held_out))
        print(
            f"fold {fold}: Dice {without[-1].mean():.3f} without, {with_new[-1].mean():.3f} with the new pairs",
            flush=True,
        )
    gain = 100 * (torch.cat(with_new) - torch.cat(without))
    error = gain.std() / len(gain) ** 0.5  # of the choice of pairs; another seed would move the gain too
    print(f"gain {gain.mean():+.1f} Dice points (standard error over {len(gain)} held-out pairs {error:.1f}; one seed)")


if __name__ == "__main__":
    main()
