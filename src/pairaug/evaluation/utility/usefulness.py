"""Part 5: does training on the pairs help? Both sets and the test pairs, as ``utility`` wants them.

Enters: where the sets are and how they are read. Leaves: ``utility.run.measure_utility``'s answer. All synthetic
pairs take part, up to ``MOST_SYNTHETIC``, and the originals among them, so that a test pair hidden there is found.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch

from pairaug.errors import DataError, UsageError
from pairaug.evaluation.sets.image_set import images_in_terms
from pairaug.evaluation.sets.pair_set import PairSet, check_set, in_terms, lenient
from pairaug.evaluation.sets.synthetic import Synthetic, open_synthetic
from pairaug.evaluation.utility.beside import Beside
from pairaug.evaluation.utility.identity import Fitting, fitting_of, seen_pairs
from pairaug.evaluation.utility.lazy_pairs import LazyImage, LazyPair
from pairaug.evaluation.utility.options import UtilityOptions
from pairaug.evaluation.utility.result import Utility
from pairaug.evaluation.utility.run import Setting, measure_utility
from pairaug.evaluation.utility.sides import refuse_nothing_to_test_on, refuse_seen
from pairaug.machine.device import CPU
from pairaug.machine.ranks import ALONE, Ranks
from pairaug.machine.work import Work
from pairaug.pairs.checked import CheckPolicy
from pairaug.pairs.listing import read_list
from pairaug.pairs.pair import Found, Skipped
from pairaug.pairs.source import Selection, choose_split, find_pairs
from pairaug.pairs.unlabelled import open_images
from pairaug.reporting import Reporter
from pairaug.segmenter.base import Trainer
from pairaug.segmenter.reference import ReferenceSegmenter

MOST_SYNTHETIC = 5000


@dataclass(frozen=True)
class UtilityRequest:
    """What to measure it with. ``test``: real pairs that nothing saw (None: a split of the real set by groups).

    ``fitted_on``: a list of the pairs that the models saw; ``trainer``: None for the reference segmenter;
    ``unlabelled``: images without masks; ``oracle``: pairs whose masks no model saw.
    """

    options: UtilityOptions = field(default_factory=UtilityOptions)
    test: str | Path | None = None
    fitted_on: Path | None = None
    trainer: Trainer | None = None
    unlabelled: str | Path | None = None
    oracle: str | Path | None = None


@dataclass(frozen=True)
class Prepared:
    """What was given beside the two sets, read. ``test``: None where none is given; ``skipped``: what of all of it
    --skip-bad leaves out; ``vouched``: digests of the pairs that the user says were fitted on (None: he says nothing),
    and without a synthetic set of the pairs that the arms are given.
    """

    test: list[LazyPair] | None
    beside: Beside
    skipped: tuple[Skipped, ...]
    vouched: frozenset[str] | None


def prepare(
    wanted: UtilityRequest, real: PairSet, synthetic: Synthetic, selection: Selection, reporter: Reporter
) -> Prepared:
    """Refuse what can be refused without training anything, before the other parts take their time.

    Raises as ``measure_usefulness`` does.
    """
    refuse_nothing_to_test_on(wanted.test is not None, selection.group_by is not None)
    vouched = None if wanted.fitted_on is None else _digests(wanted.fitted_on, real.checked.policy)
    fitting = fitting_of(synthetic.manifest, (), vouched) if synthetic.total else None
    test, skipped = _test_side(wanted, real, selection, reporter)
    if fitting is None:
        vouched = vouched or _all_but(test, real, grouped=selection.group_by is not None)
        fitting = Fitting({}, vouched=vouched, modelled=False)
    seen_pairs(list(_items(real)), fitting)
    refuse_seen(test or (), fitting)
    oracle, unfit = _oracle_side(wanted, real, selection, reporter)
    unlabelled, bad = _unlabelled_side(wanted, real, selection)
    return Prepared(test, Beside(tuple(unlabelled), tuple(oracle)), (*skipped, *unfit, *bad), vouched)


def measure_usefulness(
    wanted: UtilityRequest,
    prepared: Prepared,
    real: PairSet,
    synthetic: str | Path | None,
    selection: Selection,
    work: Work,
    seed: int,
    ranks: Ranks = ALONE,
    device: torch.device = CPU,
) -> Utility:
    """``synthetic`` None: the arms that need none are compared with each other. ``device``: of the reference segmenter.

    Raises DataError where a comparison would not be honest (see ``utility``).
    """
    terms, policy = real.terms, real.checked.policy
    left = None if work.deadline is None else max(1e-3, work.deadline - time.monotonic())
    options = replace(wanted.options, max_seconds=left, seed=seed)
    rng = np.random.default_rng([seed, 8])
    with ExitStack() as held:
        others, fitting = [], Fitting({}, vouched=prepared.vouched, modelled=False)
        if synthetic is not None:
            opened = held.enter_context(
                open_synthetic(Path(synthetic), terms, policy, MOST_SYNTHETIC, rng, originals=True)
            )
            others = list(_synthetic_items(opened))
            fitting = fitting_of(opened.manifest, others, prepared.vouched)
        return measure_utility(
            real=list(_items(real)),
            synthetic=others,
            test=prepared.test,
            fitting=fitting,
            setting=Setting(terms.classes, repr((policy, terms)), selection.group_by is not None),
            trainer=wanted.trainer
            or ReferenceSegmenter(options.preset, sharing=True, steps=options.steps, device=device),
            options=options,
            reporter=work.reporter,
            workers=work.workers,
            ranks=ranks,
            beside=prepared.beside,
        )


def _all_but(test: Sequence[LazyPair] | None, real: PairSet, *, grouped: bool) -> frozenset[str]:
    """Digests of the real pairs that are neither test pairs nor of their groups. DataError where there is none."""
    if test is None:
        raise UsageError(
            "--utility without SYNTHETIC: needs to know which pairs of REAL are trained on; give --test SOURCE, or "
            "these pairs with --fitted-on LIST"
        )
    files = {digest for item in test for digest in (item.image_sha256, item.mask_sha256)}
    groups = {item.group for item in test} if grouped else set()
    items = list(_items(real))
    kept = [item for item in items if item.image_sha256 not in files and item.group not in groups]
    kept = [item for item in kept if item.mask_sha256 not in files or not item.has_foreground()]
    if not kept:
        raise DataError(
            f"all {len(items)} pairs of REAL are test pairs or of their groups, so none is left to train on; give a "
            "REAL with other pairs"
        )
    return frozenset(item.image_sha256 for item in kept)


def _items(items: PairSet) -> Iterator[LazyPair]:
    for index, item in enumerate(items.pairs):
        name = item.pair.name
        group = name if item.pair.group is None else item.pair.group
        yield LazyPair(name, item.image_digest, item.mask_digest, group, lambda index=index: items.example(index))  # type: ignore[misc]


def _synthetic_items(synthetic: Synthetic) -> Iterator[LazyPair]:
    for index, item in enumerate(_items(synthetic.items)):
        parents = tuple(str(parent) for parent in synthetic.rows[index].get("derived_from") or ())
        yield replace(item, original=synthetic.original(index), derived_from=parents)


def _test_side(
    wanted: UtilityRequest, real: PairSet, selection: Selection, reporter: Reporter
) -> tuple[list[LazyPair] | None, tuple[Skipped, ...]]:
    """The pairs of the test folder or list (None: none given), of a folder with splits those of the test split.

    And those that --skip-bad leaves out.
    """
    if wanted.test is None:
        return None, ()
    found = _found(wanted.test, Selection(group_by=selection.group_by))
    if "test" in found.splits:
        kept = tuple(pair for pair in found.pairs if pair.split == "test")
        reporter.note(f"test: the test split ({len(kept)} pairs) is used")
        found = replace(found, pairs=kept)
    checked = check_set(str(wanted.test), found, lenient(real.checked.policy))
    return list(_items(in_terms(str(wanted.test), checked, real.terms))), checked.bad


def _oracle_side(
    wanted: UtilityRequest, real: PairSet, selection: Selection, reporter: Reporter
) -> tuple[list[LazyPair], tuple[Skipped, ...]]:
    """The pairs of the oracle, of a folder with splits those of the training split; and those left out."""
    if wanted.oracle is None:
        return [], ()
    found, sentence = choose_split(_found(wanted.oracle, Selection(group_by=selection.group_by)), None)
    if sentence:
        reporter.note(f"oracle: {sentence}")
    checked = check_set(str(wanted.oracle), found, lenient(real.checked.policy))
    return list(_items(in_terms(str(wanted.oracle), checked, real.terms))), checked.bad


def _unlabelled_side(
    wanted: UtilityRequest, real: PairSet, selection: Selection
) -> tuple[list[LazyImage], tuple[Skipped, ...]]:
    """The images without masks, and those left out. Slices are cut as those of REAL are."""
    if wanted.unlabelled is None:
        return [], ()
    chosen = Selection(group_by=selection.group_by, slices=selection.slices, most_voxels=selection.most_voxels)
    policy = real.checked.policy
    checked = open_images(Path(wanted.unlabelled), chosen, policy.decode, skip_bad=policy.skip_bad)
    images = images_in_terms(str(wanted.unlabelled), checked, real.terms)
    items = []
    for index, item in enumerate(images.images):
        group = item.pair.image if item.pair.group is None else item.pair.group
        items.append(LazyImage(item.pair.image, item.digest, group, partial(images.image, index)))
    return items, checked.bad


def _digests(listed: Path, policy: CheckPolicy) -> frozenset[str]:
    """One digest a pair, as in a manifest: of its image, or of its mask where there is no image."""
    checked = check_set(str(listed), _found(listed, Selection()), lenient(policy))
    return frozenset(item.image_digest or item.mask_digest for item in checked.pairs)


def _found(source: str | Path, selection: Selection) -> Found:
    path = Path(source)
    if path.is_file():
        return find_pairs(str(path), selection, read_list(path))
    return find_pairs(path, selection)
