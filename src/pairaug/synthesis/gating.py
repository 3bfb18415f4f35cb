"""The gates of a synthesis: what the user asks of masks, and what lies beside the models.

Enters: the options and the fitted models. Leaves: the gates in the order in which a pair passes them; the user hears
which of them are not there and which do less than their name says.
"""

from __future__ import annotations

from pathlib import Path

from pairaug.fitted.model_file import FOLDERS, FittedModel
from pairaug.gates.base import Gates
from pairaug.gates.beside import gates_beside
from pairaug.pairs.labels import LabelMap
from pairaug.reporting import Reporter
from pairaug.synthesis.options import SynthesisOptions
from pairaug.synthesis.steering import steered


def gates_wanted(
    options: SynthesisOptions, masks: FittedModel | None, translator: FittedModel, reporter: Reporter
) -> Gates:
    """``masks`` None: the user gives the masks. Raises UsageError and ModelError for what is not there."""
    gates = options.gates if isinstance(options.gates, Gates) else _beside(options, masks, translator, reporter)
    return steered(gates, options.area, options.parts, options.include_class, LabelMap(translator.label_values))


def _beside(options: SynthesisOptions, masks: FittedModel | None, translator: FittedModel, reporter: Reporter) -> Gates:
    models = Path(options.models)
    drawing = None if masks is None else (models / FOLDERS["masks"], masks)
    beside = gates_beside(str(options.gates), drawing, (models / FOLDERS["translator"], translator))
    for remark in beside.remarks:
        reporter.note(remark)
    return beside.gates
