"""The synthetic set: found by its ``metadata.jsonl`` or like any folder of pairs, sampled, checked, put in real terms.

Originals that were taken over (rows of origin "original") are left out and counted. Tar files are unpacked for the
pairs looked at alone, into a temporary folder. Refused: label values that the real set lacks (nnU-Net's classes are
translated back by the manifest), grey against colour, 16 against 8 bits.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from pairaug.errors import DataError
from pairaug.evaluation.sets.pair_set import PairSet, Terms, check_set, in_terms, lenient
from pairaug.evaluation.sets.sampling import choose
from pairaug.files import json_lines, read_json_lines
from pairaug.fitted.seen import all_seen, digests_of
from pairaug.locking import scratch_folder
from pairaug.pairs.checked import CheckPolicy
from pairaug.pairs.kept import KeptPixels
from pairaug.pairs.labels import parse_label
from pairaug.pairs.listing import METADATA, read_list
from pairaug.pairs.pair import Found, Pair
from pairaug.pairs.slices import content_digest
from pairaug.pairs.source import find_pairs
from pairaug.synthesis.manifest import MANIFEST, checked_row, read_manifest
from pairaug.synthesis.shards import extract

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Synthetic:
    """The pairs that are looked at, and what is known of the whole set.

    ``rows``: their metadata (empty for other tools' sets); ``total``: synthetic pairs in the set; ``originals``: pairs
    left out; ``masks``: a number a pair, equal where two have one mask file; ``per_mask``: how many images a mask was
    given on purpose (1 where no manifest says so); ``seen``: digests of what the models saw, None where no
    manifest says so; ``unread``: there is a manifest.json, but another tool's or a torn one.
    """

    items: PairSet
    rows: tuple[Row, ...]
    total: int
    originals: int
    masks: tuple[int, ...]
    per_mask: int
    seen: frozenset[str] | None
    manifest: Mapping[str, Any] | None
    unread: bool

    def derived(self, index: int) -> bool:
        """Whether the set itself says that the mask was made from a real one."""
        return bool(self.rows[index].get("derived_from"))

    def original(self, index: int) -> bool:
        """Whether it is a real pair that was taken over."""
        return self.rows[index].get("origin") == "original"


def no_synthetic(real: PairSet) -> Synthetic:
    """A set without pairs, in the place of one that was not given; ``total`` is 0 for no other."""
    nothing = replace(real.checked, pairs=(), bad=(), skipped=(), warnings=())
    items = PairSet(nothing, real.terms, real.to_real, ())
    return Synthetic(items, (), 0, 0, (), per_mask=1, seen=None, manifest=None, unread=False)


@contextmanager
def open_synthetic(
    source: Path, terms: Terms, policy: CheckPolicy, sample: int, rng: np.random.Generator, *, originals: bool = False
) -> Iterator[Synthetic]:
    """At most ``sample`` synthetic pairs of a folder or list file, and all the originals in it where they are wanted.

    Raises DataError for what cannot be compared.
    """
    manifest = _manifest(source)
    stored, seen = _facts_of(manifest, source)
    with scratch_folder("pairaug-evaluate-") as scratch:
        found, rows, left_out, total = _sampled(source, sample, rng, scratch, originals)
        pixels = None if originals else KeptPixels()  # all of a set are too many to keep
        checked = check_set(str(source), found, lenient(policy), pixels)
        if checked.bad:  # --skip-bad: keep rows and pairs in step
            kept = {item.pair.image for item in checked.pairs}
            rows = [row for row, pair in zip(rows, found.pairs, strict=True) if pair.image in kept]
        _refuse_strange_parents(rows, source)
        numbers: dict[str, int] = {}
        masks = tuple(numbers.setdefault(item.mask_digest, len(numbers)) for item in checked.pairs)
        items = in_terms(str(source), checked, terms, stored, pixels)
        yield Synthetic(
            items=items,
            rows=tuple(rows),
            total=total,
            originals=left_out,
            masks=masks,
            per_mask=_per_mask(manifest),
            seen=seen,
            manifest=manifest,
            unread=manifest is None and (source / MANIFEST).is_file(),
        )


def _per_mask(manifest: Mapping[str, Any] | None) -> int:
    try:
        return max(1, int((manifest or {})["config"]["per_mask"]["value"]))
    except (KeyError, TypeError, ValueError):
        return 1


def _manifest(source: Path) -> Mapping[str, Any] | None:
    if not (source / MANIFEST).is_file():
        return None
    try:
        return read_manifest(source)
    except DataError:  # another tool's file of that name
        return None


def _sampled(
    source: Path, sample: int, rng: np.random.Generator, scratch: Path, originals: bool
) -> tuple[Found, list[dict[str, Any]], int, int]:
    """The pairs to look at, their rows, how many originals are left out, and how many synthetic pairs there are."""
    if (source / METADATA).is_file():
        every = read_json_lines(source / METADATA)
        rows = [row for row in every if row.get("origin", "synthetic") != "original"]
        if not rows:
            raise DataError(f"{source}: holds {len(every)} originals and no synthetic pair; synthesize some")
        chosen = [rows[index] for index in choose([_mask_key(row, n) for n, row in enumerate(rows)], sample, rng)]
        if originals:
            chosen = [row for row in every if row.get("origin") == "original"] + chosen
        return _of_rows(source, chosen, scratch), chosen, 0 if originals else len(every) - len(rows), len(rows)
    found = _discovered(source)
    masks = [_mask_digest(found.root, pair) for pair in found.pairs]
    pairs = tuple(found.pairs[index] for index in choose(masks, sample, rng))
    return replace(found, pairs=pairs), [{} for _ in pairs], 0, len(found.pairs)


def _discovered(source: Path) -> Found:
    if source.is_file():
        return find_pairs(str(source), lines=read_list(source))
    return find_pairs(source)


def _mask_key(row: Row, number: int) -> str:
    return str(row.get("mask_sha256") or number)


def _mask_digest(root: Path, pair: Pair) -> str:
    return " ".join(content_digest(root / name) for name in pair.masks) if not pair.glued else pair.image


def _of_rows(source: Path, rows: list[dict[str, Any]], scratch: Path) -> Found:
    """The pairs of metadata rows, in their order; those in tar files are unpacked."""
    root = source
    if any("shard" in row for row in rows):
        extract(source, [checked_row(row) for row in rows if "shard" in row], scratch)
        root = scratch
    found = find_pairs(source if root is source else _listed(rows, scratch))
    by_image = {pair.image: pair for pair in found.pairs}
    names = [str(row.get("image") or row.get("file_name")) for row in rows]
    strange = [name for name in names if name not in by_image]
    if strange:
        raise DataError(
            f"{source / METADATA}: {strange[0]} is not an image of its own; give a folder or a list of pairs"
        )
    return replace(found, pairs=tuple(by_image[name] for name in names))


def _listed(rows: list[dict[str, Any]], scratch: Path) -> Path:
    (scratch / METADATA).write_bytes(json_lines(rows))
    return scratch


def _translated(manifest: Mapping[str, Any] | None) -> dict[int, int]:
    """Stored value -> value of the training data, where the format stores classes."""
    stored = {} if manifest is None else manifest.get("format", {}).get("class_values", {})
    return {int(label): parse_label(str(value)) for label, value in stored.items()}


def _seen(manifest: Mapping[str, Any] | None) -> frozenset[str] | None:
    if manifest is None:
        return None
    models = [model for model in manifest.get("models", {}).values() if isinstance(model, dict)]
    known = [seen for seen in map(all_seen, models) if seen is not None]
    return digests_of(one for seen in known for one in seen) if known else None


def _facts_of(manifest: Mapping[str, Any] | None, source: Path) -> tuple[dict[int, int], frozenset[str] | None]:
    """Both of the above. DataError where a manifest that says it is pairaug's does not read as one."""
    try:
        return _translated(manifest), _seen(manifest)
    except (AttributeError, TypeError, ValueError) as error:
        raise DataError(
            f"{source / MANIFEST}: is damaged ({error}); make the set again, or move the file away to have the set "
            "taken for another tool's"
        ) from None


def _refuse_strange_parents(rows: Sequence[Row], source: Path) -> None:
    for row in rows:
        parents = row.get("derived_from")
        if parents is not None and not (isinstance(parents, list) and all(isinstance(one, str) for one in parents)):
            raise DataError(
                f"{source / METADATA}: derived_from is {json.dumps(parents)}; it must be a list of SHA-256 of masks"
            )
