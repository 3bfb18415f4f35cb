"""Which segmenter it is: kept fits and scores are worth something only while they would come out the same again."""

from __future__ import annotations

import torch

from pairaug.machine.device import CPU
from pairaug.machine.precision import choose_precision, name_of
from pairaug.segmenter.presets import Preset

# Raise it with any change of what a fit computes: network, initial weights, batches, augmentation, loss, decision, and
# the metrics that choose the working size. ``tests/segmenter/test_recipe.py`` reminds of it.
RECIPE_VERSION = 3


def identity_of(preset: Preset, device: torch.device = CPU) -> str:
    """A name that changes with the preset, the precision, the kind of device and the recipe."""
    where = "" if device.type == "cpu" else f" on {device.type}"
    return f"{preset!r} {name_of(choose_precision('auto', device))}{where} recipe {RECIPE_VERSION}"
