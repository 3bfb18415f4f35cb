"""The folder of a fit: what run is in it, whether it may go on, and what it records.

``run.json`` says what was asked for and how far it came; two runs are the same when their ``identity`` is. A folder
is never taken over in silence: another run in it is refused by naming what differs.
"""

from __future__ import annotations

import json
import platform
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pairaug import __version__
from pairaug.errors import OutputError
from pairaug.files import write_json
from pairaug.training.loop import CHECKPOINTS, HISTORY
from pairaug.training.model_file import MODEL_FILE, PAIRS_FILE

RUN_FILE = "run.json"
LOSSES = "losses.png"
SAMPLES = "samples"


@dataclass(frozen=True)
class Earlier:
    """A run that is already in the folder."""

    content: Mapping[str, Any]

    @property
    def finished(self) -> bool:
        return bool(self.content.get("state") == "finished")

    @property
    def threads(self) -> int:
        return int(self.content.get("threads", 0))

    def length(self) -> tuple[Any, Any]:
        return self.content.get("epochs"), self.content.get("minutes")


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
        content = json.loads(path.read_text())
        theirs = dict(content["identity"])
    except (ValueError, KeyError, TypeError):
        raise OutputError(f"{path}: is damaged; --fresh starts again, --models puts this run elsewhere") from None
    differing = [
        f"{key} {_short(theirs.get(key))} there, {_short(identity.get(key))} here"
        for key in sorted({*identity, *theirs})
        if identity.get(key) != theirs.get(key)
    ]
    if differing:
        raise OutputError(
            f"{folder}: holds another run ({'; '.join(differing)}); --fresh replaces it, --models puts this elsewhere"
        )
    return Earlier(content)


def _short(value: Any) -> str:
    text = json.dumps(value) if isinstance(value, dict) else str(value)
    return text if len(text) <= 60 else text[:12] + "..."


def clear(folder: Path) -> None:
    """Remove what a run writes, and nothing else."""
    for name in (RUN_FILE, MODEL_FILE, PAIRS_FILE, HISTORY, LOSSES):
        (folder / name).unlink(missing_ok=True)
    for name in (CHECKPOINTS, SAMPLES):
        shutil.rmtree(folder / name, ignore_errors=True)


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
