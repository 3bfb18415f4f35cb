"""What gates reject is drawn again, counted and told, and moves no other pair."""

from __future__ import annotations

import json
import shutil
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pairaug.gates.base import Gates, Judgement
from pairaug.models.translators.vess2image import Vess2Image
from pairaug.registry import MODELS
from pairaug.synthesis.ledger import Ledger
from pairaug.synthesis.manifest import JOURNAL, MANIFEST, METADATA
from pairaug.synthesis.run import SynthesisOptions, synthesize, synthesize_rows
from pairaug.synthesis.verify import verify
from tests.conftest import Cli, contents
from tests.several import together

COUNT = 8


@dataclass(frozen=True)
class Whim:
    """A gate that rejects about ``share`` of what it sees, by its pixels."""

    name: str
    share: float
    digest: str = "whim"

    def manifest(self) -> dict[str, Any]:
        return {"share": self.share}

    def judge(self, pixels: np.ndarray, classes: np.ndarray | None = None) -> Judgement:
        score = zlib.crc32(np.ascontiguousarray(pixels).tobytes()) / 2**32
        return Judgement(score >= self.share, score, self.share)


GATES = Gates((Whim("odd mask", 0.5),), (Whim("odd image", 0.3),))


def options(fitted: Path, gates: Gates = GATES, count: int = COUNT, **more: Any) -> SynthesisOptions:
    return SynthesisOptions(count, fitted, gates=gates, **more)


def gated(plan: Callable[..., Any], gates: Gates = GATES) -> Callable[..., Any]:
    """``_Making.plan`` with gates, which no command has a flag for."""

    def with_gates(self: Any, remarks: tuple[str, ...]) -> Any:
        renderer = replace(self.renderer, gates=gates)
        return plan(replace(self, renderer=renderer, options=replace(self.options, gates=gates)), remarks)

    return with_gates


def rows_of(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / METADATA).read_text().splitlines()]


def manifest_of(out: Path) -> dict[str, Any]:
    return json.loads((out / MANIFEST).read_text())


@pytest.fixture(scope="module")
def whole(fitted: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """An undisturbed run with gates."""
    out = tmp_path_factory.mktemp("out") / "whole"
    synthesize(out, options(fitted, threads=1, batch_size=1))
    return contents(out)


def test_a_rejected_pair_is_drawn_again_and_no_other_moves(whole: dict[str, bytes], fitted: Path) -> None:
    synthesize("free", options(fitted, Gates()))
    rows = [json.loads(line) for line in whole[METADATA].splitlines()]
    free = rows_of(Path("free"))
    moved = [row["attempt"] > 0 for row in rows]
    assert any(moved)
    assert not all(moved)
    for row, other, again in zip(rows, free, moved, strict=True):
        assert (row["mask_sha256"] != other["mask_sha256"]) == again
        assert (row["image_sha256"] != other["image_sha256"]) == again


def test_every_reject_is_told_with_its_reason_and_score(whole: dict[str, bytes]) -> None:
    manifest = json.loads(whole[MANIFEST])
    rows = [json.loads(line) for line in whole[METADATA].splitlines()]
    assert manifest["counts"]["rejected"] == len(manifest["rejects"]) == sum(row["attempt"] for row in rows)
    assert {reject["gate"] for reject in manifest["rejects"]} == {"odd mask", "odd image"}
    assert all(reject["score"] < reject["limit"] for reject in manifest["rejects"])
    for row in rows:
        attempts = [reject["attempt"] for reject in manifest["rejects"] if reject["index"] == row["index"]]
        assert attempts == list(range(row["attempt"]))


@pytest.mark.parametrize(("batch_size", "threads"), [(8, 1), (1, 2), (3, 4)])
def test_gates_let_the_same_pairs_pass_at_any_batch_and_number_of_threads(
    whole: dict[str, bytes], fitted: Path, batch_size: int, threads: int
) -> None:
    synthesize("out", options(fitted, batch_size=batch_size, threads=threads))
    assert contents(Path("out")) == whole


@pytest.mark.parametrize("killed_after", [1, 4, COUNT - 1])
def test_a_killed_run_goes_on_to_the_same_bytes_and_the_same_rejects(
    whole: dict[str, bytes], fitted: Path, monkeypatch: pytest.MonkeyPatch, killed_after: int
) -> None:
    class Killed(BaseException):
        pass

    enter = Ledger.enter

    def dies(self: Ledger, entry: Any) -> None:
        if len(self.rows) == killed_after:
            raise Killed
        enter(self, entry)

    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "enter", dies)
        with pytest.raises(Killed):
            synthesize("out", options(fitted, threads=1, batch_size=1))
    assert (Path("out") / JOURNAL).is_file()
    synthesize("out", options(fitted))
    assert contents(Path("out")) == whole


def test_a_set_is_extended_with_its_rejects(whole: dict[str, bytes], fitted: Path) -> None:
    synthesize("out", options(fitted, count=3))
    synthesize("out", options(fitted))
    assert contents(Path("out")) == whole


STRICT = Gates((Whim("odd mask", 0.8),), attempts=2)


@pytest.mark.parametrize("format", ["mirror", "nnunet", "coco", "webdataset"])
def test_a_pair_that_never_passes_is_a_counted_gap_and_the_set_is_whole_without_it(
    format: str, fitted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pairaug.synthesis.shards.SHARD_PAIRS", 3)
    path, rows, given_up = synthesize_rows("out", options(fitted, STRICT, 12, format=format))
    manifest = manifest_of(path)
    assert given_up
    assert rows
    assert len(rows) == manifest["counts"]["pairs"] == 12 - given_up
    assert sorted([*manifest["gaps"], *(row["index"] for row in rows)]) == list(range(12))
    found = verify(path)
    assert (found.pairs, found.differing, found.unlisted) == (len(rows), (), ())
    before = contents(path)
    assert synthesize_rows("out", options(fitted, STRICT, 12, format=format)).given_up == given_up
    assert contents(path) == before


def test_a_gap_stays_one_when_the_set_grows_and_a_damaged_pair_is_made_again(fitted: Path) -> None:
    synthesize("whole", options(fitted, STRICT, 12))
    synthesize("out", options(fitted, STRICT, 5))
    synthesize("out", options(fitted, STRICT, 12))
    assert contents(Path("out")) == contents(Path("whole"))
    Path("out", rows_of(Path("out"))[0]["file_name"]).unlink()
    synthesize("out", options(fitted, STRICT, 12))
    assert contents(Path("out")) == contents(Path("whole"))


def test_the_command_ends_with_8_where_pairs_were_given_up(
    fitted: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pairaug.synthesis.run import _Making

    monkeypatch.setattr(_Making, "plan", gated(_Making.plan, STRICT))
    ran = cli("synthesize", "--out", "out", "--models", fitted, "--count", 12)
    assert ran.code == 8
    assert "pairs were given up by the gates; manifest.json says why" in ran.err
    assert Path(ran.out.strip()) == Path("out")
    assert cli("verify", "out").code == 0


@pytest.fixture
def noisy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The translator paints many images for a mask."""
    translate = Vess2Image.translate

    def painted(self: Vess2Image, labels: torch.Tensor, generators: Sequence[torch.Generator]):
        images = translate(self, labels, generators)
        noise = [torch.randn(images.shape[1:], generator=generator) for generator in generators]
        return (images + 0.1 * torch.stack(noise)).clamp(-1, 1)

    monkeypatch.setattr(Vess2Image, "translate", painted)
    monkeypatch.setitem(MODELS, "vess2image", replace(MODELS["vess2image"], many_per_mask=True))


@pytest.mark.usefixtures("noisy")
def test_images_of_one_mask_share_it_whatever_is_rejected(fitted: Path) -> None:
    gates = Gates((Whim("odd mask", 0.4),), (Whim("odd image", 0.4),), attempts=4)
    synthesize("out", options(fitted, gates, 18, per_mask=3, threads=1, batch_size=1))
    rows, manifest = rows_of(Path("out")), manifest_of(Path("out"))
    for mask in range(6):
        mine = [row for row in rows if row["index"] // 3 == mask]
        assert len({row["mask_sha256"] for row in mine}) <= 1
        assert len({row["image_sha256"] for row in mine}) == len(mine)
    masks = [reject for reject in manifest["rejects"] if reject["gate"] == "odd mask"]
    assert masks
    assert all(reject["index"] % 3 == 0 for reject in masks if reject["index"] not in manifest["gaps"])
    assert "odd image" in {reject["gate"] for reject in manifest["rejects"]}
    synthesize("again", options(fitted, gates, 18, per_mask=3, threads=2, batch_size=7))
    assert contents(Path("again")) == contents(Path("out"))


def test_masks_that_the_user_gives_pass_no_mask_gate_and_are_not_drawn_again(fitted: Path, drive: Path) -> None:
    gates = Gates((Whim("odd mask", 1.1),), (Whim("odd image", 0.5),))
    _, rows, given_up = synthesize_rows("out", options(fitted, gates, 6, masks_from=drive / "masks"))
    manifest = manifest_of(Path("out"))
    assert 0 < given_up < 6
    assert len(rows) + given_up == 6
    assert [reject["gate"] for reject in manifest["rejects"]] == ["odd image"] * given_up
    assert [reject["index"] for reject in manifest["rejects"]] == manifest["gaps"]


def test_other_gates_make_another_set(fitted: Path, cli: Cli) -> None:
    synthesize("out", options(fitted, count=2))
    ran = cli("synthesize", "--out", "out", "--models", fitted, "--count", 2)
    assert ran.code == 5
    assert "it differs in gates" in ran.err


GATED = """
from tests.synthesis import test_gates
from pairaug.synthesis import run
run._Making.plan = test_gates.gated(run._Making.plan)
"""


def test_two_ranks_end_with_the_bytes_of_one_process_also_where_one_died(whole: dict[str, bytes], fitted: Path) -> None:
    command = ("synthesize", "--out", "out", "--models", fitted, "--count", COUNT, "--batch-size", 1, "--threads", 1)
    ends = together(*command, hooks=(GATED, GATED))
    assert [end.code for end in ends] == [0, 0], ends
    assert ends[1].out + ends[1].err == ""
    strip = {MANIFEST}  # its config says where an option came from
    assert {k: v for k, v in contents(Path("out")).items() if k not in strip} == {
        k: v for k, v in whole.items() if k not in strip
    }
    assert manifest_of(Path("out"))["rejects"] == json.loads(whole[MANIFEST])["rejects"]
    shutil.rmtree("out")
    dying = (
        GATED
        + """
import os, signal
from pairaug.synthesis import making
put, calls = making.place, iter(range(1, 99))
making.place = lambda *given: os.kill(os.getpid(), signal.SIGKILL) if next(calls) == 2 else put(*given)
"""
    )
    ends = together(*command, hooks=(GATED, dying))
    assert ends[0].code == 7
    assert "another process of this run ended" in ends[0].err
    ends = together(*command, hooks=(GATED, GATED))
    assert [end.code for end in ends] == [0, 0], ends
    assert {k: v for k, v in contents(Path("out")).items() if k not in strip} == {
        k: v for k, v in whole.items() if k not in strip
    }
