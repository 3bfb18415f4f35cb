"""Sections that show pictures: pairs side by side, and suspects beside the real item they resemble.

Enters: samples and suspects. Leaves: ``Markup``.
"""

from __future__ import annotations

from collections.abc import Sequence

from pairaug.report.page.contents import Sample, Samples, Suspect
from pairaug.report.page.markup import Markup, element, join, name_of
from pairaug.report.page.numbers import count, defined, fixed
from pairaug.report.page.parts import note, paragraph, section
from pairaug.report.page.pictures import MOST_SAMPLES, MOST_SUSPECTS, legend, shown, shown_mask

VIEWS = {
    "whole": "compared as a whole, turned, flipped and shifted",
    "coarse": "compared coarsely, which forgives small warps",
    "crop": "compared as a window cut out of it",
}


def samples_section(samples: Samples, classes: Sequence[str]) -> Markup:
    """Real and synthetic pairs, two and two."""
    count_shown = min(len(samples.real), len(samples.synthetic), MOST_SAMPLES)
    duos = [
        element("div", _figure(real, "real"), _figure(synthetic, "synthetic"), class_="duo")
        for real, synthetic in zip(samples.real[:count_shown], samples.synthetic[:count_shown], strict=True)
    ]
    return section(
        "samples",
        paragraph(
            f"{count(count_shown, 'real pair')} and as many synthetic ones, chosen {samples.chosen}; the two of a row "
            "have nothing to do with each other. Outlines show the mask: they should lie on what the image shows, in "
            "synthetic pairs as exactly as in real ones."
        ),
        element(
            "p",
            element("input", type="checkbox", id="outlines", checked=True),
            element("label", " Show outlines", for_="outlines"),
            class_="switch",
        ),
        legend(classes),
        element("div", *duos, class_="duos"),
        note("Pictures are reduced and compressed for this page; fine artefacts are to be judged in the files."),
    )


def suspects_section(suspects: Sequence[Suspect]) -> Markup:
    """Synthetic items that resemble a real one most, each beside it."""
    if not suspects:
        return section("suspects", paragraph("No synthetic item could be compared with a real one."))
    duos = [_suspect(suspect) for suspect in suspects[:MOST_SUSPECTS]]
    flagged = sum(suspect.flagged for suspect in suspects)
    return section(
        "suspects",
        paragraph(
            "Synthetic items that resemble a real one most, the most suspicious first, each beside the real item it "
            f"resembles. Flagged are {flagged} of the {len(suspects)} listed: they resemble it more than real ones "
            "resemble each other. Every set has a nearest item: look whether the two are the same, turned or mirrored."
        ),
        element("div", *duos, class_="duos"),
    )


def _figure(sample: Sample, role: str) -> Markup:
    caption = [element("span", role, class_=f"tag {role}"), " ", name_of(sample.name)]
    if sample.note:
        caption.append(element("small", sample.note))
    return element("figure", shown(sample, f"{role.capitalize()} image"), element("figcaption", *caption))


def _suspect(suspect: Suspect) -> Markup:
    figures = []
    for sample, role in ((suspect.synthetic, "synthetic"), (suspect.nearest, "real")):
        what = f"{role.capitalize()} {suspect.compares}"
        picture = shown_mask(sample, what) if suspect.compares == "mask" else shown(sample, what)
        caption = element("figcaption", element("span", role, class_=f"tag {role}"), " ", name_of(sample.name))
        figures.append(element("figure", picture, caption))
    state = element("strong", "Flagged", class_="flag") if suspect.flagged else element("strong", "Not flagged")
    facts = [
        state,
        f": {suspect.compares}, suspicion {fixed(suspect.score, 1)} ({_bar(suspect.threshold)}), ",
        VIEWS.get(suspect.view, suspect.view),
        ".",
    ]
    if suspect.derived_from:
        facts.append(" Made from ")
        facts.append(join(*_listed(suspect.derived_from)))
        facts.append(", as its manifest says.")
    return element("div", *figures, paragraph(*facts, class_="facts"), class_="duo")


def _bar(threshold: float) -> str:
    return "no threshold is known" if defined(threshold) is None else f"flagged above {fixed(threshold, 1)}"


def _listed(names: Sequence[str]) -> list[str]:
    shown_names = [part for name in names[:3] for part in (name_of(name), ", ")][:-1]
    return [*shown_names, f" and {len(names) - 3} more"] if len(names) > 3 else shown_names
