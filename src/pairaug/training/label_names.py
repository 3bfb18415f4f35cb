"""What the source itself calls its classes, where it says so in a ``dataset.json`` at its root.

Two kinds of that file are read: nnU-Net's, ``"labels": {"tumour": 2}``, and that of the Medical Segmentation Decathlon
and of MONAI, ``"labels": {"2": "tumour"}``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pairaug.json_text import parse_json
from pairaug.pairs.labels import show_value

_FILE, _MOST_BYTES, _LONGEST = "dataset.json", 2**24, 100


def find_label_names(root: Path, values: Sequence[int]) -> dict[str, str]:
    """Label value, as it is shown, -> its name: those of ``values`` (the background's first) that have one.

    Empty where the source says nothing, or what cannot be read: names are a courtesy, and no reason to stop.
    """
    path = root / _FILE
    try:
        if not path.is_file() or path.stat().st_size > _MOST_BYTES:
            return {}
        named = dict(_named(parse_json(path.read_bytes())["labels"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}
    found = {show_value(value): named[value] for value in values[1:] if value in named}
    return found if len(set(found.values())) == len(found) else {}


def _named(labels: Mapping[str, Any]) -> Iterator[tuple[int, str]]:
    """(value, name) of each entry of either kind; regions of several values have no name of their own."""
    for key, entry in labels.items():
        value, name = (entry, key) if isinstance(entry, int) else (key, entry)
        if isinstance(name, str) and 0 < len(name.strip()) <= _LONGEST and name.isprintable():
            yield int(value), name.strip()
