"""``pairaug check DIR`` on real data as a new user would type it: read rightly, or refused with the flag to give."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from tests.conftest import Cli


@pytest.mark.parametrize(
    ("folder", "pairs", "values", "sizes", "skipped"),
    [
        ("chase_db1", 28, [0, 1], {(999, 960)}, {"a second annotation": 28}),
        ("nuclei_dsb2018", 334, [0, 255], {(256, 256)}, {}),
        ("nuclei_dsb2018_instances", 12, [0, 255], {(256, 256), (320, 256), (360, 360), (347, 260)}, {}),
    ],
)
def test_a_folder_is_read_without_a_flag(
    real_data: Path,
    cli: Cli,
    folder: str,
    pairs: int,
    values: list[int],
    sizes: set[tuple[int, int]],
    skipped: dict[str, int],
) -> None:
    ran = cli("check", real_data / folder, "--json")
    assert ran.code == 0
    found = json.loads(ran.out)
    assert (len(found["pairs"]), found["label_values"]) == (pairs, values)
    assert {tuple(pair["size"]) for pair in found["pairs"]} == sizes
    reasons = [entry["reason"] for entry in found["skipped"]]
    assert {reason: reasons.count(reason) for reason in reasons} == skipped


def test_each_image_of_the_vessels_has_the_first_observer(real_data: Path, cli: Cli) -> None:
    for pair in json.loads(cli("check", real_data / "chase_db1", "--json").out)["pairs"]:
        assert pair["mask"] == pair["image"].replace(".jpg", "_1stHO.png")


def test_the_masks_of_one_image_s_nuclei_are_united(real_data: Path, cli: Cli) -> None:
    pairs = json.loads(cli("check", real_data / "nuclei_dsb2018_instances", "--json").out)["pairs"]
    listed = {pair["image"]: pair["mask"] for pair in pairs}
    for folder in (real_data / "nuclei_dsb2018_instances").iterdir():
        if folder.is_dir():
            masks = sorted(f"{folder.name}/masks/{path.name}" for path in (folder / "masks").iterdir())
            assert listed[f"{folder.name}/images/{folder.name}.png"] == masks


def test_the_dirt_in_the_blood_cells_is_shown_and_the_flag_cleans_it(real_data: Path, cli: Cli) -> None:
    ran = cli("check", real_data / "wbc")
    assert ran.code == 3
    assert "stray label values in 5 of 100 masks beside {0, 128, 255}" in ran.err
    assert "047.png: 7 (179 px)" in ran.err
    (flag,) = re.findall(r"--labels 0\S*(?=,)", ran.err)
    found = json.loads(cli("check", real_data / "wbc", *flag.split(), "--json").out)
    assert (len(found["pairs"]), found["label_values"]) == (100, [0, 128, 255])


def test_the_two_kinds_of_lung_masks_are_shown_and_the_flags_choose(real_data: Path, cli: Cli) -> None:
    ran = cli("check", real_data / "covid_ct")
    assert ran.code == 3
    assert "two kinds of masks" in ran.err
    lines = [line for line in ran.err.splitlines() if ": --only" in line]
    for line, values in zip(lines, ([0, 255], [0, 1, 2]), strict=True):
        flags = shlex.split(line[line.index(": --only") + 2 :])
        found = json.loads(cli("check", real_data / "covid_ct", *flags, "--json").out)
        assert found["label_values"] == values
        assert {pair["split"] for pair in found["pairs"]} == {"train", "test"}
        assert all("/GT/" in pair["mask"] for pair in found["pairs"])
        assert len(found["pairs"]) == 98
        kind = "LungInfection" if values == [0, 255] else "MultiClassInfection"
        assert kind in found["layout"]
        assert all(kind in pair["mask"] for pair in found["pairs"])


@pytest.mark.parametrize(("folder", "values"), [("wbc", 14), ("covid_ct", 4)])
def test_the_other_remedy_of_both_refusals_works_too(real_data: Path, cli: Cli, folder: str, values: int) -> None:
    assert "--labels all" in cli("check", real_data / folder).err
    assert len(json.loads(cli("check", real_data / folder, "--labels", "all", "--json").out)["label_values"]) == values


def test_a_reader_learns_that_masks_were_united_and_how_rare_a_value_is(real_data: Path, cli: Cli) -> None:
    assert "PNG L (12), the union of " in cli("check", real_data / "nuclei_dsb2018_instances").out
    assert "2 (under 0.1% of the pixels)" in cli("check", real_data / "wbc", "--labels", "all").out


def test_a_folder_of_masks_alone_or_of_all_sets_is_refused_in_words(real_data: Path, cli: Cli) -> None:
    alone = cli("check", real_data / "covid_ct/TestingSet/LungInfection-Test/GT")
    assert (alone.code, "no pairs found (48 files: part of no pair)" in alone.err) == (3, True)
    assert "stray label values in 5 of" in cli("check", real_data, "--exclude", "busi").err
