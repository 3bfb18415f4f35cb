"""What a fit and a synthesis take on the disk is at most what was said before."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pairaug.fitted.space import bytes_of_fit, bytes_of_pairs, plain_bytes, planes_kept
from pairaug.pairs.form import Form
from pairaug.synthesis.run import SynthesisOptions, synthesize
from tests.conftest import Cli


def test_a_fit_keeps_its_model_and_two_checkpoints_and_what_it_keeps_of_the_pairs() -> None:
    assert bytes_of_fit(1000, [(10, 10)], planes_kept("nothing", 3)) == 4 * 1000 * 7
    assert bytes_of_fit(0, [(10, 20), (30, 40)], planes_kept("masks", 3)) == 10 * 20 + 30 * 40
    assert bytes_of_fit(1000, [(10, 20)], planes_kept("pictures", 3)) == 4 * 1000 * 7 + 4 * 10 * 20


@pytest.mark.parametrize(("mode", "plain"), [("1", 1), ("L", 1), ("I;16", 2), ("RGB", 3), ("RGB;16", 6)])
def test_the_deepest_image_decides(mode: str, plain: int) -> None:
    assert plain_bytes([Form(".png", "PNG", "1"), Form(".png", "PNG", mode)]) == plain


def test_the_dry_run_says_what_the_run_asks_the_disk_for(
    fitted: Path, tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    monkeypatch.setattr("pairaug.synthesis.assembling.probe_output", lambda folder, needed: asked.append(needed))
    said = json.loads(cli("synthesize", "-n", "--json", "--out", "out", "--models", fitted, "--count", 3).out)
    out = synthesize(tmp_path / "out", SynthesisOptions(3, fitted))
    assert asked == [said["bytes"]] == [bytes_of_pairs(3, [(96, 96)], 3)]
    written = sum(path.stat().st_size for path in (*out.glob("images/*"), *out.glob("masks/*")))
    assert 0 < written <= said["bytes"]
