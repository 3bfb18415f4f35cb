"""Which segmenter it is: kept fits and scores are worth something only while they would come out the same again."""

from __future__ import annotations

from pairaug.machine.precision import name_of, processor_precision
from pairaug.segmenter.presets import Preset

# Raise it with any change of what a fit computes: network, initial weights, batches, augmentation, loss, decision, and
# the metrics that choose the working size. ``tests/segmenter/test_recipe.py`` reminds of it.
RECIPE_VERSION = 3


def identity_of(preset: Preset) -> str:
    """A name that changes with the preset, the precision and the recipe."""
    return f"{preset!r} {name_of(processor_precision())} recipe {RECIPE_VERSION}"
