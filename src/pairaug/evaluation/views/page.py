"""An ``Evaluation`` as the plain data of its page.

Enters: an evaluation, its open sets, where the models lie, the command. Leaves: ``report.page.contents.Page``.
Of the pairs a few are decoded to be shown: the samples, evenly spread, and the most suspicious with their nearest real
ones.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from pairaug import __version__
from pairaug.errors import DataError
from pairaug.evaluation.evaluate import NO_SYNTHETIC, Evaluation, NotMeasured, Sets
from pairaug.evaluation.parts.agreement import Agreement
from pairaug.evaluation.parts.novelty import CopySearch, Novelty
from pairaug.evaluation.sets.pair_set import PairSet
from pairaug.evaluation.sets.sampling import evenly
from pairaug.evaluation.utility.result import Utility
from pairaug.evaluation.views.answers import AnswerWord, answers_of
from pairaug.files import digest_file, read_json_lines
from pairaug.fitted.model_file import MODEL_FILE
from pairaug.pairs.labels import show_value
from pairaug.report.figure import Values
from pairaug.report.page import contents as page

SHOWN = 8
HISTORY = "history.jsonl"
FEATURES = "a fixed random network, octaves, moments and a thumbnail"
_REMEDIES = {
    "masks": "name it in --parts, or raise --max-minutes",
    "images": "name it in --parts, give more real pairs, or raise --max-minutes",
    "images.variety": "synthesise several images of a mask with --per-mask",
    "novelty": "name it in --parts, give more real pairs, or raise --max-minutes",
    "agreement": "name it in --parts, give more real pairs, or raise --max-minutes",
    "utility": "add --utility and --test",
}
_TONES: dict[AnswerWord, page.Tone] = {
    "yes": "good",
    "no": "bad",
    "cannot tell": "unclear",
    "not measured": "not measured",
}


@dataclass(frozen=True)
class Invocation:
    """What the user typed, where the models' loss histories lie, and the day as the page shows it."""

    real: str
    synthetic: str
    command: str
    models: Path
    day: str = ""


def page_of(result: Evaluation, sets: Sets, invocation: Invocation) -> page.Page:
    labels = [show_value(value) for value in sets.real.terms.label_values]
    titles = sets.real.class_titles
    digest = None if result.images is None else result.images.features_digest
    losses = list(read_losses(invocation.models, sets.synthetic.manifest))
    return page.Page(
        title="What are the new pairs worth?",
        command=invocation.command,
        version=f"pairaug {__version__}",
        compared=_compared(sets, invocation),
        made=invocation.day,
        classes=titles[1:],
        answers=[
            page.Answer(
                one.question,
                one.answer,
                _sentence(one.because),
                _TONES[one.answer],
                _part(one.part),
                _sentence(one.beside),
            )
            for one in answers_of(result, labels)
        ],
        samples=_samples(sets) if sets.synthetic.total else None,
        masks=None if result.masks is None else page.Findings(result.masks.figures(labels, titles)),
        images=None if result.images is None else page.Findings(result.images.figures(), FEATURES, digest),
        novelty=None if result.novelty is None else page.Findings(result.novelty.figures()),
        suspects=None if result.novelty is None else _suspects(result.novelty, sets),
        agreement=None if result.agreement is None else _agreement(result.agreement),
        utility=None if result.utility is None else _utility(result.utility),
        losses=losses or None,
        gaps=[
            *([] if sets.synthetic.total else [_gap(NotMeasured("samples", NO_SYNTHETIC))]),
            *map(_gap, result.not_measured),
            *([] if losses else [_no_losses(invocation.models)]),
        ],
        notes=result.remarks,
    )


def _compared(sets: Sets, invocation: Invocation) -> list[page.DataSet]:
    real, synthetic = sets.real, sets.synthetic
    groups = len(set(real.groups)) if any(item.pair.group is not None for item in real.pairs) else None
    name = "the list on stdin" if invocation.real == "-" else invocation.real
    looked = len(synthetic.items)
    note = "" if looked == synthetic.total else f"{looked} of them looked at"
    ours = page.DataSet("real", name, len(real), groups, real.checked.digest)
    if not synthetic.total:
        return [ours]
    return [
        ours,
        page.DataSet("synthetic", invocation.synthetic, synthetic.total, None, synthetic.items.checked.digest, note),
    ]


def _sentence(text: str) -> str:
    """With a capital at its start and a full stop at its end."""
    return f"{text[:1].upper()}{text[1:].rstrip('.')}." if text else ""


def _gap(entry: NotMeasured) -> page.Gap:
    remedy = _REMEDIES.get(entry.part, "give it more time or pairs")
    if entry.reason == NO_SYNTHETIC:
        remedy = "name one after REAL"
    return page.Gap(entry.part, entry.reason, remedy, _part(entry.part))


def _no_losses(models: Path) -> page.Gap:
    reason = f"no {HISTORY} of the models of this set below {models}"
    return page.Gap("losses", reason, "name the models' folder with --models", "losses")


def _part(name: str) -> page.Part | None:
    return name if name in get_args(page.Part) else None  # type: ignore[return-value]


def _sample(items: PairSet, index: int, note: str = "") -> page.Sample:
    return page.Sample(items.name(index), items.pixels(index), items.labels(index), note)


def _samples(sets: Sets) -> page.Samples:
    rng = np.random.default_rng(0)
    real, synthetic = (
        [_sample(items, index) for index in evenly(len(items), SHOWN, rng)]
        for items in (sets.real, sets.synthetic.items)
    )
    return page.Samples(real, synthetic, "spread evenly over each set")


def _suspects(part: Novelty, sets: Sets) -> list[page.Suspect]:
    """The most suspicious masks and as many images, flagged or not, the most suspicious of each real item first."""
    kinds: tuple[tuple[Literal["mask", "image"], CopySearch], ...] = (("mask", part.masks), ("image", part.images))
    return [
        _suspect(kind, index, search, sets)
        for kind, search in kinds
        for index in _most_suspicious(search)[: SHOWN // len(kinds)]
    ]


def _most_suspicious(search: CopySearch) -> list[int]:
    """Items by suspicion, but one of each real item before a second of any."""
    found = [index for index, nearest in enumerate(search.nearest) if nearest.index is not None]
    found.sort(key=lambda index: -search.nearest[index].score)
    turn: Counter[int | None] = Counter()
    turns = []
    for place, index in enumerate(found):
        turns.append((turn[search.nearest[index].index], place, index))
        turn[search.nearest[index].index] += 1
    return [index for _, _, index in sorted(turns)]


def _suspect(kind: Literal["mask", "image"], index: int, search: CopySearch, sets: Sets) -> page.Suspect:
    nearest = search.nearest[index]
    assert nearest.index is not None
    assert nearest.view is not None
    by_digest = {item.mask_digest: item.pair.masks[0] for item in sets.real.pairs}
    parents = [str(parent) for parent in sets.synthetic.rows[index].get("derived_from") or ()]
    return page.Suspect(
        synthetic=_sample(sets.synthetic.items, index),
        nearest=_sample(sets.real, nearest.index),
        compares=kind,
        score=nearest.score,
        threshold=search.threshold,
        flagged=nearest.flagged,
        view=nearest.view,
        derived_from=[by_digest.get(parent, parent[:12]) for parent in parents] if kind == "mask" else (),
    )


def _agreement(part: Agreement) -> page.Findings | None:
    if part.profile is None:
        return None
    profiles = {"Synthetic pairs": part.profile}
    if part.held_out_profile is not None:
        profiles["Held-out real pairs"] = part.held_out_profile
    words = "Two segmenters, each fitted on half of the real pairs, look for the masks in the images."
    return page.Findings(part.figures(), words, profiles=profiles)


def _utility(part: Utility) -> page.Utility:
    facts = part.facts
    main = part.judged_arm
    ordered = sorted(part.differences, key=lambda one: one.arm != main)
    gains = [found.figure() for found in ordered if found.measure == "dice"]
    arms = [
        page.Arm(
            arm.arm,
            0 if arm.share >= 1 else arm.real_pairs,
            np.array(arm.scores),
            arm.synthetic,
            {look.steps: np.array(look.scores) for look in arm.over_steps},
        )
        for arm in part.arms
        if arm.real_pairs == part.worth.real_pairs
    ]
    return page.Utility(
        metric="Dice, mean over classes",
        tested_on=f"{facts.get('test_pairs')} pairs of {facts.get('test_groups')} groups",
        arms=arms,
        gains=gains,
        verdict=part.word,
        sentence=part.sentence,
        worthwhile=float(facts.get("worthwhile", 0.01)),
        curve=_curve(part),
        baseline_steps=ordered[0].baseline_steps if ordered else None,
    )


def _curve(part: Utility) -> page.LearningCurve | None:
    found = part.worth
    ours = next((arm for arm in part.arms if arm.arm == found.arm and arm.real_pairs == found.real_pairs), None)
    if found.worth is None or ours is None:
        return None
    return page.LearningCurve(
        points={size: np.array([score]) for size, score in found.curve},
        arm=found.arm,
        real_pairs=found.real_pairs,
        score=ours.dice,
        worth=found.worth.value,
        low=found.worth.low,
        high=found.worth.high,
        reading=found.worth.reading,
    )


def read_losses(models: Path, manifest: Mapping[str, Any] | None) -> Iterator[page.LossHistory]:
    """The loss histories of the models that the manifest names, where they still lie in their folder.

    What cannot be read is left out.
    """
    for kind in ("masks", "translator"):
        try:
            named = (manifest or {})["models"][kind]["sha256"]
            if digest_file(models / kind / MODEL_FILE) != named:
                continue
            rows = read_json_lines(models / kind / HISTORY)
        except (OSError, DataError, LookupError, TypeError):
            continue
        names = [name for name in dict.fromkeys(key for row in rows for key in row) if name not in ("images", "epoch")]
        if not rows or not names or not all("images" in row for row in rows):
            continue
        losses = {name: _series([row.get(name) for row in rows]) for name in names}
        yield page.LossHistory(kind, "images seen", _series([row["images"] for row in rows]), losses)


def _series(values: Sequence[object]) -> Values:
    """NaN where there is no number."""
    return np.array([value if isinstance(value, int | float) else np.nan for value in values], dtype=np.float64)
