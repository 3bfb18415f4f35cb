"""``--model auto``: which model is fitted where the user names none, and why.

The rule looks at what is asked for and at the data, never at figures of a test. It follows what was measured
(``examples/generators``): real pixels recomposed help where objects belong anywhere in a picture and there are several,
a network that learns to paint from a few pictures recalls them. Nothing here needs torch.
"""

from __future__ import annotations

from dataclasses import dataclass

from pairaug.models.kinds import evenly, kind_of
from pairaug.pairs.checked import Checked
from pairaug.pairs.checking import load_classes
from pairaug.registry import AUTO, SUITED, Kind, ModelEntry, find_model
from pairaug.training.plan import FitOptions, auto_translator


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
    some = evenly(checked.pairs)
    masks = [load_classes(checked.root, pair, checked.policy, checked.label_map) for pair in some]
    kind = kind_of(masks, checked.label_map.classes)
    if kind == "trees":
        return SUITED["trees"], "for the masks are trees: branches are pruned and grown again"
    if kind == "single objects":
        return SUITED["objects"], (
            "for the masks are single objects; on such data new pairs have not been seen to help, so let their share "
            "fall to zero while you train"
        )
    return SUITED["objects"], "for the masks are separate objects: new ones are mixed from real ones"
