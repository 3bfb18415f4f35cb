"""The gates of a synthesis: what the user asks of masks, and what lies beside the models.

Enters: the options and the fitted models. Leaves: the gates in the order in which a pair passes them, and remarks on
those that are not there or do less than their name says.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pairaug.fitted.model_file import FOLDERS, FittedModel
from pairaug.gates.base import Gates
from pairaug.gates.beside import Beside, gates_beside
from pairaug.pairs.labels import LabelMap
from pairaug.synthesis.options import SynthesisOptions
from pairaug.synthesis.steering import steered


def gates_wanted(options: SynthesisOptions, masks: FittedModel | None, translator: FittedModel) -> Beside:
    """``masks`` None: the user gives the masks. Raises UsageError and ModelError for what is not there."""
    found = Beside(options.gates) if isinstance(options.gates, Gates) else _beside(options, masks, translator)
    labels = LabelMap(translator.label_values)
    return replace(found, gates=steered(found.gates, options.area, options.parts, options.include_class, labels))


def _beside(options: SynthesisOptions, masks: FittedModel | None, translator: FittedModel) -> Beside:
    models = Path(options.models)
    drawing = None if masks is None else (models / FOLDERS["masks"], masks)
    return gates_beside(str(options.gates), drawing, (models / FOLDERS["translator"], translator))
