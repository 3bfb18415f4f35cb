"""An ``Evaluation`` as a page of plain text for a terminal: answers first, then the tables.

Enters: an evaluation and its sets. Leaves: one string. Columns: the figure, its 95 % interval, what held-out real
data score, and in words what a large or small figure means.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pairaug.evaluation.evaluate import Evaluation, Sets
from pairaug.evaluation.parts.agreement import Agreement
from pairaug.evaluation.utility.result import Utility
from pairaug.evaluation.views.answers import answers_of
from pairaug.pairs.labels import show_value
from pairaug.report.figure import Figure

Line = tuple[str, str, str, str, str]
_HEAD: Line = ("", "value", "95 % interval", "held-out", "")


def as_text(result: Evaluation, sets: Sets) -> str:
    names = [show_value(value) for value in sets.real.terms.label_values]
    made = f"{len(sets.synthetic.items)} of {sets.synthetic.total} synthetic pairs"
    lines = [f"{len(sets.real)} real pairs, {made if sets.synthetic.total else 'no synthetic set'}", ""]
    for answer in answers_of(result, names):
        lines.append(f"{answer.question:<16}{answer.answer}: {answer.because}")
        lines += [f"{'':<16}{answer.beside}"] if answer.beside else []
    tables: list[tuple[str, list[Line]]] = []
    if result.masks is not None:
        rows = _rows(result.masks.figures(names, sets.real.class_titles))
        tables.append(("masks (ratio 1: as different as real from real; larger is worse)", rows))
    if result.images is not None:
        rows = _rows(result.images.figures())
        tables.append(("images (ratio 1: as different as real from real; larger is worse)", rows))
    if result.novelty is not None:
        rows = _rows(result.novelty.figures())
        tables.append(("novelty (share flagged as copies; smaller is better)", rows))
    if result.agreement is not None:
        rows = [*_rows(result.agreement.figures()), *_offset(result.agreement)]
        tables.append(("agreement of a segmenter of real pairs (near 1 is good)", rows))
    if result.utility is not None:
        tables.append(("utility (Dice on test pairs)", list(_utility(result.utility))))
    for title, rows in tables:
        widths = [2 + max(len(row[column]) for row in (_HEAD, *rows)) for column in range(4)]
        lines += ["", title, *(_aligned(row, widths) for row in (_HEAD, *rows))]
    if result.not_measured:
        lines += ["", "not measured"]
        lines += [f"  {entry.part}: {entry.reason}" for entry in result.not_measured]
    return "\n".join(lines)


def _aligned(row: Line, widths: list[int]) -> str:
    cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
    return ("  " + "".join(cells) + row[-1]).rstrip()


def _rows(figures: Iterable[Figure]) -> list[Line]:
    """A line a figure; planted copies of one kind of item share a line."""
    rows: list[Line] = []
    planted: dict[str, list[str]] = {}
    for figure in figures:
        if figure.group.startswith("planted"):
            planted.setdefault(figure.group, []).append(f"{figure.name} {_number(figure.value)}")
        elif figure.measured:
            rows.append(_row(figure))
    told = (f"{group} that were found: {'; '.join(found)}" for group, found in planted.items())
    return [*rows, *(("", "", "", "", words) for words in told)]


def _row(figure: Figure) -> Line:
    words = [figure.meaning, f"({figure.remark})" if figure.remark else ""]
    if figure.scale == "difference":
        words.insert(0, "A difference, for real ones do not vary.")
    if figure.scale == "share" and figure.value is None and figure.count:
        words.append("Cannot tell, see the planted copies.")
    held_out = _number(figure.held_out) if figure.compared else ""
    interval = _interval(figure.low, figure.high)
    return figure.title, _number(figure.value), interval, held_out, " ".join(filter(None, words))


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"


def _interval(low: float | None, high: float | None) -> str:
    return "-" if low is None or high is None else f"[{_number(low)}, {_number(high)}]"


def _offset(part: Agreement) -> Iterator[Line]:
    if part.offset is not None and part.held_out_offset is not None:
        offset, held_out = part.offset, part.held_out_offset
        words = "Rows and columns in px that the image lies beside its mask"
        if not part.moved and (offset.row, offset.column) != (held_out.row, held_out.column):
            words += ", no further apart than chance puts them"
        yield "offset", f"{offset.row}, {offset.column}", "", f"{held_out.row}, {held_out.column}", words + "."
    yield "", "", "", "", "Above 1.05 is as suspicious as below 0.95: cartoon images are easy."


def _utility(part: Utility) -> Iterator[Line]:
    for arm in part.arms:
        earlier = "".join(f", {look.dice:.3f} after {look.steps}" for look in arm.over_steps[:-1])
        words = f"{arm.arm}: {arm.runs} runs of {arm.steps} steps{earlier}"
        yield f"{arm.real_pairs} pairs", f"{arm.dice:.3f}", "", "", words
    for found in part.differences:
        if found.measure == "dice":
            gain = found.difference
            at = "" if found.baseline_steps == found.steps else f" at its best, after {found.baseline_steps} steps"
            words = f"{found.arm}, over {found.baseline}{at}, at {found.real_pairs} pairs"
            yield "difference", f"{gain.mean:+.3f}", _interval(gain.low, gain.high), "", words
    for share in part.oracle_share:
        if share.share is not None:
            yield "of what was to gain", f"{share.share:.0%}", "", "", f"{share.arm}, of the gain of the oracle"
    for note in (*part.notes, *(f"left out: {cell}" for cell in part.left_out)):
        yield "", "", "", "", note
