"""The whole road on real data, in small; skipped where the data are not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import Cli

CT = "covid_ct/TrainingSet/LungInfection-Train/Doctor-label"


@pytest.mark.parametrize(
    ("folder", "pairs", "values", "modes"),
    [("chase_db1", 28, [0, 1], ("RGB", "1")), (CT, 50, [0, 255], ("L", "L"))],
)
def test_three_commands_make_a_set_like_the_original(
    real_data: Path, cli: Cli, folder: str, pairs: int, values: list[int], modes: tuple[str, str]
) -> None:
    original = json.loads(cli("check", real_data / folder, "--json").out)
    assert len(original["pairs"]) == pairs
    assert original["label_values"] == values
    few = ("--limit", 4)
    assert cli("fit-masks", real_data / folder, *few).code == 0
    assert cli("fit-translator", real_data / folder, *few, "--epochs", 1, "--set", "base=2").code == 0
    assert cli("synthesize", "--count", 5, "--out", "out").code == 0
    assert cli("verify", "out").code == 0
    made = json.loads(cli("check", "out", "--json").out)
    assert len(made["pairs"]) == 5
    assert made["label_values"] == values
    assert {(p["image_mode"], p["mask_mode"]) for p in made["pairs"]} == {modes}
    sizes = {tuple(p["size"]) for p in original["pairs"][:4]}
    assert {tuple(p["size"]) for p in made["pairs"]} <= sizes


def test_the_edge_maps_of_the_ct_set_are_not_taken_for_masks(real_data: Path, cli: Cli) -> None:
    content = json.loads(cli("check", real_data / CT, "--json").out)
    assert {p["mask"].split("/")[0] for p in content["pairs"]} == {"GT"}
    assert {entry["path"].split("/")[0] for entry in content["skipped"]} == {"Edge"}
