"""``croissant.json``: the data set described for machines, after MLCommons Croissant 1.0 (JSON-LD).

https://docs.mlcommons.org/croissant/docs/croissant-spec.html. It describes ``metadata.jsonl``, file and columns.
It holds no date: the same run gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pairaug import __version__
from pairaug.synthesis.manifest import METADATA
from pairaug.synthesis.rows import COLUMNS, Column

CROISSANT = "croissant.json"
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
        "distribution": [
            {
                "@type": "cr:FileObject",
                "@id": METADATA,
                "name": METADATA,
                "description": "One row a pair, in index order.",
                "contentUrl": METADATA,
                "encodingFormat": "application/jsonlines",
                "sha256": metadata_sha256,
            }
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
