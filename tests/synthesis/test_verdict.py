"""The answers of an evaluation stand in the card on request, and the set stays whole."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pairaug.errors import DataError
from pairaug.synthesis.card import CARD, NOT_EVALUATED
from pairaug.synthesis.manifest import MANIFEST
from pairaug.synthesis.run import SynthesisOptions, synthesize
from pairaug.synthesis.verdict import enter_verdict
from pairaug.synthesis.verify import verify
from tests.conftest import Cli, contents


def test_evaluate_enters_its_answers_and_the_set_stays_whole(
    fitted: Path, drive: Path, tmp_path: Path, cli: Cli
) -> None:
    out = synthesize(tmp_path / "out", SynthesisOptions(3, fitted))
    before = contents(out)
    for _ in range(2):  # a second verdict takes the place of the first
        ran = cli("evaluate", drive, out, "--parts", "images", "--card")
        assert ran.code == 0, ran.err
    text = (out / CARD).read_text()
    assert NOT_EVALUATED not in text
    assert text.count("measured 3 of 3 synthetic pairs against 6 real pairs.") == 1
    assert "| new? | not measured | " in text
    assert str(tmp_path) not in text
    assert text.startswith(before[CARD].decode().partition("## Worth")[0])
    assert text.endswith(before[CARD].decode().partition("## Not for")[2])
    assert verify(out).differing == ()
    after = contents(out)
    assert {name for name in after if after[name] != before[name]} == {CARD, MANIFEST}
    synthesize(out, SynthesisOptions(3, fitted))  # complete: nothing is written anew
    assert contents(out) == after
    synthesize(out, SynthesisOptions(4, fitted))  # another set, which nobody has measured
    assert NOT_EVALUATED in (out / CARD).read_text()


def test_a_card_that_was_changed_by_hand_is_not_written_over(fitted: Path, tmp_path: Path) -> None:
    out = synthesize(tmp_path / "out", SynthesisOptions(1, fitted))
    (out / CARD).write_text("mine")
    with pytest.raises(DataError, match="is not as it was written; run the same synthesize command again"):
        enter_verdict(out, ["good"])
    assert (out / CARD).read_text() == "mine"


def test_what_has_no_card_is_told_before_anything_is_measured(fitted: Path, drive: Path, cli: Cli) -> None:
    ran = cli("evaluate", drive, drive, "--card")
    assert ran.code == 3
    assert "the data set is not complete" in ran.err
    out = synthesize("out", SynthesisOptions(1, fitted))
    manifest = json.loads((out / MANIFEST).read_text())
    del manifest["files"][CARD]
    (out / MANIFEST).write_text(json.dumps(manifest))
    ran = cli("evaluate", drive, out, "--card")
    assert (ran.code, "its manifest names no README.md" in ran.err) == (3, True)
    ran = cli("evaluate", drive, "--utility", "--test", drive, "--card")
    assert (ran.code, "--card: there is no synthetic set" in ran.err) == (2, True)
