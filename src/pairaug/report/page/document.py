"""The page of an evaluation as one HTML file: no script, no network, nothing beside it.

Enters: a ``contents.Page``. Leaves: the document as text, the same for equal input. The browser is told to load
nothing at all (Content-Security-Policy), so the promise does not rest on this code alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files

from pairaug.report.page.contents import Answer, DataSet, Page, Tone
from pairaug.report.page.findings_section import agreement_section, images_section, masks_section, novelty_section
from pairaug.report.page.markup import Markup, element, join, name_of
from pairaug.report.page.numbers import count
from pairaug.report.page.pairs_section import samples_section, suspects_section
from pairaug.report.page.parts import HEADINGS, missing, paragraph, told
from pairaug.report.page.training_section import losses_section, utility_section

SIGNS: dict[Tone, str] = {"good": "✓", "warning": "!", "bad": "✗", "unclear": "?", "not measured": "–"}
SUMMARIES: dict[Tone, str] = {
    "bad": "No", "warning": "With a doubt", "unclear": "Cannot tell", "good": "Yes", "not measured": "Not measured"
}  # fmt: skip
GENERATOR = "pairaug evaluate"  # by which a page is known that may be replaced by a newer one
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def render(page: Page) -> str:
    """The whole document, to be written as UTF-8."""
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="generator", content=GENERATOR),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        element("title", page.title),
        element("style", Markup(files(__package__).joinpath("style.css").read_text(encoding="utf-8"))),
    )
    sections = _sections(page)
    main = element("main", _answers(page), _contents(page), *sections, _gaps(page), _notes(page))
    body = element("body", _header(page), main, _footer(page))
    return f"<!doctype html>\n{element('html', head, body, lang='en')}\n"


def _header(page: Page) -> Markup:
    return element(
        "header",
        element("h1", page.title),
        *([paragraph(page.made, class_="note")] if page.made else []),
        element("ul", *map(_compared, page.compared), class_="compared"),
    )


def _contents(page: Page) -> Markup:
    links = [element("a", heading, href=f"#{part}") for part, heading in HEADINGS.items() if part not in missing(page)]
    return element("nav", *links, element("a", "What was not measured", href="#gaps"), aria_label="Sections")


def _compared(data: DataSet) -> Markup:
    facts = count(data.pairs, "pair")
    if data.groups is not None:
        facts += f" of {count(data.groups, 'group')}"
    digest = [", digest ", element("code", data.digest[:12], title=data.digest)] if data.digest else []
    note = [element("small", data.note)] if data.note else []
    tag = element("span", data.role, class_=f"tag {'synthetic' if data.role == 'synthetic' else 'real'}")
    return element("li", tag, " ", name_of(data.name), f": {facts}", *digest, *note)


def _answers(page: Page) -> Markup:
    """What stands and what does not in a line, a card for each answer, and in small print what was not asked."""
    told = [answer for answer in page.answers if answer.tone != "not measured"]
    unmeasured = [answer for answer in page.answers if answer.tone == "not measured"]
    asides = (join(element("strong", answer.question), f" {answer.sentence}") for answer in unmeasured)
    return element(
        "section",
        element("h2", "In short"),
        element("p", *_summary(page.answers), class_="summary"),
        element("div", *map(_card, told), class_="cards"),
        *([element("ul", *(element("li", aside) for aside in asides), class_="aside")] if unmeasured else []),
        id="answers",
    )


def _summary(answers: Sequence[Answer]) -> list[str]:
    """The questions by their answers, the worst first: "No: real, varied." """
    lines: list[str] = []
    for tone, intro in SUMMARIES.items():
        questions = [answer.question.rstrip("?") for answer in answers if answer.tone == tone]
        if questions:
            sign = element("span", SIGNS[tone], class_=f"tone {_class_of(tone)}", aria_hidden="true")
            lines.append(element("span", sign, element("strong", f"{intro}: "), ", ".join(questions)))
    return lines


def _card(answer: Answer) -> Markup:
    tone = _class_of(answer.tone)
    return element(
        "article",
        element("h3", element("a", answer.question, href=f"#{answer.part}") if answer.part else answer.question),
        paragraph(
            element("span", SIGNS[answer.tone], class_=f"tone {tone}", aria_hidden="true"),
            element("strong", answer.short, class_=f"tone {tone}"),
            class_="short",
        ),
        paragraph(answer.sentence),
        *([element("small", answer.beside)] if answer.beside else []),
        class_=f"card {tone}",
    )


def _class_of(tone: Tone) -> str:
    return tone.replace(" ", "-")


def _sections(page: Page) -> list[Markup]:
    """Every part that was measured in the order of ``HEADINGS``."""
    made = {
        "samples": samples_section(page.samples, page.classes) if page.samples is not None else None,
        "suspects": suspects_section(page.suspects) if page.suspects is not None else None,
        "novelty": novelty_section(page.novelty) if page.novelty is not None else None,
        "masks": masks_section(page.masks) if page.masks is not None else None,
        "images": images_section(page.images) if page.images is not None else None,
        "agreement": agreement_section(page.agreement) if page.agreement is not None else None,
        "utility": utility_section(page.utility) if page.utility is not None else None,
        "losses": losses_section(page.losses) if page.losses is not None else None,
    }
    return [found for part in HEADINGS if (found := made[part]) is not None]


def _gaps(page: Page) -> Markup:
    """Everything that was not measured, in one place, folded."""
    explained = {gap.part for gap in page.gaps}
    entries = [join(element("strong", gap.what), ": ", *told(gap)) for gap in page.gaps]
    entries += [element("strong", HEADINGS[part]) for part in missing(page) if part not in explained]
    heading = element("h2", "What was not measured")
    if not entries:
        return element("section", heading, paragraph("Nothing was left out."), id="gaps")
    summary = element("summary", f"{count(len(entries), 'thing')}, why, and what to do")
    body = element("details", summary, element("ul", *(element("li", entry) for entry in entries)))
    return element("section", heading, body, id="gaps")


def _notes(page: Page) -> Markup:
    if not page.notes:
        return Markup()
    entries = element("ul", *(element("li", note) for note in page.notes))
    return element("section", element("h2", "Notes"), entries, id="notes")


def _footer(page: Page) -> Markup:
    return element(
        "footer",
        paragraph("Made with ", page.version, " by"),
        element("pre", element("code", page.command), tabindex="0"),
        paragraph("This file is complete in itself: it holds no script and loads nothing."),
    )
