"""Building blocks shared by the sections: headings, tables, notes, and what is said of an unmeasured part.

Enters: text and finished HTML. Leaves: ``Markup``.
"""

from __future__ import annotations

from collections.abc import Sequence

from pairaug.report.page.contents import Gap, Page, Part
from pairaug.report.page.markup import Markup, element, join

# In the order of the questions: new, real, varied, true to their masks, of use.
HEADINGS: dict[Part, str] = {
    "samples": "Real and synthetic pairs",
    "novelty": "Are they new, or copies?",
    "suspects": "The most suspicious items",
    "images": "Are the images real and varied?",
    "masks": "Are the masks real and varied?",
    "agreement": "Does the image show what the mask says?",
    "utility": "Does training on them help?",
    "losses": "How the models were trained",
}


def section(part: Part, *children: str) -> Markup:
    return element("section", element("h2", HEADINGS[part]), *children, id=part)


def told(gap: Gap) -> list[str]:
    """Why, and what to do."""
    return [_sentence(gap.why), " ", element("span", "To measure it: ", class_="label"), _sentence(gap.remedy)]


def missing(page: Page) -> list[Part]:
    """Parts that are None."""
    return [part for part in HEADINGS if getattr(page, part) is None]


def paragraph(*children: str, class_: str | None = None) -> Markup:
    return element("p", *children, class_=class_)


def note(*children: str) -> Markup:
    return paragraph(*children, class_="note")


def table(caption: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Markup:
    """A table whose first column heads its rows. The roles keep it a table where a narrow window stacks its cells."""
    head = element("tr", *(element("th", text, scope="col", role="columnheader") for text in heads), role="row")
    body = [
        element(
            "tr",
            element("th", row[0], scope="row", role="rowheader"),
            *(element("td", cell, role="cell") for cell in row[1:]),
            role="row",
        )
        for row in rows
    ]
    return element(
        "table",
        element("caption", caption),
        element("thead", head, role="rowgroup"),
        element("tbody", *body, role="rowgroup"),
        role="table",
    )


def titled(title: str, meaning: str) -> Markup:
    """The head of a row: what it is called, and in small print what it means."""
    return join(title, element("small", meaning)) if meaning else join(title)


def two_lines(first: str, second: str) -> Markup:
    return join(element("strong", first, class_="number"), element("small", second))


def _sentence(text: str) -> str:
    """With a capital at its start and a full stop at its end."""
    full = text[:1].upper() + text[1:]
    return full if not full or full.endswith((".", "!", "?")) else f"{full}."
