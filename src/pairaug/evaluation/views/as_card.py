"""An ``Evaluation`` as lines of Markdown for the card of the set that was measured: the answers, and no path."""

from __future__ import annotations

from pairaug import __version__
from pairaug.evaluation.evaluate import Evaluation, Sets
from pairaug.evaluation.views.answers import answers_of
from pairaug.pairs.labels import show_value


def as_card(result: Evaluation, sets: Sets) -> list[str]:
    names = [show_value(value) for value in sets.real.terms.label_values]
    measured = f"{len(sets.synthetic.items)} of {sets.synthetic.total} synthetic pairs"
    rows = [
        f"| {answer.question} | {answer.answer} | {answer.because.replace('|', '/')} |"
        for answer in answers_of(result, names)
    ]
    return [
        f"`pairaug evaluate` {__version__} measured {measured} against {len(sets.real)} real pairs.",
        "",
        "| question | answer | because |",
        "| --- | --- | --- |",
        *rows,
    ]
