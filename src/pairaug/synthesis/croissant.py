"""``croissant.json``: the data set described for machines, after MLCommons Croissant 1.0 (JSON-LD).

https://docs.mlcommons.org/croissant/docs/croissant-spec.html. It describes ``metadata.jsonl``, file and columns, and
says by which names the images and the masks, or the tar files, are found. It holds no date: the same run gives the
same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from pairaug import __version__
from pairaug.synthesis.card import CITATION
from pairaug.synthesis.manifest import METADATA
from pairaug.synthesis.rows import COLUMNS, Column

CROISSANT = "croissant.json"
_ENCODINGS = {
    ".tar": "application/x-tar",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".bmp": "image/bmp",
    ".gif": "image/gif",
    ".webp": "image/webp",
}
_TYPES = {"text": "sc:Text", "integer": "sc:Integer", "number": "sc:Float"}
# The terms of the vocabulary, each under the prefix "cr"; the specification asks for the context to be spelt out.
_CROISSANT_TERMS = (
    "citeAs column extract field fileProperty fileObject fileSet format includes isLiveDataset jsonPath key md5 "
    "parentField path recordSet references regex repeated replace samplingRate separator source subField transform"
)
_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "dct": "http://purl.org/dc/terms/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "sc": "https://schema.org/",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    **{term: f"cr:{term}" for term in _CROISSANT_TERMS.split()},
}


def describe(rows: Sequence[Mapping[str, Any]], metadata_sha256: str, license: str | None) -> dict[str, Any]:
    """The description of the set with these ``rows``; ``license`` is what the user has named."""
    first = rows[0] if rows else {}  # a set of gaps alone has no columns to describe
    originals = sum(row["origin"] == "original" for row in rows)
    made = f"{len(rows) - originals} synthetic image/mask pairs"
    taken = f" and {originals} originals" if originals else ""
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "name": "augmented-pairs",
        "description": f"{made}{taken}, written by pairaug {__version__}; manifest.json says how they were made.",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "version": "1.0.0",
        **({"license": license} if license is not None else {}),
        "citeAs": CITATION,
        "keywords": ["image segmentation", "synthetic", "data augmentation"],
        "distribution": [
            {
                "@type": "cr:FileObject",
                "@id": METADATA,
                "name": METADATA,
                "description": "One row a pair, in index order.",
                "contentUrl": METADATA,
                "encodingFormat": "application/jsonlines",
                "sha256": metadata_sha256,
            },
            *_file_sets(rows),
        ],
        "recordSet": [
            {
                "@type": "cr:RecordSet",
                "@id": "pairs",
                "name": "pairs",
                "description": "Image, mask and provenance of each pair.",
                "field": [field for name in first for field in _fields(name, COLUMNS[name], first[name])],
            }
        ],
    }


def _file_sets(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The images and the masks, as one where their names do not tell them apart; or the tar files."""
    if any("shard" in row for row in rows):
        kinds = sorted({row["shard"].rpartition("-")[0] for row in rows})
        return [_file_set(f"{kind}-shards", [f"{kind}-*.tar"]) for kind in kinds]
    images, masks = (_patterns(row[key] for row in rows) for key in ("file_name", "mask_file_name"))
    if images & masks:
        return [_file_set("images-and-masks", images | masks)]
    return [_file_set("images", images), _file_set("masks", masks)]


def _patterns(names: Iterable[str]) -> set[str]:
    """Globs that find all of ``names``: by folder and ending."""
    paths = {(PurePosixPath(name).parent, PurePosixPath(name).suffix) for name in names}
    return {(folder / f"*{ending}").as_posix() for folder, ending in paths}


def _file_set(name: str, patterns: Iterable[str]) -> dict[str, Any]:
    included = sorted(patterns)
    encodings = sorted({_ENCODINGS.get(PurePosixPath(pattern).suffix.lower(), "image/*") for pattern in included})
    encoding = encodings[0] if len(encodings) == 1 else encodings
    return {"@type": "cr:FileSet", "@id": name, "name": name, "encodingFormat": encoding, "includes": included}


def _fields(name: str, column: Column, value: Any) -> list[dict[str, Any]]:
    """One field for a key of the rows; one for each label value where the key holds a table such as ``value``."""
    source = {"fileObject": {"@id": METADATA}, "extract": {"column": name}}
    if column.kind != "table":
        return [_field(name, column.meaning, column.kind, column.many, source)]
    fields = []
    for label in value:
        inside = {**source, "transform": {"jsonPath": f"$.'{label}'"}}
        # A colour's '#' would cut the identifier short.
        identity = f"{name}/{label.removeprefix('#')}"
        fields.append(_field(identity, f"Pixels of the label value {label}.", "integer", False, inside))
    return fields


def _field(name: str, meaning: str, kind: str, many: bool, source: dict[str, Any]) -> dict[str, Any]:
    return {
        "@type": "cr:Field",
        "@id": f"pairs/{name}",
        "name": name,
        "description": meaning,
        "dataType": _TYPES[kind],
        **({"repeated": True} if many else {}),
        "source": source,
    }
