"""``pairaug evaluate`` as users type it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.conftest import Cli
from tests.evaluation.sets import drawn


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("two")
    return drawn(folder / "real", 0, 8), drawn(folder / "new", 1, 6)


def test_stdout_holds_one_json_object_and_nothing_else(two: tuple[Path, Path], cli: Cli) -> None:
    ran = cli("evaluate", *two, "--parts", "novelty", "--json", "--sample", 4)
    assert ran.code == 0, ran.err
    content = json.loads(ran.out)
    assert content["schema_version"] == 1
    assert content["synthetic"] == {"pairs": 6, "looked_at": 4, "originals_left_out": 0, "derived": 0}
    assert content["novelty"]["mask_copies"] == 0
    assert {entry["part"] for entry in content["not_measured"]} == {"masks", "images", "agreement", "utility"}
    assert "4 of 6 synthetic pairs are looked at" in ran.err


def test_without_json_the_answers_come_first(two: tuple[Path, Path], cli: Cli) -> None:
    ran = cli("evaluate", *two, "--parts", "images", "-q")
    assert ran.code == 0, ran.err
    assert ran.err == ""
    assert ran.out.splitlines()[0] == "8 real pairs, 6 of 6 synthetic pairs"
    assert "MMD ratio" in ran.out


def test_a_row_a_pair_goes_to_a_file(two: tuple[Path, Path], cli: Cli) -> None:
    assert cli("evaluate", *two, "--parts", "novelty", "--out-items", "items.jsonl").code == 0
    rows = [json.loads(line) for line in Path("items.jsonl").read_text().splitlines()]
    assert len(rows) == 6
    assert rows[0]["agreement"] is None
    assert rows[0]["nearest_mask"].startswith("masks/")


def test_flags_choose_among_the_real_pairs(two: tuple[Path, Path], cli: Cli) -> None:
    ran = cli("evaluate", *two, "--parts", "images", "--json", "--limit", 5)
    assert json.loads(ran.out)["real"]["pairs"] == 5


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--parts", "maks"], 2, "did you mean 'masks'"),
        (["--sample", "0"], 2, "--sample 0"),
        (["--max-minutes", "0"], 2, "--max-minutes 0"),
        (["--limit", "0"], 2, "--limit 0"),
    ],
)
def test_what_cannot_be_is_one_line(
    two: tuple[Path, Path], cli: Cli, arguments: list[str], code: int, words: str
) -> None:
    ran = cli("evaluate", *two, *arguments)
    assert ran.code == code
    assert words in ran.err
    assert ran.out == ""
    assert len(ran.err.strip().splitlines()) == 1


def test_a_synthetic_set_that_is_not_there_is_named(two: tuple[Path, Path], cli: Cli) -> None:
    ran = cli("evaluate", two[0], "nowhere")
    assert ran.code == 3
    assert "nowhere" in ran.err


def test_a_page_and_real_pairs_from_a_list(two: tuple[Path, Path], cli: Cli) -> None:
    real, new = two
    Path("real.txt").write_text("".join(f"{real}/images/p00{i}.png\t{real}/masks/p00{i}.png\n" for i in range(6)))
    ran = cli("evaluate", "real.txt", new, "--parts", "images", "--html", "page.html", "-q")
    assert ran.code == 0, ran.err
    assert ran.out.startswith("6 real pairs")
    assert Path("page.html").read_text().startswith("<!doctype html>")


def test_pairs_left_out_as_bad_end_it_with_8(two: tuple[Path, Path], cli: Cli, tmp_path: Path) -> None:
    broken = drawn(tmp_path / "broken", 2, 6)
    (broken / "images/p001.png").write_bytes(b"")
    assert cli("evaluate", two[0], broken, "--parts", "images").code == 3
    ran = cli("evaluate", two[0], broken, "--parts", "images", "--skip-bad", "--json")
    assert ran.code == 8
    assert json.loads(ran.out)["synthetic"]["looked_at"] == 5


def test_an_output_that_cannot_be_a_file_is_refused_before_anything_is_measured(
    two: tuple[Path, Path], cli: Cli, tmp_path: Path
) -> None:
    for flag in ("--html", "--out-items"):
        ran = cli("evaluate", *two, flag, tmp_path)
        assert (ran.code, ran.out) == (2, "")
        assert f"{flag} {tmp_path}: is a folder" in ran.err
    ran = cli("evaluate", *two, "--html", "page.html", "--out-items", "page.html")
    assert ran.code == 2
    assert "give two files" in ran.err


@pytest.mark.parametrize("flag", ["--html", "--out-items"])
def test_a_file_that_evaluate_did_not_write_is_never_replaced(two: tuple[Path, Path], cli: Cli, flag: str) -> None:
    image = two[0] / "images" / "p000.png"
    before = image.read_bytes()
    ran = cli("evaluate", *two, "--parts", "images", flag, image)
    assert ran.code == 5
    assert f"{flag} {image}: exists and is not one that evaluate wrote" in ran.err
    assert image.read_bytes() == before
    assert cli("evaluate", *two, "--parts", "images", flag, "/dev/null").code == 5
    for _ in range(2):
        assert cli("evaluate", *two, "--parts", "images", flag, "own").code == 0


@pytest.mark.parametrize("arguments", [["--parts", "masks,utility"], ["--parts", "masks", "--utility", "--test", "x"]])
def test_utility_stands_in_parts_and_is_wanted_or_neither(
    two: tuple[Path, Path], cli: Cli, arguments: list[str]
) -> None:
    ran = cli("evaluate", *two, *arguments)
    assert ran.code == 2
    assert "utility is measured with --utility and stands in --parts, or neither" in ran.err


def test_the_page_of_a_set_that_lacks_a_class_names_it_as_the_json_does(cells: Path, cli: Cli, tmp_path: Path) -> None:
    shutil.copytree(cells, tmp_path / "lacking")
    for path in (tmp_path / "lacking" / "GT").iterdir():
        values = np.asarray(Image.open(path))
        Image.fromarray(np.where(values == 255, 0, values).astype(np.uint8)).save(path)
    ran = cli("evaluate", cells, "lacking", "--parts", "masks", "--html", "page.html", "--json")
    assert ran.code == 0, ran.err
    (told,) = [one["because"] for one in json.loads(ran.out)["answers"] if one["question"] == "real?"]
    assert "no mask holds label 255" in told
    assert "No mask holds label 255" in Path("page.html").read_text()
