"""Others read what pairaug writes. Opt-in: needs their packages (``pip install '.[readers]'``, ``-m slow``)."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import io

from pairaug.synthesis.rows import filled
from pairaug.synthesis.run import SynthesisOptions, synthesize
from tests.synthesis.two_pairs import fit_both

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


def rows_of(out: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (out / "metadata.jsonl").read_text().splitlines()]


def test_the_image_folder_reader_of_datasets_loads_pairs(
    fitted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    datasets = pytest.importorskip("datasets")
    monkeypatch.setenv("HF_DATASETS_OFFLINE", "1")
    synthesize(tmp_path / "out", SynthesisOptions(4, fitted, include_originals=True))
    loaded = datasets.load_dataset("imagefolder", data_dir=str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))
    rows = loaded["train"]
    assert len(rows) == 10
    assert sorted(row["origin"] for row in rows) == ["original"] * 6 + ["synthetic"] * 4
    for row in rows:
        assert row["image"].size == row["mask"].size == (96, 96)
        assert row["image"].mode == "RGB"
        assert set(row["mask"].getdata()) <= {0, 255}


LAYOUTS = {
    "training/images/{}_training.png": "training/1st_manual/{}_manual1.png",
    "train/{}.png": "trainannot/{}.png",
    "images/train/{}.png": "labels/train/{}.png",
}


@pytest.mark.parametrize("image", LAYOUTS)
def test_the_image_folder_reader_keeps_rows_and_masks_apart_in_split_folders(
    image: str, drive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    datasets = pytest.importorskip("datasets")
    monkeypatch.setenv("HF_DATASETS_OFFLINE", "1")
    for number, picture in enumerate(sorted((drive / "images").iterdir())[:2], start=21):
        for source, template in ((picture, image), (drive / "masks" / picture.name, LAYOUTS[image])):
            target = tmp_path / "data" / template.format(number)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
    out = tmp_path / "out"
    synthesize(out, SynthesisOptions(3, fit_both(tmp_path / "data", tmp_path / "models"), include_originals=True))

    by_folder = datasets.load_dataset("imagefolder", data_dir=str(out), cache_dir=str(tmp_path / "1"))["train"]
    assert [row["index"] for row in by_folder] == [0, 1, 2, 3, 4]
    assert ("mask" in by_folder.column_names) == image.startswith("training/")

    top = str(out / "metadata.jsonl")
    by_rows = datasets.load_dataset("imagefolder", data_files=top, cache_dir=str(tmp_path / "2"))["train"]
    for given, row in zip(by_rows, rows_of(out), strict=True):
        assert given["mask"].mode == "L"
        assert np.array_equal(np.asarray(given["mask"]), np.asarray(Image.open(out / str(row["mask_file_name"]))))
        assert np.array_equal(np.asarray(given["image"]), np.asarray(Image.open(out / str(row["file_name"]))))


def test_the_coco_api_draws_the_masks_again(fitted_cells: Path, tmp_path: Path) -> None:
    coco = pytest.importorskip("pycocotools.coco")
    out = tmp_path / "out"
    synthesize(out, SynthesisOptions(4, fitted_cells, format="coco", include_originals=True))
    loaded = coco.COCO(str(out / "annotations/instances.json"))
    masks = {row["file_name"]: row["mask_file_name"] for row in rows_of(out)}
    values = {category["id"]: int(category["name"].removeprefix("label_")) for category in loaded.loadCats([1, 2])}
    assert len(loaded.imgs) == 9
    for image in loaded.imgs.values():
        drawn = np.zeros((image["height"], image["width"]), int)
        for entry in loaded.loadAnns(loaded.getAnnIds(imgIds=[image["id"]], iscrowd=False)):
            part = loaded.annToMask(entry)
            assert entry["area"] == part.sum()
            assert entry["bbox"] == coco.maskUtils.toBbox(loaded.annToRLE(entry)).tolist()
            drawn += part.astype(int) * values[entry["category_id"]]
        assert np.array_equal(drawn, np.asarray(Image.open(out / str(masks[image["file_name"]]))))


def test_webdataset_streams_the_pairs_in_order(fitted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    webdataset = pytest.importorskip("webdataset")
    from pairaug.synthesis import shards

    monkeypatch.setattr(shards, "SHARD_PAIRS", 3)
    out = tmp_path / "out"
    synthesize(out, SynthesisOptions(4, fitted, format="webdataset"))
    synthesize(tmp_path / "mirror", SynthesisOptions(4, fitted))
    read = webdataset.WebDataset(str(out / "synthetic-{000000..000001}.tar"), shardshuffle=False, empty_check=False)
    samples = list(read.decode("pil"))
    assert [sample["json"] for sample in samples] == [filled(row) for row in rows_of(out)]
    for sample in samples:
        for part, folder in (("image.png", "images"), ("mask.png", "masks")):
            # "pil" decodes to RGB; a grey mask then repeats its value.
            seen = np.asarray(sample[part])
            written = np.asarray(Image.open(tmp_path / "mirror" / folder / f"{sample['__key__']}.png"))
            assert np.array_equal(seen, written if written.ndim == 3 else np.repeat(written[..., None], 3, axis=2))


def test_datasets_loads_shards_of_originals_and_synthetic_pairs_together_and_apart(
    fitted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    datasets = pytest.importorskip("datasets")
    from pairaug.synthesis import shards

    monkeypatch.setenv("HF_DATASETS_OFFLINE", "1")
    monkeypatch.setattr(shards, "SHARD_PAIRS", 4)
    out = tmp_path / "out"
    synthesize(out, SynthesisOptions(7, fitted, format="webdataset", include_originals=True))
    for number, files in enumerate(
        ({"train": "*.tar"}, {"real": "original-*.tar", "new": "synthetic-*.tar"}, {"new": "synthetic-*.tar"})
    ):
        given = {split: str(out / pattern) for split, pattern in files.items()}
        loaded = datasets.load_dataset("webdataset", data_files=given, cache_dir=str(tmp_path / str(number)))
        found = [row["json"]["index"] for split in files for row in loaded[split]]
        assert found == list(range(6 * (number == 2), 13))
        for split in files:
            for row in loaded[split]:
                assert row["image.png"].size == row["mask.png"].size == (96, 96)
                assert (row["json"]["seed"] >= 0) == (row["json"]["origin"] == "synthetic")
                assert bool(row["json"]["derived_from"][0]) == (row["json"]["origin"] == "synthetic")


@pytest.mark.parametrize("which", ["fitted", "fitted_cells"])
def test_nnunet_cases_read_as_its_reader_of_natural_images_does(
    request: pytest.FixtureRequest, tmp_path: Path, which: str
) -> None:
    """skimage reads, channels first, as its NaturalImage2DIO does; nnU-Net itself runs in ``test_loaders``."""
    out = tmp_path / "out"
    synthesize(out, SynthesisOptions(4, request.getfixturevalue(which), format="nnunet", include_originals=True))
    dataset = json.loads((out / "dataset.json").read_text())
    ending = dataset["file_ending"]
    cases = {path.name[: -len("_0000" + ending)] for path in (out / "imagesTr").glob(f"*_0000{ending}")}
    assert len(cases) == dataset["numTraining"]
    labels = sorted(dataset["labels"].values())
    assert labels == list(range(len(labels)))
    assert dataset["labels"]["background"] == 0
    for case in cases:
        image = io.imread(out / f"imagesTr/{case}_0000{ending}")
        channels = image.transpose(2, 0, 1) if image.ndim == 3 else image[None]
        mask = io.imread(out / f"labelsTr/{case}{ending}")
        assert len(channels) == len(dataset["channel_names"])
        assert channels.shape[1:] == mask.shape
        assert set(np.unique(mask)) <= set(labels)


@pytest.mark.parametrize("name", ["mirror", "webdataset"])
def test_mlcroissant_validates_the_description_and_reads_the_rows(fitted: Path, tmp_path: Path, name: str) -> None:
    croissant = pytest.importorskip("mlcroissant")
    out = tmp_path / "out"
    synthesize(out, SynthesisOptions(3, fitted, format=name, include_originals=True, license="CC-BY-4.0"))
    described = croissant.Dataset(jsonld=str(out / "croissant.json"))
    assert not described.metadata.ctx.issues.errors
    records = list(described.records(record_set="pairs"))
    for record, row in zip(records, rows_of(out), strict=True):
        for key in ("file_name", "mask_file_name", "image_sha256", "origin"):
            assert record[f"pairs/{key}"].decode() == row[key]
        assert record["pairs/index"] == row["index"]
        assert list(record["pairs/size"]) == row["size"]
        for label, pixels in dict(row["class_pixels"]).items():  # type: ignore[call-overload]
            assert record[f"pairs/class_pixels/{label}"] == pixels
