"""Sections on segmenters and models: agreement of image and mask, utility of the pairs, loss curves.

Enters: scores and series. Leaves: ``Markup``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pairaug.report.page.charts import Axis, best, marks_legend, offset_map, ratio_axis, ratio_row
from pairaug.report.page.contents import Agreement, LearningCurve, LossHistory, OffsetProfile, Ratio, Utility
from pairaug.report.page.figures import (
    count,
    defined,
    fixed,
    interval,
    pairs_worth,
    points,
    size_in_points,
    with_interval,
)
from pairaug.report.page.markup import Markup, element, join
from pairaug.report.page.parts import note, paragraph, section, table, titled, two_lines
from pairaug.report.page.plots import (
    arm_axis,
    arm_row,
    gain_axis,
    gain_row,
    learning_curve,
    loss_panel,
)


def agreement_section(agreement: Agreement) -> Markup:
    """Ratios of Dice and clDice, and the offset between image and mask."""
    axis = ratio_axis([agreement.dice, *([agreement.cldice] if agreement.cldice else [])], fine=True)
    rows = [_agreement_row("Dice", "Overlap of the mask found with the mask given.", agreement.dice, axis)]
    if agreement.cldice is not None:
        rows.append(_agreement_row("clDice", "The same along centre lines, blind to width.", agreement.cldice, axis))
    maps = [_offset("Synthetic pairs", agreement.offset)]
    if agreement.held_out_offset is not None:
        maps.append(_offset("Held-out real pairs", agreement.held_out_offset))
    return section(
        "agreement",
        paragraph(
            agreement.segmenter,
            " The ratio is its score on synthetic pairs over that on held-out real ones: ",
            element("strong", "1 is perfection"),
            ". Below 0.95, image and mask fit each other worse than real ones do. Above 1.05 is as suspicious: images "
            "that are easier to read than real ones, like cartoons.",
        ),
        marks_legend(),
        table("Agreement of image and mask", ["Score", join("Ratio", axis.head()), "Value"], rows),
        element("h3", "Is the mask shifted against its image?"),
        paragraph(
            "Mean Dice when the mask found is moved by so many pixels against the mask given. The best place (framed) "
            "should be the middle, or where it is for held-out real pairs."
        ),
        element("div", *maps, class_="small-multiples"),
    )


def utility_section(utility: Utility) -> Markup:
    """Verdict, scores of every arm, paired gains, learning curve."""
    arms, gains = arm_axis(utility.arms), gain_axis(utility.gains, utility.worthwhile)
    arm_rows = [
        [
            titled(arm.name, f"{count(arm.real_pairs, 'real pair')}" if arm.real_pairs else "no real pair"),
            arm_row(arm, arms),
            two_lines(fixed(_mean(arm.scores), 3), _spread(arm.scores)),
        ]
        for arm in utility.arms
    ]
    gain_rows = [
        [
            titled(gain.arm, f"against {gain.baseline}"),
            gain_row(gain, gains),
            two_lines(
                with_interval(gain.mean, gain.low, gain.high, points),
                "smallest difference this run could have seen: " + size_in_points(gain.detectable),
            ),
        ]
        for gain in utility.gains
    ]
    curve = [_curve(utility.curve)] if utility.curve else [note("There is no learning curve: one size of real pairs.")]
    return section(
        "utility",
        paragraph(utility.sentence, class_=f"verdict {_tone(utility)}"),
        paragraph(
            "The same segmenter was trained for the same number of steps in different ways (arms) and tested on "
            f"{utility.tested_on}. Score: {utility.metric}; higher is better. Each dot is one training."
        ),
        table("Test score of every arm", ["Trained on", join("Score", arms.head()), "Mean"], arm_rows),
        element("h3", "Paired differences"),
        paragraph(
            "In points (hundredths of the score); to the right favours the first named. A disc with its whole interval "
            "to the right of 0 helps. Differences within the grey band are too small for this run to see reliably; a "
            f"gain of {size_in_points(utility.worthwhile)} points was called worthwhile beforehand."
        ),
        table("Gain in points", ["Compared", join("Gain", gains.head()), "Points"], gain_rows),
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


def _agreement_row(name: str, meaning: str, ratio: Ratio, axis: Axis) -> list[str]:
    held_out = with_interval(ratio.held_out, ratio.held_out_low, ratio.held_out_high)
    text = two_lines(with_interval(ratio.value, ratio.low, ratio.high), f"held-out real {held_out}")
    return [titled(name, meaning), ratio_row(ratio, name, axis), text]


def _offset(name: str, offset: OffsetProfile) -> Markup:
    row, column = best(offset)
    where = "no offset" if row == column == 0 else f"{_way(row, 'down', 'up')}{_way(column, 'right', 'left')}".strip()
    return element(
        "figure",
        element("figcaption", element("strong", name), element("small", f"Best: {where}.")),
        offset_map(offset, name),
    )


def _way(pixels: int, positive: str, negative: str) -> str:
    return f"{abs(pixels)} px {positive if pixels > 0 else negative} " if pixels else ""


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


def _spread(scores: np.ndarray) -> str:
    finite = scores[np.isfinite(scores)]
    if finite.size < 2:
        return count(int(finite.size), "training")
    return (
        f"{fixed(float(finite.min()), 3)} to {fixed(float(finite.max()), 3)} in {count(int(finite.size), 'training')}"
    )


def _mean(scores: np.ndarray) -> float | None:
    finite = scores[np.isfinite(scores)]
    return float(finite.mean()) if finite.size else None


def _tone(utility: Utility) -> str:
    return {"helps": "good", "does not help": "bad", "cannot tell": "unclear"}[utility.verdict]
