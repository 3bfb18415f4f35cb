"""Sections on realism: statistics and distributions of masks, features of images, and set scores.

Enters: comparisons with real data. Leaves: ``Markup``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pairaug.report.page.charts import histogram, marks_legend, ratio_axis, ratio_row, score_axis, score_row
from pairaug.report.page.contents import Distribution, ImageRealism, MaskRealism, Ratio, Score, Values
from pairaug.report.page.figures import defined, figure, fixed, interval, plain, with_interval
from pairaug.report.page.markup import Markup, element, join
from pairaug.report.page.parts import note, paragraph, section, table, titled, two_lines


def masks_section(masks: MaskRealism) -> Markup:
    """The table of ratios, the scores of the set, and every distribution."""
    axis = ratio_axis([one.ratio for one in masks.distributions])
    rows = [
        [titled(_title(one), ""), ratio_row(one.ratio, _title(one), axis), _ratio_text(one.ratio, one.unit)]
        for one in masks.distributions
    ]
    return section(
        "masks",
        paragraph(
            "Each statistic is measured on every mask. The ratio says how far the synthetic values lie from the real "
            "ones, in units of how far two halves of the real ones lie from each other: ",
            element("strong", "1 is perfection"),
            ", 2 is twice as different as real is from real. Well below 1, the synthetic masks hug these very real "
            "ones.",
        ),
        marks_legend(),
        table("Synthetic against real masks", ["Statistic", join("Ratio", axis.head()), "Value"], rows),
        _scores("Synthetic masks as a set", masks.scores),
        element("h3", "The distributions"),
        note(
            _swatch("real"),
            "real masks upwards, ",
            _swatch("synthetic"),
            "synthetic ones downwards, as shares of each set; the line across marks the median. The two should mirror "
            "each other.",
        ),
        element("div", *map(_distribution, masks.distributions), class_="small-multiples"),
    )


def images_section(images: ImageRealism) -> Markup:
    """The MMD ratio with its p, and the scores of the set."""
    p = defined(images.p)
    verdict = (
        "There were too few images for a permutation test."
        if p is None
        else f"A permutation test of {images.items} against {images.items} images gives p = {plain(p)}: "
        + ("they differ by more than chance." if p < 0.05 else "these few do not show a difference.")
    )
    axis = ratio_axis([images.mmd])
    row = [
        titled("Distance of the images (kernel MMD)", "How far apart the two sets lie in the space of features."),
        ratio_row(images.mmd, "Kernel MMD", axis),
        _ratio_text(images.mmd, ""),
    ]
    digest = [" Digest ", element("code", images.digest[:12]), "."] if images.digest else []
    return section(
        "images",
        paragraph(
            "Images are compared by ",
            images.features,
            ". As for masks, ",
            element("strong", "1 is perfection"),
            ": as different from real as real is from real. ",
            verdict,
        ),
        table("Synthetic against real images", ["Distance", join("Ratio", axis.head()), "Value"], [row]),
        _scores("Synthetic images as a set", images.scores),
        note(
            "The features need no download and no diagnosis; what they do not hold, these figures cannot see.", *digest
        ),
    )


def _scores(caption: str, scores: Sequence[Score]) -> Markup:
    if not scores:
        return Markup()
    axis = score_axis(scores)
    rows = [
        [
            titled(score.name, f"{score.meaning} {score.good[:1].upper()}{score.good[1:]}".strip()),
            score_row(score, axis),
            two_lines(
                with_interval(score.value, score.low, score.high),
                f"held-out real {with_interval(score.held_out, score.held_out_low, score.held_out_high)}",
            ),
        ]
        for score in scores
    ]
    return table(caption, ["Score", join("Synthetic beside held-out real", axis.head()), "Value"], rows)


def _ratio_text(ratio: Ratio, unit: str) -> Markup:
    held_out = with_interval(ratio.held_out, ratio.held_out_low, ratio.held_out_high)
    form = fixed if ratio.kind == "ratio" else figure
    around = interval(ratio.low, ratio.high, form)
    first = form(ratio.value) if ratio.kind == "ratio" else f"differ by {form(ratio.value)} {unit}".strip()
    return two_lines(f"{first} ({around})" if around else first, f"held-out real {held_out}")


def _title(one: Distribution) -> str:
    return f"{one.name}, {one.class_name}" if one.class_name else one.name


def _distribution(one: Distribution) -> Markup:
    unit = f" ({one.unit})" if one.unit else ""
    medians = f"Median real {_median(one.real)}, synthetic {_median(one.synthetic)}. "
    return element(
        "figure",
        element("figcaption", element("strong", f"{_title(one)}{unit}"), element("small", medians + one.meaning)),
        histogram(one.real, one.synthetic, _title(one)),
    )


def _median(values: Values) -> str:
    finite = values[np.isfinite(values)]
    return figure(float(np.median(finite))) if finite.size else "not defined"


def _swatch(role: str) -> Markup:
    return element("span", class_=f"swatch {role}")
