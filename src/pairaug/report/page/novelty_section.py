"""The section on copies: how many are flagged, what held-out real items score, and what the detector can find at all.

Enters: shares. Leaves: ``Markup``.
"""

from __future__ import annotations

from pairaug.report.page.charts import Axis, marks_legend, share_axis, share_row
from pairaug.report.page.contents import Copies, Novelty, Planted, Share
from pairaug.report.page.figures import count, percent, with_interval
from pairaug.report.page.markup import Markup, element, join
from pairaug.report.page.parts import paragraph, section, table, titled, two_lines

KINDS = {
    "exact": ("exact copies", "The picture itself."),
    "rigid": ("rigid copies", "Flipped, turned by right angles, shifted by up to 2 % of the side."),
    "crop": ("crops", "A window of 80 % of each side, enlarged."),
    "elastic_1": ("elastic copies, 1 %", "Warped smoothly by 1 % of the side."),
    "elastic_2": ("elastic copies, 2 %", "Warped smoothly by 2 % of the side."),
    "elastic_5": ("elastic copies, 5 %", "Warped smoothly by 5 % of the side: hardly copies any more."),
}


def novelty_section(novelty: Novelty) -> Markup:
    both = [("masks", novelty.masks), ("images", novelty.images)]
    axis = share_axis()
    rows = [row for what, copies in both for row in _shares(what, copies, axis)]
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
        table("Share of items flagged as copies", ["Items", join("Share flagged", axis.head()), "Value"], rows),
        element("h3", "What the detector can find"),
        paragraph(
            "Copies of known kinds were planted among the items. Where fewer than nine of ten are found, a share of 0 "
            "above means ",
            element("strong", "cannot tell"),
            ", not none.",
        ),
        *(_power(what, copies, axis) for what, copies in both if copies),
    )


def _shares(what: str, copies: Copies | None, axis: Axis) -> list[list[str]]:
    if copies is None:
        return [[f"Synthetic {what}", "not measured", "not measured"]]
    title = f"Synthetic {what}"
    without = titled(title, f"{count(copies.flagged.count, 'item')} without a known source.")
    unknown = copies.flagged.value is None and copies.flagged.count > 0
    found = "cannot tell" if unknown else _text(copies.flagged)
    beside = f"held-out real {_text(copies.held_out)}"
    rows: list[list[str]] = [
        [without, share_row(copies.flagged, copies.held_out, title, axis), two_lines(found, beside)]
    ]
    if copies.derived is not None:
        name = f"{title}, derived"
        made = f"{count(copies.derived.count, 'item')} made from real ones, as the manifest says."
        text = two_lines(_text(copies.derived), "counted apart")
        rows.append([titled(name, made), share_row(copies.derived, None, name, axis), text])
    return rows


def _power(what: str, copies: Copies, axis: Axis) -> Markup:
    rows = [_planted(planted, axis) for planted in copies.power]
    return table(f"Planted copies of {what} that were found", ["Kind", join("Share found", axis.head()), "Value"], rows)


def _planted(planted: Planted, axis: Axis) -> list[str]:
    name, meaning = KINDS.get(planted.kind, (planted.kind, ""))
    answer = "copies of this kind are found" if planted.can_tell else "cannot tell copies of this kind"
    return [
        titled(name.capitalize(), meaning),
        share_row(planted.found, None, name, axis),
        two_lines(_text(planted.found), answer),
    ]


def _text(share: Share) -> str:
    if share.count == 0:
        return "no items"
    return with_interval(share.value, share.low, share.high, percent)
