"""One row a synthetic pair that was looked at, so that a pipeline can choose among them.

Enters: an evaluation and its sets. Leaves: dictionaries of JSON values; what was not measured is null. Distances and
scores are those of ``metrics.novelty``; agreement is the Dice of the re-segmented image against its mask.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pairaug.evaluation.evaluate import Evaluation, Sets
from pairaug.evaluation.parts.novelty import CopySearch
from pairaug.evaluation.views.as_json import finite


def item_rows(result: Evaluation, sets: Sets) -> Iterator[dict[str, Any]]:
    items = sets.synthetic.items
    for index, item in enumerate(items.pairs):
        row: dict[str, Any] = {
            "file_name": item.pair.image,
            "mask_file_name": item.pair.mask,
            "image_sha256": item.image_digest,
            "mask_sha256": item.mask_digest,
            "derived": sets.synthetic.derived(index),
        }
        novelty = result.novelty
        for kind in ("mask", "image"):
            search = None if novelty is None else novelty.masks if kind == "mask" else novelty.images
            row |= _nearest(kind, search, index, sets)
        agreed = None if result.agreement is None else result.agreement.pairs[index]
        row["agreement"] = None if agreed is None else round(agreed.dice, 6)
        row["agreement_cldice"] = None if agreed is None else round(agreed.centreline, 6)
        offset = None if agreed is None else agreed.offset
        row["offset"] = None if offset is None else [offset.row, offset.column]
        yield row


def _nearest(kind: str, search: CopySearch | None, index: int, sets: Sets) -> dict[str, Any]:
    """``nearest_mask``, ``nearest_mask_distance``, ``mask_score``, ``mask_flagged``; and so for images."""
    found = None if search is None else search.nearest[index]
    real: str | None = None
    if found is not None and found.index is not None:
        pair = sets.real.pairs[found.index].pair
        real = pair.masks[0] if kind == "mask" else pair.image
    return {
        f"nearest_{kind}": real,
        f"nearest_{kind}_distance": None if found is None else finite(found.distance),
        f"{kind}_score": None if found is None else finite(found.score),
        f"{kind}_flagged": None if found is None else found.flagged,
    }
