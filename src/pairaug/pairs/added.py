"""New pairs that were added to a folder of real ones: a list in it says which, so that nobody takes them for real.

Each line of ``pairaug-added.jsonl`` is the row of a pair, as ``metadata.jsonl`` of its own set has it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from pairaug.files import read_json_lines
from pairaug.pairs.pair import Pair

ADDED = "pairaug-added.jsonl"


def marked(root: Path, pairs: Sequence[Pair]) -> tuple[Pair, ...]:
    """``pairs`` of the folder ``root``, those marked as synthetic that were added to it."""
    if not (root / ADDED).is_file():
        return tuple(pairs)
    added = {row.get("file_name") for row in read_json_lines(root / ADDED)}
    return tuple(replace(pair, synthetic=pair.synthetic or pair.image in added) for pair in pairs)
