"""``pairaug evaluate --utility`` from files, with a trainer that takes no time."""

from __future__ import annotations

import json
from pathlib import Path
from shutil import copytree

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from pairaug.evaluation.utility import usefulness
from pairaug.pairs.drawing import write_demo_pairs
from pairaug.reporting import Reporter
from pairaug.segmenter.base import Look, Recipe
from pairaug.synthesis.run import SynthesisOptions, synthesize
from tests.conftest import Cli
from tests.several import together


class Darker:
    """Takes for foreground what is darker than most of the picture, the more real pairs the better."""

    def __init__(self, share: float) -> None:
        self.share = share

    def predict(self, image: NDArray[np.floating]) -> NDArray[np.uint8]:  # type: ignore[type-arg]
        grey = image.mean(axis=2)
        return (grey < np.quantile(grey, self.share)).astype(np.uint8)

    def save(self, path: Path) -> None:
        raise NotImplementedError


class QuickRuler:
    fits = 0

    def __init__(self, preset: str, *, sharing: bool, steps: int | None, device: torch.device) -> None:
        self.name = f"darker, {preset}, {steps}"

    def schedule(self, pairs: int) -> tuple[int, ...]:
        return pairs, 2 * pairs

    def seconds(self, pairs: int) -> float:
        return 1.0

    def fit(self, recipe: Recipe, classes: int, seed: int, reporter: Reporter, look: Look | None = None) -> Darker:
        QuickRuler.fits += 1
        found = Darker(0.1 + 0.01 * len(recipe.real) + 0.002 * seed)
        for steps in self.schedule(len(recipe.real)):
            if look is not None:
                look(steps, found)
        return found


@pytest.fixture(autouse=True)
def _quick_ruler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usefulness, "ReferenceSegmenter", QuickRuler)
    monkeypatch.setattr(QuickRuler, "fits", 0)


@pytest.fixture(scope="module")
def augmented(fitted: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return synthesize(tmp_path_factory.mktemp("set") / "aug", SynthesisOptions(count=6, models=fitted, threads=1))


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pairs that the models of ``fitted`` did not see."""
    return write_demo_pairs(tmp_path_factory.mktemp("data") / "others", 4, side=96, seed=77)


FLAGS = (
    "--utility", "--parts", "utility", "--arms", "classical,synthetic", "--curve", "classical", "--seeds", "2",
)  # fmt: skip


def test_it_answers_and_the_second_run_reads_what_is_saved(
    cli: Cli, drive: Path, augmented: Path, others: Path
) -> None:
    ran = cli("evaluate", drive, augmented, *FLAGS, "--test", others, "--json", "--models", "models")
    assert ran.code == 0, ran.err
    content = json.loads(ran.out)["utility"]
    assert content["verdict"] in ("helps", "does not help", "cannot tell")
    assert (content["real_pairs"], content["synthetic_pairs"], content["test_pairs"]) == (6, 6, 4)
    assert len(list(Path("models/utility").glob("*.json"))) == QuickRuler.fits == 2 * 2 + 2
    again = cli("evaluate", drive, augmented, *FLAGS, "--test", others, "--json", "--models", "models")
    assert json.loads(again.out)["utility"] == content
    assert QuickRuler.fits == 6


def test_test_pairs_that_were_fitted_on_are_exit_3(cli: Cli, drive: Path, augmented: Path) -> None:
    ran = cli("evaluate", drive, augmented, *FLAGS, "--test", drive)
    assert ran.code == 3
    assert "6 of 6 test pairs were seen in fitting (the same image file), such as images/" in ran.err
    assert ran.out == ""


def test_nothing_to_test_on_is_exit_2(cli: Cli, drive: Path, augmented: Path) -> None:
    ran = cli("evaluate", drive, augmented, *FLAGS)
    assert ran.code == 2
    assert "give --test SOURCE, or --group-by REGEX" in ran.err


def test_a_real_set_that_the_models_did_not_see_is_exit_3(cli: Cli, augmented: Path, others: Path, drive: Path) -> None:
    ran = cli("evaluate", others, augmented, *FLAGS, "--test", drive)
    assert ran.code == 3
    assert "6 of the 6 pairs that the translator model saw are not in REAL" in ran.err


def test_another_tools_set_needs_a_list(cli: Cli, drive: Path, others: Path, tmp_path: Path) -> None:
    strange = write_demo_pairs(tmp_path / "strange", 4, side=96, seed=55)
    ran = cli("evaluate", drive, strange, *FLAGS, "--test", others)
    assert ran.code == 3
    assert "give them with --fitted-on LIST" in ran.err
    ran = cli("evaluate", drive, strange, *FLAGS, "--test", others, "--fitted-on", drive, "--json")
    assert ran.code == 0, ran.err
    assert json.loads(ran.out)["utility"]["real_pairs"] == 6


def test_what_utility_refuses_is_refused_before_anything_else_is_measured(
    cli: Cli, drive: Path, augmented: Path, others: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def measured(*arguments: object) -> None:
        pytest.fail("measured")

    monkeypatch.setattr("pairaug.evaluation.evaluate.measure_masks", measured)
    assert cli("evaluate", drive, augmented, "--utility").code == 2
    strange = write_demo_pairs(tmp_path / "strange", 4, side=96, seed=55)
    assert cli("evaluate", drive, strange, "--utility", "--test", others).code == 3


def test_a_test_pair_left_out_by_skip_bad_is_exit_8(cli: Cli, drive: Path, augmented: Path, tmp_path: Path) -> None:
    damaged = write_demo_pairs(tmp_path / "damaged", 5, side=96, seed=77)
    mask = sorted((damaged / "masks").iterdir())[-1]
    mask.write_bytes(mask.read_bytes()[:60])
    ran = cli("evaluate", drive, augmented, *FLAGS, "--test", damaged, "--skip-bad", "--json")
    assert ran.code == 8, ran.err
    assert mask.name in ran.err
    assert json.loads(ran.out)["utility"]["test_pairs"] == 4


def test_a_time_in_which_no_run_fits_leaves_utility_out_and_says_so(
    cli: Cli, drive: Path, augmented: Path, others: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QuickRuler, "seconds", lambda self, pairs: 1e6)
    ran = cli("evaluate", drive, augmented, *FLAGS, "--test", others, "--json", "--max-minutes", "5")
    assert ran.code == 0, ran.err
    content = json.loads(ran.out)
    assert content["utility"] is None
    assert "--max-minutes" in next(entry["reason"] for entry in content["not_measured"] if entry["part"] == "utility")


QUICK = """
from pairaug.evaluation.utility import usefulness
from tests.evaluation.utility.test_command import QuickRuler
usefulness.ReferenceSegmenter = QuickRuler

"""
COUNT_CELLS = """
from pairaug.evaluation.utility import running
write, place = running._run, {place!r}
def counted(*given):
    open(place, "a").write("x")
    return write(*given)
running._run = counted
"""


def test_ranks_share_the_runs_and_the_first_answers(
    cli: Cli, drive: Path, augmented: Path, others: Path, tmp_path: Path
) -> None:
    command = ("evaluate", drive, augmented, *FLAGS, "--test", others, "--json", "--models")
    alone = cli(*command, "alone")
    places = [tmp_path / "cells0", tmp_path / "cells1"]
    hooks = tuple(QUICK + COUNT_CELLS.format(place=str(place)) for place in places)
    first, second = together(*command, "models", hooks=hooks)
    assert (first.code, second.code) == (0, 0), first.err + second.err
    assert (second.out, second.err) == ("", "")
    assert [len(place.read_text()) for place in places] == [3, 3]
    ours, theirs = (json.loads(text)["utility"] for text in (first.out, alone.out))
    for arm in (*ours["arms"], *theirs["arms"]):
        assert arm.pop("seconds") >= 0  # which no two runs share
    assert ours == theirs
    assert sorted(path.name for path in Path("models/utility").glob("*.json")) == sorted(
        path.name for path in Path("alone/utility").glob("*.json")
    )


@pytest.fixture
def further(tmp_path: Path) -> Path:
    """Pairs of which neither models nor tests know anything."""
    return write_demo_pairs(tmp_path / "further", 5, side=96, seed=91)


def test_images_without_masks_and_an_oracle_reach_it_from_files(
    cli: Cli, drive: Path, augmented: Path, others: Path, further: Path, tmp_path: Path
) -> None:
    listed = tmp_path / "oracle.txt"
    listed.write_text("".join(f"{further}/images/0{n}.png\t{further}/masks/0{n}.png\n" for n in (1, 2, 3)))
    bare = tmp_path / "site"
    for place in (further, others):
        copytree(place / "images", bare / place.name)
    command = ("evaluate", drive, augmented, *FLAGS, "--test", others, "--json", "--unlabelled", bare)
    ran = cli(*command, "--oracle", listed)
    assert ran.code == 0, ran.err
    content = json.loads(ran.out)["utility"]
    assert (content["unlabelled_images"], content["oracle_pairs"]) == (5, 3)
    assert any("4 of 9 images without masks are left out: 4 of test pairs" in note for note in content["notes"])


def test_an_oracle_of_fitted_pairs_is_exit_3(cli: Cli, drive: Path, augmented: Path, others: Path) -> None:
    ran = cli("evaluate", drive, augmented, *FLAGS, "--test", others, "--oracle", drive)
    assert ran.code == 3
    assert "--oracle: 6 of its 6 pairs were fitted on, such as images/" in ran.err


def test_images_of_other_channels_than_the_real_ones_are_exit_3(
    cli: Cli, drive: Path, augmented: Path, others: Path, tmp_path: Path
) -> None:
    (tmp_path / "grey").mkdir()
    Image.fromarray(np.arange(96 * 96, dtype=np.uint32).reshape(96, 96).astype(np.uint8)).save(tmp_path / "grey/1.png")
    ran = cli("evaluate", drive, augmented, *FLAGS, "--test", others, "--unlabelled", tmp_path / "grey")
    assert ran.code == 3
    assert "its images are grey, the real ones colour; convert one set to the other's mode" in ran.err


def test_an_image_without_a_mask_left_out_by_skip_bad_is_exit_8(
    cli: Cli, drive: Path, augmented: Path, others: Path, further: Path
) -> None:
    image = further / "images/05.png"
    image.write_bytes(image.read_bytes()[:60])
    command = ("evaluate", drive, augmented, *FLAGS, "--test", others, "--json", "--unlabelled", further / "images")
    assert cli(*command).code == 3
    ran = cli(*command, "--skip-bad")
    assert ran.code == 8, ran.err
    assert "05.png" in ran.err
    assert json.loads(ran.out)["utility"]["unlabelled_images"] == 4
