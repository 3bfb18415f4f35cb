"""Who stands on which side: the pairs that the models saw, further real pairs, test pairs, synthetic pairs.

A test pair must be new to everything: not seen in fitting, not of a group that was, not an original or a copy inside
the synthetic set. Whatever breaks that is refused; further real pairs that would break it are only left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pairaug.errors import DataError, UsageError
from pairaug.evaluation.utility.beside import NOTHING, Beside, TestSide, images_apart, oracle_apart
from pairaug.evaluation.utility.disguise import Copy, Detector
from pairaug.evaluation.utility.identity import Fitting, remarks, seen_pairs
from pairaug.evaluation.utility.lazy_pairs import LazyImage, LazyPair
from pairaug.evaluation.utility.scenario import Scenario, scenario_of
from pairaug.metrics.novelty import POWER, Share
from pairaug.reporting import Reporter

FEWEST_TESTS = 2


@dataclass(frozen=True)
class Sides:
    """``real``: what the models saw; ``extra``: real pairs that nothing saw, for the learning curve alone.

    ``split``: the test pairs were taken from REAL; ``power``: the share of disguised test pairs that would be found;
    ``unlabelled``: images whose masks no arm knows; ``oracle``: pairs whose masks the oracle arm alone knows;
    ``scenario``: the situation that all of this is taken for.
    """

    real: tuple[LazyPair, ...]
    extra: tuple[LazyPair, ...]
    test: tuple[LazyPair, ...]
    synthetic: tuple[LazyPair, ...]
    split: bool
    power: Share
    notes: tuple[str, ...]
    unlabelled: tuple[LazyImage, ...] = ()
    oracle: tuple[LazyPair, ...] = ()
    scenario: Scenario | None = None

    def facts(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "real_pairs": len(self.real),
            "further_real_pairs": len(self.extra),
            "synthetic_pairs": len(self.synthetic),
            "test_pairs": len(self.test),
            "test_groups": len({item.group for item in self.test}),
            "test_from": "split of REAL" if self.split else "--test",
            "disguised_copies_found": self.power.value,
            "unlabelled_images": len(self.unlabelled),
            "oracle_pairs": len(self.oracle),
            "scenario": None if self.scenario is None else self.scenario.facts(),
        }


def refuse_nothing_to_test_on(given: bool, grouped: bool) -> None:
    """UsageError unless test pairs are ``given``, or groups known by which REAL can be split."""
    if not given and not grouped:
        raise UsageError(
            "--utility: needs test pairs that no model saw; give --test SOURCE, or --group-by REGEX, which splits REAL"
        )


def choose_sides(
    real: Sequence[LazyPair],
    synthetic: Sequence[LazyPair],
    fitting: Fitting,
    test: Sequence[LazyPair] | None,
    *,
    grouped: bool,
    rng: np.random.Generator,
    reporter: Reporter,
    beside: Beside = NOTHING,
) -> Sides:
    """``test`` None: a split of REAL by whole groups that no model saw (``grouped``); ``beside``: what may stand by.

    Raises DataError for a leak, UsageError where there is nothing to test on.
    """
    refuse_nothing_to_test_on(test is not None, grouped)
    seen = set(seen_pairs(real, fitting))
    fitted = [item for index, item in enumerate(real) if index in seen]
    others = [item for index, item in enumerate(real) if index not in seen]
    split = test is None
    if test is None:
        test, others = _split(fitted, others, rng)
    if len(test) < FEWEST_TESTS:
        raise DataError(f"{len(test)} test pairs are too few to tell anything; give at least {FEWEST_TESTS}")
    _refuse_known(test, fitting, fitted if grouped else (), synthetic)
    detector = Detector(test, rng)
    _refuse_copies(list(detector.copies(fitted, reporter)), "the models saw" if fitting.modelled else "REAL holds")
    new, of_originals = _new(synthetic, detector, reporter)
    extra, of_extra = _independent(others, test, detector, grouped, reporter)
    side = TestSide(test, detector, grouped)
    oracle, of_oracle = oracle_apart(beside.oracle, fitting, side, reporter)
    unlabelled, of_images = images_apart(beside.unlabelled, fitted, side, reporter)
    scenario = scenario_of(fitted, test, len(unlabelled), rng)
    return Sides(
        real=tuple(fitted),
        extra=tuple(extra),
        test=tuple(test),
        synthetic=tuple(new),
        split=split,
        power=detector.power,
        notes=(
            *(scenario.sentence, *remarks(real, fitting), *_doubts(detector, grouped)),
            *(*of_originals, *of_extra, *of_images, *of_oracle),
        ),
        unlabelled=unlabelled,
        oracle=oracle,
        scenario=scenario,
    )


def _doubts(detector: Detector, grouped: bool) -> list[str]:
    """What a reader has to know of how surely test pairs are told from others."""
    notes = []
    if not grouped:
        notes.append("every pair counts as its own patient; where that is not so, --group-by REGEX keeps them together")
    if detector.power.value is None or detector.power.value < POWER:
        notes.append(
            f"test pairs in disguise would not be found surely: {detector.power.value or 0:.0%} of planted ones were"
        )
    return notes


def _new(
    synthetic: Sequence[LazyPair], detector: Detector, reporter: Reporter
) -> tuple[list[LazyPair], tuple[str, ...]]:
    """The pairs of the set that are synthetic, and a note on the others. DataError for test pairs in disguise.

    None where no set was given.
    """
    new = [item for item in synthetic if not item.original]
    if synthetic and not new:
        raise DataError(f"none of the {len(synthetic)} pairs of the synthetic set is synthetic; synthesise some first")
    _refuse_copies(list(detector.copies(new, reporter)), "the synthetic set holds")
    originals = len(synthetic) - len(new)
    return new, (f"{originals} originals inside the synthetic set are left out of the arms",) if originals else ()


def _split(
    fitted: Sequence[LazyPair], others: Sequence[LazyPair], rng: np.random.Generator
) -> tuple[list[LazyPair], list[LazyPair]]:
    """Test pairs and further pairs: whole groups of which no pair was seen."""
    touched = {item.group for item in fitted}
    free = sorted({item.group for item in others} - touched)
    if len(free) < FEWEST_TESTS:
        raise DataError(
            f"{len(free)} groups of REAL hold no pair that the models saw, too few to test on; "
            "give other pairs with --test SOURCE, or fit on fewer groups"
        )
    chosen = {free[index] for index in rng.permutation(len(free))[: -(-len(free) // 2)]}
    return [i for i in others if i.group in chosen], [i for i in others if i.group not in chosen]


def _refuse_known(
    test: Sequence[LazyPair], fitting: Fitting, of_groups: Sequence[LazyPair], synthetic: Sequence[LazyPair]
) -> None:
    """DataError where a test pair was seen, shares a group with one of ``of_groups``, or stands in the set."""
    refuse_seen(test, fitting)
    _refuse_shared_groups(test, of_groups)
    _refuse_inside(test, synthetic)


def refuse_seen(test: Sequence[LazyPair], fitting: Fitting) -> None:
    """DataError where a test pair is one that the models saw, byte for byte."""
    digests = fitting.digests
    images = [item.name for item in test if item.image_sha256 in digests]
    masks = [item.name for item in test if item.mask_sha256 in digests and item.has_foreground()]
    for what, names in (("image", images), ("mask", masks)):
        if names:
            raise DataError(
                f"{len(names)} of {len(test)} test pairs were seen in fitting (the same {what} file), such as "
                f"{names[0]}; test on pairs that no model saw, or fit the models without them",
                names,
            )


def _refuse_shared_groups(test: Sequence[LazyPair], fitted: Sequence[LazyPair]) -> None:
    seen = {item.group: item.name for item in fitted}
    shared = [f"{item.group}: {seen[item.group]} was fitted on, {item.name} is a test pair" for item in test
              if item.group in seen]  # fmt: skip
    if shared:
        raise DataError(
            f"{len({line.split(':')[0] for line in shared})} groups stand on both sides, such as {shared[0]}; "
            "test on groups that no model saw, or fit the models without them",
            shared,
        )


def _refuse_inside(test: Sequence[LazyPair], synthetic: Sequence[LazyPair]) -> None:
    images = {item.image_sha256: item.name for item in test}
    masks = {item.mask_sha256: item.name for item in test if item.has_foreground()}
    for item in synthetic:
        name = images.get(item.image_sha256) or masks.get(item.mask_sha256)
        made = next((masks[parent] for parent in item.derived_from if parent in masks), None)
        if name or made:
            what = "is" if name and not item.original else "is an original:" if name else "was derived from"
            raise DataError(
                f"the synthetic set holds test pairs: {item.name} {what} {name or made}; test on pairs that the set "
                "does not hold, or synthesise it without them"
            )


def _refuse_copies(found: Sequence[Copy], holders: str) -> None:
    if found:
        first = found[0]
        raise DataError(
            f"{holders} {len(found)} test pairs in disguise: the {first.what} of {first.name} is that of {first.of}, "
            "exactly or flipped, turned or shifted; test on other pairs, or make the set without them",
            [f"{copy.name}: {copy.what} of {copy.of}" for copy in found],
        )


def _independent(
    others: Sequence[LazyPair], test: Sequence[LazyPair], detector: Detector, grouped: bool, reporter: Reporter
) -> tuple[list[LazyPair], tuple[str, ...]]:
    """Those of the ``others`` that stand apart from the test pairs, and a note on the rest."""
    groups = {item.group for item in test} if grouped else set()
    digests = {item.image_sha256 for item in test} | {i.mask_sha256 for i in test if i.has_foreground()}
    apart = [
        item for item in others if item.group not in groups and not {item.image_sha256, item.mask_sha256} & digests
    ]
    copies = {copy.name for copy in detector.copies(apart, reporter)}
    kept = [item for item in apart if item.name not in copies]
    names = {item.name for item in kept}
    left_out = [item.name for item in others if item.name not in names]
    note = (
        f"{len(left_out)} further real pairs stand on the side of the test pairs and are left out of the learning "
        f"curve, such as {left_out[0]}"
        if left_out
        else ""
    )
    return kept, (note,) if note else ()
