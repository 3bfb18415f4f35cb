"""``pairaug evaluate REAL --utility`` without a synthetic set: what needs none is compared, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import pairaug
from pairaug.errors import UsageError
from pairaug.evaluation.utility import usefulness
from pairaug.pairs.drawing import write_demo_pairs
from tests.conftest import Cli
from tests.evaluation.utility.test_command import QuickRuler

RIVALS = ("--utility", "--arms", "classical,copy-paste", "--seeds", "2", "--models", "models")


@pytest.fixture(autouse=True)
def _quick_ruler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usefulness, "ReferenceSegmenter", QuickRuler)


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_demo_pairs(tmp_path_factory.mktemp("data") / "others", 4, side=96, seed=77)


def listed(place: Path, pairs: Path, *numbers: int) -> Path:
    place.write_text("".join(f"{pairs}/images/0{n}.png\t{pairs}/masks/0{n}.png\n" for n in numbers))
    return place


def test_rivals_are_compared_and_no_other_part_is_measured(cli: Cli, drive: Path, others: Path) -> None:
    ran = cli("evaluate", drive, *RIVALS, "--test", others, "--json", "--html", "page.html")
    assert ran.code == 0, ran.err
    content = json.loads(ran.out)
    assert (content["utility"]["real_pairs"], content["utility"]["synthetic_pairs"]) == (6, 0)
    assert [arm["arm"] for arm in content["utility"]["arms"]] == ["real + classical", "copy-paste"]
    assert any("there is no synthetic set" in note for note in content["utility"]["notes"])
    assert content["synthetic"] == {"pairs": 0, "looked_at": 0, "originals_left_out": 0, "derived": 0}
    assert (content["digests"]["synthetic"], content["remarks"]) == (None, [])
    gaps = {entry["part"]: entry["reason"] for entry in content["not_measured"]}
    assert gaps == dict.fromkeys(("masks", "images", "novelty", "agreement"), "there is no synthetic set")
    page = Path("page.html").read_text()
    assert "ame one after REAL" in page
    assert "0 of 0" not in page


def test_the_text_says_that_there_is_no_synthetic_set(cli: Cli, drive: Path, others: Path) -> None:
    ran = cli("evaluate", drive, *RIVALS, "--test", others, "--parts", "utility", "-q")
    assert ran.code == 0, ran.err
    assert ran.out.startswith("6 real pairs, no synthetic set\n")


def test_test_pairs_inside_of_the_real_set_are_not_trained_on(cli: Cli, drive: Path, tmp_path: Path) -> None:
    test = listed(tmp_path / "test.txt", drive, 2, 5)
    ran = cli("evaluate", drive, *RIVALS, "--test", test, "--json")
    assert ran.code == 0, ran.err
    content = json.loads(ran.out)["utility"]
    assert (content["real_pairs"], content["test_pairs"], content["further_real_pairs"]) == (4, 2, 0)


def test_pairs_of_the_groups_of_test_pairs_are_not_trained_on(cli: Cli, drive: Path, tmp_path: Path) -> None:
    test = listed(tmp_path / "test.txt", drive, 1, 2)
    ran = cli("evaluate", drive, *RIVALS, "--test", test, "--json", "--group-by", r"0[14]|0[25]|0[36]")
    assert ran.code == 0, ran.err
    assert json.loads(ran.out)["utility"]["real_pairs"] == 4


def test_a_list_says_which_pairs_are_trained_on(cli: Cli, drive: Path, others: Path, tmp_path: Path) -> None:
    fitted = listed(tmp_path / "fitted.txt", drive, 1, 2, 3)
    ran = cli("evaluate", drive, *RIVALS, "--test", others, "--json", "--fitted-on", fitted)
    assert ran.code == 0, ran.err
    content = json.loads(ran.out)["utility"]
    assert (content["real_pairs"], content["further_real_pairs"]) == (3, 3)


def test_a_real_set_of_test_pairs_alone_is_exit_3(cli: Cli, drive: Path) -> None:
    ran = cli("evaluate", drive, *RIVALS, "--test", drive)
    assert ran.code == 3
    assert "all 6 pairs of REAL are test pairs or of their groups" in ran.err


@pytest.mark.parametrize(
    ("flags", "refusal"),
    [
        ([], "SYNTHETIC: not given; name the set to measure, or add --utility"),
        (["--utility", "--parts", "masks,utility"], "without SYNTHETIC utility alone can be measured"),
        (["--utility", "--arms", "classical,synthetic"], "without SYNTHETIC no synthetic arm can run"),
        (["--utility", "--out-items", "items.jsonl"], "there are no synthetic pairs to list"),
        (["--utility"], "give --test SOURCE, or --group-by REGEX"),
        (["--utility", "--group-by", r"0\d"], "without SYNTHETIC: needs to know which pairs of REAL are trained on"),
    ],
)
def test_what_needs_a_synthetic_set_is_refused(flags: list[str], refusal: str, cli: Cli, drive: Path) -> None:
    ran = cli("evaluate", drive, *flags)
    assert ran.code == 2
    assert refusal in ran.err


def test_from_python_too(drive: Path, others: Path, tmp_path: Path) -> None:
    found = pairaug.evaluate(
        drive, utility=True, test=others, arms=["classical", "copy-paste"], seeds=1, models=tmp_path / "models"
    )
    assert found.figures["utility"]["synthetic_pairs"] == 0
    with pytest.raises(UsageError, match="not given"):
        pairaug.evaluate(drive)
