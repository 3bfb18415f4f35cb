"""Both sets in the same terms: values, ranges, sampling, originals; what cannot be compared is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pairaug.errors import DataError, UsageError
from pairaug.evaluation.evaluate import EvaluationOptions
from pairaug.evaluation.sets.pair_set import Pictures, compact
from pairaug.evaluation.sets.remarks import remarks_on
from pairaug.evaluation.sets.sampling import choose, evenly, one_a_mask
from pairaug.evaluation.sets.synthetic import _per_mask
from pairaug.pairs.source import Selection
from pairaug.synthesis.run import SynthesisOptions, synthesize
from tests.evaluation.sets import draw_masks, drawn, opened, paint, write
from tests.pairs.scans import volumes


def test_items_are_in_the_terms_of_the_real_set(tmp_path: Path) -> None:
    masks = draw_masks(0, 4)
    folder = write(tmp_path / "real", masks, paint(masks, 0))
    with opened(folder, folder) as sets:
        image, labels = sets.synthetic.items.image(2), sets.synthetic.items.labels(2)
    assert image.dtype == np.float32
    assert image.shape == (*masks[2].shape, 1)
    assert np.array_equal(np.rint(image[..., 0] * 255), paint(masks, 0)[2])
    assert np.array_equal(labels, masks[2])
    assert labels.dtype == np.uint8


def test_a_synthetic_set_that_lacks_a_class_keeps_the_numbers_of_the_others(cells: Path, tmp_path: Path) -> None:
    for name in ("Imgs", "GT"):
        (tmp_path / "some" / name).mkdir(parents=True)
    for path in sorted((cells / "GT").iterdir()):
        values = np.asarray(Image.open(path))
        Image.fromarray(np.where(values == 128, 0, values)).save(tmp_path / "some/GT" / path.name)
        (tmp_path / "some/Imgs" / f"{path.stem}.jpg").write_bytes((cells / "Imgs" / f"{path.stem}.jpg").read_bytes())
    with opened(cells, tmp_path / "some") as sets:
        assert sorted(np.unique(sets.synthetic.items.labels(0))) == [0, 2]


def test_a_class_is_called_by_its_name_where_files_have_names_else_by_its_label_value(cells: Path) -> None:
    with opened(cells, cells) as sets:
        assert sets.real.class_titles == ["label 0", "label 128", "label 255"]
        named = replace(sets.real, checked=replace(sets.real.checked, class_names=("cytoplasm", "nucleus")))
        assert named.class_titles == ["background", "cytoplasm", "nucleus"]


def test_label_values_that_the_real_set_lacks_are_refused_with_the_remedy(tmp_path: Path) -> None:
    real = drawn(tmp_path / "real", 0, 3)
    other = drawn(tmp_path / "other", 1, 3)
    for path in (other / "masks").iterdir():
        Image.fromarray(np.asarray(Image.open(path)) // 255).save(path)
    with pytest.raises(DataError, match=r"label values \{1\} are not among the real set's \{0, 255\}.*--threshold"):
        opened(real, other).__enter__()


def test_a_refusal_says_which_of_the_sets_it_is_about(tmp_path: Path) -> None:
    real, other = drawn(tmp_path / "real", 0, 3), drawn(tmp_path / "other", 1, 3)
    for path in (other / "masks").iterdir():
        Image.fromarray(np.zeros_like(np.asarray(Image.open(path)))).save(path)
    with pytest.raises(DataError, match=r"^\S+other: all 3 masks are empty"):
        opened(real, other).__enter__()
    (real / "images" / "p000.png").write_bytes(b"rubbish")
    with pytest.raises(DataError, match=r"^\S+real: 1 of 3 pairs cannot be used"):
        opened(real, other).__enter__()


def test_grey_against_colour_is_refused(drive: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="its images are grey, the real ones colour; convert"):
        opened(drive, drawn(tmp_path / "grey", 0, 3)).__enter__()


def test_16_bit_against_8_bit_is_refused(tmp_path: Path) -> None:
    masks = draw_masks(0, 3)
    deep = write(tmp_path / "deep", masks, paint(masks, 0))
    for path in (deep / "images").iterdir():
        Image.fromarray(np.asarray(Image.open(path)).astype(np.uint16) * 200).save(path)
    with pytest.raises(DataError, match="16 bits, the real ones 8"):
        opened(drawn(tmp_path / "real", 1, 3), deep).__enter__()


def test_8_bit_synthetic_images_are_read_in_the_range_of_16_bit_real_ones(tmp_path: Path) -> None:
    masks = draw_masks(0, 3)
    deep = write(tmp_path / "deep", masks, paint(masks, 0))
    for path in (deep / "images").iterdir():
        Image.fromarray(np.asarray(Image.open(path)).astype(np.uint16) * 257).save(path)
    with opened(deep, write(tmp_path / "plain", masks, paint(masks, 0))) as sets:
        assert np.array_equal(sets.real.image(1), sets.synthetic.items.image(1))


def test_8_bit_images_span_the_bits_that_16_bit_real_ones_use(tmp_path: Path) -> None:
    masks = draw_masks(0, 3)
    deep = write(tmp_path / "deep", masks, paint(masks, 0))
    for path in (deep / "images").iterdir():
        Image.fromarray((np.asarray(Image.open(path)) * (4095 / 255)).astype(np.uint16)).save(path)
    with opened(deep, write(tmp_path / "plain", masks, paint(masks, 0))) as sets:
        assert np.allclose(sets.real.image(1), sets.synthetic.items.image(1), atol=0.01)


def test_dark_16_bit_images_are_no_8_bit_ones(tmp_path: Path) -> None:
    masks = draw_masks(0, 3)
    dark = write(tmp_path / "dark", masks, paint(masks, 0))
    for path in (dark / "images").iterdir():
        Image.fromarray(np.asarray(Image.open(path)).astype(np.uint16)).save(path)
    with opened(dark, dark) as sets:
        assert np.array_equal(sets.real.image(1), sets.synthetic.items.image(1))


def test_volumes_without_a_manifest_are_a_synthetic_set_too(tmp_path: Path) -> None:
    with opened(volumes(tmp_path / "real"), volumes(tmp_path / "other", 1), sample=2) as sets:
        assert len(sets.synthetic.items) == 2
        assert sets.synthetic.items.labels(1).any()


def test_images_of_one_mask_on_purpose_count_once() -> None:
    assert one_a_mask([0, 0, 1, 0, 1, 2, 0, 0], 2) == [0, 2, 3, 5, 7]
    assert one_a_mask([0, 0, 1], 1) == [0, 1, 2]


@pytest.mark.parametrize("format", ["mirror", "nnunet", "coco", "webdataset"])
def test_every_format_that_pairaug_writes_is_read(drive: Path, fitted: Path, format: str) -> None:
    synthesize("out", SynthesisOptions(count=4, models=fitted, format=format))
    with opened(drive, Path("out"), sample=3) as sets:
        assert (len(sets.synthetic.items), sets.synthetic.total) == (3, 4)
        assert set(np.unique(sets.synthetic.items.labels(0))) == {0, 1}
        assert sets.synthetic.items.image(0).shape == (96, 96, 3)
        assert sets.synthetic.derived(0)
    assert "metadata.jsonl" in {path.name for path in Path("out").iterdir()}


def test_originals_that_were_taken_over_are_left_out_and_counted(drive: Path, fitted: Path) -> None:
    synthesize("out", SynthesisOptions(count=3, models=fitted, include_originals=True))
    with opened(drive, Path("out")) as sets:
        assert (len(sets.synthetic.items), sets.synthetic.originals) == (3, 6)
        assert all("synthetic" in sets.synthetic.items.name(index) for index in range(3))
        assert any("6 originals" in remark for remark in remarks_on(sets.real, sets.synthetic))


def test_models_that_saw_other_pairs_are_remarked_on(drive: Path, fitted: Path, tmp_path: Path) -> None:
    from pairaug.pairs.drawing import write_demo_pairs

    synthesize("out", SynthesisOptions(count=2, models=fitted))
    with opened(drive, Path("out")) as sets:
        assert not any("the models saw" in remark for remark in remarks_on(sets.real, sets.synthetic))
    strange = write_demo_pairs(tmp_path / "strange", 3, side=96, seed=9)
    with opened(strange, Path("out")) as sets:
        assert any("the models saw none of these real pairs" in r for r in remarks_on(sets.real, sets.synthetic))
    both = write_demo_pairs(tmp_path / "both", 7, side=96, seed=1)  # the six of ``drive`` and one more
    with opened(both, Path("out")) as sets:
        assert "the models saw 6 of these 7 real pairs" in list(remarks_on(sets.real, sets.synthetic))


def test_a_list_file_may_name_the_synthetic_pairs(tmp_path: Path) -> None:
    real = drawn(tmp_path / "real", 0, 3)
    listed = tmp_path / "pairs.txt"
    listed.write_text("".join(f"{real}/images/p00{i}.png\t{real}/masks/p00{i}.png\n" for i in (2, 0)))
    with opened(real, listed) as sets:
        assert len(sets.synthetic.items) == 2


def test_pairs_of_one_group_have_one_number(tmp_path: Path) -> None:
    real = drawn(tmp_path / "real", 0, 12)
    with opened(real, real, selection=Selection(group_by=r"p(\d\d)")) as sets:
        assert sets.real.groups == (*[0] * 10, 1, 1)


def test_the_sample_is_even_seeded_and_named(tmp_path: Path) -> None:
    real = drawn(tmp_path / "real", 0, 12)
    with opened(real, real, sample=4) as first, opened(real, real, sample=4) as second:
        names = [first.synthetic.items.name(index) for index in range(4)]
        assert names == [second.synthetic.items.name(index) for index in range(4)]
        assert [int(name[-7:-4]) // 3 for name in names] == [0, 1, 2, 3]
        assert any(remark.startswith("4 of 12 synthetic pairs") for remark in remarks_on(first.real, first.synthetic))


def test_images_of_one_mask_are_sampled_together() -> None:
    masks = [str(index // 4) for index in range(100)]
    chosen = choose(masks, 20, np.random.default_rng(0))
    assert len(chosen) == 20
    assert len({masks[index] for index in chosen}) == 5


def test_a_mask_that_fills_half_of_the_set_fills_half_of_the_sample() -> None:
    masks = [str(index if index % 2 else "again") for index in range(300)]
    chosen = choose(masks, 200, np.random.default_rng(0))
    assert len(chosen) == 200
    assert 90 <= sum(masks[index] == "again" for index in chosen) <= 110


def test_a_sample_is_never_larger_than_asked_and_all_where_there_are_few() -> None:
    rng = np.random.default_rng(0)
    assert choose(["a"] * 10, 20, rng) == list(range(10))
    assert len(choose(["a"] * 100, 7, rng)) == 7
    for wanted in (1, 3, 10, 99):
        assert len(choose([str(index // 3) for index in range(100)], wanted, rng)) <= wanted
    assert evenly(10, 5, rng) != [0, 1, 2, 3, 4]


@pytest.mark.parametrize(("count", "wanted"), [(20, 8), (300, 200), (11, 10), (7, 3), (5, 5), (3, 9)])
def test_no_pair_is_looked_at_twice(count: int, wanted: int) -> None:
    for seed in range(50):
        chosen = evenly(count, wanted, np.random.default_rng(seed))
        assert len(set(chosen)) == len(chosen) == min(count, wanted)
        assert chosen == sorted(chosen)
        assert 0 <= chosen[0] <= chosen[-1] < count


def test_pictures_are_made_when_asked_for_and_kept_no_longer_than_the_last_few() -> None:
    made: list[int] = []

    def load(index: int) -> np.ndarray:
        made.append(index)
        return np.full((2, 2, 1), index, dtype=np.float32)

    pictures = Pictures(load, 200)
    assert made == []
    assert pictures[np.int64(3)][0, 0, 0] == 3
    assert pictures[3] is pictures[3]
    assert made == [3]
    assert len(list(pictures)) == 200
    assert pictures[3][0, 0, 0] == 3
    assert made.count(3) == 2


def test_large_pictures_are_reduced_and_small_ones_left_alone() -> None:
    assert compact(np.zeros((512, 300, 2), dtype=np.float32)).shape == (256, 150, 2)
    assert compact(np.zeros((100, 256, 2), dtype=np.float32)).shape == (100, 256, 2)


def test_few_real_pairs_are_told_what_cannot_be_told(tmp_path: Path) -> None:
    real = drawn(tmp_path / "real", 0, 3)
    with opened(real, real) as sets:
        remark = next(text for text in remarks_on(sets.real, sets.synthetic) if text.startswith("only 3 real pairs"))
    assert "coverage, density, recall and precision need halves of more than 3" in remark
    assert "copies cannot be told from likenesses" in remark


def test_a_set_of_originals_alone_is_refused(tmp_path: Path) -> None:
    folder = drawn(tmp_path / "out", 0, 2)
    rows = [
        {"file_name": f"images/p00{i}.png", "mask_file_name": f"masks/p00{i}.png", "origin": "original"}
        for i in range(2)
    ]
    (folder / "metadata.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(DataError, match="holds 2 originals and no synthetic pair"):
        opened(folder, folder).__enter__()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"sample": 0}, "--sample 0"),
        ({"max_minutes": 0.0}, "--max-minutes 0"),
        ({"seed": -1}, "--seed -1"),
        ({"parts": ("maks",)}, "did you mean 'masks'"),
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        EvaluationOptions(**options)


@pytest.mark.parametrize(
    ("manifest", "wanted"),
    [(None, 1), ({}, 1), ({"config": {"per_mask": {"value": 3}}}, 3), ({"config": {"per_mask": "rubbish"}}, 1)],
)
def test_how_many_images_a_mask_has_on_purpose_is_read_from_the_manifest(
    manifest: dict[str, object] | None, wanted: int
) -> None:
    assert _per_mask(manifest) == wanted


@pytest.mark.parametrize(
    "damage",
    [
        {"format": "mirror"},
        {"models": ["a"]},
        {"models": {"translator": {"trained_on": 5}}},
        {"format": {"class_values": {"x": "y"}}},
    ],
)
def test_a_damaged_manifest_of_pairaug_is_named_with_a_remedy(
    damage: dict[str, object], drive: Path, fitted: Path, tmp_path: Path
) -> None:
    synthesize("out", SynthesisOptions(count=2, models=fitted))
    manifest = Path("out/manifest.json")
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | damage))
    with pytest.raises(DataError, match=r"manifest\.json: is damaged .*; make the set again"):
        opened(drive, Path("out")).__enter__()


def test_rows_that_do_not_name_their_parents_as_pairaug_does_are_refused(drive: Path, fitted: Path) -> None:
    synthesize("out", SynthesisOptions(count=2, models=fitted))
    rows = [json.loads(line) | {"derived_from": 7} for line in Path("out/metadata.jsonl").read_text().splitlines()]
    Path("out/metadata.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(DataError, match=r"derived_from is 7; it must be a list"):
        opened(drive, Path("out")).__enter__()


def test_a_torn_manifest_is_remarked_on(drive: Path, fitted: Path) -> None:
    synthesize("out", SynthesisOptions(count=2, models=fitted))
    manifest = Path("out/manifest.json")
    manifest.write_bytes(manifest.read_bytes()[:200])
    with opened(drive, Path("out")) as sets:
        assert any("another tool's or torn" in remark for remark in remarks_on(sets.real, sets.synthetic))
        assert sets.synthetic.seen is None


def test_synthetic_pairs_among_the_real_ones_are_told_and_can_be_left_out(tmp_path: Path) -> None:
    real, made = drawn(tmp_path / "real", 0, 5), drawn(tmp_path / "made", 1, 3)
    names = [path.name for path in sorted((real / "images").iterdir())]
    origins = ["original"] * 3 + ["synthetic"] * 2
    rows = [
        {"file_name": f"images/{name}", "mask_file_name": f"masks/{name}", "origin": origin}
        for name, origin in zip(names, origins, strict=True)
    ]
    (real / "metadata.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with opened(real, made) as sets:
        told = [remark for remark in remarks_on(sets.real, sets.synthetic) if "no yardstick" in remark]
        assert told == [
            "2 of the 5 real pairs are synthetic, as their set says: they are no yardstick; --only-originals leaves "
            "them out"
        ]
    with opened(real, made, selection=Selection(only_originals=True)) as sets:
        assert len(sets.real) == 3
        assert not any("no yardstick" in remark for remark in remarks_on(sets.real, sets.synthetic))
