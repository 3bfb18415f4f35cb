"""Every output format keeps the promises of the set: same bytes, nothing lost, nothing of others touched."""

from __future__ import annotations

import io
import json
import shutil
import tarfile
from collections.abc import Callable
from itertools import count as counted
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pairaug.errors import DataError, OutputError, StorageError, UsageError
from pairaug.fitted.model_file import load_model
from pairaug.synthesis import shards
from pairaug.synthesis.formats import FORMATS
from pairaug.synthesis.formats.nnunet import DATASET, NnUnet
from pairaug.synthesis.manifest import JOURNAL, MANIFEST, METADATA
from pairaug.synthesis.rows import COLUMNS, filled, is_row
from pairaug.synthesis.run import SynthesisOptions, synthesize
from pairaug.synthesis.verify import verify
from tests.conftest import Cli, contents
from tests.killed import killed_when_ready
from tests.synthesis.killed_runs import synthesize_until

every_format = pytest.mark.parametrize("name", FORMATS)
SYNTHETIC, ORIGINALS = 3, 6


@pytest.fixture(autouse=True)
def _small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "SHARD_PAIRS", 2)


def options(name: str, models: Path, **others: object) -> SynthesisOptions:
    return SynthesisOptions(
        **{"count": SYNTHETIC, "models": models, "format": name, "include_originals": True, **others}  # type: ignore[arg-type]
    )


@every_format
def test_batch_and_threads_change_no_byte(fitted: Path, tmp_path: Path, name: str) -> None:
    for out, batch_size, threads in (("one", 1, 1), ("many", 8, 4)):
        synthesize(tmp_path / out, options(name, fitted, batch_size=batch_size, threads=threads))
    assert contents(tmp_path / "one") == contents(tmp_path / "many")


@every_format
def test_a_run_cut_off_at_any_rename_is_filled_in_to_the_same_bytes(
    fitted: Path, tmp_path: Path, name: str, fail_at_rename: Callable[[int], None]
) -> None:
    whole = options(name, fitted, count=SYNTHETIC, include_originals=False)
    synthesize(tmp_path / "whole", whole)
    synthesize(tmp_path / "begun", options(name, fitted, count=1, include_originals=False))  # with a half-full shard
    for number in counted(1):
        out = Path(shutil.copytree(tmp_path / "begun", tmp_path / f"out-{number}"))
        fail_at_rename(number)
        try:
            synthesize(out, whole)
        except StorageError:
            assert not (out / MANIFEST).exists() or verify(out).differing == ()
            fail_at_rename(0)
            synthesize(out, whole)
            assert contents(out) == contents(tmp_path / "whole"), number
        else:
            break
    assert number > 5


@every_format
def test_a_run_killed_with_kill_9_is_filled_in_to_the_same_bytes(fitted: Path, tmp_path: Path, name: str) -> None:
    out = tmp_path / "out"
    killed_when_ready(synthesize_until, 7, out, options(name, fitted, threads=1, batch_size=1), shards.SHARD_PAIRS)
    assert (out / JOURNAL).exists()
    assert not (out / MANIFEST).exists()
    synthesize(out, options(name, fitted))
    synthesize(tmp_path / "whole", options(name, fitted))
    assert contents(out) == contents(tmp_path / "whole")


@every_format
def test_a_larger_count_gives_what_one_run_would_have_given(fitted: Path, tmp_path: Path, name: str) -> None:
    for count in (1, 2, 5):
        synthesize(tmp_path / "grown", options(name, fitted, count=count))
    synthesize(tmp_path / "whole", options(name, fitted, count=5))
    assert contents(tmp_path / "grown") == contents(tmp_path / "whole")


@every_format
def test_verify_sees_every_file_and_the_same_command_mends_it(fitted: Path, tmp_path: Path, name: str) -> None:
    out = tmp_path / "out"
    synthesize(out, options(name, fitted, include_originals=False))
    whole = contents(out)
    assert verify(out).differing == ()
    for file in whole:
        if file in (MANIFEST, METADATA):
            continue
        (out / file).write_bytes(whole[file][:-1] + bytes([whole[file][-1] ^ 1]))
        assert any(line.startswith(file) for line in verify(out).differing), file
        (out / file).unlink()
        assert f"{file}: missing" in verify(out).differing
        synthesize(out, options(name, fitted, include_originals=False))
        assert contents(out) == whole


@every_format
def test_overwrite_leaves_nothing_of_the_set_and_all_of_what_is_not_its_own(
    fitted: Path, tmp_path: Path, name: str
) -> None:
    out = tmp_path / "out"
    synthesize(out, options(name, fitted))
    (out / "notes.txt").write_text("mine")
    other = options("mirror" if name != "mirror" else "coco", fitted, include_originals=False)
    with pytest.raises(OutputError, match="differs in format, include_originals"):
        synthesize(out, other)
    synthesize(out, SynthesisOptions(**{**vars(other), "overwrite": True}))
    synthesize(tmp_path / "fresh", other)
    assert contents(out) == {**contents(tmp_path / "fresh"), "notes.txt": b"mine"}


@every_format
def test_a_sample_is_the_same_in_the_company_of_originals(fitted: Path, tmp_path: Path, name: str) -> None:
    digests = []
    for originals in (True, False):
        synthesize(tmp_path / str(originals), options(name, fitted, include_originals=originals))
        rows = [json.loads(line) for line in (tmp_path / str(originals) / METADATA).read_text().splitlines()]
        made = [row for row in rows if row["origin"] == "synthetic"]
        digests.append([(row["file_name"], row["seed"], row["image_sha256"], row["mask_sha256"]) for row in made])
    assert len(digests[0]) == SYNTHETIC
    assert digests[0] == digests[1]


def test_nnunet_masks_hold_consecutive_classes_and_the_manifest_says_whose(fitted_cells: Path, tmp_path: Path) -> None:
    """The keys are those of nnU-Net's documentation/dataset_format.md."""
    for name in ("nnunet", "mirror"):
        synthesize(tmp_path / name, options(name, fitted_cells, include_originals=False))
    out = tmp_path / "nnunet"
    dataset = json.loads((out / DATASET).read_text())
    assert dataset["channel_names"] == {"0": "gray"}
    assert dataset["labels"] == {"background": 0, "label_128": 1, "label_255": 2}
    assert dataset["numTraining"] == SYNTHETIC
    assert dataset["file_ending"] == ".png"
    assert json.loads((out / MANIFEST).read_text())["format"] == {
        "name": "nnunet",
        "class_values": {"0": 0, "1": 128, "2": 255},
    }
    cases = {path.name.removesuffix(".png") for path in (out / "labelsTr").iterdir()}
    assert {path.name.removesuffix("_0000.png") for path in (out / "imagesTr").iterdir()} == cases
    for case in cases:
        mask = np.asarray(Image.open(out / f"labelsTr/{case}.png"))
        values = np.asarray(Image.open(tmp_path / f"mirror/GT/{case}.png"))
        assert np.array_equal(np.array([0, 128, 255])[mask], values)
        image = np.asarray(Image.open(out / f"imagesTr/{case}_0000.png"))
        assert (image.shape, image.dtype) == (mask.shape, np.uint8)


def test_nnunet_refuses_colours_deeper_than_its_files(fitted: Path) -> None:
    deep = load_model(fitted / "translator", "translator")
    object.__setattr__(deep, "intensity", (0, 65535))
    with pytest.raises(UsageError, match="16; leave it at --format mirror"):
        NnUnet(deep)


def test_shards_hold_whole_pairs_in_order_without_a_clock_or_a_user(fitted: Path, drive: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    synthesize(out, options("webdataset", fitted))
    synthesize(tmp_path / "mirror", options("mirror", fitted))
    names = [f"original-{number:06d}.tar" for number in range(3)] + [
        f"synthetic-{number:06d}.tar" for number in range(2)
    ]
    assert sorted(contents(out)) == sorted(["README.md", "croissant.json", MANIFEST, METADATA, *names])
    rows = [json.loads(line) for line in (out / METADATA).read_text().splitlines()]
    members, own = [], sorted(path.stem for path in (drive / "images").iterdir())
    for name in names:
        with tarfile.open(out / name) as shard:
            for member in shard:
                assert (member.mtime, member.uid, member.gid, member.uname, member.gname) == (0, 0, 0, "", "")
                file = shard.extractfile(member)
                assert file is not None
                members.append((name, member.name, file.read()))
    assert len(members) == 3 * (ORIGINALS + SYNTHETIC)
    for number, row in enumerate(rows):
        image, mask, described = members[3 * number : 3 * number + 3]
        key = own[number] if number < ORIGINALS else f"synthetic_{number - ORIGINALS:06d}"
        assert [part[1] for part in (image, mask, described)] == [f"{key}.image.png", f"{key}.mask.png", f"{key}.json"]
        assert {part[0] for part in (image, mask, described)} == {row["shard"]}
        assert json.loads(described[2]) == filled(row)
        assert image[2] == (tmp_path / f"mirror/images/{key}.png").read_bytes()
        assert np.array_equal(np.asarray(Image.open(io.BytesIO(mask[2]))) % 255, 0 * np.ones((96, 96)))


def test_originals_and_synthetic_pairs_share_no_shard_even_where_one_is_not_full(
    fitted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shards, "SHARD_PAIRS", 4)
    synthesize(tmp_path / "out", options("webdataset", fitted))
    rows = [json.loads(line) for line in (tmp_path / "out" / METADATA).read_text().splitlines()]
    found = {(row["shard"], row["origin"]) for row in rows}
    assert sorted(found) == [
        ("original-000000.tar", "original"),
        ("original-000001.tar", "original"),
        ("synthetic-000000.tar", "synthetic"),
    ]


def test_rows_in_shards_have_one_type_a_column_from_the_first_on(fitted: Path, tmp_path: Path) -> None:
    synthesize(tmp_path / "out", options("webdataset", fitted))
    members = []
    for shard in sorted((tmp_path / "out").glob("*.tar")):
        with tarfile.open(shard) as archive:
            members += [archive.extractfile(one).read() for one in archive if one.name.endswith(".json")]  # type: ignore[union-attr]
    rows = [json.loads(member) for member in members]
    assert {row["origin"] for row in rows} == {"original", "synthetic"}
    for name in rows[0]:
        kinds = {(type(one), type(one[0]) if isinstance(one, list) else None) for one in (row[name] for row in rows)}
        assert len(kinds) == 1, name
        assert (type(None), None) not in kinds, name
    assert all(is_row({name: row[name] for name in row}) for row in rows)
    assert rows[0].keys() <= COLUMNS.keys()


def test_staging_never_holds_more_than_a_shard_and_what_is_in_work(
    fitted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, most = tmp_path / "out", [0]
    original = shards.pack

    def pack(folder: Path, rows: list[dict[str, object]]) -> None:
        original(folder, rows)
        most[0] = max(most[0], len(list((folder / shards.STAGING).iterdir())))

    monkeypatch.setattr(shards, "pack", pack)
    synthesize(out, options("webdataset", fitted, count=30, include_originals=False, threads=1, batch_size=1))
    assert 4 <= most[0] <= 2 * (2 + 2 * 3)  # two files a pair: a shard of two, and three in work at either end
    assert not (out / shards.STAGING).exists()


def test_verify_names_the_member_of_a_shard_that_differs(fitted: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    synthesize(out, options("webdataset", fitted, include_originals=False))
    shard = out / "synthetic-000000.tar"
    with tarfile.open(shard) as archive:
        place = archive.getmember("synthetic_000001.mask.png").offset_data
    data = bytearray(shard.read_bytes())
    data[place + 20] ^= 1
    shard.write_bytes(data)
    assert verify(out).differing == (f"{shard.name}: changed", f"{shard.name}/synthetic_000001.mask.png: changed")
    shard.write_bytes(data[: place + 40])
    assert verify(out).differing[0] == f"{shard.name}: changed"
    assert verify(out).differing[1].startswith(f"{shard.name}: cannot be read")


@pytest.mark.parametrize("shard", ["../x.tar", "/etc/x.tar", ""])
def test_a_row_whose_shard_lies_elsewhere_is_refused(fitted: Path, tmp_path: Path, shard: str) -> None:
    synthesize(tmp_path / "out", options("webdataset", fitted, count=1, include_originals=False))
    row = json.loads((tmp_path / "out" / METADATA).read_text())
    (tmp_path / "out" / METADATA).write_text(json.dumps({**row, "shard": shard}) + "\n")
    with pytest.raises(DataError, match="relative path"):
        verify(tmp_path / "out")


def test_a_manifest_that_lists_a_file_elsewhere_is_refused_before_anything_is_removed(
    fitted: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    (tmp_path / "precious.txt").write_text("mine")
    synthesize(out, options("mirror", fitted, count=1, include_originals=False))
    manifest = json.loads((out / MANIFEST).read_text())
    manifest["files"]["../precious.txt"] = "0" * 64
    (out / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(DataError, match="relative path"):
        verify(out)
    with pytest.raises(OutputError, match="relative path"):
        synthesize(out, options("coco", fitted, overwrite=True))
    assert (tmp_path / "precious.txt").read_text() == "mine"


def test_an_unknown_format_is_refused_with_the_one_that_was_meant(cli: Cli) -> None:
    ran = cli("synthesize", "--out", "o", "--format", "nnunt")
    assert ran.code == 2
    assert "--format nnunt: not known; did you mean 'nnunet'?" in ran.err


def test_the_command_line_writes_the_format_asked_for(cli: Cli, fitted: Path) -> None:
    ran = cli("synthesize", "--models", fitted, "--count", 2, "--out", "o", "--format", "nnunet", "--license", "CC0")
    assert (ran.code, ran.out) == (0, "o\n")
    manifest = json.loads(Path("o/manifest.json").read_text())
    assert manifest["command"] == "pairaug synthesize --count 2 --seed 0 --format nnunet --license CC0"
    assert manifest["config"]["format"] == {"value": "nnunet", "origin": "flag"}
    assert json.loads(Path("o", DATASET).read_text())["licence"] == "CC0"
    assert cli("verify", "o").code == 0
