"""Groups stay together: found by a regular expression, whole under a limit, never in two splits."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from pairaug.errors import DataError, UsageError
from pairaug.pairs.groups import grouped, whole_groups
from pairaug.pairs.pair import Pair
from tests.conftest import Cli


def pair(image: str, split: str | None = None) -> Pair:
    return Pair(image, (image + ".mask",), "{id}", "{id}_mask", split)


EYES = [pair(f"Image_{child}{eye}.jpg") for child in ("01", "02", "03") for eye in "LR"]


@pytest.mark.parametrize(("pattern", "groups"), [(r"Image_(\d\d)", ["01", "02", "03"]), ("[LR]", ["L", "R"])])
def test_the_group_is_the_parenthesis_or_all_that_matches(pattern: str, groups: list[str]) -> None:
    assert sorted({p.group or "" for p in grouped(EYES, pattern)}) == groups


def test_a_path_without_a_group_and_an_expression_that_is_none_are_refused() -> None:
    with pytest.raises(DataError, match=r"other\.jpg"):
        grouped([*EYES, pair("other.jpg")], r"Image_(\d\d)")
    with pytest.raises(UsageError, match="regular expression"):
        grouped(EYES, "(")


def test_a_limit_takes_whole_groups() -> None:
    eyes = grouped(EYES, r"Image_(\d\d)")
    assert [p.image for p in whole_groups(eyes, 5)] == [p.image for p in eyes[:4]]
    with pytest.raises(UsageError, match="first group alone has 2"):
        whole_groups(eyes, 1)


def test_a_patient_in_two_splits_is_refused_and_named() -> None:
    pairs = [pair("train/images/7_a.png", "train"), pair("test/images/7_b.png", "test")]
    with pytest.raises(DataError) as caught:
        grouped(pairs, r"(\d+)_")
    assert caught.value.details == ("7: train/images/7_a.png and test/images/7_b.png",)


def test_a_model_remembers_which_pairs_belong_together_but_not_their_names(
    drive: Path, cli: Cli, tmp_path: Path
) -> None:
    for kind in ("images", "masks"):
        (tmp_path / "data" / kind).mkdir(parents=True)
        for i, path in enumerate(sorted((drive / kind).iterdir())):
            shutil.copy(path, tmp_path / "data" / kind / f"{('smith', 'jones')[i // 3]}-{i}.png")
    assert cli("fit-masks", "data", "--group-by", r"(smith)|(jones)").code == 3  # the first parenthesis counts
    ran = cli("fit-masks", "data", "--group-by", r"(smith|jones)", "--limit", 5)
    assert ran.code == 0, ran.err
    text = Path("pairaug-models/masks/pairs.jsonl").read_text()
    assert [json.loads(line)["group"] for line in text.splitlines()] == [0, 0, 0]
    assert "jones" not in text
    content = json.loads(cli("check", "data", "--group-by", "smith|jones", "--json").out)
    assert [p["group"] for p in content["pairs"]] == ["jones"] * 3 + ["smith"] * 3
