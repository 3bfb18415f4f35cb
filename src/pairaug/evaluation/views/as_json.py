"""An ``Evaluation`` as JSON: the figures under their names, intervals and held-out rows beside them.

Enters: an evaluation and the sets. Leaves: a dictionary of JSON values. Under each part the figures are plain numbers;
``intervals`` holds [low, high] and ``held_out`` what real data score, under the same names. Unknown is null.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from pairaug.evaluation.evaluate import Evaluation, Sets
from pairaug.evaluation.parts.agreement import Agreement
from pairaug.evaluation.parts.images import ImageRealism
from pairaug.evaluation.parts.masks import MaskRealism
from pairaug.evaluation.parts.novelty import CopySearch, Novelty
from pairaug.evaluation.views.answers import answers_of
from pairaug.metrics.neighbours import NeighbourComparison
from pairaug.metrics.novelty import Share
from pairaug.metrics.overlap import Offset
from pairaug.pairs.labels import show_value, value_for_json
from pairaug.report.figure import Figure

Json = dict[str, Any]


def as_json(result: Evaluation, sets: Sets) -> Json:
    real, synthetic = sets.real, sets.synthetic
    names = [show_value(value) for value in real.terms.label_values]
    return {
        "real": {"pairs": len(real), "groups": len(set(real.groups))},
        "synthetic": {
            "pairs": synthetic.total,
            "looked_at": len(synthetic.items),
            "originals_left_out": synthetic.originals,
            "derived": sum(synthetic.derived(index) for index in range(len(synthetic.items))),
        },
        "label_values": [value_for_json(value) for value in real.terms.label_values],
        "answers": [asdict(answer) for answer in answers_of(result, names)],
        "masks": None if result.masks is None else _masks(result.masks, names),
        "images": None if result.images is None else _images(result.images),
        "novelty": None if result.novelty is None else _novelty(result.novelty, sets),
        "agreement": None if result.agreement is None else _agreement(result.agreement),
        "utility": None if result.utility is None else result.utility.to_json(),
        "digests": _digests(result, sets),
        "not_measured": [asdict(entry) for entry in result.not_measured],
        "remarks": list(result.remarks),
    }


def finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)


def _plain(figures: Iterable[Figure]) -> tuple[Json, Json, Json]:
    """Values, intervals and held-out values by key; a difference does not stand under the name of a ratio."""
    values: Json = {}
    intervals: Json = {}
    held_out: Json = {}
    for figure in figures:
        told = figure.measured and figure.scale != "difference"
        values[figure.key] = finite(figure.value) if told else None
        intervals[figure.key] = [finite(figure.low), finite(figure.high)] if told else None
        if figure.compared:
            held_out[figure.key] = finite(figure.held_out) if told else None
    return values, intervals, held_out


def _ordered(content: Json, first: Sequence[str] = (), last: Sequence[str] = ()) -> Json:
    """With some keys at the beginning and some at the end, where readers of earlier versions find them."""
    middle = [key for key in content if key not in (*first, *last)]
    return {key: content[key] for key in (*first, *middle, *last)}


def _compared(figure: Figure) -> Json:
    is_ratio = figure.scale == "ratio"
    return {
        "kind": figure.scale,
        "ratio": finite(figure.value) if is_ratio else None,
        "difference": None if is_ratio else finite(figure.value),
        "low": finite(figure.low),
        "high": finite(figure.high),
        "held_out": finite(figure.held_out),
        "held_out_low": finite(figure.held_out_low),
        "held_out_high": finite(figure.held_out_high),
    }


def _of_neighbours(found: NeighbourComparison | None) -> Json:
    return {
        "coverage_of_perfection": None if found is None else found.coverage_of_perfection,
        "coverage_floor": None if found is None else found.coverage_floor,
        "items_compared": None if found is None else found.half,
    }


def _masks(part: MaskRealism, names: list[str]) -> Json:
    figures = part.figures(names)
    values, intervals, held_out = _plain(figure for figure in figures if figure.group != "statistics")
    content = {
        "statistics": {figure.key: _compared(figure) for figure in figures if figure.group == "statistics"},
        **values,
        **_of_neighbours(part.neighbours),
        "intervals": intervals,
        "held_out": held_out,
        "missing_classes": [names[value] for value in part.missing],
    }
    return _ordered(content, last=("pairwise_dice", "missing_classes"))


def _images(part: ImageRealism) -> Json:
    values, intervals, held_out = _plain(part.figures())
    ratio, is_ratio = part.mmd.ratio, part.mmd.ratio.kind == "ratio"
    held_out["mmd_ratio_interval"] = [finite(ratio.held_out_low), finite(ratio.held_out_high)] if is_ratio else None
    content = {
        **values,
        "mmd_difference": None if is_ratio else finite(ratio.value),
        "p": part.mmd.p,
        "masks_of_several_images": 0 if part.variety is None else part.variety.masks,
        **_of_neighbours(part.neighbours),
        "intervals": _ordered(intervals, last=("mmd_ratio", "variety")),
        "held_out": _ordered(held_out, last=("mmd_ratio", "mmd_ratio_interval")),
    }
    return _ordered(content, first=("mmd_ratio", "mmd_difference", "p", "variety", "masks_of_several_images"))


def _novelty(part: Novelty, sets: Sets) -> Json:
    searches: Mapping[str, CopySearch] = {"masks": part.masks, "images": part.images}
    return {
        "mask_copies": part.masks.flagged,
        "image_copies": part.images.flagged,
        "flagged_share": {kind: search.share.value for kind, search in searches.items()},
        "held_out_share": {kind: search.held_out.value for kind, search in searches.items()},
        "power": {
            kind: {power.kind: power.found.value for power in search.powers} for kind, search in searches.items()
        },
        "details": {kind: _search(search, kind, sets) for kind, search in searches.items()},
    }


def _search(search: CopySearch, kind: str, sets: Sets) -> Json:
    def name(side: str, index: int) -> str:
        pair = (sets.real if side == "real" else sets.synthetic.items).pairs[index].pair
        return pair.masks[0] if kind == "masks" else pair.image

    suspects = []
    for index in search.suspects:
        nearest = search.nearest[index]
        assert nearest.index is not None
        suspects.append(
            {
                "synthetic": name("synthetic", index),
                "nearest_real": name("real", nearest.index),
                "view": nearest.view,
                "distance": finite(nearest.distance),
                "score": finite(nearest.score),
                "derived": sets.synthetic.derived(index),
            }
        )
    return {
        "flagged": share_json(search.share),
        "identical_files": search.identical,
        "derived": share_json(search.derived),
        "held_out": share_json(search.held_out),
        "power": {power.kind: {**share_json(power.found), "can_tell": power.can_tell} for power in search.powers},
        "threshold": finite(search.threshold),
        "linked": [[name("real", first), name("real", second)] for first, second in search.linked],
        "suspects": suspects,
    }


def share_json(share: Share) -> Json:
    return {"share": share.value, "low": share.low, "high": share.high, "items": share.count}


def _agreement(part: Agreement) -> Json:
    values, intervals, held_out = _plain(part.figures())
    return {
        **values,
        "offset": _offset(part.offset),
        "offset_differs": part.moved,
        "dice": part.dice.synthetic,
        "cldice": part.centreline.synthetic,
        "intervals": intervals,
        "held_out": {
            **held_out,
            "dice": part.dice.held_out,
            "cldice": part.centreline.held_out,
            "offset": _offset(part.held_out_offset),
        },
    }


def _offset(offset: Offset | None) -> list[int] | None:
    """[row, column] in native pixels: how far below and to the right of its mask the image lies."""
    return None if offset is None else [offset.row, offset.column]


def _digests(result: Evaluation, sets: Sets) -> Json:
    return {
        "real": sets.real.checked.digest,
        "synthetic": sets.synthetic.items.checked.digest if sets.synthetic.total else None,
        "mask_features": None if result.masks is None else result.masks.features_digest,
        "image_features": None if result.images is None else result.images.features_digest,
        "segmenter": None if result.agreement is None else list(result.agreement.digests),
    }
