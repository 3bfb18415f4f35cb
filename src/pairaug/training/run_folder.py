"""The folder of a fit: what run is in it, whether it may go on, and what it records.

``run.json`` says what was asked for and how far it came; two runs are the same when their ``identity`` is. A folder
is never taken over in silence: another run in it is refused by naming what differs.
"""

from __future__ import annotations

import platform
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pairaug import __version__
from pairaug.errors import ModelError, OutputError
from pairaug.files import digest_file, write_json
from pairaug.fitted.identity import differences
from pairaug.fitted.model_file import MODEL_FILE, PAIRS_FILE, load_model
from pairaug.gates.names import GATE_FILES, GATE_OF
from pairaug.json_text import parse_json
from pairaug.pairs.checked import Checked
from pairaug.pairs.slices import file_of
from pairaug.registry import Kind
from pairaug.training.history import HISTORY
from pairaug.training.loop import CHECKPOINTS

RUN_FILE = "run.json"
LOSSES = "losses.png"
SAMPLES = "samples"
_OF_RECORD = ("schema_version", "state", "identity", "versions")


@dataclass(frozen=True)
class Earlier:
    """A run that is already in the folder."""

    content: Mapping[str, Any]

    @property
    def finished(self) -> bool:
        return bool(self.content.get("state") == "finished")

    @property
    def facts(self) -> dict[str, Any]:
        """What ``record`` was told of the run."""
        return {name: value for name, value in self.content.items() if name not in _OF_RECORD}

    @property
    def threads(self) -> int:
        return int(self.content.get("threads", 0))


def open_run(folder: Path, identity: Mapping[str, Any], *, fresh: bool) -> Earlier | None:
    """The run in ``folder`` if it is this one; None if there is none or it is to be replaced.

    Raises OutputError naming what differs where it is another one.
    """
    if fresh:
        clear(folder)
        return None
    path = folder / RUN_FILE
    if not path.is_file():
        if (folder / MODEL_FILE).exists():
            raise OutputError(f"{folder}: holds a model without its run; --fresh replaces it, or give other --models")
        return None
    try:
        content = parse_json(path.read_bytes())
        theirs = dict(content["identity"])
    except (ValueError, KeyError, TypeError):
        raise OutputError(f"{path}: is damaged; --fresh starts again, --models puts this run elsewhere") from None
    differing = differences(theirs, identity)
    if differing:
        raise OutputError(
            f"{folder}: holds another run ({'; '.join(differing)}); --fresh replaces it, --models puts this elsewhere"
        )
    return Earlier(content)


def damage(folder: Path, earlier: Earlier, kind: Kind) -> str:
    """What is wrong with the model of a finished run; "" where it is whole, as it was written, and finite."""
    path, recorded = folder / MODEL_FILE, earlier.content.get("model_sha256")
    if not path.is_file():
        return f"{path}: is missing"
    if digest_file(path) != recorded:
        return f"{path}: is not as it was written"
    try:
        load_model(folder, kind)
    except ModelError as error:
        return error.message.rpartition(";")[0] or error.message
    return ""


def lacks_gate(folder: Path, earlier: Earlier, kind: Kind) -> bool:
    """Whether the gate of a finished run is not there, or not as it was written."""
    name = GATE_OF.get(kind)
    if name is None:
        return False
    gates = earlier.content.get("gates")
    fact = gates.get(name) if isinstance(gates, dict) else None
    path = folder / GATE_FILES[name]
    return not isinstance(fact, dict) or not path.is_file() or digest_file(path) != fact.get("sha256")


def refuse_among_data(folder: Path, checked: Checked) -> None:
    """Raises OutputError where the run's folder is one that holds images or masks of the data set."""
    place = folder.resolve()
    for item in checked.pairs:
        for name in filter(None, (item.pair.image, *item.pair.masks)):
            if (checked.root / file_of(name)).resolve().is_relative_to(place):
                raise OutputError(f"{folder}: holds files of the data set, such as {name}; give other --models")


def remove_gates(folder: Path) -> None:
    for name in GATE_FILES.values():
        (folder / name).unlink(missing_ok=True)


def clear(folder: Path) -> None:
    """Remove what a run writes, and nothing else; what says that the folder is ours last."""
    for name in (CHECKPOINTS, SAMPLES):
        shutil.rmtree(folder / name, ignore_errors=True)
    remove_gates(folder)
    for name in (HISTORY, LOSSES, MODEL_FILE, PAIRS_FILE, RUN_FILE):
        (folder / name).unlink(missing_ok=True)


def record(folder: Path, identity: Mapping[str, Any], state: str, facts: Mapping[str, Any]) -> None:
    """Write ``run.json``; ``state`` is ``running`` or ``finished``."""
    import numpy
    import PIL
    import torch

    versions = {
        "pairaug": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": numpy.__version__,
        "pillow": PIL.__version__,
    }
    content = {"schema_version": 1, "state": state, "identity": dict(identity), **facts, "versions": versions}
    write_json(folder / RUN_FILE, content)
