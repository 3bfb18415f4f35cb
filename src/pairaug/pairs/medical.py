"""NIfTI volumes and DICOM files: the only place that knows their headers, and where headers end.

Enters: ``vol.nii.gz#z017`` or ``scan.dcm``. Leaves: pixels and the ``Form`` of the PNG that stands for them, or raw
label values. Of a header no more is read than what pixels mean: type, scale, place in space, photometry.

Slices lie as radiologists look at them: axial ones with the patient's front at the top and right side at the left,
coronal and sagittal ones with the head at the top. Levels of an image are

* 8 bits or 16 bits without sign and scale: as they are stored;
* whole numbers otherwise (Hounsfield units, say): level = value + 32768, exactly;
* anything else only by ``DecodePolicy.window`` (low, high): level = 65535 * (value - low) / (high - low), clipped.

The form keeps slope and intercept with value = slope * level + intercept. nibabel and pydicom are optional
(``pip install 'pairaug[medical]'``) and loaded here alone. Formats: NIfTI-1 and NIfTI-2
(https://nifti.nimh.nih.gov), DICOM PS3.3 C.7.6.3 and C.11.1 (Rescale Slope and Intercept).
"""

from __future__ import annotations

import logging
import threading
import warnings
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from pairaug.errors import DataError
from pairaug.pairs.dicom import read_dicom
from pairaug.pairs.form import DecodePolicy, Form
from pairaug.pairs.pieces import Content, read_voxels
from pairaug.pairs.slices import Axis, is_volume, parse_slice

_Read = TypeVar("_Read")
EXTRA = "pip install 'pairaug[medical]'"
SIGN_OFFSET = 32768
_LARGEST_LABEL = 65535
# Extensions lie between header and voxels; more than this is not a header.
_MOST_BEFORE_VOXELS = 2**24
_NIFTI_HEADERS = {348: "Nifti1Header", 540: "Nifti2Header"}
_KEPT_BYTES = 2**28

for _library in ("nibabel", "nibabel.global", "pydicom"):
    logging.getLogger(_library).addHandler(logging.NullHandler())
    logging.getLogger(_library).propagate = False  # what they log may quote a header


@dataclass(frozen=True)
class Volume:
    """Stored numbers (left, posterior, superior), value = slope * number + intercept, and voxel -> space (4, 4)."""

    stored: NDArray[Any]
    slope: float
    intercept: float
    affine: NDArray[np.float64]

    def length(self, axis: Axis) -> int:
        return int(self.stored.shape["xyz".index(axis)])

    def cut(self, axis: Axis, index: int) -> NDArray[Any]:
        """Slice ``index`` as a picture (rows, columns) of stored numbers."""
        if axis == "z":
            return self.stored[:, :, index].T
        return (self.stored[:, index] if axis == "y" else self.stored[index]).T[::-1]

    @cached_property
    def largest(self) -> float:
        return float(self.stored.max()) * self.slope + self.intercept if self.stored.size else 0.0

    def has_foreground(self, axis: Axis, index: int) -> bool:
        """Whether any pixel's value is not 0."""
        zero = -self.intercept / self.slope
        return bool((self.cut(axis, index) != zero).any())


def decode_medical_image(path: Path, policy: DecodePolicy) -> tuple[NDArray[np.uint8] | NDArray[np.uint16], Form]:
    """(H, W) or (H, W, 3) levels and their form. Raises DataError."""
    stored, slope, intercept, form = _numbers(path, policy)
    if stored.ndim == 3:
        return stored.astype(np.uint8), form
    return _levels(path, stored, slope, intercept, form, policy)


def decode_medical_mask(path: Path, policy: DecodePolicy) -> tuple[NDArray[np.int32], Form]:
    """(H, W) label values, which must be whole numbers from 0 to 65535. Raises DataError."""
    stored, slope, intercept, form = _numbers(path, policy)
    if stored.ndim == 3:
        raise DataError(f"{path}: a mask in colour; store label values as one number a pixel")
    values = _whole(stored, slope, intercept)
    if values is None or values.min() < 0 or values.max() > _LARGEST_LABEL:
        raise DataError(
            f"{path}: values from {_range_of(stored, slope, intercept)}, which are no label values; "
            f"store whole numbers from 0 to {_LARGEST_LABEL}"
        )
    largest = _volume_of(path, policy).largest if form.format == "NIFTI" else values.max()
    mode = "L" if largest <= 255 else "I;16"
    return values.astype(np.int32), Form(form.suffix, form.format, mode)


def looks_like_labels(path: Path, policy: DecodePolicy, most: int) -> bool:
    """Whether a volume or DICOM file holds few values, all of them whole. Raises DataError."""
    if is_volume(str(path)):
        volume = read_volume(path, policy)
        slope, intercept, depth = volume.slope, volume.intercept, volume.length("z")
        pictures = [volume.cut("z", depth * quarter // 4) for quarter in (1, 2, 3)]
    else:
        stored, slope, intercept, _ = _numbers(path, policy)
        pictures = [stored]
    values = np.unique(np.concatenate([np.unique(picture) for picture in pictures]))
    return len(values) <= most and _whole(values, slope, intercept) is not None


def read_volume(path: Path, policy: DecodePolicy) -> Volume:
    """The volume in file ``path``; the last few stay in memory. Raises DataError."""
    try:
        state = path.stat()
        key = (str(path), state.st_size, state.st_mtime_ns)
    except FileNotFoundError:
        raise DataError(f"{path}: does not exist; restore it, or leave its pair out with --exclude") from None
    with _LOCK:
        volume = _KEPT.get(key) or _guarded(path, lambda: _nifti(path, policy))
        _KEPT[key] = volume
        _KEPT.move_to_end(key)
        while len(_KEPT) > 2 and sum(kept.stored.nbytes for kept in _KEPT.values()) > _KEPT_BYTES:
            _KEPT.popitem(last=False)
        return volume


_LOCK = threading.Lock()
_KEPT: OrderedDict[tuple[str, int, int], Volume] = OrderedDict()


def _volume_of(path: Path, policy: DecodePolicy) -> Volume:
    parsed = parse_slice(str(path))
    assert parsed is not None
    return read_volume(Path(parsed[0]), policy)


def _numbers(path: Path, policy: DecodePolicy) -> tuple[NDArray[Any], float, float, Form]:
    """The stored numbers of a picture, their slope and intercept, and a first form (of mode L, or RGB for colour)."""
    if path.name.lower().endswith((".dcm", ".dicom")):
        return _guarded(path, lambda: read_dicom(path, policy, _library_for(path, "pydicom", "a DICOM file")))
    parsed = parse_slice(str(path))
    if parsed is None:
        raise DataError(f"{path}: a volume where a picture is wanted; name one slice of it, as {path.name}#z017")
    _, axis, index = parsed
    volume = _volume_of(path, policy)
    if index >= volume.length(axis):
        raise DataError(f"{path}: the volume has {volume.length(axis)} slices along {axis}, counted from 0")
    return volume.cut(axis, index), volume.slope, volume.intercept, Form(path.suffix, "NIFTI", "L")


def _guarded(path: Path, read: Callable[[], _Read]) -> _Read:
    """``read()``, with whatever a reader fed rubbish may raise or say as one DataError."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return read()
    except DataError:
        raise
    except Exception as error:
        # The type alone: the text may quote the header.
        raise DataError(f"{path}: cannot be decoded ({type(error).__name__}); mend or replace it") from error


def _nifti(path: Path, policy: DecodePolicy) -> Volume:
    nibabel = _library_for(path, "nibabel", "a NIfTI volume")
    content = Content(path, policy)
    start = content.start(544)
    sizes = {int.from_bytes(start[:4], order): order for order in ("little", "big")}
    kind = next((size for size in _NIFTI_HEADERS if size in sizes), None)
    if kind is None or len(start) < kind:
        raise DataError(f"{path}: is not a NIfTI file; restore it or leave it out with --exclude")
    header = getattr(nibabel, _NIFTI_HEADERS[kind])(start[:kind], check=False)
    if bytes(header["magic"].tobytes())[:2] != b"n+":
        raise DataError(f"{path}: header and voxels in two files; store both in one .nii or .nii.gz")
    shape, dtype = tuple(int(side) for side in header.get_data_shape()), header.get_data_dtype()
    while len(shape) > 3 and shape[-1] == 1:
        shape = shape[:-1]
    if len(shape) not in (2, 3) or min(shape) < 1:
        raise DataError(f"{path}: {'x'.join(map(str, shape))} voxels; store one volume of three axes a file")
    count = int(np.prod(shape, dtype=object))
    if count > policy.max_voxels:
        raise DataError(
            f"{path}: {'x'.join(map(str, shape))} voxels are more than {policy.max_voxels}; raise it with --max-pixels"
        )
    if dtype.kind not in "iuf" or dtype.itemsize > 8:
        raise DataError(f"{path}: voxels of type {dtype.name}; store whole numbers or floats, one a voxel")
    offset = int(header["vox_offset"])
    if not kind <= offset <= _MOST_BEFORE_VOXELS:
        raise DataError(f"{path}: voxels that begin at byte {offset}; mend or replace it")
    stored = read_voxels(path, content, offset, count, dtype, policy).reshape((*shape, 1)[:3], order="F")
    slope, intercept = header.get_slope_inter()
    return _as_radiologists(path, nibabel, stored, slope, intercept, header.get_best_affine())


def _as_radiologists(
    path: Path, nibabel: ModuleType, stored: NDArray[Any], slope: float | None, intercept: float | None, affine: Any
) -> Volume:
    """Axes turned and flipped, none resampled, so that they run left, posterior and superior."""
    space = nibabel.orientations
    found = space.io_orientation(affine) if np.isfinite(affine).all() else np.array([np.nan])
    if not np.isfinite(found).all():
        raise DataError(f"{path}: no usable orientation in its header; give it an affine")
    turn = space.ornt_transform(found, space.axcodes2ornt(("L", "P", "S")))
    turned = space.apply_orientation(stored, turn)
    place = affine @ space.inv_ornt_aff(turn, stored.shape)
    return Volume(turned, 1.0 if slope is None else slope, 0.0 if intercept is None else intercept, place)


def _levels(
    path: Path, stored: NDArray[Any], slope: float, intercept: float, form: Form, policy: DecodePolicy
) -> tuple[NDArray[np.uint8] | NDArray[np.uint16], Form]:
    """Levels by the three rules of this module."""
    if policy.window is not None:
        low, high = policy.window
        values = _values(stored, slope, intercept)
        if not np.isfinite(values).all():
            raise DataError(f"{path}: {int((~np.isfinite(values)).sum())} pixels are not numbers; replace them")
        levels = np.rint((values.clip(low, high) - low) * (65535 / (high - low))).astype(np.uint16)
        return levels, Form(form.suffix, form.format, "I;16", slope=(high - low) / 65535, intercept=low)
    plain = stored.dtype.kind == "u" and (slope, intercept) == (1.0, 0.0)
    if plain and stored.dtype.itemsize == 1:
        return stored.astype(np.uint8), form
    if plain and stored.dtype.itemsize == 2:
        return stored.astype(np.uint16), Form(form.suffix, form.format, "I;16")
    whole = _whole(stored, slope, intercept)
    if whole is None or whole.min() < -SIGN_OFFSET or whole.max() >= SIGN_OFFSET:
        kind = "values" if whole is not None else "values that are not whole numbers"
        raise DataError(
            f"{path}: {kind} from {_range_of(stored, slope, intercept)}, which 16 bits cannot hold exactly; "
            "say which range to keep with --window LOW,HIGH"
        )
    levels = (whole + SIGN_OFFSET).astype(np.uint16)
    return levels, Form(form.suffix, form.format, "I;16", intercept=-float(SIGN_OFFSET))


def _whole(stored: NDArray[Any], slope: float, intercept: float) -> NDArray[np.int64] | None:
    """The values as whole numbers; None where any is not one."""
    scaled = (slope, intercept) != (1.0, 0.0)
    if stored.dtype.kind in "iu" and not scaled:
        if stored.dtype == np.uint64 and stored.max(initial=0) > np.iinfo(np.int64).max:
            return None
        return stored.astype(np.int64)
    values = _values(stored, slope, intercept)
    if not np.isfinite(values).all() or np.abs(values).max(initial=0) > 2**53:
        return None
    whole = np.rint(values)
    return whole.astype(np.int64) if np.array_equal(whole, values) else None


def _values(stored: NDArray[Any], slope: float, intercept: float) -> NDArray[np.float64]:
    with np.errstate(all="ignore"):  # what is not a number is looked for afterwards
        return stored.astype(np.float64) * slope + intercept


def _range_of(stored: NDArray[Any], slope: float, intercept: float) -> str:
    values = _values(stored, slope, intercept)
    finite = values[np.isfinite(values)]
    if not finite.size:
        return "nothing to nothing"
    return f"{finite.min():g} to {finite.max():g}" + ("" if finite.size == values.size else " and some not numbers")


def _library_for(path: Path, name: str, what: str) -> ModuleType:
    from importlib import import_module

    try:
        return import_module(name)
    except ImportError as error:
        raise DataError(f"{path}: {what}; reading it needs {name}: {EXTRA}") from error
