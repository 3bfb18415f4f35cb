"""The page of an evaluation: whole, self-contained, safe, and the same for the same input."""

from __future__ import annotations

import math
import re
from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np
import pytest

from pairaug.report.figure import Figure
from pairaug.report.page.contents import Answer, DataSet, Gap, Page
from pairaug.report.page.document import render
from pairaug.report.page.parts import HEADINGS
from tests.report.example import bare
from tests.report.reader import Reader

HOSTILE = '<script>alert("x")</script>&\'\u202e\x00\udcff.png'


def test_every_element_is_closed_in_order_and_no_id_is_used_twice(document: str) -> None:
    found = Reader(document)
    ids = [attributes["id"] for _, attributes in found.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {*HEADINGS, "answers", "gaps"} <= set(ids)
    assert all(str(link["href"])[1:] in ids for link in found.all("a"))


def test_a_document_that_is_torn_is_noticed() -> None:
    with pytest.raises(AssertionError):
        Reader("<p><em>torn</p></em>")


def test_nothing_is_loaded_from_elsewhere_and_nothing_runs(document: str) -> None:
    found = Reader(document)
    for tag, attributes in found.tags:
        assert tag not in {"script", "link", "iframe", "object", "embed"}
        assert not [name for name in attributes if name.startswith("on")]
        assert str(attributes.get("src", "data:")).startswith("data:")
        assert str(attributes.get("href", "#")).startswith("#")
    assert "url(" not in document
    assert "@import" not in document
    policy = next(meta for meta in found.all("meta") if meta.get("http-equiv"))
    assert "default-src 'none'" in str(policy["content"])


def hostile(value: Any) -> Any:
    """The same tree with every free text replaced by one that tries to break out."""
    if isinstance(value, np.ndarray):
        return value
    if isinstance(value, (list, tuple)):
        return [hostile(item) for item in value]
    if isinstance(value, dict):
        return {HOSTILE if isinstance(key, str) else key: hostile(item) for key, item in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        chosen = {"tone", "compares", "verdict", "reading", "part", "scale", "group"}
        changes = {f.name: hostile(getattr(value, f.name)) for f in fields(value) if f.name not in chosen}
        return replace(value, **changes)
    return HOSTILE if isinstance(value, str) else value


def test_no_text_of_a_user_becomes_markup(page: Page) -> None:
    document = render(hostile(page))
    found = Reader(document)
    assert not found.all("script")
    assert "<script" not in document
    assert '<script>alert("x")</script>' in found.text
    assert "\x00" not in document
    document.encode("utf-8")


def test_names_keep_to_their_own_direction(page: Page) -> None:
    document = render(replace(page, compared=[DataSet("real", "\u202eevil", 3)]))
    assert '<bdi class="name">\u202eevil</bdi>' in document


def test_parts_that_are_none_are_named_once_in_a_folded_list_and_have_no_section() -> None:
    found = Reader(render(replace(bare(), gaps=())))
    ids = [attributes.get("id") for _, attributes in found.tags]
    for part, heading in HEADINGS.items():
        assert found.text.count(heading) == 1
        assert part not in ids
    assert len(found.all("details")) == 1
    assert "open" not in found.all("details")[0]
    assert f"{len(HEADINGS)} things, why, and what to do" in found.text


def test_a_gap_says_why_and_what_to_do() -> None:
    gap = Gap("Agreement", "--max-minutes 1 ran out", "allow 5 minutes", "agreement")
    text = Reader(render(replace(bare(), gaps=(gap,)))).text
    assert text.count("--max-minutes 1 ran out. To measure it: Allow 5 minutes.") == 1
    assert HEADINGS["agreement"] not in text


def test_every_link_leads_somewhere_though_nothing_was_measured() -> None:
    found = Reader(render(bare()))
    ids = {attributes.get("id") for _, attributes in found.tags}
    assert {str(link["href"])[1:] for link in found.all("a")} <= ids


def test_a_page_with_every_part_names_only_the_gaps_it_is_given(document: str) -> None:
    text = Reader(document).text
    assert "1 thing, why, and what to do" in text
    assert "Variety among images of one mask : The synthetic set has one image for each mask." in text


def test_equal_input_gives_equal_bytes(page: Page, document: str) -> None:
    assert render(page) == document


def test_answers_stand_first_in_their_order(page: Page, document: str) -> None:
    places = [Reader(document).text.index(answer.sentence) for answer in page.answers]
    assert places == sorted(places)
    assert document.index("card unclear") < document.index(f'href="#{next(iter(HEADINGS))}"')


def test_the_summary_names_the_questions_by_their_answers_the_worst_first() -> None:
    tones: Any = {"new?": "good", "real?": "bad", "varied?": "bad", "fits?": "unclear", "helps?": "not measured"}
    answers = [Answer(question, "word", "Because.", tone) for question, tone in tones.items()]
    text = Reader(render(replace(bare(), answers=answers))).text
    assert "✗ No: real, varied ? Cannot tell: fits ✓ Yes: new – Not measured: helps" in text


def test_an_answer_that_was_not_measured_has_no_card() -> None:
    answers = [
        Answer("new?", "not measured", "Out of time.", "not measured", "novelty"),
        Answer("real?", "no", "Images are far away.", "bad", None, "Fine: masks."),
    ]
    found = Reader(render(replace(bare(), answers=answers)))
    assert [article["class"] for article in found.all("article")] == ["card bad"]
    assert "new? Out of time." in found.text
    assert "no Images are far away. Fine: masks." in found.text


def test_sections_stand_in_the_order_of_the_questions(document: str) -> None:
    ids = [section["id"] for section in Reader(document).all("section")]
    assert ids == ["answers", *HEADINGS, "gaps", "notes"]
    assert list(HEADINGS)[1:-1] == ["novelty", "suspects", "images", "masks", "agreement", "utility"]


@pytest.mark.parametrize("part", ["novelty", "images", "masks", "agreement"])
def test_every_section_explains_its_marks_before_it_draws_them(part: str, document: str) -> None:
    section = document[document.index(f'id="{part}"') :]
    assert section.index("synthetic, 95 % interval") < section.index("<table") < section.index("</section>")


def test_the_day_is_told(document: str) -> None:
    assert "26 November 2026" in Reader(document).text


def test_every_picture_and_figure_has_words_and_every_table_a_caption(document: str) -> None:
    found = Reader(document)
    assert all("alt" in image for image in found.all("img"))
    assert all(image["alt"] for image in found.all("img") if image["class"] == "image")
    assert all(figure.get("aria-label") and figure["role"] == "img" for figure in found.all("svg"))
    assert len(found.all("caption")) == len(found.all("table")) > 5
    assert all(head.get("scope") in {"row", "col"} for head in found.all("th"))


def without_numbers(value: Any) -> Any:
    """The same tree with every optional figure gone or not finite, and no finite value in an array of floats."""
    if isinstance(value, np.ndarray):
        return np.full(value.shape, np.nan) if value.dtype.kind == "f" else value
    if isinstance(value, (list, tuple)):
        return [without_numbers(item) for item in value]
    if isinstance(value, dict):
        return {key: without_numbers(item) for key, item in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{f.name: without_numbers(getattr(value, f.name)) for f in fields(value)})
    return math.nan if isinstance(value, float) else value


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_figures_that_are_not_finite_read_as_not_defined(page: Page, value: float) -> None:
    stripped = without_numbers(replace(page, utility=None))
    assert stripped.masks is not None
    numbers = dict.fromkeys(("value", "low", "high", "held_out", "held_out_low", "held_out_high"), value)
    figures = [replace(figure, **numbers) for figure in stripped.masks.figures]
    document = render(replace(stripped, masks=replace(stripped.masks, figures=figures)))
    found = Reader(document)
    written = [str(text) for _, attributes in found.tags for name, text in attributes.items() if name != "src"]
    spoken = " ".join([found.text, *written])
    assert not re.search(r"\b(nan|inf)\b", spoken, re.IGNORECASE)
    assert "not defined" in spoken


def test_a_utility_without_intervals_is_still_told(page: Page) -> None:
    assert page.utility is not None
    arms = [replace(arm, scores=arm.scores[:1]) for arm in page.utility.arms]
    unknown = {"low": None, "high": None, "band": None, "remark": "not known"}
    gains = [replace(gain, value=0.01, **unknown) for gain in page.utility.gains]
    text = Reader(render(replace(page, utility=replace(page.utility, arms=arms, gains=gains, curve=None)))).text
    assert "+1.0" in text
    assert "not known" in text
    assert "There is no learning curve" in text


def test_a_share_that_cannot_be_told_is_not_zero(document: str) -> None:
    text = Reader(document).text
    assert re.search(r"synthetic images \d+ items without a known source\. cannot tell held-out real", text)


def test_statistics_stand_by_class_and_the_worst_first(page: Page) -> None:
    def one(name: str, of: str, value: float | None, scale: Any = "ratio") -> Figure:
        values = np.array([1.0, 2.0])
        return Figure(name, name, value, scale=scale, group="statistics", of=of, real=values, synthetic=values)

    figures = [
        one("aaa", "nucleus", 0.4), one("bbb", "cell", 1.0), one("ccc", "nucleus", None), one("ddd", "nucleus", 2.5),
        one("eee", "cell", 3.0), one("fff", "nucleus", 0.1, "difference"), one("ggg", "nucleus", 0.0, "difference"),
    ]  # fmt: skip
    assert page.masks is not None
    document = render(replace(page, masks=replace(page.masks, figures=figures)))
    heads = re.findall(r'scope="row" role="rowheader">(\w{3})<', document)
    assert heads[:7] == ["fff", "ddd", "aaa", "ggg", "ccc", "eee", "bbb"]
    text = Reader(document).text
    assert text.index("Synthetic against real masks, nucleus") < text.index("Synthetic against real masks, cell")


def with_figure(page: Page, part: str, figure: Figure) -> str:
    """The text of a page on which a part has this figure alone."""
    return Reader(render(replace(page, **{part: replace(getattr(page, part), figures=[figure])}))).text


def test_a_score_beside_nothing_held_out_says_so_and_one_that_has_no_such_thing_does_not(page: Page) -> None:
    lonely = Figure("coverage", "coverage", 0.5)
    assert "held-out real not defined" in with_figure(page, "images", lonely)
    assert "held-out real not" not in with_figure(page, "images", replace(lonely, compared=False))


def test_a_share_of_no_items_is_said_in_words(page: Page) -> None:
    nothing = Figure("derived", "derived", None, scale="share", group="copies", count=0, remark="counted apart")
    assert "no items counted apart" in with_figure(page, "novelty", nothing)


def test_a_figure_that_nobody_knew_of_before_has_its_row(page: Page) -> None:
    new = Figure("sharpness", "sharpness", 0.25, 0.2, 0.3, meaning="Quite new.").beside(0.4, 0.3, 0.5)
    assert "sharpness Quite new. 0.25 (0.20 to 0.30) held-out real 0.40 (0.30 to 0.50)" in with_figure(
        page, "images", new
    )


def test_a_figure_that_was_not_measured_has_no_row(page: Page) -> None:
    assert "variety" not in with_figure(page, "images", Figure("variety", "variety", None, measured=False))
