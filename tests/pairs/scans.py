"""Drawn NIfTI volumes and DICOM files whose headers name a patient, in every place that has room for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from pairaug.errors import DataError
from pairaug.pairs.checked import CheckPolicy
from pairaug.pairs.checking import check_pairs
from pairaug.pairs.decoding import decode_image
from pairaug.pairs.form import DecodePolicy
from pairaug.pairs.pair import Found

POLICY = DecodePolicy()

nibabel: Any
pydicom: Any

PATIENT = "Roe^Jane"
BORN = "19531121"
# As their bytes might lie in an output: in one byte or two a character.
TRACES = [text.encode(coding) for text in (PATIENT, "Jane", BORN) for coding in ("utf-8", "utf-16-le", "utf-16-be")]
LPS = np.diag([-1.0, -1.0, 1.0, 1.0])  # voxel -> millimetres to the right, front and top: axes left, back and up


def ct(seed: int, shape: tuple[int, int, int] = (40, 36, 6)) -> tuple[NDArray[np.int16], NDArray[np.uint8]]:
    """Hounsfield units (left, posterior, superior) and their mask {0, 1, 2}; the first and last slices have none."""
    rng = np.random.default_rng(seed)
    values = rng.integers(-1024, 200, shape).astype(np.int16)
    mask = np.zeros(shape, np.uint8)
    for index in range(1, shape[2] - 1):
        left, back = int(rng.integers(2, 10)), int(rng.integers(2, 10))
        mask[left : left + 14, back : back + 9, index] = 1
        mask[left + 16 : left + 22, back + 10 : back + 19, index] = 2
    values[mask == 1] += 1000
    values[mask == 2] = 2500
    return values, mask


def write_nifti(path: Path, voxels: NDArray[Any], affine: NDArray[Any] = LPS, **header: Any) -> Path:
    import nibabel

    image = nibabel.Nifti1Image(voxels, affine)
    image.header["descrip"] = PATIENT.encode()
    image.header["db_name"] = PATIENT.encode()
    image.header["aux_file"] = f"{PATIENT} {BORN}".encode()
    image.header["intent_name"] = PATIENT.encode()
    image.header.extensions.append(nibabel.nifti1.Nifti1Extension("comment", f"{PATIENT} {BORN}".encode()))
    if "slope" in header:
        image.header.set_slope_inter(header["slope"], header.get("inter", 0))
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(image, path)
    return path


def write_dicom(path: Path, pixels: NDArray[Any], **tags: Any) -> Path:
    """A secondary capture or CT slice of (H, W) or (H, W, 3)."""
    import pydicom
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = CTImageStorage, generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    one = FileDataset(str(path), {}, file_meta=meta, preamble=PATIENT.encode().ljust(128, b"\0"))
    one.SOPClassUID, one.SOPInstanceUID = CTImageStorage, meta.MediaStorageSOPInstanceUID
    one.PatientName, one.PatientID, one.PatientBirthDate = PATIENT, PATIENT, BORN
    one.StudyDescription = one.ReferringPhysicianName = PATIENT
    one.add_new(0x00091001, "LO", PATIENT)
    one.Rows, one.Columns = pixels.shape[:2]
    one.SamplesPerPixel = 3 if pixels.ndim == 3 else 1
    one.PhotometricInterpretation = "RGB" if pixels.ndim == 3 else "MONOCHROME2"
    if pixels.ndim == 3:
        one.PlanarConfiguration = 0
    one.BitsAllocated = one.BitsStored = 8 * pixels.dtype.itemsize
    one.HighBit, one.PixelRepresentation = one.BitsStored - 1, int(pixels.dtype.kind == "i")
    one.PixelData = pixels.tobytes()
    for name, value in tags.items():
        setattr(one, name, value)
    path.parent.mkdir(parents=True, exist_ok=True)
    pydicom.dcmwrite(path, one, enforce_file_format=True)
    return path


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
