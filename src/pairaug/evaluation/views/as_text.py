"""An ``Evaluation`` as a page of plain text for a terminal: answers first, then the tables.

Enters: an evaluation and its sets. Leaves: one string. Columns: the figure, its 95 % interval, what held-out real
data score, and in words what a large or small figure means.
"""

from __future__ import annotations

from collections.abc import Iterator

from pairaug.evaluation.evaluate import Evaluation, Sets
from pairaug.evaluation.parts.agreement import Agreement, Ratio
from pairaug.evaluation.parts.images import ImageRealism
from pairaug.evaluation.parts.masks import MaskRealism
from pairaug.evaluation.parts.novelty import CopySearch, Novelty
from pairaug.evaluation.utility.result import Utility
from pairaug.evaluation.views.answers import answers_of
from pairaug.evaluation.views.as_json import statistic_name
from pairaug.metrics.neighbours import NeighbourComparison
from pairaug.pairs.labels import show_value

Line = tuple[str, str, str, str, str]
_WIDTHS = (24, 8, 18, 10)
_NEIGHBOUR_WORDS = {
    "coverage": "share of real ones with a synthetic one near; larger is better",
    "density": "crowding where real ones are; far above held-out: hugging the middle",
    "recall": "share of real ones inside the synthetic spread; larger is better",
    "precision": "share of synthetic ones inside the real spread; larger is better",
}


def as_text(result: Evaluation, sets: Sets) -> str:
    names = [show_value(value) for value in sets.real.terms.label_values]
    lines = [f"{len(sets.real)} real pairs, {len(sets.synthetic.items)} of {sets.synthetic.total} synthetic pairs", ""]
    lines += [f"{answer.question:<16}{answer.answer}: {answer.because}" for answer in answers_of(result, names)]
    tables: list[tuple[str, Iterator[Line]]] = []
    if result.masks is not None:
        tables.append(("masks (ratio 1: as different as real from real; larger is worse)", _masks(result.masks, names)))
    if result.images is not None:
        tables.append(("images", _images(result.images)))
    if result.novelty is not None:
        tables.append(("novelty (share flagged as copies; smaller is better)", _novelty(result.novelty)))
    if result.agreement is not None:
        tables.append(("agreement of a segmenter of real pairs (near 1 is good)", _agreement(result.agreement)))
    if result.utility is not None:
        tables.append(("utility (Dice on test pairs)", _utility(result.utility)))
    for title, rows in tables:
        lines += ["", title, _aligned(("", "value", "95 % interval", "held-out", ""))]
        lines += [_aligned(row) for row in rows]
    if result.not_measured:
        lines += ["", "not measured"]
        lines += [f"  {entry.part}: {entry.reason}" for entry in result.not_measured]
    return "\n".join(lines)


def _aligned(row: Line) -> str:
    cells = [cell.ljust(width) for cell, width in zip(row, _WIDTHS, strict=False)]
    return ("  " + "".join(cells) + row[-1]).rstrip()


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"


def _interval(low: float | None, high: float | None) -> str:
    return "-" if low is None or high is None else f"[{_number(low)}, {_number(high)}]"


def _masks(part: MaskRealism, names: list[str]) -> Iterator[Line]:
    for key, found in part.statistics.items():
        note = "difference, for it never varies among real masks" if found.kind == "difference" else ""
        name = statistic_name(key, names)
        yield name, _number(found.value), _interval(found.low, found.high), _number(found.held_out), note
    yield from _neighbours(part.neighbours, ("coverage", "density", "recall"))
    dice = part.dice
    words = "overlap among themselves; above real: less variety"
    yield "pairwise Dice", _number(dice.value), _interval(dice.low, dice.high), _number(part.real_dice.value), words


def _images(part: ImageRealism) -> Iterator[Line]:
    ratio = part.mmd.ratio
    words = f"1: as different as real from real; larger is worse (p {part.mmd.p:.3f})"
    name = "MMD ratio"
    if ratio.kind == "difference":
        name, words = "MMD", f"a distance, for the real images do not vary; larger is worse (p {part.mmd.p:.3f})"
    yield name, _number(ratio.value), _interval(ratio.low, ratio.high), _number(ratio.held_out), words
    yield from _neighbours(part.neighbours, ("precision", "recall", "density", "coverage"))
    if part.variety is not None:
        variety = part.variety
        words = "images of one mask apart, over real images apart; 0: one image a mask"
        yield "variety", _number(variety.value), _interval(variety.low, variety.high), "-", words


def _neighbours(found: NeighbourComparison | None, names: tuple[str, ...]) -> Iterator[Line]:
    if found is None or found.mean is None:
        return
    for name in names:
        low, high = getattr(found.low, name), getattr(found.high, name)
        held_out = _number(getattr(found.held_out, name))
        yield name, _number(getattr(found.mean, name)), _interval(low, high), held_out, _NEIGHBOUR_WORDS[name]


def _novelty(part: Novelty) -> Iterator[Line]:
    for kind, search in (("mask", part.masks), ("image", part.images)):
        yield from _search(kind, search)


def _search(kind: str, search: CopySearch) -> Iterator[Line]:
    share, held_out = search.share, _number(search.held_out.value)
    if share.count:
        words = f"of {share.count}" + (": cannot tell, see the power" if share.value is None else "")
        yield f"{kind} copies", _number(share.value), _interval(share.low, share.high), held_out, words
    if search.identical:
        yield f"{kind}s that are real files", str(search.identical), "", "", "byte for byte"
    derived = search.derived
    if derived.count:
        words = f"of {derived.count} that are declared as made from real ones"
        yield f"{kind} copies, declared", _number(derived.value), _interval(derived.low, derived.high), held_out, words
    found = ", ".join(f"{power.kind} {_number(power.found.value)}" for power in search.powers)
    yield "  power", "", "", "", f"planted copies found: {found}"


def _agreement(part: Agreement) -> Iterator[Line]:
    def row(name: str, ratio: Ratio) -> Line:
        words = f"{ratio.synthetic:.3f} over {ratio.held_out:.3f}"
        return name, _number(ratio.value), _interval(ratio.low, ratio.high), "1", words

    yield row("Dice ratio", part.dice)
    yield row("clDice ratio", part.centreline)
    if part.offset is not None and part.held_out_offset is not None:
        offset, held_out = part.offset, part.held_out_offset
        words = "rows and columns in px that the image lies beside its mask"
        if not part.moved and (offset.row, offset.column) != (held_out.row, held_out.column):
            words += ", no further apart than chance puts them"
        yield "offset", f"{offset.row}, {offset.column}", "", f"{held_out.row}, {held_out.column}", words
    yield "", "", "", "", "above 1.05 is as suspicious as below 0.95: cartoon images are easy"


def _utility(part: Utility) -> Iterator[Line]:
    for arm in part.arms:
        yield f"{arm.real_pairs} pairs", f"{arm.dice:.3f}", "", "", f"{arm.arm}: {arm.runs} runs of {arm.steps} steps"
    for found in part.differences:
        if found.measure == "dice":
            gain = found.difference
            words = f"{found.arm}, over {found.baseline}, at {found.real_pairs} pairs"
            yield "difference", f"{gain.mean:+.3f}", _interval(gain.low, gain.high), "", words
    for note in (*part.notes, *(f"left out: {cell}" for cell in part.left_out)):
        yield "", "", "", "", note
