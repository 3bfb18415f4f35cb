"""The gates that lie beside fitted models: which there are, which are wanted, and what to say of them.

Enters: the fitted models, their folders, and what ``--gates`` says. Leaves: the gates, in the order in which a pair
passes them, and remarks for the user.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from pairaug.errors import ModelError
from pairaug.fitted.model_file import FittedModel
from pairaug.gates.agreement import load_agreement
from pairaug.gates.base import Gates
from pairaug.gates.names import ALL, GATE_FILES, wanted_gates
from pairaug.gates.novelty import load_novelty


@dataclass(frozen=True)
class Beside:
    """``remarks``: one line each for a gate that is missing, or that does less than its name says."""

    gates: Gates
    remarks: tuple[str, ...] = ()


def gates_beside(text: str, masks: tuple[Path, FittedModel] | None, translator: tuple[Path, FittedModel]) -> Beside:
    """The gates that ``text`` asks for. ``masks``, ``translator``: folder and model; no masks: the user gives them.

    Raises ModelError for one that is asked for by name and not there.
    """
    wanted = wanted_gates(text)
    found, remarks = Gates(), []
    if "novelty" in wanted and masks is not None:
        folder, model = masks
        path = folder / GATE_FILES["novelty"]
        if path.is_file():
            gate = load_novelty(path, model.digest, len(model.label_values))
            found = Gates(masks=(gate,))
            remarks += [gate.remark()]
        else:
            remarks += [_missing("novelty", path, text)]
    if "agreement" in wanted:
        folder, model = translator
        path = folder / GATE_FILES["agreement"]
        if path.is_file():
            judging = load_agreement(path, model.digest, len(model.label_values), model.shape.channels)
            found = replace(found, images=(judging,))
            remarks += [judging.remark()]
        else:
            remarks += [_missing("agreement", path, text)]
    return Beside(found, tuple(filter(None, remarks)))


def _missing(name: str, path: Path, text: str) -> str:
    """What to say of a gate that is not there. Raises ModelError where it was asked for by name."""
    command = "fit-masks" if name == "novelty" else "fit-translator"
    remedy = f"the same {command} command without --no-gate makes it"
    if text != ALL:
        raise ModelError(f"{path}: no {name} gate here; {remedy}, or leave it out of --gates")
    return f"no {name} gate lies beside the model, so none is applied; {remedy}"
