"""The words by which people name images, masks and things that are neither.

A folder or file name is cut into lower-case tokens; the vocabulary says what a token tells about the file's role
and about the split it belongs to. Everything that pairaug knows of naming conventions by heart stands here.
"""

from __future__ import annotations

import re
from enum import Enum


class Role(Enum):
    IMAGE = "image"
    MASK = "mask"
    OTHER = "other"  # belongs to a pair but is not its mask: second observers, edge maps, fields of view, previews
    NONE = "none"


IMAGE_WORDS = frozenset(
    """image images img imgs original originals orig raw input inputs photo photos picture pictures pic pics scan scans
    slice slices source src fram frame frames jpegimages rgb fundus dermoscopic xray""".split()  # noqa: SIM905
)
MASK_WORDS = frozenset(
    """mask masks msk msks label labels lbl lbls labelled labeled labelids labeltrainids gt gts truth truths groundtruth
    groundtruths annotation annotations annot annots ann anns anno annos annotated seg segs segm segmentation
    segmentations segmentationclass trimap trimaps matte mattes binary manual manual1 manuals target targets lesion
    lesions 1stho 1st avmanual av ah observer1 annotator1 expert1""".split()  # noqa: SIM905
)
OTHER_WORDS = {
    "2nd": "a second annotation",
    "second": "a second annotation",
    "2ndho": "a second annotation",
    "manual2": "a second annotation",
    "observer2": "a second annotation",
    "annotator2": "a second annotation",
    "expert2": "a second annotation",
    "vk": "a second annotation",
    "edge": "an edge map",
    "edges": "an edge map",
    "boundary": "an edge map",
    "boundaries": "an edge map",
    "contour": "an edge map",
    "contours": "an edge map",
    "skeleton": "an edge map",
    "prior": "a prior, not the mask",
    "fov": "a field of view",
    "roi": "a field of view",
    "preview": "a preview",
    "previews": "a preview",
    "overlay": "a preview",
    "overlays": "a preview",
    "thumb": "a preview",
    "thumbs": "a preview",
    "thumbnail": "a preview",
    "thumbnails": "a preview",
    "vis": "a preview",
    "viz": "a preview",
    "visualization": "a preview",
    "visualizations": "a preview",
    "visualisation": "a preview",
    "visualisations": "a preview",
    "colorized": "a preview",
    "superpixel": "superpixels",
    "superpixels": "superpixels",
    "segmentationobject": "numbered objects, not classes",
    "instanceids": "numbered objects, not classes",
    "prediction": "a prediction",
    "predictions": "a prediction",
    "pred": "a prediction",
    "preds": "a prediction",
}
SPLIT_WORDS = {
    "train": "train",
    "training": "train",
    "trainset": "train",
    "trainingset": "train",
    "tr": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
    "testing": "test",
    "testset": "test",
    "testingset": "test",
    "ts": "test",
}
# In a folder of masks the coloured copy of a mask; anywhere else a colour photograph.
COLOUR_WORDS = frozenset({"color", "colour", "colors", "colours", "rgb"})
# Words that go along with the others and carry no meaning of their own.
FILLER_WORDS = frozenset({"set", "ground", "data", "dataset", "final", "folder"})
# ``1st``, ``av`` and two-letter observer initials mean something beside other words only at a name's end.
MANUAL_WORDS = frozenset({"manual", "manual1", "manuals", "avmanual"})

# ``testA_2``, ``train7``: the split, then what tells one file from the next.
_LEADING_SPLIT = re.compile(r"(?P<word>[A-Za-z]+?)(?:[A-Z](?![A-Za-z])|(?=\d))[\s_\-.]*(?=[^\s_\-.])")
_TOKEN = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+|[^\W\d_]+")
_GLUED = re.compile(r"^(train|training|val|valid|test)(images?|imgs?|annot|masks?|labels?|gt)$")
_CHUNK = re.compile(r"[^\s_\-.]+")


def chunks(name: str) -> list[tuple[str, int, int]]:
    """``name`` cut at spaces, ``_``, ``-`` and ``.``: (lower-case text, start, end) of each piece."""
    return [(m.group().lower(), m.start(), m.end()) for m in _CHUNK.finditer(name)]


def folder_tokens(name: str) -> list[str]:
    """The lower-case words of a folder's name.

    ``labelsTr`` -> labels, tr; ``trainannot`` -> train, annot; ``1st_manual`` -> 1st, manual; ``GT-1`` -> gt, 1.
    """
    tokens: list[str] = []
    for chunk, start, end in chunks(name):
        if is_word(chunk):
            tokens.append(chunk)
            continue
        glued = _GLUED.match(chunk)
        if glued:
            tokens.extend(glued.groups())
            continue
        pieces = [piece.lower() for piece in _TOKEN.findall(name[start:end])]
        tokens.extend(pieces if any(is_word(piece) for piece in pieces) else [chunk])
    return tokens


def is_word(token: str) -> bool:
    return token in IMAGE_WORDS or token in MASK_WORDS or token in OTHER_WORDS or token in SPLIT_WORDS


def role_of(tokens: list[str]) -> Role:
    """What the words say together: a second observer's mask is OTHER, a plain mask MASK, no known word NONE."""
    if any(token in OTHER_WORDS for token in tokens):
        return Role.OTHER
    if any(token in MASK_WORDS for token in tokens):
        return Role.MASK
    if any(token in IMAGE_WORDS for token in tokens):
        return Role.IMAGE
    return Role.NONE


def split_of(tokens: list[str]) -> str | None:
    for token in tokens:
        if token in SPLIT_WORDS:
            return SPLIT_WORDS[token]
    return None


def leading_split(core: str) -> tuple[str, int]:
    """The split that a name begins with and the length of that beginning; ("", 0) where there is none.

    ``testA_2`` -> ("test", 6); ``train7`` -> ("train", 5).
    """
    match = _LEADING_SPLIT.match(core)
    word = match["word"].lower() if match else ""
    return (SPLIT_WORDS[word], match.end()) if match and len(word) > 2 and word in SPLIT_WORDS else ("", 0)


def affix(stem: str) -> tuple[str, str, str]:
    """``stem`` as (prefix, core, suffix), where prefix and suffix are runs of known words.

    ``21_training_mask`` -> ("", "21", "_training_mask"); ``mask_7`` -> ("mask_", "7", "");
    ``benign (3)_mask_1`` -> ("", "benign (3)", "_mask_1"). The core may be empty (``image``).
    """
    if stem.isdecimal():
        return "", stem, ""
    pieces = chunks(stem)
    first, last = 0, len(pieces)
    while last > first:
        piece = pieces[last - 1][0]
        if is_word(piece) and (last == len(pieces) or _separated(piece)):
            last -= 1
        elif _part_number(pieces, first, last):
            last -= 2
        else:
            break
    while first < last and is_word(pieces[first][0]) and _separated(pieces[first][0]):
        first += 1
    if first == last:  # every piece is a known word: the name is all role
        return "", "", stem
    start = pieces[first][1] if first else 0
    end = pieces[last - 1][2] if last < len(pieces) else len(stem)
    return stem[:start], stem[start:end], stem[end:]


def _part_number(pieces: list[tuple[str, int, int]], first: int, last: int) -> bool:
    """The end of ``X_mask_1``: a small number behind a mask word that has something before it."""
    return (
        last == len(pieces)
        and last - first >= 3
        and pieces[last - 1][0].isdigit()
        and len(pieces[last - 1][0]) <= 2
        and pieces[last - 2][0] in MASK_WORDS
    )


def _separated(token: str) -> bool:
    """Two-letter initials (``ah``, ``vk``, ``tr``) are words only at a name's very end."""
    return len(token) > 2 or token == "gt"
