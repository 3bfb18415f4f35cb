"""Pairs from a list file, from stdin and from metadata.jsonl, and from files that hold image and mask side by side."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pairaug.errors import DataError
from pairaug.pairs.checked import CheckPolicy
from pairaug.pairs.checking import check_pairs, load_classes, load_image
from pairaug.pairs.labels import Cleaning
from pairaug.pairs.listing import read_list
from pairaug.pairs.pair import Side
from pairaug.pairs.source import Selection, find_masks, find_pairs
from tests.conftest import Cli
from tests.pairs.drawn import WIDTH, classes, draw, photograph

STEMS = ("a", "b", "c")


@pytest.fixture
def scattered(tmp_path: Path) -> Path:
    """Pairs that no convention would find."""
    for stem in STEMS:
        draw(tmp_path / "set", f"x/{stem}1.png", "image")
        draw(tmp_path / "set", f"y/z/{stem}2.png", "mask")
    return tmp_path / "set"


def lines(folder: str = "") -> list[str]:
    return [f"{folder}x/{stem}1.png\t{folder}y/z/{stem}2.png\n" for stem in STEMS]


def refusal(text: list[str]) -> str:
    with pytest.raises(DataError) as caught:
        find_pairs("list.txt", lines=text)
    return caught.value.message


@pytest.mark.parametrize("form", ["tabs", "json", "absolute", "windows line ends", "image and mask keys"])
def test_a_list_names_its_pairs(form: str, scattered: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(scattered)
    text = {
        "tabs": lines(),
        "json": [json.dumps({"file_name": f"x/{s}1.png", "mask_file_name": [f"y/z/{s}2.png"]}) for s in STEMS],
        "absolute": lines(f"{scattered}{os.sep}"),
        "windows line ends": [line.replace("\n", "\r\n") for line in [*lines(), "\n"]],
        "image and mask keys": [json.dumps({"image": f"x/{s}1.png", "mask": f"y/z/{s}2.png"}) for s in STEMS],
    }[form]
    found = find_pairs("-", lines=text)
    assert found.root == scattered
    assert [(pair.image, pair.mask) for pair in found.pairs] == [(f"x/{s}1.png", f"y/z/{s}2.png") for s in STEMS]


def test_a_list_file_is_relative_to_itself_where_it_is_not_to_here(scattered: Path) -> None:
    found = find_pairs(scattered / "pairs.txt", lines=lines())
    assert found.root == scattered
    assert len(found.pairs) == 3


def test_the_root_of_a_list_is_the_deepest_folder_of_all(scattered: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(scattered.parent)
    for stem in STEMS:
        draw(scattered, f"y/x/{stem}1.png", "image")
    text = [f"set/y/x/{stem}1.png\tset/y/z/{stem}2.png" for stem in STEMS]
    assert find_pairs("-", lines=text).root == scattered / "y"


def test_stdin_is_a_list(scattered: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(scattered)
    monkeypatch.setattr("sys.stdin", io.StringIO("".join(lines())))
    ran = cli("check", "-", "--json")
    assert [pair["mask"] for pair in json.loads(ran.out)["pairs"]] == [f"y/z/{stem}2.png" for stem in STEMS]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ([], "list.txt: the list is empty; each line is 'image TAB mask' or a JSON object with both"),
        (["x/a1.png y/z/a2.png"], "list.txt: line 1: 'x/a1.png y/z/a2.png' is not 'image TAB mask'"),
        (["\n", "{oops"], "list.txt: line 2: not JSON"),
        (['{"image": "x/a1.png"}'], 'list.txt: line 1: needs "image" and "mask"'),
        (['{"image": 3, "mask": "m"}'], 'list.txt: line 1: needs "image" and "mask"'),
        (["x/none.png\ty/z/a2.png"], "1 listed files do not exist, such as "),
        (["x/a\0.png\ty/z/a2.png"], "1 listed files do not exist, such as "),
        ([*lines(), lines()[1]], "list.txt: x/b1.png is listed more than once; keep one line for each image"),
        (["x/a1.png\tx/a1.png"], 'a1.png is its own mask; where a file holds both, say "glued": "right"'),
        (['{"image": "x/a1.png", "mask": "x/a1.png", "glued": "top"}'], '"glued" must be "left" or "right"'),
        (['{"image": "x/a1.png", "mask": "y/z/a2.png", "glued": "left"}'], "image and mask the same file"),
    ],
)
def test_a_list_that_cannot_be_says_which_line_and_why(
    text: list[str], words: str, scattered: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(scattered)
    assert words in refusal(text)


@pytest.mark.parametrize("path", ["../x/a1.png", "/etc/passwd", "..\\a.png", "c:/a.png", "a\0b.png", ""])
def test_metadata_may_not_name_files_outside_its_folder(path: str, scattered: Path) -> None:
    row = json.dumps({"file_name": path, "mask_file_name": "y/z/a2.png"})
    (scattered / "metadata.jsonl").write_text(row + "\n")
    with pytest.raises(DataError) as caught:
        find_pairs(scattered)
    plain_here = os.name != "nt" and path in ("..\\a.png", "c:/a.png")  # a name like any other, of no file
    said = "listed files do not exist" if plain_here else "is not a relative path below its own folder"
    assert said in caught.value.message


def test_metadata_may_not_lead_outside_by_a_link(scattered: Path, tmp_path: Path) -> None:
    draw(tmp_path, "secret.png", "image")
    (scattered / "x/link.png").symlink_to(tmp_path / "secret.png")
    (scattered / "metadata.jsonl").write_text('{"file_name": "x/link.png", "mask_file_name": "y/z/a2.png"}\n')
    with pytest.raises(DataError, match=r"line 1: 'x/link\.png' is a link that leads out of the folder"):
        find_pairs(scattered)


def glue(root: Path, side: Side, suffix: str = ".png", mode: str = "RGB") -> Path:
    for number, split in enumerate(("train", "train", "train", "val")):
        mask = Image.fromarray(classes(number, 3) * np.uint8(100)).convert(mode)
        image = Image.fromarray(photograph(number)).convert(mode)
        halves = [np.asarray(one) for one in ((mask, image) if side == "left" else (image, mask))]
        (root / split).mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.hstack(halves)).save(root / split / f"{number}{suffix}")
    return root


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("side", ["left", "right"])
def test_a_glued_pair_is_two_halves_of_one_file(side: Side, mode: str, tmp_path: Path) -> None:
    found = find_pairs(glue(tmp_path, side, mode=mode), Selection(glued=side))
    assert [(pair.image, pair.mask, pair.split) for pair in found.pairs] == [
        (f"{split}/{n}.png", f"{split}/{n}.png", split) for n, split in enumerate(("train", "train", "train", "val"))
    ]
    assert found.pairs[0].image_template == found.pairs[0].mask_template == "train/{id}.png"
    checked = check_pairs(found, CheckPolicy())
    assert checked.label_map.values == (0, 100, 200)
    assert {item.size[0] for item in checked.pairs} == {WIDTH}
    for number, item in enumerate(checked.pairs):
        drawn = load_classes(tmp_path, item, checked.policy, checked.label_map)
        np.testing.assert_array_equal(drawn, classes(number, 3))
        image = Image.fromarray(photograph(number)).convert(mode)
        np.testing.assert_array_equal(load_image(tmp_path, item, checked.policy), np.asarray(image))


def test_glued_jpegs_are_refused_until_their_values_are_named(tmp_path: Path) -> None:
    found = find_pairs(glue(tmp_path, "right", ".jpg"), Selection(glued="right"))
    with pytest.raises(DataError, match=r"--threshold \d+ cuts them|--labels 0,100,200"):
        check_pairs(found, CheckPolicy())
    checked = check_pairs(found, CheckPolicy(cleaning=Cleaning(labels=(0, 100, 200))))
    assert checked.label_map.values == (0, 100, 200)


def test_a_folder_of_glued_pairs_is_refused_with_the_flag(cli: Cli, tmp_path: Path) -> None:
    root = glue(tmp_path / "set", "right")
    ran = cli("check", root)
    assert ran.code == 3
    assert "--glued right where one file holds both" in ran.err
    rows = json.loads(cli("check", root, "--glued", "right", "--json").out)["pairs"]
    assert {row["glued"] for row in rows} == {"right"}


def test_files_that_are_not_two_halves_are_refused(tmp_path: Path) -> None:
    Image.fromarray(photograph(1, 33, 20)).save(tmp_path / "a.png")
    Image.fromarray(photograph(1)).quantize().save(tmp_path / "b.png")
    with pytest.raises(DataError) as caught:
        check_pairs(find_pairs(tmp_path, Selection(glued="left")), CheckPolicy())
    assert "33 pixels wide, so it is not two halves of one size; leave out --glued" in caught.value.details[0]
    assert "image and mask glued in mode P are not supported; store grey or RGB" in caught.value.details[1]


def test_metadata_says_of_a_glued_pair_where_its_mask_lies(tmp_path: Path) -> None:
    root = glue(tmp_path, "left")
    row = {"file_name": "train/1.png", "mask_file_name": "train/1.png", "glued": "left"}
    (root / "metadata.jsonl").write_text(json.dumps(row) + "\n")
    (pair,) = find_pairs(root).pairs
    assert (pair.glued, pair.image_template, pair.mask_template) == ("left", "train/{id}.png", "train/{id}.png")
    assert check_pairs(find_pairs(root), CheckPolicy()).label_map.values == (0, 100, 200)


def test_a_bare_folder_of_masks_is_a_source_of_masks(tmp_path: Path) -> None:
    for number in (21, 22):
        draw(tmp_path, f"{number}_manual1.gif", "mask")
        draw(tmp_path, f"{number}_manual2.gif", "mask")
    found = find_masks(tmp_path)
    assert [(pair.image, pair.mask, pair.mask_template) for pair in found.pairs] == [
        ("", f"{number}_manual1.gif", "{id}_manual1.gif") for number in (21, 22)
    ]
    assert {entry.path for entry in found.skipped} == {"21_manual2.gif", "22_manual2.gif"}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_lists_are_read_as_editors_and_shells_write_them(encoding: str, tmp_path: Path) -> None:
    listed = tmp_path / "list.txt"
    listed.write_bytes("größe.png\tmaske.png\n".encode(encoding))
    assert read_list(listed) == ["größe.png\tmaske.png"]


def test_a_list_in_another_encoding_is_refused_by_its_line(tmp_path: Path) -> None:
    listed = tmp_path / "list.txt"
    listed.write_bytes("a.png\tb.png\ngröße.png\tmaske.png\n".encode("latin-1"))
    with pytest.raises(DataError, match=r"list\.txt: line 2 is not UTF-8; save the list as UTF-8"):
        read_list(listed)
