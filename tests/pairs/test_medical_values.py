"""NIfTI and DICOM: which values become which levels, and DICOM files as images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pairaug.pairs.checked import CheckPolicy
from pairaug.pairs.checking import check_pairs, load_classes, load_image
from pairaug.pairs.decoding import decode_image, decode_mask
from pairaug.pairs.form import DecodePolicy, Form
from pairaug.pairs.source import find_pairs
from tests.conftest import Cli
from tests.pairs.scans import LPS, PATIENT, POLICY, ct, refusal, refused, write_dicom, write_nifti

pytest.importorskip("nibabel")
pytest.importorskip("pydicom")

MARKED = [1, 2, 3, 4]  # the slices with a mask


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
        ({"Rows": 20_000, "Columns": 20_000}, "20000x20000 is more than 25000000 pixels; raise it with --max-pixels"),
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
