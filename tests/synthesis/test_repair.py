"""Sets that were damaged or cut off: every remedy that a text names is typed here, and works."""

from __future__ import annotations

import json
import os
import shutil
import signal
from pathlib import Path

import pytest
import torch

import pairaug
from pairaug.errors import OutputError
from pairaug.files import digest_bytes
from pairaug.synthesis.ledger import Ledger
from pairaug.synthesis.manifest import JOURNAL, MANIFEST, METADATA
from pairaug.synthesis.run import SynthesisOptions, synthesize
from pairaug.synthesis.verify import verify
from tests.conftest import Cli, contents


@pytest.fixture(scope="module")
def finished(fitted: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return synthesize(tmp_path_factory.mktemp("finished") / "out", SynthesisOptions(2, fitted))


@pytest.fixture
def out(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "out"))


@pytest.mark.parametrize(
    ("name", "data"),
    [
        (METADATA, b"{}\n"),
        (METADATA, b"not JSON"),
        (METADATA, None),
        ("images/synthetic_000001.png", b"x"),
        ("croissant.json", b"{}"),
    ],
)
def test_what_verify_advises_mends_the_set(
    finished: Path, out: Path, fitted: Path, cli: Cli, name: str, data: bytes | None
) -> None:
    (out / name).unlink() if data is None else (out / name).write_bytes(data)
    ran = cli("verify", out)
    assert ran.code == 3
    assert "run the same synthesize command again" in ran.err
    synthesize(out, SynthesisOptions(2, fitted))
    assert contents(out) == contents(finished)
    assert cli("verify", out).code == 0


def test_an_edited_manifest_is_written_again(finished: Path, out: Path, fitted: Path) -> None:
    text = (out / MANIFEST).read_text()
    (out / MANIFEST).write_text(text.replace('"asked": 2', '"asked": 3'))
    synthesize(out, SynthesisOptions(2, fitted))
    assert contents(out) == contents(finished)


def test_rows_that_say_otherwise_than_their_tar_file_are_made_again(fitted: Path, tmp_path: Path) -> None:
    out, options = tmp_path / "out", SynthesisOptions(2, fitted, format="webdataset")
    before = contents(synthesize(out, options))
    rows = before[METADATA]
    edited = rows.replace(json.loads(rows.splitlines()[1])["image_sha256"].encode(), b"x")
    digests = (digest_bytes(data).encode() for data in (rows, edited))
    (out / METADATA).write_bytes(edited)
    (out / MANIFEST).write_bytes(before[MANIFEST].replace(*digests))
    assert verify(out).differing == ("synthetic-000000.tar/synthetic_000001.image.png: changed",)
    synthesize(out, options)
    assert contents(out) == before


@pytest.mark.parametrize(("key", "value"), [("metadata_sha256", None), ("files", 5), ("files", ["x"])])
def test_a_manifest_without_its_digests_is_none(out: Path, cli: Cli, key: str, value: object) -> None:
    content = json.loads((out / MANIFEST).read_bytes())
    (out / MANIFEST).write_text(json.dumps(content | {key: value}))
    ran = cli("verify", out)
    assert (ran.code, ran.err.count("\n")) == (3, 1)
    assert "not a manifest of this pairaug (its digests are damaged)" in ran.err


@pytest.mark.parametrize(("before", "after"), [(b"nearest_mask", b"~earest_mask"), (b'"size": [', b'"size": ["x", ')])
def test_a_row_of_the_journal_that_lost_its_meaning_is_made_again(
    finished: Path, out: Path, fitted: Path, before: bytes, after: bytes
) -> None:
    identity = json.dumps({"identity": json.loads((out / MANIFEST).read_bytes())["identity"]}).encode()
    rows = (out / METADATA).read_bytes()
    assert before in rows
    (out / JOURNAL).write_bytes(identity + b"\n" + rows.replace(before, after, 1))
    for name in (MANIFEST, METADATA):
        (out / name).unlink()
    synthesize(out, SynthesisOptions(2, fitted))
    assert contents(out) == contents(finished)


def test_a_manifest_that_is_none_is_replaced_with_overwrite(finished: Path, out: Path, fitted: Path, cli: Cli) -> None:
    (out / MANIFEST).write_text("{")
    assert "--overwrite" in cli("verify", out).err
    with pytest.raises(OutputError, match="--overwrite"):
        synthesize(out, SynthesisOptions(2, fitted))
    synthesize(out, SynthesisOptions(2, fitted, overwrite=True))
    assert contents(out) == contents(finished)


def test_a_killed_overwrite_is_taken_up_by_the_same_command(
    finished: Path, out: Path, fitted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original, left = os.unlink, [3]

    def unlink(path: object, **named: object) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        original(path, **named)  # type: ignore[arg-type]

    (out / "mine.txt").write_text("mine")
    monkeypatch.setattr(os, "unlink", unlink)
    with pytest.raises(KeyboardInterrupt):
        synthesize(out, SynthesisOptions(2, fitted, seed=3, overwrite=True))
    monkeypatch.setattr(os, "unlink", original)
    assert not (out / MANIFEST).exists()
    synthesize(out, SynthesisOptions(2, fitted, seed=3, overwrite=True))
    synthesize(out, SynthesisOptions(2, fitted, overwrite=True))
    assert contents(out) == {**contents(finished), "mine.txt": b"mine"}


def test_damaged_lines_of_the_journal_are_made_again(
    finished: Path, tmp_path: Path, fitted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object) -> None:
        raise OSError("cut off")

    original = Ledger.write_metadata
    monkeypatch.setattr(Ledger, "write_metadata", fail)
    with pytest.raises(OSError, match="cut off"):
        synthesize(tmp_path / "out", SynthesisOptions(2, fitted))
    monkeypatch.setattr(Ledger, "write_metadata", original)
    lines = (tmp_path / "out" / JOURNAL).read_bytes().split(b"\n")
    lines[1] = lines[1][:40] + lines[1]
    (tmp_path / "out" / JOURNAL).write_bytes(b"\n".join(lines))
    synthesize(tmp_path / "out", SynthesisOptions(2, fitted))
    assert contents(tmp_path / "out") == contents(finished)


@pytest.mark.parametrize("name", [MANIFEST, METADATA, JOURNAL, ".pairaug.lock", "croissant.json"])
def test_a_folder_in_the_place_of_a_record_is_one_clear_line(fitted: Path, tmp_path: Path, cli: Cli, name: str) -> None:
    (tmp_path / "out" / name).mkdir(parents=True)
    ran = cli("synthesize", "--out", "out", "--models", fitted)
    assert ran.code == 5
    assert ran.err.count("\n") == 1
    assert f"{name}: is a folder where a file must be" in ran.err


def test_a_linked_folder_in_the_set_is_not_followed(out: Path, fitted: Path, tmp_path: Path) -> None:
    (out / "images").rename(tmp_path / "elsewhere")
    (out / "images").symlink_to(tmp_path / "elsewhere")
    before = contents(tmp_path / "elsewhere")
    for options in (SynthesisOptions(3, fitted), SynthesisOptions(2, fitted, seed=9, overwrite=True)):
        with pytest.raises(OutputError, match="is a link"):
            synthesize(out, options)
    assert contents(tmp_path / "elsewhere") == before


def test_the_package_is_called_as_its_docstring_says_and_keeps_the_threads(fitted: Path, tmp_path: Path) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        out = pairaug.synthesize(tmp_path / "out", 1, models=fitted)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert len((out / METADATA).read_text().splitlines()) == 1


def test_a_dry_run_promises_what_the_run_would_do(fitted: Path, drive: Path, tmp_path: Path, cli: Cli) -> None:
    assert cli("synthesize", "-n", "--out", "o", "--models", fitted, "--count", 0).code == 2
    shutil.copytree(fitted / "translator", tmp_path / "models/translator")
    ran = cli("synthesize", "-n", "--out", "o", "--models", "models", "--masks-from", drive / "masks")
    assert ran.code == 0
    assert "would write 6 pairs" in ran.out


def test_sigterm_in_evaluate_leaves_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import tempfile

    from pairaug.errors import Interrupted
    from pairaug.locking import scratch_folder
    from pairaug.machine.signals import ending_by_signal

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / "pairaug-evaluate-killed").mkdir()
    with pytest.raises(Interrupted) as caught, ending_by_signal(), scratch_folder("pairaug-evaluate-"):
        os.kill(os.getpid(), signal.SIGTERM)
    assert caught.value.exit_code == 143
    assert not list(tmp_path.iterdir())


def test_a_journal_that_names_a_file_that_is_never_made_does_not_hold_the_set_up(fitted: Path, tmp_path: Path) -> None:
    from pairaug.synthesis.manifest import JOURNAL, MANIFEST
    from pairaug.synthesis.run import SynthesisOptions, synthesize

    out = tmp_path / "out"
    synthesize(out, SynthesisOptions(2, fitted))
    identity = json.loads((out / MANIFEST).read_text())["identity"]
    lines = [{"identity": identity}, {"file": "croissant.jssant.json", "sha256": ""}]
    (out / JOURNAL).write_text("".join(json.dumps(line) + "\n" for line in lines))
    (out / MANIFEST).unlink()
    synthesize(out, SynthesisOptions(2, fitted))
    assert "croissant.jssant.json" not in json.loads((out / MANIFEST).read_text())["files"]
