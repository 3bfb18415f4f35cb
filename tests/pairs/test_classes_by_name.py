"""Several masks of one image: united only where their names are unique or numbers, classes only on request."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pairaug.errors import DataError
from pairaug.pairs.checked import Checked, CheckPolicy
from pairaug.pairs.checking import check_pairs, load_classes
from pairaug.pairs.pair import Several
from pairaug.pairs.source import Selection, find_pairs
from tests.conftest import Cli
from tests.pairs.drawn import HEIGHT, WIDTH, draw

SAMPLES = ("p1", "p2", "p3")
ORGANS = ("aorta", "liver", "spleen")
PLACES = {
    "a folder a sample": ("{0}/image.png", "{0}/{1}.png"),
    "a folder of masks a sample": ("{0}/image.png", "{0}/masks/{1}.png"),
    "named after the sample": ("{0}/{0}.jpg", "{0}/{1}.png"),
    "a folder a class": ("images/{0}.png", "masks/{1}/{0}.png"),
    "an ending a class": ("images/{0}.png", "masks/{0}_{1}.png"),
    "a word before the mask's own": ("images/{0}.png", "masks/{0}_{1}_mask.png"),
    "a folder of masks an image": ("images/{0}.png", "masks/{0}/{1}.png"),
}
by_place = pytest.mark.parametrize("place", PLACES)


def organ(number: int, value: int = 255) -> Image.Image:
    """One organ a third of the picture wide; the first reaches into the second."""
    mask = np.zeros((HEIGHT, WIDTH), dtype=np.uint8)
    mask[8:30, number * WIDTH // 3 : (number + 1) * WIDTH // 3 + (4 if number == 0 else -2)] = value
    return Image.fromarray(mask)


def organs(root: Path, place: str) -> Path:
    image, mask = PLACES[place]
    for sample in SAMPLES:
        draw(root, image.format(sample), "image")
        for number, name in enumerate(ORGANS):
            path = root / mask.format(sample, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            organ(number).save(path)
    return root


def checked(root: Path, several: Several) -> Checked:
    return check_pairs(find_pairs(root, Selection(several=several)), CheckPolicy())


@by_place
def test_names_that_recur_are_not_united_in_silence(place: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="--classes-from-names") as caught:
        find_pairs(organs(tmp_path, place))
    assert "--unite" in caught.value.message


@by_place
def test_on_request_each_name_is_a_class(place: str, tmp_path: Path) -> None:
    found = checked(organs(tmp_path, place), "classes")
    assert (found.label_map.values, found.class_names) == ((0, 1, 2, 3), ORGANS)
    classes = load_classes(found.root, found.pairs[0], found.policy, found.label_map)
    assert [int(classes[10, 2]), int(classes[10, WIDTH // 2]), int(classes[10, WIDTH - 4])] == [1, 2, 3]
    assert classes[10, WIDTH // 3 + 1] == 2  # where two overlap, the smaller


@by_place
def test_on_request_all_are_parts_of_one(place: str, tmp_path: Path) -> None:
    found = checked(organs(tmp_path, place), "parts")
    assert found.label_map.values == (0, 255)
    assert all(len(item.pair.masks) == 3 for item in found.pairs)


@by_place
def test_a_new_mask_of_all_classes_is_named_after_none_of_them(place: str, tmp_path: Path) -> None:
    (template,) = {item.pair.mask_template for item in checked(organs(tmp_path, place), "classes").pairs}
    assert "labels" in template
    assert "{id}" in template
    assert not any(name in template for name in ORGANS)


def test_the_commands_say_what_a_file_stands_for(tmp_path: Path, cli: Cli) -> None:
    organs(tmp_path / "data", "a folder a sample")
    said = "3 files each, one a class (1 aorta, 2 liver, 3 spleen; the smaller one where two overlap)"
    assert said in cli("check", tmp_path / "data", "--classes-from-names").out
    assert said in cli("fit-masks", tmp_path / "data", "--classes-from-names", "-n").err
    assert "the union of 3 files each" in cli("fit-masks", tmp_path / "data", "--unite", "-n").err


def test_numbered_and_unique_names_are_parts(tmp_path: Path) -> None:
    for sample, parts in {"p1": ("a7", "b9"), "p2": ("c3",), "p3": ("d1", "e5", "f2")}.items():
        draw(tmp_path, f"unique/{sample}/images/{sample}.png", "image")
        draw(tmp_path, f"numbered/{sample}.png", "image")
        for number, part in enumerate(parts):
            draw(tmp_path, f"unique/{sample}/masks/{part}.png", "mask")
            draw(tmp_path, f"numbered/{sample}_mask{f'_{number}' if number else ''}.png", "mask")
    for folder in ("unique", "numbered"):
        assert [len(pair.masks) for pair in find_pairs(tmp_path / folder).pairs] == [2, 1, 3]


def test_the_same_numbers_in_every_sample_may_be_classes(tmp_path: Path) -> None:
    for sample in SAMPLES:
        draw(tmp_path, f"{sample}/image.png", "image")
        for number in (1, 2):
            draw(tmp_path, f"{sample}/masks/{number}.png", "mask")
    with pytest.raises(DataError, match="names recur from image to image"):
        find_pairs(tmp_path)
    assert all(len(pair.masks) == 2 for pair in find_pairs(tmp_path, Selection(several="parts")).pairs)


def test_a_class_file_of_several_values_is_refused(tmp_path: Path) -> None:
    organs(tmp_path, "a folder a sample")
    (organ := np.array(Image.open(tmp_path / "p1" / "liver.png")))[0, 0] = 7
    Image.fromarray(organ).save(tmp_path / "p1" / "liver.png")
    with pytest.raises(DataError) as caught:
        checked(tmp_path, "classes")
    assert "p1/liver.png: holds several values {0, 7, 255}" in caught.value.details[0]


def test_both_requests_at_once_are_refused(tmp_path: Path, cli: Cli) -> None:
    ran = cli("check", tmp_path, "--unite", "--classes-from-names")
    assert (ran.code, "exclude each other" in ran.err) == (2, True)
