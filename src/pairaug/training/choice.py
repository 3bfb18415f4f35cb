"""``--model auto``: which model is fitted where the user names none, and why.

The rule looks at what is asked for and at the data, never at figures of a test. It follows what was measured
(``examples/generators``): real pixels recomposed help where objects belong anywhere in a picture and there are several,
a network that learns to paint from a few pictures recalls them. Nothing here needs torch.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pairaug.models.kinds import are_alone, are_trees
from pairaug.pairs.checked import Checked
from pairaug.pairs.checking import load_classes
from pairaug.registry import AUTO, SUITED, Kind, ModelEntry, find_model
from pairaug.training.plan import FitOptions, auto_translator

LOOKED_AT = 12  # masks


@dataclass(frozen=True)
class Choice:
    """``reason``: one line for the user; empty where the user has named the model."""

    entry: ModelEntry
    reason: str = ""


def settled_model(kind: Kind, options: FitOptions, checked: Checked) -> Choice:
    """The model asked for, or the one that the data suggest."""
    if options.model not in (None, AUTO):
        return Choice(find_model(str(options.model), kind))
    name, because = _masks(checked) if kind == "masks" else auto_translator(options)
    return Choice(find_model(name, kind), f"auto: {name}, {because}; --model chooses another")


def _masks(checked: Checked) -> tuple[str, str]:
    masks = list(_some(checked))
    if are_trees(masks, checked.label_map.classes):
        return SUITED["trees"], "for the masks are trees: branches are pruned and grown again"
    if are_alone(masks, checked.label_map.classes):
        return SUITED["objects"], (
            "for the masks are single objects; on such data new pairs have not been seen to help, so let their share "
            "fall to zero while you train"
        )
    return SUITED["objects"], "for the masks are separate objects: new ones are mixed from real ones"


def _some(checked: Checked) -> Iterator[NDArray[np.uint8]]:
    """Some masks (H, W), evenly chosen."""
    pairs = checked.pairs
    for index in np.linspace(0, len(pairs) - 1, min(LOOKED_AT, len(pairs)), dtype=int).tolist():
        yield load_classes(checked.root, pairs[index], checked.policy, checked.label_map)
