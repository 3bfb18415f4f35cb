"""Sections on trainings: utility of the pairs, loss curves of the models.

Enters: scores and series. Leaves: ``Markup``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pairaug.report.figure import Values
from pairaug.report.page.contents import LearningCurve, LossHistory, Utility
from pairaug.report.page.markup import Markup, element, join
from pairaug.report.page.numbers import count, defined, fixed, interval, pairs_worth, size_in_points
from pairaug.report.page.parts import note, paragraph, section, table, titled, two_lines
from pairaug.report.page.plots import arm_axis, arm_row, learning_curve, loss_panel
from pairaug.report.page.steps_plot import scores_over_steps
from pairaug.report.page.tables import figure_table


def utility_section(utility: Utility) -> Markup:
    """Verdict, scores of every arm, paired gains, learning curve."""
    arms = arm_axis(utility.arms)
    arm_rows = [
        [
            titled(arm.name, f"{count(arm.real_pairs, 'real pair')}" if arm.real_pairs else "no real pair"),
            arm_row(arm, arms),
            two_lines(fixed(_mean(arm.scores), 3), _spread(arm.scores)),
        ]
        for arm in utility.arms
    ]
    curve = [_curve(utility.curve)] if utility.curve else [note("There is no learning curve: one size of real pairs.")]
    return section(
        "utility",
        paragraph(utility.sentence, class_=f"verdict {_tone(utility)}"),
        paragraph(
            "The same segmenter was trained for the same number of steps in different ways (arms) and tested on "
            f"{utility.tested_on}. Score: {utility.metric}; higher is better. Each dot is one training at its end."
        ),
        table("Test score of every arm", ["Trained on", join("Score", arms.head()), "Mean"], arm_rows),
        *_over_steps(utility),
        element("h3", "Paired differences"),
        paragraph(
            "Every arm at the end of its training, against the other one at its best point. "
            "In points (hundredths of the score); to the right favours the first named. A disc with its whole interval "
            "to the right of 0 helps. Differences within the grey band are too small for this run to see reliably; a "
            f"gain of {size_in_points(utility.worthwhile)} points was called worthwhile beforehand."
        ),
        figure_table("Gain in points", ("Compared", "Gain"), utility.gains),
        *curve,
    )


def losses_section(losses: Sequence[LossHistory]) -> Markup:
    """A panel a loss, each on its own scale."""
    models = []
    for history in losses:
        panels = [
            element(
                "figure",
                element("figcaption", element("strong", name)),
                loss_panel(name, history.x_name, history.x, values),
            )
            for name, values in history.losses.items()
        ]
        body = element("div", *panels, class_="small-multiples") if panels else paragraph("It needs no training.")
        models.append(join(element("h3", history.model), body))
    return section(
        "losses",
        paragraph(
            "Every loss on a scale of its own. A discriminator's loss that falls to 0 while the generator's rises says "
            "that the two no longer learn from each other; low losses alone say nothing about the pairs."
        ),
        *models,
    )


def _over_steps(utility: Utility) -> list[Markup]:
    """Nothing where the trainings were looked at once."""
    if max((len(arm.over_steps) for arm in utility.arms), default=0) < 2:
        return []
    return [
        element("h3", "Over training"),
        paragraph(
            "Mean score of every arm after so many optimiser steps. Arms are judged at the end, where somebody stops "
            f"who cannot look at the test pairs; {utility.arms[0].name} is granted its best point (diamond, and the "
            "level line), which nobody would know of."
        ),
        scores_over_steps(utility.arms, utility.baseline_steps),
    ]


def _curve(found: LearningCurve) -> Markup:
    if found.reading == "on the curve" and defined(found.worth) is not None:
        around = interval(found.low, found.high, pairs_worth)
        worth = f"{pairs_worth(found.worth)} real pairs" + (f" ({around})" if around else "")
    else:
        side = "above its last" if found.reading == "above the curve" else "below its first"
        worth = f"a number that this curve does not reach: its score lies {side} point"
    return join(
        element("h3", "What the synthetic pairs are worth"),
        paragraph(
            f"Scores of real pairs alone (diamonds: means), with ever more of them. {found.arm} with "
            f"{count(found.real_pairs, 'real pair')} (disc) is worth ",
            element("strong", worth),
            ".",
        ),
        learning_curve(found),
    )


def _spread(scores: Values) -> str:
    finite = scores[np.isfinite(scores)]
    if finite.size < 2:
        return count(int(finite.size), "training")
    return (
        f"{fixed(float(finite.min()), 3)} to {fixed(float(finite.max()), 3)} in {count(int(finite.size), 'training')}"
    )


def _mean(scores: Values) -> float | None:
    finite = scores[np.isfinite(scores)]
    return float(finite.mean()) if finite.size else None


def _tone(utility: Utility) -> str:
    return {"helps": "good", "does not help": "bad", "cannot tell": "unclear"}[utility.verdict]
