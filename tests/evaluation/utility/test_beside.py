"""Images without masks and oracle pairs: which may stand beside the test pairs, and what is said of the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from pairaug.errors import DataError
from pairaug.evaluation.utility import sides
from pairaug.evaluation.utility.beside import Beside
from pairaug.evaluation.utility.identity import Fitting, fitting_of
from pairaug.evaluation.utility.lazy_pairs import LazyExamples, LazyImage, LazyImages, LazyPair
from pairaug.evaluation.utility.sides import Sides, choose_sides
from pairaug.fitted.seen import Seen
from pairaug.reporting import Reporter
from pairaug.segmenter.base import Example
from tests.evaluation.utility.fakes import NoCopies, draw, item_of, items, manifest_of, untold

REAL, TEST, NEW = items(0, 7, "real"), items(100, 6, "test"), items(200, 6, "new")


@pytest.fixture
def unsearched(monkeypatch: pytest.MonkeyPatch) -> None:
    """Copies in disguise and the scenario are not looked for."""
    monkeypatch.setattr(sides, "Detector", NoCopies)
    monkeypatch.setattr(sides, "scenario_of", untold)


def images(pairs: Sequence[LazyPair]) -> tuple[LazyImage, ...]:
    return tuple(LazyImage(p.name, p.image_sha256, p.group, lambda p=p: p.read().image) for p in pairs)


def chosen(
    unlabelled: Sequence[LazyPair] = (),
    oracle: Sequence[LazyPair] = (),
    *,
    test: Sequence[LazyPair] = TEST,
    fitting: Fitting | None = None,
    grouped: bool = False,
) -> Sides:
    return choose_sides(
        REAL,
        NEW,
        fitting or fitting_of(manifest_of(REAL[:5]), NEW),
        test,
        grouped=grouped,
        rng=np.random.default_rng(0),
        reporter=Reporter(),
        beside=Beside(images(unlabelled), tuple(oracle)),
    )


def refusal(**settings: object) -> str:
    with pytest.raises(DataError) as caught:
        chosen(**settings)  # type: ignore[arg-type]
    return caught.value.message


def names(found: Sides) -> list[str]:
    return [item.name for item in found.unlabelled]


@pytest.mark.usefixtures("unsearched")
class TestImagesWithoutMasks:
    def test_they_stand_on_a_side_of_their_own_and_are_counted(self) -> None:
        found = chosen(items(300, 4, "bare"), items(400, 3, "oracle"))
        assert names(found) == ["bare300", "bare301", "bare302", "bare303"]
        assert (found.facts()["unlabelled_images"], found.facts()["oracle_pairs"]) == (4, 3)
        assert not any("left out" in note for note in found.notes)

    def test_none_are_needed(self) -> None:
        assert (chosen().facts()["unlabelled_images"], chosen().facts()["oracle_pairs"]) == (0, 0)

    def test_test_images_and_fitted_ones_are_left_out_and_counted(self) -> None:
        found = chosen([TEST[1], *items(300, 2, "bare"), TEST[3], REAL[4]])
        assert names(found) == ["bare300", "bare301"]
        assert (
            "3 of 5 images without masks are left out: 2 of test pairs (such as test101), 1 of the fitted pairs (such "
            "as real4)"
        ) in found.notes

    def test_a_real_pair_that_no_model_saw_is_an_image_like_others(self) -> None:
        assert names(chosen([REAL[5]])) == ["real5"]

    def test_images_of_the_groups_of_the_test_are_left_out(self) -> None:
        bare = [replace(item, group="test104") for item in items(300, 1, "bare")] + items(301, 2, "bare")
        found = chosen(bare, grouped=True)
        assert names(found) == ["bare301", "bare302"]
        assert any("1 of the groups of test pairs (such as bare300)" in note for note in found.notes)

    def test_equal_names_are_no_group_where_no_groups_are_known(self) -> None:
        assert names(chosen([replace(item, group="test104") for item in items(300, 1, "bare")])) == ["bare300"]

    def test_where_none_remains_it_is_refused_with_a_remedy(self) -> None:
        message = refusal(unlabelled=[TEST[1], REAL[0]])
        assert "--unlabelled: none of the 2 images may be learnt from: 1 of test pairs (such as test101)" in message
        assert "give images of other patients than the test pairs, without masks" in message

    def test_what_the_models_looked_at_may_be_among_them(self) -> None:
        looked = items(300, 1, "bare")
        manifest = manifest_of(REAL[:5])
        seen = [Seen(item.image_sha256, None).row() for item in REAL[:5]]
        seen.append(Seen(looked[0].image_sha256, None, ("style",)).row())
        manifest["models"]["translator"] = {"seen": seen}  # type: ignore[index]
        assert names(chosen(looked, fitting=fitting_of(manifest, NEW))) == ["bare300"]


@pytest.mark.usefixtures("unsearched")
class TestOracle:
    def test_a_pair_whose_image_the_models_merely_looked_at_may_be_in_it(self) -> None:
        looked = items(400, 2, "oracle")
        manifest = manifest_of(REAL[:5])
        seen = [Seen(item.image_sha256, None).row() for item in REAL[:5]]
        seen.append(Seen(looked[0].image_sha256, None, ("pseudo-labelled",)).row())
        manifest["models"]["translator"] = {"seen": seen}  # type: ignore[index]
        assert len(chosen(oracle=looked, fitting=fitting_of(manifest, NEW)).oracle) == 2

    @pytest.mark.parametrize("part", ["image_sha256", "mask_sha256"])
    def test_a_pair_that_was_fitted_on_is_refused(self, part: str) -> None:
        fitted = replace(items(400, 1, "oracle")[0], **{part: getattr(REAL[2], part)})
        message = refusal(oracle=[*items(401, 2, "oracle"), fitted])
        assert message == (
            "--oracle: 1 of its 3 pairs were fitted on, such as oracle400; give pairs apart from the test pairs, whose "
            "masks no model saw"
        )

    @pytest.mark.parametrize("part", ["image_sha256", "mask_sha256"])
    def test_a_test_pair_is_refused(self, part: str) -> None:
        of_test = replace(items(400, 1, "oracle")[0], **{part: getattr(TEST[2], part)})
        assert "1 of its 1 pairs are test pairs, such as oracle400" in refusal(oracle=[of_test])

    def test_a_pair_of_a_group_of_the_test_is_refused(self) -> None:
        beside = replace(items(400, 1, "oracle")[0], group="test104")
        assert "are of the groups of test pairs, such as oracle400" in refusal(oracle=[beside], grouped=True)

    def test_an_empty_mask_that_many_pairs_share_is_no_leak(self) -> None:
        empty = np.zeros_like(draw(0).labels)
        test = [*TEST, item_of(Example(draw(110).image, empty), "empty110")]
        oracle = [item_of(Example(draw(400).image, empty), "empty400")]
        assert len(chosen(oracle=oracle, test=test).oracle) == 1


def mirrored(pair: LazyPair, name: str) -> LazyPair:
    """The pair turned over, a little brighter: another file of the same thing."""
    example = pair.read()
    image = np.clip(0.9 * example.image[:, ::-1] + 0.05, 0, 1).astype(np.float32)
    return item_of(Example(np.ascontiguousarray(image), np.ascontiguousarray(example.labels[:, ::-1])), name)


def test_images_that_are_test_images_in_disguise_are_left_out_and_the_scenario_is_told() -> None:
    found = chosen([*items(300, 2, "bare"), mirrored(TEST[3], "disguised")])
    assert names(found) == ["bare300", "bare301"]
    assert found.facts()["scenario"]["word"] == "unlabelled images"
    assert found.notes[0].startswith("scenario: images without masks at hand (2)")
    assert any("1 of test pairs in disguise (such as disguised)" in note for note in found.notes)


def test_oracle_pairs_that_are_test_pairs_in_disguise_are_left_out_and_counted() -> None:
    found = chosen(oracle=[*items(400, 2, "oracle"), mirrored(TEST[3], "disguised")])
    assert [item.name for item in found.oracle] == ["oracle400", "oracle401"]
    told = "1 of 3 oracle pairs are left out, for they are test pairs in disguise, such as disguised"
    assert told in found.notes
    message = refusal(oracle=[mirrored(TEST[3], "disguised")])
    assert "--oracle: 1 of its 1 pairs are test pairs in disguise, such as disguised" in message


@pytest.mark.parametrize("kind", [LazyImages, LazyExamples])
def test_only_the_last_few_stay_in_memory(kind: type) -> None:
    read: list[int] = []

    class Counted:
        def __init__(self, number: int) -> None:
            self.number = number

        def read(self) -> int:
            read.append(self.number)
            return self.number

    found = kind([Counted(number) for number in range(5)], kept=2)
    assert [found[0], found[1], found[1], found[0], found[2], found[1], found[-1]] == [0, 1, 1, 0, 2, 1, 4]
    assert read == [0, 1, 2, 1, 4]
    part = found[1:3]
    assert (type(part), list(part)) == (kind, [1, 2])
