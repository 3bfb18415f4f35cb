"""The sets reach the measurement of use as they are: groups, digests, originals, the test split, what models saw."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pairaug.errors import DataError, UsageError
from pairaug.evaluation.evaluate import EvaluationOptions, evaluate
from pairaug.evaluation.utility import usefulness
from pairaug.evaluation.utility.options import UtilityOptions
from pairaug.evaluation.utility.result import Utility, WorthResult
from pairaug.evaluation.utility.usefulness import UtilityRequest
from pairaug.pairs.drawing import write_demo_pairs
from pairaug.pairs.source import Selection
from pairaug.synthesis.run import SynthesisOptions, synthesize
from tests.conftest import Cli

EACH = Selection(group_by=r"(.*)\.png")  # every pair is a group of its own, which may be split off for testing


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What ``measure_utility`` was asked for; it is not run."""
    found: dict[str, Any] = {}

    def measure(**arguments: Any) -> Utility:
        found.update(arguments)
        worth = WorthResult("", 0, (), None, "It was not run.")
        return Utility("cannot tell", "It was not run.", "", (), (), worth, {}, (), ())

    monkeypatch.setattr(usefulness, "measure_utility", measure)
    return found


def run(real: Path, wanted: UtilityRequest, **options: Any) -> Any:
    return evaluate(real, "out", EvaluationOptions(parts=("utility",), utility=wanted, **options))


def wanted(**facts: Any) -> UtilityRequest:
    return UtilityRequest(UtilityOptions(preset="quick"), **facts)


@pytest.fixture
def out(fitted: Path) -> None:
    synthesize("out", SynthesisOptions(count=4, models=fitted, include_originals=True))


def test_all_synthetic_pairs_take_part_and_originals_are_marked(
    drive: Path, out: None, asked: dict[str, Any], tmp_path: Path
) -> None:
    test = write_demo_pairs(tmp_path / "test", 3, side=96, seed=8)
    run(drive, wanted(test=test), sample=2)
    assert [item.original for item in asked["synthetic"]] == [True] * 6 + [False] * 4
    assert all(item.derived_from for item in asked["synthetic"][6:])
    assert len(asked["real"]) == 6
    assert [item.name for item in asked["test"]] == ["images/01.png", "images/02.png", "images/03.png"]
    assert asked["real"][0].read().image.shape == (96, 96, 3)
    assert {item.image_sha256 for item in asked["real"]} == asked["fitting"].models["translator"]
    assert asked["setting"].classes == 2


def test_groups_and_the_test_split_reach_it(drive: Path, out: None, asked: dict[str, Any], tmp_path: Path) -> None:
    for split, seed in (("train", 8), ("test", 9)):
        write_demo_pairs(tmp_path / "splits" / split, 2, side=96, seed=seed)
    run(drive, wanted(test=tmp_path / "splits"), selection=EACH)
    assert [item.group for item in asked["real"]] == [f"images/0{number}" for number in range(1, 7)]
    assert [item.name for item in asked["test"]] == ["test/images/01.png", "test/images/02.png"]
    assert asked["setting"].grouped


def test_a_list_vouches_for_what_was_seen(drive: Path, out: None, asked: dict[str, Any], tmp_path: Path) -> None:
    listed = tmp_path / "seen.txt"
    lines = [
        f"{drive}/images/{path.name}\t{drive}/masks/{path.name}\n" for path in sorted((drive / "images").iterdir())
    ]
    listed.write_text("".join(lines))
    run(drive, wanted(fitted_on=listed), selection=EACH)
    assert asked["fitting"].vouched == {item.image_sha256 for item in asked["real"]}
    assert asked["test"] is None


def test_a_list_that_leaves_out_what_the_manifest_names_is_refused_before_anything_is_measured(
    drive: Path, out: None, asked: dict[str, Any], tmp_path: Path
) -> None:
    listed = tmp_path / "seen.txt"
    listed.write_text("".join(f"{drive}/images/0{i}.png\t{drive}/masks/0{i}.png\n" for i in (1, 2)))
    with pytest.raises(DataError, match="--fitted-on leaves out 4 pairs that the manifest says the models saw"):
        run(drive, wanted(fitted_on=listed), selection=EACH)
    assert not asked


def test_the_time_that_is_left_reaches_it(drive: Path, out: None, asked: dict[str, Any]) -> None:
    run(drive, wanted(), max_minutes=10, selection=EACH)
    assert 0 < asked["options"].max_seconds <= 600


def test_a_dishonest_comparison_ends_the_command_with_exit_3(drive: Path, out: None, cli: Cli) -> None:
    ran = cli("evaluate", drive, "out", "--parts", "utility", "--utility", "--test", drive, "--preset", "quick")
    assert ran.code == 3
    assert "seen in fitting" in ran.err


def test_a_set_without_a_manifest_needs_a_list(drive: Path, tmp_path: Path) -> None:
    write_demo_pairs(tmp_path / "out", 3, side=96, seed=5)
    with pytest.raises(DataError, match="--fitted-on LIST"):
        run(drive, wanted(test=write_demo_pairs(tmp_path / "test", 3, side=96, seed=8)))


def test_flags_of_utility_alone_are_refused_without_it(drive: Path, cli: Cli) -> None:
    for flag in ("--test", "--fitted-on", "--unlabelled", "--oracle"):
        ran = cli("evaluate", drive, drive, flag, drive)
        assert ran.code == 2
        assert f"{flag} {drive}: only together with --utility" in ran.err
    with pytest.raises(UsageError, match="--seeds 0"):
        UtilityOptions(seeds=0)


def test_its_answer_stands_in_the_text(drive: Path, out: None, cli: Cli, asked: dict[str, Any]) -> None:
    ran = cli("evaluate", drive, "out", "--parts", "utility", "--utility", "-q", "--group-by", r"(.*)\.png")
    assert ran.code == 0, ran.err
    assert "does it help?   cannot tell: It was not run." in ran.out
