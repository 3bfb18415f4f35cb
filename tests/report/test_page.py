"""The page of an evaluation: whole, self-contained, safe, and the same for the same input."""

from __future__ import annotations

import math
import re
from dataclasses import fields, is_dataclass, replace
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

from pairaug.report.figure import Figure
from pairaug.report.page.charts import axis_of, best, row_of
from pairaug.report.page.contents import Answer, DataSet, Gap, LossHistory, Page, Sample, Samples
from pairaug.report.page.document import render
from pairaug.report.page.histogram import histogram
from pairaug.report.page.numbers import fixed, percent, points
from pairaug.report.page.parts import HEADINGS
from pairaug.report.page.pictures import image_uri, outline
from tests.report.example import bare, example

VOID = {"meta", "input", "img", "br"}
HOSTILE = '<script>alert("x")</script>&\'\u202e\x00\udcff.png'


class Reader(HTMLParser):
    """Elements, attributes and text of a document; an end without its start is an error."""

    def __init__(self, document: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(document)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs), attrs
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def page() -> Page:
    return example("cells", real_count=6, synthetic_count=12, side=64)


@pytest.fixture(scope="module")
def document(page: Page) -> str:
    return render(page)


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


def noise(rng: np.random.Generator, height: int, width: int) -> Sample:
    image = rng.integers(0, 65536, (height, width, 3)).astype(np.uint16)
    return Sample("noise.tif", image, rng.integers(0, 3, (height, width)).astype(np.uint8))


def test_large_sixteen_bit_images_of_pure_noise_stay_within_a_few_megabytes() -> None:
    rng = np.random.default_rng(0)
    samples = [noise(rng, 700, 900)] * 40
    document = render(replace(bare(), samples=Samples(samples, samples, "at random")))
    assert len(document) < 4_000_000


def test_a_large_picture_is_reduced_to_a_bounded_side() -> None:
    smooth = np.tile(np.linspace(0, 65535, 3000).astype(np.uint16), (2000, 1))
    assert len(image_uri(smooth)) < 20_000


def test_an_outline_is_a_light_line_inside_and_a_dark_one_outside() -> None:
    labels = np.zeros((7, 7), np.uint8)
    labels[2:5, 2:5] = 1
    assert outline(labels).tolist() == [
        [0, 0, 0, 0, 0, 0, 0],
        [0, 0, 1, 1, 1, 0, 0],
        [0, 1, 2, 2, 2, 1, 0],
        [0, 1, 2, 0, 2, 1, 0],
        [0, 1, 2, 2, 2, 1, 0],
        [0, 0, 1, 1, 1, 0, 0],
        [0, 0, 0, 0, 0, 0, 0],
    ]


def test_between_two_classes_there_is_one_light_line_and_it_is_the_higher_one_s() -> None:
    labels = np.array([[0, 0, 1, 1, 1, 2, 2, 2]], np.uint8).repeat(9, axis=0)
    assert outline(labels)[4].tolist() == [0, 1, 2, 0, 1, 3, 0, 3]


def test_a_ratio_further_right_is_drawn_further_right_until_the_scale_ends() -> None:
    ratios = [Figure("width", "width", value, scale="ratio") for value in (0.6, 1.0, 1.9, 50.0)]
    axis = axis_of(ratios)
    drawn = [Reader(row_of(ratio, axis)) for ratio in ratios]
    places = [float(str(found.all("circle")[0]["cx"])) for found in drawn[:3]]
    assert places == sorted(places)
    assert places[1] == pytest.approx(axis.scale(1.0))
    assert not drawn[3].all("circle")  # an arrow instead


@pytest.mark.parametrize(
    ("low", "high", "ends"), [(0.9, 1.2, 1.25), (0.9, 1.9, 2.0), (0.9, 3.1, 4.0), (0.3, 1.0, 4.0), (0.9, 8.25, 10.0)]
)
def test_the_scale_of_ratios_is_as_wide_as_their_intervals(low: float, high: float, ends: float) -> None:
    ratio = Figure("width", "width", 1.0, low, high, scale="ratio")
    difference = Figure("loops", "loops", 80.0, 70.0, 90.0, scale="difference")
    axis = axis_of([ratio, difference])
    assert (axis.scale.low, axis.scale.high) == (pytest.approx(1 / ends), ends)
    assert "open" not in row_of(ratio, axis)


def test_an_interval_that_goes_on_beyond_the_scale_ends_in_an_arrow_on_that_side() -> None:
    axis = axis_of([Figure("loops", "loops", 1.0, 0.5, 12.7, scale="ratio")])
    for low, high, ends in ((0.5, 12.7, [10.0]), (0.01, 2.0, [0.1]), (0.01, 12.7, [0.1, 10.0]), (0.5, 2.0, [])):
        drawn = row_of(Figure("loops", "loops", 1.0, low, high, scale="ratio"), axis)
        arrows = re.findall(r'd="M([\d.]+) [^"]*" class="whisker open"', drawn)
        assert arrows == [f"{axis.scale(end):.1f}" for end in ends]


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


def test_counts_have_no_place_below_zero_and_shares_an_axis() -> None:
    counts, none = np.array([0.0, 0.0, 1.0, 2.0]), np.zeros(4)
    found = Reader(histogram(counts, none, "loops"))
    assert found.words[:3] == ["0", "100 %", "100 %"]
    assert not any("−" in word for word in found.words)
    assert any(word == "−2" for word in Reader(histogram(counts - 2, none, "moved")).words)


@pytest.mark.parametrize("values", [[], [math.nan], [3.0], [5.0, 5.0], [0.0, 1.0, 40.0], [1e-9, 1.0000000001e-9]])
def test_a_distribution_is_drawn_whatever_the_values_are(values: list[float]) -> None:
    found = Reader(histogram(np.array(values), np.array([]), "parts"))
    numbers = [str(value) for box in found.all("rect") for value in box.values()]
    assert not {"nan", "inf"} & set(numbers)


def test_the_best_offset_is_the_highest_and_the_nearest_of_equals() -> None:
    profile = np.zeros((7, 7))
    profile[5, 3] = profile[3, 0] = 0.8
    assert best(profile) == (2, 0)
    assert best(np.full((7, 7), 0.5)) == (0, 0)


def test_a_loss_with_gaps_is_drawn_in_pieces(page: Page) -> None:
    values = np.array([3.0, 2.0, math.nan, 1.0, 0.5])
    history = LossHistory("vess2image", "images seen", np.arange(5.0), {"generator": values})
    found = Reader(render(replace(bare(), losses=[history])))
    assert sum(path["class"] == "line real" for path in found.all("path")) == 2
    assert any("1 values are not finite" in str(figure["aria-label"]) for figure in found.all("svg"))


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (fixed(1.0449), "1.04"),
        (fixed(-0.0), "0.00"),
        (fixed(None), "not defined"),
        (fixed(12.34), "12.3"),
        (percent(0.0283), "2.8 %"),
        (percent(0.1), "10 %"),
        (percent(1.0), "100 %"),
        (points(0.0123), "+1.2"),
        (points(-0.0004), "0.0"),
        (points(-0.021), "−2.1"),
    ],
)
def test_numbers_are_rounded_to_what_they_can_bear(written: str, expected: str) -> None:
    assert written == expected


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
