"""``README.md`` of a data set: what it is, what it was made from and how, and what it must not be used for.

A data set card for people, with a head in YAML that the Hugging Face hub and ``datasets.load_dataset(folder)`` read:
it says which files hold the rows, in every layout. Enters: what the manifest says, and the rows. It holds no date and
no path of the machine: the same run gives the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from pairaug import __version__
from pairaug.synthesis.manifest import METADATA

CARD = "README.md"
NOT_EVALUATED = "Not evaluated when this was written: `pairaug evaluate REAL THIS` measures it against real pairs."
_WORTH, _NOT_FOR_HEADING = "## Worth\n\n", "## Not for\n\n"
CITATION = (
    "@software{pairaug, title = {pairaug: paired data augmentation for medical image segmentation}, "
    f"version = {{{__version__}}}}}"
)
# Terms by their names on the hub; others go under "other", in the words of the user.
_LICENSES = "cc0-1.0 cc-by-4.0 cc-by-sa-4.0 cc-by-nc-4.0 cc-by-nc-sa-4.0 mit apache-2.0 gpl-3.0".split()  # noqa: SIM905
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
_NOT_FOR = """* **Diagnosis, or any statement about patients.** A synthetic pair shows nobody; what is rare or frequent
  here says nothing of the world.
* **Validation and tests.** Train on synthetic pairs, judge on real ones that no model saw. Pairs that were made from a
  real one belong on its side of every split: `group` in the rows numbers all whom a pair descends from.
* **Publication without a look at privacy.** Models of few pairs can paint near copies of them."""

Facts = Mapping[str, Any]
Row = Mapping[str, Any]


def card(facts: Facts, rows: Sequence[Row]) -> str:
    """The card of the set with these ``rows`` (at least one); ``facts``: the body of its manifest."""
    counted = facts["counts"]
    synthetic = counted["pairs"] - counted["originals"]
    with_originals = f" and {counted['originals']} originals" if counted["originals"] else ""
    sections = [
        f"{_head(facts, rows)}\n# {synthetic} synthetic image/mask pairs{with_originals}",
        f"Made by pairaug {facts['version']} to train segmentation networks. `{METADATA}` has a row for each pair, "
        "`manifest.json` all that determined them.",
        "\n".join(_table(facts, rows)),
        f"## Made from\n\n{_source(facts)}",
        f"## Made how\n\n    {_one_line(facts['command'])}\n\n" + "\n".join(_models(facts)),
        f"{_WORTH}{NOT_EVALUATED}",
        f"{_NOT_FOR_HEADING}{_NOT_FOR}",
        f"## Cite\n\nThe data that it was made from, as their terms ask, and\n\n    {CITATION}",
    ]
    return "\n\n".join(sections) + "\n"


def with_worth(text: str, worth: str) -> str:
    """A card with ``worth`` in the place of what it said of the set's worth."""
    before, heading, rest = text.partition(_WORTH)
    _, following, after = rest.partition(f"\n\n{_NOT_FOR_HEADING}")
    assert heading, "a card as it was written"
    assert following, "a card as it was written"
    return f"{before}{heading}{worth}{following}{after}"


def _head(facts: Facts, rows: Sequence[Row]) -> str:
    """YAML; strings are written as JSON, which is YAML too."""
    size = next((name for most, name in _SIZES if len(rows) < most), "n>1M")
    lines = ["---", *_license(facts["license"]), "task_categories: [image-segmentation]"]
    lines += ["tags: [synthetic, data-augmentation, pairaug]", f'size_categories: ["{size}"]', "configs:"]
    for name, files in _configs(rows).items():
        lines += [f"- config_name: {name}", "  data_files:", "  - split: train", f"    path: {json.dumps(files)}"]
    return "\n".join([*lines, "---"])


def _license(license: str | None) -> list[str]:
    if license is None:
        return []
    name = "-".join(license.lower().split())
    return [f"license: {name}"] if name in _LICENSES else ["license: other", f"license_name: {json.dumps(license)}"]


def _configs(rows: Sequence[Row]) -> dict[str, list[str]]:
    """What to load, by name; the first is the default."""
    if not any("shard" in row for row in rows):
        endings = sorted({PurePosixPath(row[key]).suffix for row in rows for key in ("file_name", "mask_file_name")})
        return {"default": [METADATA, *(f"**/*{ending}" for ending in endings)]}
    kinds = [kind for kind in ("original", "synthetic") if any(row["origin"] == kind for row in rows)]
    return {"default": ["*.tar"], **{kind: [f"{kind}-*.tar"] for kind in kinds}}


def _table(facts: Facts, rows: Sequence[Row]) -> Iterator[str]:
    """What is in it, as lines of Markdown."""
    sizes = sorted({tuple(row["size"]) for row in rows})
    ends = [f"{width} x {height}" for width, height in (sizes if len(sizes) < 2 else (sizes[0], sizes[-1]))]
    shown = " to ".join(ends) or "-"
    yield from ("| | |", "| --- | --- |", f"| pairs | {len(rows)} |", f"| width x height | {shown} |")
    yield f"| layout | {facts['format']['name']} |"
    total = max(1, sum(sum(row["class_pixels"].values()) for row in rows))
    stored = {str(value): label for label, value in facts["format"].get("class_values", {}).items()}
    names = ["background", *facts["class_names"]]
    for name, value in zip(names, map(str, facts["label_values"]), strict=True):
        share = sum(row["class_pixels"].get(value, 0) for row in rows) / total
        written = name.replace("|", "/").replace("`", "'")
        yield f"| class {written} | {stored.get(value, value)} in the masks, {share:.1%} of all pixels |"


def _source(facts: Facts) -> str:
    translators = [model for kind, model in facts["models"].items() if kind.startswith("translator")]
    seen = {one["image_sha256"] for model in translators for one in model["seen"] if one["image_sha256"]}
    terms = [f"`{term['name']}` (SHA-256 {term['sha256'][:12]}...)" for term in facts["terms"]]
    named = (
        f"The user names these terms: {_one_line(facts['license'])}."
        if facts["license"]
        else "No terms were named for this set."
    )
    beside = f"Beside the real pairs lay {', '.join(terms)}." if terms else "No licence lay beside the real pairs."
    taken = " They are part of this set." if facts["counts"]["originals"] else ""
    pairs = f"{len(seen)} real pairs, which `manifest.json` names by their digests.{taken}"
    return f"{pairs} {beside} {named} The terms of the real pairs hold for what was made from them too."


def _one_line(text: str) -> str:
    """What a user has typed cannot begin a section."""
    return " ".join(text.split())


def _models(facts: Facts) -> Iterator[str]:
    for kind, model in facts["models"].items():
        if "name" not in model:
            number, what = (model["images"], "images") if "images" in model else (model["given"], "masks")
            yield f"* {kind}: {number} {what} that were given"
            continue
        kept = {"nothing": "keeps none of the training pairs"}.get(model["keeps"], f"keeps training {model['keeps']}")
        yield f"* {kind}: `{model['name']}`, SHA-256 {model['sha256'][:12]}..., which {kept}"
    counted = facts["counts"]
    yield f"* {counted['rejected']} drawings were rejected by the gates"
