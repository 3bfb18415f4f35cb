"""NIfTI volumes: how they are named and cut, and what is refused and how."""

from __future__ import annotations

import builtins
import gzip
import json
import struct
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pairaug.errors import DataError
from pairaug.pairs.checked import CheckPolicy
from pairaug.pairs.checking import check_pairs, load_classes, load_image
from pairaug.pairs.slices import content_digest, file_of, is_medical, parse_slice, split_ending, with_ending
from pairaug.pairs.source import Selection, find_masks, find_pairs
from tests.conftest import Cli
from tests.pairs.scans import LPS, ct, refusal, refused, volumes, write_dicom, write_nifti

pytest.importorskip("nibabel")
pytest.importorskip("pydicom")

MARKED = [1, 2, 3, 4]  # the slices with a mask


# Names


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        ("a/vol.nii.gz", ("a/vol", ".nii.gz")),
        ("vol.NII", ("vol", ".NII")),
        ("vol.nii.gz#z017", ("vol", ".nii.gz#z017")),
        ("scan.1.dcm", ("scan.1", ".dcm")),
        (".nii", (".nii", "")),
        ("a#z017.png", ("a#z017", ".png")),
    ],
)
def test_an_ending_is_what_the_format_says(path: str, parts: tuple[str, str]) -> None:
    assert split_ending(path) == parts


def test_a_slice_names_its_volume_its_axis_and_its_number() -> None:
    assert parse_slice("a/vol.nii.gz#y1017") == ("a/vol.nii.gz", "y", 1017)
    assert file_of("a/vol.nii#x003") == "a/vol.nii"
    assert parse_slice("a#z003.png") is parse_slice("a.png#z003") is None
    assert (is_medical("a.nii#z003"), is_medical("a.DCM"), is_medical("a.png"), is_medical("a.gz")) == (1, 1, 0, 0)
    assert with_ending("ct/{id}_seg.nii.gz", ".png") == "ct/{id}_seg.png"


# Cutting


@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
def test_a_volume_is_read_as_axial_slices_that_have_a_mask(ending: str, tmp_path: Path) -> None:
    found = find_pairs(volumes(tmp_path, ending=ending))
    assert [(pair.image, pair.mask) for pair in found.pairs] == [
        (f"imagesTr/case{n}_0000{ending}#z{k:03d}", f"labelsTr/case{n}{ending}#z{k:03d}")
        for n in (0, 1)
        for k in MARKED
    ]
    assert {entry.reason for entry in found.skipped} == {"a slice whose mask is empty"}
    assert len(found.skipped) == 4
    assert found.pairs[0].image_template == f"imagesTr/{{id}}_0000{ending}"
    checked = check_pairs(found, CheckPolicy())
    assert checked.label_map.values == (0, 1, 2)
    for item, (number, index) in zip(checked.pairs, ((n, k) for n in (0, 1) for k in MARKED), strict=True):
        values, mask = ct(number)
        levels = load_image(tmp_path, item, checked.policy)
        np.testing.assert_array_equal(levels.astype(np.int32) - 32768, values[:, :, index].T)
        np.testing.assert_array_equal(
            load_classes(tmp_path, item, checked.policy, checked.label_map), mask[:, :, index].T
        )


def test_all_slices_of_a_volume_are_one_group_and_no_two_have_one_digest(tmp_path: Path) -> None:
    checked = check_pairs(find_pairs(volumes(tmp_path)), CheckPolicy())
    assert {item.pair.group for item in checked.pairs} == {"imagesTr/case0_0000", "imagesTr/case1_0000"}
    assert len({item.image_digest for item in checked.pairs}) == len({item.mask_digest for item in checked.pairs}) == 8


def test_the_digest_of_a_slice_changes_with_its_volume(tmp_path: Path) -> None:
    path = write_nifti(tmp_path / "a.nii", ct(1)[0])
    before = content_digest(tmp_path / "a.nii#z001")
    assert content_digest(tmp_path / "a.nii#z001") == before
    write_nifti(path, ct(2)[0])
    assert content_digest(tmp_path / "a.nii#z001") != before


def test_empty_slices_are_kept_on_request(tmp_path: Path) -> None:
    found = find_pairs(volumes(tmp_path, 1), Selection(empty_slices=True))
    assert [pair.image[-3:] for pair in found.pairs] == [f"{k:03d}" for k in range(6)]
    assert found.skipped == ()


def test_volumes_without_any_mask_are_refused_with_the_flag(tmp_path: Path) -> None:
    write_nifti(tmp_path / "images/a.nii", ct(1)[0])
    write_nifti(tmp_path / "masks/a.nii", ct(1)[1] * 0)
    with pytest.raises(DataError, match="all 6 slices have an empty mask; keep them with --empty-slices"):
        find_pairs(tmp_path)
    assert len(find_pairs(tmp_path, Selection(empty_slices=True)).pairs) == 6


def test_a_limit_counts_slices_and_only_knows_volumes_and_slices(tmp_path: Path) -> None:
    root = volumes(tmp_path)
    assert [pair.image[-5:] for pair in find_pairs(root, Selection(limit=2)).pairs] == ["#z001", "#z002"]
    only = find_pairs(root, Selection(only=("case1*",)))
    assert {file_of(pair.image) for pair in only.pairs} == {"imagesTr/case1_0000.nii.gz"}


@pytest.mark.parametrize(
    ("how", "axis", "cut"),
    [
        ("axial", "z", lambda v, k: v[:, :, k].T),
        ("coronal", "y", lambda v, k: v[:, k, :].T[::-1]),
        ("sagittal", "x", lambda v, k: v[k, :, :].T[::-1]),
    ],
)
def test_slices_are_cut_along_the_axis_asked_for(how: str, axis: Any, cut: Any, tmp_path: Path, cli: Cli) -> None:
    root = volumes(tmp_path, 1)
    rows = json.loads(cli("check", root, "--slices", how, "--json").out)["pairs"]
    assert {row["image"].partition("#")[2][0] for row in rows} == {axis}
    found = find_pairs(root, Selection(slices=axis))
    checked = check_pairs(found, CheckPolicy())
    for item in checked.pairs[:5]:
        _, _, index = parse_slice(item.pair.image) or ("", "", -1)
        levels = load_image(root, item, checked.policy).astype(np.int32) - 32768
        np.testing.assert_array_equal(levels, cut(ct(0)[0], index))


@pytest.mark.parametrize("codes", ["RAS", "LPS", "SAR", "PIL", "IPR"])
def test_however_a_volume_is_stored_its_slices_look_the_same(codes: str, tmp_path: Path) -> None:
    from nibabel import orientations as space

    values, mask = ct(3)
    turn = space.ornt_transform(space.axcodes2ornt("LPS"), space.axcodes2ornt(codes))
    affine = LPS @ space.inv_ornt_aff(turn, values.shape)
    write_nifti(tmp_path / "images/a.nii", space.apply_orientation(values, turn), affine)
    write_nifti(tmp_path / "masks/a.nii", mask)
    checked = check_pairs(find_pairs(tmp_path), CheckPolicy())
    assert [item.pair.image for item in checked.pairs] == [f"images/a.nii#z{k:03d}" for k in MARKED]
    for item, index in zip(checked.pairs, MARKED, strict=True):
        levels = load_image(tmp_path, item, checked.policy).astype(np.int32) - 32768
        np.testing.assert_array_equal(levels, values[:, :, index].T)


def test_image_and_mask_in_different_places_are_refused(tmp_path: Path) -> None:
    values, mask = ct(1)
    moved = LPS.copy()
    moved[0, 3] = 12.0
    write_nifti(tmp_path / "images/a.nii", values)
    write_nifti(tmp_path / "masks/a.nii", mask, moved)
    assert "images/a.nii and masks/a.nii lie in different places of space (up to 12.0 mm apart); resample" in refused(
        find_pairs(tmp_path)
    )
    write_nifti(tmp_path / "masks/a.nii", mask[:, :, :5])
    assert "has 40x36x6 voxels but masks/a.nii has 40x36x5; resample one to the other" in refused(find_pairs(tmp_path))


def test_one_bad_volume_is_named_and_skip_bad_goes_on(tmp_path: Path, cli: Cli) -> None:
    root = volumes(tmp_path / "set", 3)
    path = root / "imagesTr/case1_0000.nii.gz"
    path.write_bytes(path.read_bytes()[:2000])
    ran = cli("check", root)
    assert (ran.code, "1 of 9 pairs cannot be used" in ran.err) == (3, True)
    assert "case1_0000.nii.gz: " in ran.err
    ran = cli("check", root, "--skip-bad", "--json")
    assert ran.code == 8
    assert len(json.loads(ran.out.splitlines()[0])["pairs"]) == 8


def test_a_folder_of_mask_volumes_alone_is_a_source_of_masks(tmp_path: Path) -> None:
    found = find_masks(volumes(tmp_path) / "labelsTr")
    assert [pair.mask for pair in found.pairs] == [f"case{n}.nii.gz#z{k:03d}" for n in (0, 1) for k in MARKED]
    assert check_pairs(found, CheckPolicy()).label_map.values == (0, 1, 2)


def test_a_list_may_name_volumes_or_slices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(volumes(tmp_path))
    pair = "imagesTr/case0_0000.nii.gz{0}\tlabelsTr/case0.nii.gz{0}"
    assert len(find_pairs("-", lines=[pair.format("")]).pairs) == 4
    (one,) = find_pairs("-", lines=[pair.format("#z002")]).pairs
    assert (one.image, one.image_template) == ("imagesTr/case0_0000.nii.gz#z002", "imagesTr/{id}_0000.nii.gz#z002")
    with pytest.raises(DataError, match="1 listed files do not exist"):
        find_pairs("-", lines=[pair.format("").replace("labelsTr/case0", "labelsTr/case9")])


@pytest.mark.parametrize(
    ("image", "mask", "template"),
    [
        ("p{0}/ct.nii.gz", "p{0}/seg.nii.gz", "{id}/ct.nii.gz"),
        ("p{0}.nii", "p{0}_seg.nii", "{id}.nii"),
        ("volumes/p{0}.nii.gz", "masks/p{0}.nii.gz", "volumes/{id}.nii.gz"),
        ("p{0}/p{0}_flair.nii", "p{0}/p{0}_seg.nii", "{id}/{id}_flair.nii"),
        ("img/p{0}.nii", "xyz/p{0}.nii.gz", "img/{id}.nii"),
    ],
)
def test_usual_layouts_of_volumes_are_found(image: str, mask: str, template: str, tmp_path: Path) -> None:
    for number in range(3):
        values, labels = ct(number)
        write_nifti(tmp_path / image.format(number), values)
        write_nifti(tmp_path / mask.format(number), labels)
    found = find_pairs(tmp_path)
    assert {file_of(pair.image) for pair in found.pairs} == {image.format(n) for n in range(3)}
    assert {file_of(pair.masks[0]) for pair in found.pairs} == {mask.format(n) for n in range(3)}
    assert {pair.image_template for pair in found.pairs} == {template}


# What cannot be read


def test_without_the_libraries_one_line_says_how_to_get_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cli: Cli
) -> None:
    root = volumes(tmp_path / "v")
    for number in range(2):
        write_dicom(tmp_path / f"d/images/{number}.dcm", ct(number)[0][:, :, 1])
        write_dicom(tmp_path / f"d/masks/{number}.dcm", ct(number)[1][:, :, 1])
    real = builtins.__import__

    def without(name: str, *others: Any, **more: Any) -> Any:
        if name.partition(".")[0] in ("nibabel", "pydicom"):
            raise ImportError(name)
        return real(name, *others, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    monkeypatch.setattr("importlib.import_module", lambda name: without(name))
    for name in [name for name in sys.modules if name.partition(".")[0] in ("nibabel", "pydicom")]:
        monkeypatch.delitem(sys.modules, name)
    ran = cli("check", root)
    assert (ran.code, ran.err.count("\n")) == (3, 1)
    assert "a NIfTI volume; reading it needs nibabel: pip install 'pairaug[medical]'" in ran.err
    ran = cli("check", tmp_path / "d")
    assert ran.code == 3
    assert "a DICOM file; reading it needs pydicom: pip install 'pairaug[medical]'" in ran.err


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ((0, "i", 77), "is not a NIfTI file"),
        ((344, "4s", b"ni1\0"), "header and voxels in two files; store both in one .nii or .nii.gz"),
        ((40, "8h", (4, 40, 36, 3, 2, 1, 1, 1)), "40x36x3x2 voxels; store one volume of three axes a file"),
        ((42, "h", 32767), "ends after"),
        ((40, "4h", (3, 32767, 32767, 6)), "32767x32767x6 voxels are more than 89478485; raise it with --max-pixels"),
        ((42, "h", -4), "voxels; store one volume"),
        ((70, "h", 128), "voxels of type"),
        ((70, "h", 32), "voxels of type complex64; store whole numbers or floats"),
        ((70, "h", 9999), "cannot be decoded (KeyError); mend or replace it"),
        ((108, "f", 1e30), "voxels that begin at byte"),
        ((108, "f", 3.0), "voxels that begin at byte 3; mend or replace it"),
        ((280, "4f", (np.nan,) * 4), "no usable orientation in its header; give it an affine"),
    ],
)
def test_a_header_that_lies_is_refused(change: tuple[int, str, Any], words: str, tmp_path: Path) -> None:
    place, kind, value = change
    path = write_nifti(tmp_path / "a.nii", ct(1)[0])
    data = bytearray(path.read_bytes())
    struct.pack_into("<" + kind, data, place, *(value if isinstance(value, tuple) else (value,)))
    path.write_bytes(bytes(data))
    assert words in refusal(Path(f"{path}#z001"))


def test_a_small_file_that_unpacks_to_much_is_refused_before_it_does(tmp_path: Path) -> None:
    data = write_nifti(tmp_path / "a.nii", ct(1)[0]).read_bytes()
    header = bytearray(data[:348])
    struct.pack_into("<4h", header, 40, 3, 10_000, 10_000, 30_000)
    (tmp_path / "a.nii.gz").write_bytes(gzip.compress(bytes(header) + bytes(10**6)))
    assert "10000x10000x30000 voxels are more than" in refusal(tmp_path / "a.nii.gz#z001")


def test_a_volume_or_a_slice_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = write_nifti(tmp_path / "a.nii", ct(1)[0])
    assert "the volume has 6 slices along z, counted from 0" in refusal(Path(f"{path}#z006"))
    assert "a volume where a picture is wanted; name one slice of it, as a.nii#z017" in refusal(path)
    assert "does not exist; restore it" in refusal(tmp_path / "b.nii#z001")


def test_a_volume_for_pictures_is_refused(tmp_path: Path) -> None:
    values, mask = ct(1)
    write_nifti(tmp_path / "images/a.nii", values)
    (tmp_path / "masks").mkdir()
    Image.fromarray(mask[:, :, 1].T).save(tmp_path / "masks/a.png")
    assert "images/a.nii has 6 slices but masks/a.png is one picture" in refused(find_pairs(tmp_path))


def test_no_half_of_a_medical_file_is_a_mask(tmp_path: Path) -> None:
    write_dicom(tmp_path / "a.dcm", ct(1)[0][:, :, 1])
    assert "glued in a NIfTI or DICOM file are not supported; leave out --glued" in refused(
        find_pairs(tmp_path, Selection(glued="left"))
    )
