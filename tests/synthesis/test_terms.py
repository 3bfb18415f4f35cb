"""The terms of the source and of a new set, and the descriptions that name them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from pairaug.synthesis.manifest import MANIFEST, METADATA
from pairaug.synthesis.run import SynthesisOptions, synthesize
from tests.conftest import Cli, contents
from tests.synthesis.two_pairs import fit_both, rows_of, with_originals


def test_the_terms_of_the_source_travel_by_name_and_digest_alone(data: Path, tmp_path: Path) -> None:
    texts = {"LICENSE": b"only for teaching", "Readme.md": b"made by hand", "COPYING.txt": b"copy it"}
    for name, text in texts.items():
        (data / name).write_bytes(text)
    (data / "notes.txt").write_text("private")
    models = fit_both(data, tmp_path / "models")
    synthesize(tmp_path / "out", SynthesisOptions(1, models))
    expected = [{"name": name, "sha256": hashlib.sha256(texts[name]).hexdigest()} for name in sorted(texts)]
    manifest = json.loads((tmp_path / "out" / MANIFEST).read_text())
    assert manifest["terms"] == expected
    assert manifest["models"]["translator"]["terms"] == expected
    everything = b"".join(contents(tmp_path / "out").values())
    for text in (*texts.values(), b"notes.txt", str(data).encode()):
        assert text not in everything


def test_a_set_without_terms_says_so(models: Path, tmp_path: Path) -> None:
    synthesize(tmp_path / "out", SynthesisOptions(1, models))
    manifest = json.loads((tmp_path / "out" / MANIFEST).read_text())
    assert manifest["terms"] == []
    assert manifest["license"] is None
    assert "license" not in json.loads((tmp_path / "out/croissant.json").read_text())


def test_the_license_given_is_in_the_manifest_and_in_every_description(models: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    synthesize(out, SynthesisOptions(1, models, license="CC BY 4.0", format="coco"))
    assert json.loads((out / MANIFEST).read_text())["license"] == "CC BY 4.0"
    assert json.loads((out / "croissant.json").read_text())["license"] == "CC BY 4.0"
    coco = json.loads((out / "annotations/instances.json").read_text())
    assert coco["licenses"] == [{"id": 1, "name": "CC BY 4.0", "url": ""}]
    assert {image["license"] for image in coco["images"]} == {1}


def test_an_empty_license_is_refused(cli: Cli) -> None:
    ran = cli("synthesize", "--out", "o", "--license", " ")
    assert ran.code == 2
    assert "--license: is empty; give the terms in words" in ran.err


def test_croissant_describes_the_rows_by_the_keys_of_the_specification(models: Path, tmp_path: Path) -> None:
    """The required properties of Croissant 1.0: dataset, FileObject, RecordSet and Field."""
    out = tmp_path / "out"
    synthesize(out, with_originals(models))
    content = json.loads((out / "croissant.json").read_text())
    assert content["@type"] == "sc:Dataset"
    assert content["conformsTo"] == "http://mlcommons.org/croissant/1.0"
    assert content["name"]
    assert content["description"].startswith("1 synthetic image/mask pairs and 2 originals")
    file, images, masks = content["distribution"]
    assert [(one["@type"], one["includes"]) for one in (images, masks)] == [
        ("cr:FileSet", ["images/*.png"]),
        ("cr:FileSet", ["masks/*.png"]),
    ]
    assert content["citeAs"].startswith("@software{pairaug")
    assert (file["@type"], file["contentUrl"]) == ("cr:FileObject", METADATA)
    assert file["encodingFormat"] == "application/jsonlines"
    assert file["sha256"] == hashlib.sha256((out / METADATA).read_bytes()).hexdigest()
    (records,) = content["recordSet"]
    assert records["@type"] == "cr:RecordSet"
    columns = [field["source"]["extract"]["column"] for field in records["field"]]
    assert list(dict.fromkeys(columns)) == list(rows_of(out)[0])
    assert [f["name"] for f in records["field"] if "transform" in f["source"]] == ["class_pixels/0", "class_pixels/255"]
    for field in records["field"]:
        assert field["@type"] == "cr:Field"
        assert field["dataType"].startswith("sc:")
        assert field["source"]["fileObject"] == {"@id": file["@id"]}
