"""What to do where no pairs are found, or none can be used: one remedy, by the main reason.

Enters: what was found and why the rest was not. Leaves: a sentence with a command that works as it stands, for the
folders at hand where they can be told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath
from shlex import quote

from pairaug.pairs.form import FORMATS
from pairaug.pairs.pair import Skipped
from pairaug.pairs.scanning import LINKED_FILE, LINKED_FOLDER

_PACKED = (".tar", ".tar.gz", ".tgz", ".zip", ".7z", ".rar")
_VOLUMES = frozenset(
    {".nrrd", ".nhdr", ".seg.nrrd", ".mhd", ".mha", ".mat", ".npy", ".npz", ".h5", ".hdf5", ".img", ".hdr", ".vtk"}
)
_POLYGONS = frozenset({".json", ".xml", ".txt", ".csv", ".geojson", ".svg", ".roi", ".rle"})
_DRAWINGS = frozenset({".json", ".geojson", ".xml"})  # one of them may draw for all images
_PICTURES = frozenset(
    {".heic", ".heif", ".avif", ".jxl", ".psd", ".xcf", ".exr", ".dng", ".cr2", ".nef", ".tga", ".ico", ".svs", ".ndpi"}
    | {".mrxs", ".czi", ".lif", ".nd2", ".eps", ".pdf", ".jp2k"}
)
STACKED = "frames in one file"
# One line of Python with what pairaug itself needs: every frame of a stack as a PNG of its own.
CUT_STACK = (
    'python3 -c "import sys; from PIL import Image, ImageSequence; stack = Image.open(sys.argv[1]); '
    "[frame.save(f'{sys.argv[2]}/{n:03}.png') for n, frame in enumerate(ImageSequence.Iterator(stack))]\""
)
_FLAGS = (
    "say what belongs together, for example --pair 'images/{id}.png=masks/{id}.png', --images and --masks, or "
    "--glued right where one file holds both"
)


def remedy(root: Path, skipped: Sequence[Skipped]) -> str:
    """What to do where ``root`` has no pairs, by what most of its files are."""
    suffixes = Counter(_suffix(entry.path) for entry in skipped)
    reasons = Counter(entry.reason for entry in skipped)
    images = [entry for entry in skipped if not entry.reason.startswith("not an image file")]
    if any(entry.path.lower().endswith(_PACKED) for entry in skipped):
        return "unpack the packed files first, with tar or unzip"
    if reasons[LINKED_FILE] or reasons[LINKED_FOLDER]:
        return _by_list(root, skipped, "links that lead out of the folder are not followed; list the pairs")
    others = sum(count for suffix, count in suffixes.items() if suffix in _VOLUMES | _POLYGONS | _PICTURES)
    drawn = suffixes.keys() & _DRAWINGS and not reasons["a mask without an image"]
    if not images or drawn or 2 * others >= len(images):
        return _of_other_files(suffixes)
    if len(images) <= 1:
        return f"{_of_other_files(suffixes)}; or name the folder that holds both images and masks"
    aside = [entry for entry in images if entry.reason not in _UNPAIRED]
    if 2 * len(aside) >= len(images) and "not chosen by --images or --masks" not in reasons:
        shape = _common_shape([entry.path for entry in aside])
        return f"if these are the masks, say --masks {quote(shape)}" if shape else _FLAGS
    folders = _two_folders(images)
    if folders:
        return _by_list(root, images, "their names have nothing in common; where both are in one order, list the pairs")
    if all("/" not in entry.path for entry in images):
        return f"where all are images, or all are masks, give the folder that holds both; else {_FLAGS}"
    return _FLAGS


_UNPAIRED = frozenset({"a mask without an image", "an image without a mask", "part of no pair"})


def _of_other_files(suffixes: Counter[str]) -> str:
    """By the most frequent suffix that something can be said of."""
    said: tuple[tuple[Callable[[str], bool], str], ...] = (
        (
            _VOLUMES.__contains__,
            "volumes are read as NIfTI (.nii.gz) or DICOM; convert these, or write their slices as PNG",
        ),
        (
            _PICTURES.__contains__,
            f"convert these to PNG or TIFF; what is read: {', '.join(FORMATS)}, NIfTI and DICOM",
        ),
        (
            _POLYGONS.__contains__,
            "polygons are not read; draw them as PNG masks first, with the tool that wrote them (labelme's "
            "labelme2voc.py, CVAT's export 'Segmentation mask', pycocotools' annToMask, QuPath's label export)",
        ),
    )
    for suffix, _ in suffixes.most_common():
        for belongs, text in said:
            if belongs(suffix):
                return text
    return "give the folder that holds images and masks, or a list of pairs with --list FILE"


def _by_list(root: Path, entries: Sequence[Skipped], why: str) -> str:
    """A list of pairs made by the shell: two folders side by side where there are two, else what a list looks like."""
    folders = _two_folders(entries)
    if not folders:
        return f"{why}: printf 'IMAGE\\tMASK\\n' with a line a pair, piped into: pairaug check -"
    images, masks = (quote(str(root / folder)) for folder in folders)
    return f"{why}: paste <(ls -d {images}/*) <(ls -d {masks}/*) | pairaug check -"


def _two_folders(entries: Sequence[Skipped]) -> tuple[str, str] | None:
    """The folders of images and of masks where all files lie in two of equal size, the masks' by its words."""
    from pairaug.pairs.templates import role_by_words
    from pairaug.pairs.words import Role

    linked = [entry.path for entry in entries if entry.reason == LINKED_FOLDER]
    counts = Counter(str(PurePosixPath(entry.path).parent) for entry in entries if entry.reason != LINKED_FOLDER)
    folders = sorted(linked or counts)
    if len(folders) != 2 or (not linked and len(set(counts.values())) != 1):
        return None
    first_is_masks = role_by_words(f"{folders[0]}/x.png") is Role.MASK
    second_is_masks = role_by_words(f"{folders[1]}/x.png") is Role.MASK
    if first_is_masks and not second_is_masks:
        return folders[1], folders[0]
    return folders[0], folders[1]


def _common_shape(paths: Sequence[str]) -> str | None:
    """A glob for files of one folder, or of one ending."""
    folders = {str(PurePosixPath(path).parent) for path in paths}
    if len(folders) == 1 and "." not in folders:
        return PurePosixPath(folders.pop()).name
    ends = {path[path.rfind("_") :] for path in paths if "_" in path}
    return f"*{ends.pop()}" if len(ends) == 1 else None


def _suffix(path: str) -> str:
    return PurePosixPath(path).suffix.lower()


def mend(bad: Sequence[Skipped], total: int) -> str:
    """What to do with files that cannot be used; ``--skip-bad`` only where something would be left."""
    if bad and all(STACKED in entry.reason for entry in bad):
        return f"cut each stack into one file a frame, in a folder of its own: {CUT_STACK} STACK FOLDER"
    return "mend them, or leave them out with --skip-bad" if len(bad) < total else "mend them"
