"""Refusals that no other test meets, each with what, value and remedy; the others stand beside what they protect."""

from __future__ import annotations

import json
import struct
import tarfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pairaug.errors import DataError, ModelError, OutputError, UsageError
from pairaug.files import digest_bytes, read_json_lines
from pairaug.fitted.model_file import load_model
from pairaug.machine.device import choose_device
from pairaug.pairs.checked import CheckPolicy
from pairaug.pairs.checking import check_pairs
from pairaug.pairs.decoding import decode_image
from pairaug.pairs.form import DecodePolicy
from pairaug.pairs.labels import LabelMap, parse_label
from pairaug.pairs.pair import Found
from pairaug.pairs.source import find_pairs
from pairaug.synthesis.manifest import read_manifest, read_rows
from pairaug.synthesis.run import SynthesisOptions, synthesize
from pairaug.training.run_folder import open_run
from tests.conftest import Cli
from tests.training.test_model_file import rewrite


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["synthesize", "--count", "3"], "Missing option '--out' / '-o'; see pairaug synthesize --help"),
        (["fit-masks", "DRIVE", "--sample-epochs", "1,x"], "--sample-epochs 1,x: must be numbers such as 1,6,11"),
        (["check", "--list", "none.txt"], "--list none.txt: no such file"),
        (
            ["check", "DRIVE", "--list", "none.txt"],
            "give one SOURCE: a folder, '-' for a list on stdin, or --list FILE",
        ),
        (["check", "DRIVE", "--split", "dev"], "--split dev: no such split here; found: none"),
        (["fit-masks", "DRIVE", "--seed", "-1"], "--seed -1: must be 0 or more"),
        (["synthesize", "--out", "o", "--seed", "-1", "--models", "FITTED"], "--seed -1: must be 0 or more"),
        (["fit-masks", "DRIVE", "--size", "9000"], "--size 9000: larger than 8192 pixels a side is not supported"),
        (
            ["fit-masks", "DRIVE", "--model", "warp", "--set", "least=9", "--set", "most=1"],
            "must not be above most",
        ),
        (["fit-masks", "DRIVE", "--model", "warp", "--set", "grid=2"], "grid must be at least 3, not 2"),
        (
            ["fit-masks", "DRIVE", "--model", "warp", "--set", "elastic=2"],
            "elastic and recombine must be in [0, 1]",
        ),
        (
            ["fit-masks", "DRIVE", "--model", "warp", "--set", "grid=two"],
            "--set grid=two: must be a whole number",
        ),
        (
            ["fit-masks", "DRIVE", "-n", "--model", "vessgan", "--set", "dropout=1"],
            "--set: dropout must be in [0, 1), not 1.0",
        ),
        (["fit-translator", "DRIVE", "-n", "--set", "dropout=-1"], "--set: dropout must be in [0, 1), not -1.0"),
        (["fit-translator", "DRIVE", "-n", "--set", "l1_weight=-1"], "l1_weight must not be below 0, not -1.0"),
        (["fit-translator", "DRIVE", "-n", "--set", "base=0"], "base must be above 0, not 0"),
        (["fit-translator", "DRIVE", "--device", "abacus", "--epochs", "1"], "--device abacus: not a device; choose"),
        (["synthesize", "--out", "o", "--models", "FITTED", "--device", "abacus"], "--device abacus: not a device"),
        (["evaluate", "DRIVE", "DRIVE", "--device", "abacus"], "--device abacus: not a device; choose auto, cpu, cuda"),
        (
            ["fit-translator", "DRIVE", "--precision", "half", "--epochs", "1"],
            "--precision half: not a precision; choose",
        ),
    ],
)
def test_a_flag_that_cannot_be_is_refused(
    arguments: list[str], words: str, cli: Cli, drive: Path, fitted: Path
) -> None:
    ran = cli(*({"DRIVE": drive, "FITTED": fitted}.get(word, word) for word in arguments))
    assert ran.code == 2, ran.err
    assert words in ran.err.splitlines()[-1]


def test_a_device_that_this_machine_lacks_is_refused() -> None:
    with pytest.raises(UsageError, match="--device meta: not available on this machine; choose cpu"):
        choose_device("meta")


def test_what_the_system_refuses_is_exit_7_in_one_line(cli: Cli) -> None:
    ran = cli("check", "x" * 5000)
    assert ran.code == 7
    assert "File name too long; check the disk and the permissions" in ran.err
    assert ran.err.count("\n") == 1


def test_a_source_without_images_is_refused(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    ran = cli("fit-masks", "empty")
    assert (ran.code, "empty: no image files; give a folder of masks or of image/mask pairs" in ran.err) == (3, True)


def test_a_folder_that_may_not_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(place: str) -> None:
        raise PermissionError(13, "Permission denied", place)

    monkeypatch.setattr("pairaug.pairs.scanning.os.scandir", forbidden)
    with pytest.raises(DataError, match=r"cannot be read \(Permission denied\); change its permissions"):
        find_pairs(tmp_path)


def test_a_file_that_is_gone_or_may_not_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"a\.png: does not exist; restore it, or leave its pair out with --exclude"):
        decode_image(tmp_path / "a.png", DecodePolicy())
    (tmp_path / "b.png").mkdir()
    with pytest.raises(DataError, match=r"b\.png: is not a plain file; put the file itself in its place"):
        decode_image(tmp_path / "b.png", DecodePolicy())


def test_colour_of_16_bits_in_a_png_is_refused_rather_than_cut_to_8(tmp_path: Path) -> None:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 1, 16, 2, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(bytes(1 + 2 * 6)))
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + header + pixels + chunk(b"IEND", b""))
    with pytest.raises(DataError, match="16 bits a colour channel in a PNG; convert it to TIFF, or to 8 bits"):
        decode_image(tmp_path / "a.png", DecodePolicy())


def test_a_set_of_which_nothing_can_be_used_is_refused_even_with_skip_bad(tmp_path: Path) -> None:
    for folder in ("images", "masks"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.png").write_text("nothing\n")
    with pytest.raises(DataError, match="none of the 1 pairs can be used") as caught:
        check_pairs(find_pairs(tmp_path), CheckPolicy(skip_bad=True))
    assert len(caught.value.details) == 1
    with pytest.raises(DataError, match="no pairs found; say what belongs together with --pair, --images and --masks"):
        check_pairs(Found(tmp_path, (), ""), CheckPolicy())


def test_policies_and_label_maps_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match=r"alpha must be one of .*, not 'keep'"):
        DecodePolicy("keep")
    with pytest.raises(ValueError, match=r"window must be two numbers, the lower first, not \(2, 1\)"):
        DecodePolicy(window=(2, 1))
    with pytest.raises(ValueError, match=r"distinct, and ascending after the first, not \(0, 2, 1\)"):
        LabelMap((0, 2, 1))
    with pytest.raises(ValueError, match="'#ff' is not a colour such as #ff0000"):
        parse_label("#ff")


def test_records_that_are_none_are_named(tmp_path: Path) -> None:
    path = tmp_path / "metadata.jsonl"
    path.write_text("[1]\n")
    with pytest.raises(DataError, match="line 1 is not a JSON object; remove or restore the file"):
        read_json_lines(path)
    with pytest.raises(DataError, match=r"none\.jsonl: does not exist; run the same synthesize command"):
        read_rows(tmp_path / "none.jsonl")
    path.write_text('{"file_name": "a.png", "mask_file_name": "b.png"}\n')
    with pytest.raises(DataError, match="a manifest row lacks its index or its digests"):
        read_rows(path)
    (tmp_path / "manifest.json").write_text('{"tool": "other", "schema_version": 1}')
    with pytest.raises(DataError, match=r"not a manifest of this pairaug \(another tool or another version wrote it\)"):
        read_manifest(tmp_path)


def test_verify_lists_what_differs_on_the_command_line(fitted: Path, tmp_path: Path, cli: Cli) -> None:
    out = synthesize(tmp_path / "out", SynthesisOptions(2, fitted))
    (out / "images/synthetic_000001.png").unlink()
    ran = cli("verify", out)
    assert ran.code == 3
    assert "  images/synthetic_000001.png: missing" in ran.err.splitlines()


def test_a_tar_file_that_is_none_is_named(fitted: Path, tmp_path: Path) -> None:
    from pairaug.synthesis.verify import verify

    out = synthesize(tmp_path / "out", SynthesisOptions(2, fitted, format="webdataset"))
    (out / "synthetic-000000.tar").write_bytes(b"no tar file" * 99)
    assert any("synthetic-000000.tar: cannot be read" in line for line in verify(out).differing)


def test_pairs_in_tar_files_are_refused_with_the_command_that_unpacks_them(
    fitted: Path, tmp_path: Path, cli: Cli
) -> None:
    out = synthesize(tmp_path / "out", SynthesisOptions(2, fitted, format="webdataset"))
    ran = cli("check", out)
    assert ran.code == 3
    assert "2 of its 2 pairs lie in tar files such as synthetic-000000.tar; unpack them first: for t in " in ran.err
    with tarfile.open(out / "synthetic-000000.tar") as shard:
        shard.extractall(out, filter="data")
    assert cli("check", out).code == 0
    (out / "metadata.jsonl").unlink()
    for path in (*out.glob("*.png"), *out.glob("*.jpg")):
        path.unlink()
    ran = cli("check", out)
    assert (ran.code, "unpack the packed files first, with tar or unzip" in ran.err) == (3, True)


def test_given_masks_of_labels_that_the_translator_does_not_know_are_refused(fitted: Path, tmp_path: Path) -> None:
    (tmp_path / "masks").mkdir()
    drawn = np.zeros((96, 96), np.uint8)
    drawn[9:50, 9:50] = 77
    Image.fromarray(drawn).save(tmp_path / "masks/a.png")
    with pytest.raises(DataError, match="holds label values that the translator does not know: 77"):
        synthesize(tmp_path / "out", SynthesisOptions(1, fitted, masks_from=tmp_path / "masks"))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"size": [0, 5]}, "a pair of size 0x5"),
        ({"glued": "top"}, "a mask glued at the side 'top'"),
        (None, "no training pairs"),
    ],
)
def test_pairs_of_a_model_that_cannot_be_are_refused(
    change: dict[str, object] | None, words: str, fitted: Path, tmp_path: Path
) -> None:
    import shutil

    folder = Path(shutil.copytree(fitted / "translator", tmp_path / "translator"))
    rows = [json.loads(line) for line in (folder / "pairs.jsonl").read_text().splitlines()]
    text = "" if change is None else "".join(json.dumps({**row, **change}) + "\n" for row in rows)
    (folder / "pairs.jsonl").write_text(text)
    rewrite(folder, info={"pairs_digest": digest_bytes(text.encode())})
    with pytest.raises(ModelError) as caught:
        load_model(folder, "translator")
    assert caught.value.message.endswith(f"not a usable model file ({words}); fit the model again")


def test_a_run_folder_that_says_nothing_of_its_run_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"")
    with pytest.raises(OutputError, match="holds a model without its run; --fresh replaces it, or give other --models"):
        open_run(tmp_path, {}, fresh=False)
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(OutputError, match=r"run\.json: is damaged; --fresh starts again, --models puts this run elsew"):
        open_run(tmp_path, {}, fresh=False)
