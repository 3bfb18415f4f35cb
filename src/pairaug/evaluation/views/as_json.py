"""An ``Evaluation`` as JSON: the figures under their names, intervals and held-out rows beside them.

Enters: an evaluation and the sets. Leaves: a dictionary of JSON values. Under each part the figures are plain numbers;
``intervals`` holds [low, high] and ``held_out`` what real data score, under the same names. Unknown is null.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from pairaug.evaluation.evaluate import Evaluation, Sets
from pairaug.evaluation.parts.agreement import Agreement, Ratio
from pairaug.evaluation.parts.images import ImageRealism
from pairaug.evaluation.parts.masks import MaskRealism
from pairaug.evaluation.parts.novelty import CopySearch, Novelty
from pairaug.evaluation.views.answers import answers_of
from pairaug.metrics.equal_sizes import Comparison
from pairaug.metrics.neighbours import NeighbourComparison
from pairaug.metrics.novelty import Share
from pairaug.metrics.overlap import Offset
from pairaug.pairs.labels import show_value, value_for_json

Json = dict[str, Any]
_SCORES = ("precision", "recall", "density", "coverage")


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


def statistic_name(key: str, names: list[str]) -> str:
    """``1/share`` -> ``255/share``: by the label value, not the class."""
    label, statistic = key.split("/")
    return f"{names[int(label)]}/{statistic}"


def finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)


def _masks(part: MaskRealism, names: list[str]) -> Json:
    figures = _neighbours(part.neighbours, ("coverage", "density", "recall", "precision"))
    figures["pairwise_dice"] = finite(part.dice.value)
    figures["missing_classes"] = [names[value] for value in part.missing]
    figures["intervals"]["pairwise_dice"] = [finite(part.dice.low), finite(part.dice.high)]
    figures["held_out"]["pairwise_dice"] = finite(part.real_dice.value)
    statistics = {statistic_name(key, names): _comparison(found) for key, found in part.statistics.items()}
    return {"statistics": statistics, **figures}


def _comparison(found: Comparison) -> Json:
    is_ratio = found.kind == "ratio"
    return {
        "kind": found.kind,
        "ratio": finite(found.value) if is_ratio else None,
        "difference": None if is_ratio else finite(found.value),
        "low": finite(found.low),
        "high": finite(found.high),
        "held_out": finite(found.held_out),
        "held_out_low": finite(found.held_out_low),
        "held_out_high": finite(found.held_out_high),
    }


def _neighbours(found: NeighbourComparison | None, names: Iterable[str]) -> Json:
    figures: Json = {}
    intervals: Json = {}
    held_out: Json = {}
    for name in names:
        known = found is not None and found.mean is not None
        figures[name] = getattr(found.mean, name) if found is not None and known else None
        intervals[name] = [getattr(found.low, name), getattr(found.high, name)] if found is not None and known else None
        held_out[name] = getattr(found.held_out, name) if found is not None and known else None
    return {
        **figures,
        "coverage_of_perfection": None if found is None else found.coverage_of_perfection,
        "coverage_floor": None if found is None else found.coverage_floor,
        "items_compared": None if found is None else found.half,
        "intervals": intervals,
        "held_out": held_out,
    }


def _images(part: ImageRealism) -> Json:
    figures = _neighbours(part.neighbours, _SCORES)
    ratio, variety = part.mmd.ratio, part.variety
    is_ratio = ratio.kind == "ratio"
    figures["intervals"]["mmd_ratio"] = [finite(ratio.low), finite(ratio.high)] if is_ratio else None
    figures["held_out"]["mmd_ratio"] = finite(ratio.held_out) if is_ratio else None
    range_of_halves = [finite(ratio.held_out_low), finite(ratio.held_out_high)]
    figures["held_out"]["mmd_ratio_interval"] = range_of_halves if is_ratio else None
    figures["intervals"]["variety"] = None if variety is None else [variety.low, variety.high]
    return {
        "mmd_ratio": finite(ratio.value) if is_ratio else None,
        "mmd_difference": None if is_ratio else finite(ratio.value),
        "p": part.mmd.p,
        "variety": None if variety is None else variety.value,
        "masks_of_several_images": 0 if variety is None else variety.masks,
        **figures,
    }


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
    def interval(ratio: Ratio) -> list[float | None]:
        return [finite(ratio.low), finite(ratio.high)]

    return {
        "dice_ratio": finite(part.dice.value),
        "cldice_ratio": finite(part.centreline.value),
        "offset": _offset(part.offset),
        "offset_differs": part.moved,
        "dice": part.dice.synthetic,
        "cldice": part.centreline.synthetic,
        "intervals": {"dice_ratio": interval(part.dice), "cldice_ratio": interval(part.centreline)},
        "held_out": {
            "dice_ratio": 1.0,
            "cldice_ratio": 1.0,
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
        "synthetic": sets.synthetic.items.checked.digest,
        "mask_features": None if result.masks is None else result.masks.features_digest,
        "image_features": None if result.images is None else result.images.features_digest,
        "segmenter": None if result.agreement is None else list(result.agreement.digests),
    }
