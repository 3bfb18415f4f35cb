"""NIfTI volumes and DICOM files: how they are cut, which values become which levels, what is refused and how."""

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
from pairaug.pairs.decoding import decode_image, decode_mask
from pairaug.pairs.form import DecodePolicy, Form
from pairaug.pairs.pair import Found
from pairaug.pairs.slices import content_digest, file_of, is_medical, parse_slice, split_ending, with_ending
from pairaug.pairs.source import Selection, find_masks, find_pairs
from tests.conftest import Cli
from tests.pairs.scans import LPS, PATIENT, ct, write_dicom, write_nifti

pytest.importorskip("nibabel")
pytest.importorskip("pydicom")

POLICY = DecodePolicy()
SHAPE = (40, 36, 6)
MARKED = [1, 2, 3, 4]  # the slices with a mask


def volumes(root: Path, count: int = 2, ending: str = ".nii.gz") -> Path:
    for number in range(count):
        values, mask = ct(number)
        write_nifti(root / f"imagesTr/case{number}_0000{ending}", values)
        write_nifti(root / f"labelsTr/case{number}{ending}", mask)
    return root


def refused(found: Found) -> str:
    with pytest.raises(DataError) as caught:
        check_pairs(found, CheckPolicy())
    return "\n".join([caught.value.message, *caught.value.details])


def refusal(path: Path, decode: Any = decode_image, policy: DecodePolicy = POLICY) -> str:
    with pytest.raises(DataError) as caught:
        decode(path, policy)
    return str(caught.value)


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


# Values and levels


@pytest.mark.parametrize(
    ("voxels", "scale", "levels", "form"),
    [
        (np.uint8([[[0, 255]]]), {}, [0, 255], Form("", "NIFTI", "L")),
        (np.uint16([[[0, 65535]]]), {}, [0, 65535], Form("", "NIFTI", "I;16")),
        (np.int16([[[-32768, 32767]]]), {}, [0, 65535], Form("", "NIFTI", "I;16", "", 1.0, -32768.0)),
        (np.int32([[[-5, 70]]]), {}, [32763, 32838], Form("", "NIFTI", "I;16", "", 1.0, -32768.0)),
        (np.float64([[[-1024.0, 3000.0]]]), {}, [31744, 35768], Form("", "NIFTI", "I;16", "", 1.0, -32768.0)),
        (
            np.uint8([[[3, 255]]]),
            {"slope": 2, "inter": -10},
            [32764, 33268],
            Form("", "NIFTI", "I;16", "", 1.0, -32768.0),
        ),
    ],
)
def test_values_become_levels_without_loss(
    voxels: Any, scale: dict[str, float], levels: list[int], form: Form, tmp_path: Path
) -> None:
    path = write_nifti(tmp_path / "a.nii", voxels, **scale)
    pixels, found = decode_image(Path(f"{path}#z000"), POLICY)
    assert pixels.shape == (1, 1)
    assert [int(decode_image(Path(f"{path}#z{k:03d}"), POLICY)[0][0, 0]) for k in (0, 1)] == levels
    assert (found.mode, found.slope, found.intercept) == (form.mode, form.slope, form.intercept)
    assert pixels.dtype == (np.uint8 if form.mode == "L" else np.uint16)


@pytest.mark.parametrize(
    ("voxels", "scale", "words"),
    [
        (np.float32([[[0.25, 0.5]]]), {}, "values that are not whole numbers from 0.25 to 0.25"),
        (np.float32([[[np.nan, 1]]]), {}, "values that are not whole numbers from nothing to nothing"),
        (np.int32([[[40000, 1]]]), {}, "values from 40000 to 40000, which 16 bits cannot hold exactly"),
        (np.int16([[[3, 1]]]), {"slope": 0.1}, "values that are not whole numbers from 0.3 to 0.3"),
    ],
)
def test_values_that_16_bits_cannot_hold_are_refused_with_the_window(
    voxels: Any, scale: dict[str, float], words: str, tmp_path: Path
) -> None:
    said = refusal(Path(f"{write_nifti(tmp_path / 'a.nii', voxels, **scale)}#z000"))
    assert words in said
    assert said.endswith("which 16 bits cannot hold exactly; say which range to keep with --window LOW,HIGH")


def test_a_window_keeps_its_range_and_the_form_says_which(tmp_path: Path) -> None:
    path = Path(f"{write_nifti(tmp_path / 'a.nii', np.float32([[[-2.0]], [[-1.0]], [[0.0]], [[1.0]], [[9.0]]]))}#z000")
    levels, form = decode_image(path, DecodePolicy(window=(-1.0, 1.0)))
    assert levels.tolist() == [[0, 0, 32768, 65535, 65535]]
    assert form.intercept == -1.0
    np.testing.assert_allclose(form.slope * levels.astype(float) + form.intercept, [[-1, -1, 0, 1, 1]], atol=2e-5)
    holes = Path(f"{write_nifti(tmp_path / 'b.nii', np.float32([[[np.nan]]]))}#z000")
    assert "1 pixels are not numbers; replace them" in refusal(holes, policy=DecodePolicy(window=(0, 1)))


def test_the_window_reaches_the_check(tmp_path: Path, cli: Cli) -> None:
    for number in range(2):
        values, mask = ct(number)
        write_nifti(tmp_path / f"images/{number}.nii", values / np.float32(3000))
        write_nifti(tmp_path / f"masks/{number}.nii", mask)
    ran = cli("check", tmp_path)
    assert (ran.code, "--window LOW,HIGH" in ran.err) == (3, True)
    assert cli("check", tmp_path, "--window", "-0.35,0.84").code == 0


@pytest.mark.parametrize("text", ["1", "5,1", "a,b", "1,1", "0,inf", "1,2,3", "nan,1"])
def test_a_window_that_is_none_is_a_usage_error(text: str, cli: Cli) -> None:
    ran = cli("check", ".", "--window", text)
    assert ran.code == 2
    assert f"--window {text}: must be two numbers, the lower first, such as -1000,400" in ran.err


def test_a_way_to_cut_that_is_none_is_a_usage_error(cli: Cli) -> None:
    ran = cli("check", ".", "--slices", "oblique")
    assert (ran.code, "--slices oblique: must be axial, coronal, sagittal" in ran.err) == (2, True)


def test_images_of_two_scales_are_refused_and_a_window_settles_it(tmp_path: Path) -> None:
    for number, kind in enumerate((np.int16, np.uint16)):
        values, mask = ct(number)
        write_nifti(tmp_path / f"images/{number}.nii", (values + 1024).astype(kind))
        write_nifti(tmp_path / f"masks/{number}.nii", mask)
    said = refused(find_pairs(tmp_path))
    assert "images of different scales: images/0.nii#z001 and images/1.nii#z001" in said
    assert "--window LOW,HIGH" in said
    assert len(check_pairs(find_pairs(tmp_path), CheckPolicy(DecodePolicy(window=(0, 4000)))).pairs) == 8


@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.int64, np.float64])
def test_a_mask_of_whole_numbers_is_read_whatever_its_type(kind: Any, tmp_path: Path) -> None:
    import nibabel

    mask = ct(1)[1]
    path = tmp_path / "a.nii.gz"
    nibabel.save(nibabel.Nifti1Image(mask.astype(kind), LPS, dtype=kind), path)
    raw, form = decode_mask(Path(f"{path}#z002"), POLICY)
    np.testing.assert_array_equal(raw, mask[:, :, 2].T)
    assert form.mode == "L"
    write_nifti(path, mask.astype(np.uint16) * 300)
    assert decode_mask(Path(f"{path}#z000"), POLICY)[1].mode == "I;16"  # as the rest of the volume needs it


@pytest.mark.parametrize(
    ("voxel", "words"), [(0.5, "values from 0.5 to 0.5"), (-1, "values from -1 to -1"), (7e4, "7")]
)
def test_a_mask_of_other_values_is_refused(voxel: float, words: str, tmp_path: Path) -> None:
    said = refusal(Path(f"{write_nifti(tmp_path / 'a.nii', np.float32([[[voxel]]]))}#z000"), decode_mask)
    assert words in said
    assert "which are no label values; store whole numbers from 0 to 65535" in said


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


# DICOM


def test_dicom_images_pair_with_masks_of_any_kind(tmp_path: Path) -> None:
    values, mask = ct(1)
    for index in MARKED:
        for folder in ("one", "two", "three"):
            write_dicom(tmp_path / f"{folder}/images/IM{index}.dcm", values[:, :, index].T)
        (tmp_path / "one/masks").mkdir(exist_ok=True)
        Image.fromarray(mask[:, :, index].T).save(tmp_path / f"one/masks/IM{index}.png")
        write_dicom(tmp_path / f"two/masks/IM{index}.dcm", mask[:, :, index].T)
        write_nifti(tmp_path / f"three/masks/IM{index}.nii.gz", mask[:, :, index : index + 1])
    for folder in ("one", "two", "three"):
        checked = check_pairs(find_pairs(tmp_path / folder), CheckPolicy())
        assert [Path(item.pair.image).name for item in checked.pairs] == [f"IM{k}.dcm" for k in MARKED]
        for item, index in zip(checked.pairs, MARKED, strict=True):
            levels = load_image(tmp_path / folder, item, checked.policy).astype(np.int32) - 32768
            np.testing.assert_array_equal(levels, values[:, :, index].T)
            drawn = load_classes(tmp_path / folder, item, checked.policy, checked.label_map)
            np.testing.assert_array_equal(drawn, mask[:, :, index].T)


@pytest.mark.parametrize(
    ("pixels", "tags", "levels", "mode"),
    [
        (np.uint16([[0, 4095]]), {"BitsStored": 12, "HighBit": 11}, [0, 4095], "I;16"),
        (np.uint16([[24, 4095]]), {"RescaleSlope": 1, "RescaleIntercept": -1024}, [31768, 35839], "I;16"),
        (np.int16([[-1024, 7]]), {}, [31744, 32775], "I;16"),
        (np.uint8([[0, 200]]), {}, [0, 200], "L"),
        (np.uint8([[0, 200]]), {"PhotometricInterpretation": "MONOCHROME1"}, [255, 55], "L"),
        (
            np.uint16([[0, 1000]]),
            {"PhotometricInterpretation": "MONOCHROME1", "BitsStored": 12, "HighBit": 11},
            [4095, 3095],
            "I;16",
        ),
    ],
)
def test_dicom_values_become_levels_without_loss(
    pixels: Any, tags: dict[str, Any], levels: list[int], mode: str, tmp_path: Path
) -> None:
    found, form = decode_image(write_dicom(tmp_path / "a.dcm", pixels, **tags), POLICY)
    assert found.tolist() == [levels]
    assert (form.format, form.mode) == ("DICOM", mode)


def test_a_colour_dicom_is_a_colour_image(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    path = write_dicom(tmp_path / "a.dcm", pixels)
    found, form = decode_image(path, POLICY)
    np.testing.assert_array_equal(found, pixels)
    assert (form.mode, form.channels) == ("RGB", 3)
    assert "a mask in colour; store label values as one number a pixel" in refusal(path, decode_mask)


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ({"NumberOfFrames": 3}, "3 frames in one file; store one image a file, or a NIfTI volume"),
        ({"RescaleSlope": "0.3"}, "not whole numbers"),
        ({"PhotometricInterpretation": "PALETTE COLOR"}, "levels by a look-up table; store grey values or RGB"),
        (
            {"PhotometricInterpretation": "MONOCHROME1", "RescaleIntercept": -5},
            "MONOCHROME1 with sign or scale; convert it to MONOCHROME2",
        ),
        ({"Rows": 20_000, "Columns": 20_000}, "20000x20000 is more than 89478485 pixels; raise it with --max-pixels"),
        ({"PixelData": b"\0\0"}, "cannot be decoded (ValueError); mend or replace it"),
    ],
)
def test_a_dicom_that_cannot_be_used_is_refused(tags: dict[str, Any], words: str, tmp_path: Path) -> None:
    said = refusal(write_dicom(tmp_path / "a.dcm", np.uint16([[1, 4], [5, 7]]), **tags))
    assert words in said
    assert PATIENT not in said


def test_dicom_files_without_a_picture_or_of_another_kind_are_refused(tmp_path: Path) -> None:
    import pydicom

    path = write_dicom(tmp_path / "a.dcm", np.uint16([[1, 4]]))
    dataset = pydicom.dcmread(path)
    del dataset.PixelData
    dataset.save_as(path)
    assert "holds no picture; leave it out with --exclude" in refusal(path)
    path.write_text("nothing\n")
    assert "is not a DICOM file" in refusal(path)
    dataset = pydicom.dcmread(write_dicom(path, np.uint16([[1, 4]])))
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.JPEGLSLossless
    dataset.PixelData = pydicom.encaps.encapsulate([b"\xff\xd8\xff\xf7nothing"])
    dataset["PixelData"].VR = "OB"
    dataset.save_as(path)
    assert "compressed as 'JPEG-LS Lossless Image Compression', which cannot be read here" in refusal(path)
