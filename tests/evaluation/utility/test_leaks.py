"""Nothing that was seen in fitting is tested on: each refusal, with its text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from pairaug.errors import DataError, UsageError
from pairaug.evaluation.utility.disguise import Detector
from pairaug.evaluation.utility.identity import fitting_of
from pairaug.evaluation.utility.material import Item
from pairaug.fitted.seen import USES, Seen, Use
from pairaug.reporting import Reporter
from pairaug.segmenter.base import Example
from tests.evaluation.utility.fakes import Bench, draw, item_of, items, manifest_of


def refused(bench: Bench, **settings: object) -> DataError:
    ruler = bench.ruler()
    with pytest.raises(DataError) as refusal:
        bench.measure(ruler, **settings)
    assert ruler.fits == []
    assert refusal.value.exit_code == 3
    return refusal.value


def test_a_test_image_that_was_fitted_on_is_refused(bench: Bench) -> None:
    bench.test[3] = replace(bench.real[1], name="renamed")
    error = refused(bench)
    assert "1 of 12 test pairs were seen in fitting (the same image file), such as renamed" in error.message
    assert "test on pairs that no model saw" in error.message
    assert error.details == ("renamed",)


def test_a_test_mask_that_was_fitted_on_is_refused(bench: Bench) -> None:
    bench.test[3] = replace(bench.test[3], mask_sha256=bench.real[1].mask_sha256)
    assert "seen in fitting (the same mask file), such as test103" in refused(bench).message


def test_an_empty_mask_that_many_pairs_share_is_no_leak(bench: Bench) -> None:
    nothing = np.zeros_like(draw(0).labels)
    bench.real[0] = item_of(Example(draw(0).image, nothing), "real0")
    bench.test[3] = item_of(Example(draw(103).image, nothing), "test103")
    assert bench.real[0].mask_sha256 == bench.test[3].mask_sha256
    assert bench.measure(bench.ruler(), seeds=1).arms


def test_an_original_inside_the_set_that_is_a_test_pair_is_refused(bench: Bench) -> None:
    bench.synthetic.append(replace(bench.test[2], name="original_000000", original=True))
    assert "holds test pairs: original_000000 is an original: test102" in refused(bench).message


def test_a_synthetic_file_that_is_a_test_file_is_refused(bench: Bench) -> None:
    bench.synthetic.append(replace(bench.test[2], name="new9"))
    assert "holds test pairs: new9 is test102" in refused(bench).message


def test_a_mask_derived_from_a_test_mask_is_refused(bench: Bench) -> None:
    bench.synthetic[0] = replace(bench.synthetic[0], derived_from=(bench.test[4].mask_sha256,))
    assert "new200 was derived from test104" in refused(bench).message


def test_a_group_on_both_sides_is_refused(bench: Bench) -> None:
    bench.grouped = True
    bench.test = items(100, 6, "test", lambda n: "eye3" if n == 102 else f"t{n}")
    bench.real[2] = replace(bench.real[2], group="eye3")
    message = refused(bench).message
    assert "1 groups stand on both sides, such as eye3: real2 was fitted on, test102 is a test pair" in message


def spoil(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Brighter, flatter, a little noisy: no longer the same file."""
    return np.clip(0.8 * image + 0.1 + rng.normal(0, 0.01, image.shape), 0, 1).astype(np.float32)


def as_it_is(example: Example) -> Example:
    labels = example.labels.copy()
    labels[0, 0] ^= 1  # another file
    return Example(spoil(example.image, np.random.default_rng(1)), labels)


def turned(example: Example) -> Example:
    image, labels = (np.ascontiguousarray(np.rot90(part)[:, ::-1]) for part in (example.image, example.labels))
    return Example(spoil(image, np.random.default_rng(2)), labels)


def shifted(example: Example) -> Example:
    rows, columns = np.clip(np.arange(64) + 2, 0, 63), np.clip(np.arange(64) - 1, 0, 63)
    return Example(example.image[rows][:, columns], example.labels[rows][:, columns])


def only_the_image(example: Example) -> Example:
    return Example(turned(example).image, draw(999).labels)


def only_the_mask(example: Example) -> Example:
    return Example(draw(999).image, turned(example).labels)


@pytest.mark.parametrize("disguise", [as_it_is, turned, shifted, only_the_image, only_the_mask])
def test_an_arm_that_is_given_the_test_pairs_in_disguise_is_refused(
    strict_bench: Bench, disguise: Callable[[Example], Example]
) -> None:
    strict_bench.synthetic.append(item_of(disguise(draw(103)), "new9"))
    error = refused(strict_bench)
    assert "the synthetic set holds 1 test pairs in disguise" in error.message
    what = "mask" if disguise is only_the_mask else "image"
    assert f"the {what} of new9 is that of test103" in error.message
    assert error.details == (f"new9: {what} of test103",)


def test_a_fitted_pair_that_is_a_test_pair_in_disguise_is_refused(strict_bench: Bench) -> None:
    strict_bench.real[1] = item_of(turned(draw(103)), "real1")
    assert "the models saw 1 test pairs in disguise" in refused(strict_bench).message


def test_new_pairs_are_not_taken_for_disguised_ones_and_the_power_is_told(strict_bench: Bench) -> None:
    found = strict_bench.measure(strict_bench.ruler(), seeds=1, curve=())
    assert found.facts["disguised_copies_found"] == 1.0
    assert not any("disguise" in note for note in found.notes)


def test_shapes_that_all_look_alike_are_not_copies_by_their_masks() -> None:
    def disc(number: int) -> Item:
        rng = np.random.default_rng(number)
        rows, columns = np.ogrid[:64, :64]
        radius = 20 + rng.random()
        labels = ((rows - 32) ** 2 + (columns - 32) ** 2 < radius**2).astype(np.uint8)
        return item_of(Example(draw(number).image, labels), f"disc{number}")

    with threadpool_limits(limits=1):
        detector = Detector([disc(n) for n in range(6)], np.random.default_rng(0))
        assert detector.copies([disc(n) for n in range(20, 26)], Reporter()) == []
    assert detector.power.value == 1.0


def test_further_pairs_beside_the_test_pairs_are_left_out_of_the_curve_and_named(strict_bench: Bench) -> None:
    strict_bench.real += [replace(strict_bench.test[0], name="again"), item_of(turned(draw(104)), "mirrored")]
    found = strict_bench.measure(strict_bench.ruler(), seeds=1, curve=())
    assert found.facts["further_real_pairs"] == 2
    assert any("2 further real pairs stand on the side of the test pairs" in note for note in found.notes)


def test_models_that_saw_pairs_outside_of_real_are_refused(bench: Bench) -> None:
    strangers = items(500, 2, "other")
    error = refused(bench, fitting=fitting_of(manifest_of(bench.real[:3] + strangers), bench.synthetic))
    assert "2 of the 5 pairs that the masks model saw are not in REAL" in error.message
    assert "give as REAL the data set that the models were fitted on" in error.message


def test_a_set_that_does_not_say_what_its_models_saw_is_refused() -> None:
    with pytest.raises(DataError, match=r"no manifest.json of pairaug .* give them with --fitted-on LIST"):
        fitting_of(None, [])
    with pytest.raises(DataError, match="does not say which real pairs"):
        fitting_of({"models": {}}, [])


@pytest.mark.parametrize("damaged", ["all of them", ["x"], [], [1]])
def test_a_manifest_with_damaged_digests_is_refused(damaged: object) -> None:
    with pytest.raises(DataError, match=r"models.translator: trained_on is not a list of SHA-256; give --fitted-on"):
        fitting_of({"models": {"translator": {"trained_on": damaged}}}, [])


@pytest.mark.parametrize(
    "damaged", [[], ["x"], [{"image_sha256": "x", "for": ["fitted"]}], [{"mask_sha256": "a" * 64}]]
)
def test_a_manifest_with_a_damaged_record_of_what_was_seen_is_refused(damaged: object) -> None:
    with pytest.raises(DataError, match=r"models.translator: .*; give --fitted-on"):
        fitting_of({"models": {"translator": {"seen": damaged}}}, [])


@pytest.mark.parametrize("use", [use for use in USES if use != "fitted"])
def test_a_test_image_that_was_only_looked_at_is_a_leak(use: Use, bench: Bench) -> None:
    manifest = manifest_of(bench.real[:5])
    translator = manifest["models"]["translator"]
    fitted_on = [Seen(digest, None) for digest in translator.pop("trained_on")]
    stranger = Seen("c" * 64, None, (use,))
    translator["seen"] = [one.row() for one in (*fitted_on, stranger)]
    fitting = fitting_of(manifest, bench.synthetic)
    assert bench.measure(bench.ruler(), fitting=fitting, seeds=1).facts["real_pairs"] == 5
    translator["seen"].append(Seen(bench.test[0].image_sha256, None, (use,)).row())
    message = refused(bench, fitting=fitting_of(manifest, bench.synthetic)).message
    assert "1 of" in message
    assert "were seen in fitting" in message


def test_a_list_identifies_the_pairs_where_there_is_no_manifest(bench: Bench) -> None:
    stated = fitting_of(None, bench.synthetic, [item.image_sha256 for item in bench.real[:4]])
    found = bench.measure(bench.ruler(), fitting=stated, seeds=1)
    assert found.facts["real_pairs"] == 4
    assert any("is what --fitted-on says" in note for note in found.notes)


def test_a_list_with_strangers_is_refused(bench: Bench) -> None:
    stated = fitting_of(None, bench.synthetic, ["f" * 64, bench.real[0].image_sha256])
    assert "1 of the 2 pairs that --fitted-on names are not in REAL" in refused(bench, fitting=stated).message


def test_a_list_cannot_hide_what_the_manifest_says(bench: Bench) -> None:
    stated = fitting_of(manifest_of(bench.real[:5]), bench.synthetic, [i.image_sha256 for i in bench.real[:4]])
    message = refused(bench, fitting=stated).message
    assert "--fitted-on leaves out 1 pairs that the manifest says the models saw, such as real4" in message


def test_a_list_may_add_what_gates_and_styles_saw(bench: Bench) -> None:
    stated = fitting_of(manifest_of(bench.real[:5]), bench.synthetic, [i.image_sha256 for i in bench.real[:7]])
    assert bench.measure(bench.ruler(), fitting=stated, seeds=1).facts["real_pairs"] == 7


def test_painted_masks_count_as_seen(bench: Bench) -> None:
    manifest = manifest_of(bench.real[:5])
    manifest["models"]["masks"] = {"given": 2, "sha256": "a" * 64}
    bench.synthetic[0] = replace(bench.synthetic[0], derived_from=(bench.real[6].mask_sha256,))
    bench.synthetic[1] = replace(bench.synthetic[1], derived_from=("e" * 64,))
    found = bench.measure(bench.ruler(), fitting=fitting_of(manifest, bench.synthetic), seeds=1)
    assert found.facts["real_pairs"] == 6
    assert any("1 of the masks that were painted are of no pair of REAL" in note for note in found.notes)


def test_models_that_saw_different_numbers_are_told_of(bench: Bench) -> None:
    manifest = manifest_of(bench.real[:5])
    manifest["models"]["masks"]["trained_on"] += [bench.real[5].mask_sha256]
    found = bench.measure(bench.ruler(), fitting=fitting_of(manifest, bench.synthetic), seeds=1)
    assert found.facts["real_pairs"] == 6
    assert any("different numbers of pairs (masks 6, translator 5)" in note for note in found.notes)


def test_a_split_takes_whole_groups_that_no_model_saw(bench: Bench) -> None:
    bench.test, bench.grouped = None, True
    bench.real = items(0, 24, "real", lambda n: f"child{n // 3}")
    bench.seen = 4  # so child1, of whom one was seen, may not be tested on
    ruler = bench.ruler()
    found = bench.measure(ruler, seeds=1)
    assert (found.facts["test_groups"], found.facts["test_pairs"]) == (3, 9)
    assert found.facts["further_real_pairs"] == 24 - 4 - 9
    trained = {example.image.tobytes() for recipe, _ in ruler.fits for example in recipe.real}
    assert len(trained) == 24 - 9


def test_a_split_without_free_groups_is_refused(bench: Bench) -> None:
    bench.test, bench.grouped = None, True
    bench.real = items(0, 8, "real", lambda n: f"child{n // 4}")
    assert "0 groups of REAL hold no pair that the models saw" in refused(bench).message


def test_originals_are_left_out_of_the_synthetic_arm(bench: Bench) -> None:
    bench.synthetic += [replace(item, original=True) for item in bench.real[:5]]
    ruler = bench.ruler()
    found = bench.measure(ruler, seeds=1)
    assert {len(recipe.synthetic) for recipe, _ in ruler.fits} == {0, 20}
    assert any("5 originals inside the synthetic set are left out" in note for note in found.notes)


def test_a_set_of_originals_alone_is_refused(bench: Bench) -> None:
    bench.synthetic = [replace(item, original=True) for item in bench.real[:5]]
    assert "none of the 5 pairs of the synthetic set is synthetic" in refused(bench).message


def test_a_single_test_pair_is_refused(bench: Bench) -> None:
    bench.test = bench.test[:1]
    assert "1 test pairs are too few" in refused(bench).message


def test_without_test_pairs_and_without_groups_nothing_can_be_tested(bench: Bench) -> None:
    bench.test, ruler = None, bench.ruler()
    with pytest.raises(UsageError, match=r"needs test pairs .* give --test SOURCE, or --group-by REGEX"):
        bench.measure(ruler)


def test_an_empty_mask_does_not_make_a_pair_seen(bench: Bench) -> None:
    nothing = np.zeros_like(draw(0).labels)
    for index in (0, 9):
        bench.real[index] = item_of(Example(draw(index).image, nothing), f"real{index}")
    assert bench.measure(bench.ruler(), seeds=1).facts["real_pairs"] == 5
