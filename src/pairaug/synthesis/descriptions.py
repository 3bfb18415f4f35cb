"""The files beside the pairs that describe a whole set: of its format, of split folders, Croissant, and the card."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pairaug.files import json_lines
from pairaug.json_text import json_document
from pairaug.synthesis.card import CARD, card
from pairaug.synthesis.croissant import CROISSANT, describe
from pairaug.synthesis.formats.base import Format, OpenBeside, Written
from pairaug.synthesis.image_folder import rows_of_splits


def write_descriptions(
    output_format: Format, written: Written, facts: Mapping[str, Any], metadata_sha256: str, open_beside: OpenBeside
) -> None:
    """``facts``: the body of the manifest; ``metadata_sha256``: of ``metadata.jsonl``, which is there already."""
    output_format.write_beside(written, open_beside)
    if written.splits:
        output_format.write_splits(written, open_beside)
    for name, inside in rows_of_splits(written.rows).items():
        with open_beside(name) as file:
            file.write(json_lines(inside))
    with open_beside(CROISSANT) as file:
        file.write(json_document(describe(written.rows, metadata_sha256, written.license)))
    with open_beside(CARD) as file:
        file.write(card(facts, written.rows).encode("utf-8", "backslashreplace"))
