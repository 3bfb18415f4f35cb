"""What a user asks of the masks is what the set holds, by any mask generator."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import label

import pairaug
from pairaug.errors import UsageError
from pairaug.gates.base import Gates
from pairaug.gates.steering import AreaGate, ClassGate, PartsGate
from pairaug.pairs.labels import LabelMap
from pairaug.synthesis.steering import steered
from tests.conftest import Cli

EIGHT = np.ones((3, 3), dtype=np.int64)
MASK = np.array([[1, 0, 0, 2], [0, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]], np.uint8)


def masks_of(out: Path) -> list[np.ndarray]:
    rows = [json.loads(line) for line in (out / "metadata.jsonl").read_text().splitlines()]
    return [np.asarray(Image.open(out / row["mask_file_name"])) for row in rows]


@pytest.mark.parametrize(
    ("gate", "passed", "score", "limit"),
    [
        (AreaGate(0.1, 0.2), True, 3 / 16, 0.2),
        (AreaGate(0.0, 0.1), False, 3 / 16, 0.1),
        (AreaGate(0.5, 1.0), False, 3 / 16, 0.5),
        (PartsGate(2, 2), True, 2, 2),
        (PartsGate(3, 9), False, 2, 3),
        (ClassGate(2), True, 1, float("inf")),
        (ClassGate(3), False, 0, 1),
    ],
)
def test_a_gate_tells_what_it_saw_and_the_bound_that_it_breaks(gate, passed: bool, score: float, limit: float) -> None:
    judged = gate.judge(MASK)
    assert (judged.passed, judged.score, judged.limit) == (passed, score, limit)


def test_every_mask_is_as_asked_and_what_was_not_is_told(fitted: Path, cli: Cli) -> None:
    free = pairaug.synthesize("free", 12, models=fitted)
    shares = sorted((mask > 0).mean() for mask in masks_of(free))
    area = f"{shares[3]:.4f}-{shares[8]:.4f}"
    assert cli("synthesize", "--out", "out", "--models", fitted, "--count", 8, "--area", area).code == 0
    assert all(shares[3] - 1e-4 <= (mask > 0).mean() <= shares[8] + 1e-4 for mask in masks_of(Path("out")))
    manifest = json.loads(Path("out", "manifest.json").read_text())
    assert manifest["config"]["area"]["value"] == area
    assert {reject["gate"] for reject in manifest["rejects"]} == {"area"}


def test_parts_are_steered_too(fitted: Path) -> None:
    free = pairaug.synthesize("free", 12, models=fitted)
    fewest = min(int(label(mask > 0, EIGHT)[1]) for mask in masks_of(free))
    out = pairaug.synthesize("out", 4, models=fitted, parts=f"{fewest}-{fewest + 1}")
    assert all(fewest <= label(mask > 0, EIGHT)[1] <= fewest + 1 for mask in masks_of(out))


def test_what_never_comes_is_given_up_with_exit_8(fitted: Path, cli: Cli) -> None:
    ran = cli("synthesize", "--out", "out", "--models", fitted, "--count", 2, "--area", "0.9-1", "--threads", 1)
    assert ran.code == 8
    assert "2 pairs were given up by the gates" in ran.err
    assert cli("verify", "out").code == 0


def test_a_class_is_asked_for_by_its_label_value() -> None:
    gates = steered(Gates(), None, None, "128", LabelMap((0, 128, 255)))
    assert gates.masks == (ClassGate(1),)
    colours = LabelMap((0, 2**24 + 0xFF0000))
    assert steered(Gates(), None, None, "#ff0000", colours).masks == (ClassGate(1),)


def test_another_range_makes_another_set(fitted: Path, cli: Cli) -> None:
    assert cli("synthesize", "--out", "out", "--models", fitted, "--count", 1, "--area", "0-0.9").code == 0
    ran = cli("synthesize", "--out", "out", "--models", fitted, "--count", 1, "--area", "0-0.8")
    assert ran.code == 5
    assert "it differs in gates" in ran.err


def test_without_steering_there_is_no_gate() -> None:
    gates = Gates()
    assert steered(gates, None, None, None, LabelMap((0, 255))) is gates


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("--area", "0.2"), "--area 0.2: must be LOW-HIGH, such as 0.02-0.2"),
        (("--area", "2-20"), "--area 2-20: shares of the frame lie between 0 and 1, such as 0.02-0.2"),
        (("--area", "0.3-0.1"), "--area 0.3-0.1: LOW must not be above HIGH; give a range such as 0.02-0.2"),
        (("--parts", "1.5-3"), "--parts 1.5-3: must be whole numbers, such as 1-20"),
        (("--parts", "nan-3"), "--parts nan-3: LOW must not be above HIGH; give a range such as 1-20"),
        (("--include-class", "7"), "--include-class 7: not a label value of the foreground; choose from {255}"),
        (("--include-class", "0"), "--include-class 0: not a label value of the foreground; choose from {255}"),
        (("--area", "0-1", "--masks-from", "masks"), "--area 0-1: masks of --masks-from are used as they are"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_a_line(given: tuple[str, ...], said: str, fitted: Path, cli: Cli) -> None:
    ran = cli("synthesize", "--out", "out", "--models", fitted, *given)
    assert ran.code == 2
    assert said in ran.err
    assert not Path("out").exists()


def test_python_hears_of_keyword_arguments(fitted: Path) -> None:
    with pytest.raises(UsageError, match=r"^area='?0\.2'?: must be LOW-HIGH"):
        pairaug.synthesize("out", 1, models=fitted, area="0.2")
