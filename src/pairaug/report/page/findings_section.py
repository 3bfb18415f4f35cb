"""Sections on what is measured without training on the pairs: masks, images, copies, agreement of image and mask.

Enters: findings. Leaves: ``Markup``. What is told here holds for a whole table; what a figure means, it says itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import numpy as np

from pairaug.report.figure import Figure, Values
from pairaug.report.page.charts import axis_of, best, marks_legend, offset_map
from pairaug.report.page.contents import Findings
from pairaug.report.page.histogram import histogram
from pairaug.report.page.markup import Markup, element, join
from pairaug.report.page.numbers import figure_text
from pairaug.report.page.parts import note, paragraph, section
from pairaug.report.page.tables import figure_table, worst_first

SCORES = ("Score", "Synthetic beside held-out real")


def masks_section(masks: Findings) -> Markup:
    """A table of ratios for each class on one scale, the scores of the set, and every distribution."""
    by_class = _by_class([figure for figure in masks.of("statistics") if figure.measured])
    axis = axis_of(masks.of("statistics")) if by_class else None
    tables = [
        figure_table(f"Synthetic against real masks{f', {of}' if of else ''}", ("Statistic", "Ratio"), group, axis)
        for of, group in by_class.items()
    ]
    return section(
        "masks",
        paragraph(
            "Each statistic is measured on every mask. The ratio says how far the synthetic values lie from the real "
            "ones, in units of how far two halves of the real ones lie from each other: ",
            element("strong", "1 is perfection"),
            ", 2 is twice as different as real is from real. Well below 1, the synthetic masks hug these very real "
            "ones. The worst stand first.",
        ),
        marks_legend(),
        *tables,
        figure_table("Synthetic masks as a set", SCORES, masks.of("scores")),
        element("h3", "The distributions"),
        note(
            _swatch("real"),
            "real masks upwards, ",
            _swatch("synthetic"),
            "synthetic ones downwards, in per cent of all values of the set; the line across marks the median. The two "
            "should mirror each other. In the order of the tables.",
        ),
        *(
            join(element("h4", of) if of else "", element("div", *map(_distribution, group), class_="small-multiples"))
            for of, group in by_class.items()
        ),
    )


def _by_class(figures: Sequence[Figure]) -> dict[str, list[Figure]]:
    """The figures of each class, the worst first."""
    found: dict[str, list[Figure]] = {}
    for figure in worst_first(figures):
        found.setdefault(figure.of, []).append(figure)
    return {of: found[of] for of in dict.fromkeys(figure.of for figure in figures)}


def images_section(images: Findings) -> Markup:
    """The distance of the images, and the scores of the set."""
    digest = [" Digest ", element("code", images.digest[:12]), "."] if images.digest else []
    return section(
        "images",
        paragraph(
            "Images are compared by ",
            images.words,
            ". A ratio of ",
            element("strong", "1 is perfection"),
            ": as different from real as real is from real.",
        ),
        marks_legend(),
        figure_table("Synthetic against real images", ("Distance", "Ratio"), images.of("distance")),
        figure_table("Synthetic images as a set", SCORES, images.of("scores")),
        note(
            "The features need no download and no diagnosis; what they do not hold, these figures cannot see.", *digest
        ),
    )


def novelty_section(novelty: Findings) -> Markup:
    """How many are flagged as copies, what held-out real items score, and what the detector can find at all."""
    planted = [figure for figure in novelty.figures if figure.group != "copies"]
    return section(
        "novelty",
        paragraph(
            "An item is flagged when it resembles a real one more than real ones resemble each other. Perfection is "
            "not 0: ",
            element("strong", "held-out real data"),
            ", which cannot be copies, are flagged now and then too, and a good set is flagged no more often than "
            "they are.",
        ),
        marks_legend(),
        figure_table("Share of items flagged as copies", ("Items", "Share flagged"), novelty.of("copies")),
        element("h3", "What the detector can find"),
        paragraph(
            "Copies of known kinds were planted among the items. Where fewer than nine of ten are found, a share of 0 "
            "above means ",
            element("strong", "cannot tell"),
            ", not none.",
        ),
        *(
            figure_table(f"{group[:1].upper()}{group[1:]} that were found", ("Kind", "Share found"), list(figures))
            for group, figures in groupby(planted, lambda figure: figure.group)
        ),
    )


def agreement_section(agreement: Findings) -> Markup:
    """Ratios of Dice and clDice, and the offset between image and mask."""
    return section(
        "agreement",
        paragraph(
            agreement.words,
            " The ratio is its score on synthetic pairs over that on held-out real ones: ",
            element("strong", "1 is perfection"),
            ". Below 0.95, image and mask fit each other worse than real ones do. Above 1.05 is as suspicious: images "
            "that are easier to read than real ones, like cartoons.",
        ),
        marks_legend(),
        figure_table("Agreement of image and mask", ("Score", "Ratio"), agreement.figures),
        element("h3", "Is the mask shifted against its image?"),
        paragraph(
            "Mean Dice when the mask found is moved by so many pixels against the mask given. The best place (framed) "
            "should be the middle, or where it is for held-out real pairs."
        ),
        element("div", *(_offset(*named) for named in agreement.profiles.items()), class_="small-multiples"),
    )


def _distribution(one: Figure) -> Markup:
    assert one.real is not None
    assert one.synthetic is not None
    unit = f" ({one.unit})" if one.unit else ""
    medians = f"Median real {_median(one.real)}, synthetic {_median(one.synthetic)}. "
    return element(
        "figure",
        element("figcaption", element("strong", f"{one.name}{unit}"), element("small", medians + one.meaning)),
        histogram(one.real, one.synthetic, one.title),
    )


def _median(values: Values) -> str:
    finite = values[np.isfinite(values)]
    return figure_text(float(np.median(finite))) if finite.size else "not defined"


def _swatch(role: str) -> Markup:
    return element("span", class_=f"swatch {role}")


def _offset(name: str, profile: Values) -> Markup:
    row, column = best(profile)
    where = "no offset" if row == column == 0 else f"{_way(row, 'down', 'up')}{_way(column, 'right', 'left')}".strip()
    return element(
        "figure",
        element("figcaption", element("strong", name), element("small", f"Best: {where}.")),
        offset_map(profile, name),
    )


def _way(pixels: int, positive: str, negative: str) -> str:
    return f"{abs(pixels)} px {positive if pixels > 0 else negative} " if pixels else ""
