"""``pairaug evaluate``: what are the new pairs worth? The parts in order, cheap ones first, each measured or named.

Enters: a real and a synthetic set and the options. Leaves: an ``Evaluation``; a part that was not measured is None and
stands in ``not_measured`` with the reason. The same sets, options and seed give the same figures.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import torch

from pairaug.errors import UsageError, did_you_mean
from pairaug.evaluation.parts.agreement import Agreement, measure_agreement
from pairaug.evaluation.parts.images import ImageRealism, measure_images
from pairaug.evaluation.parts.masks import MaskRealism, measure_masks
from pairaug.evaluation.parts.novelty import Novelty, measure_novelty
from pairaug.evaluation.sets.pair_set import PairSet, Terms, check_set, in_terms
from pairaug.evaluation.sets.remarks import remarks_on
from pairaug.evaluation.sets.synthetic import Synthetic, no_synthetic, open_synthetic
from pairaug.machine.device import choose_device
from pairaug.machine.ranks import ALONE, Ranks
from pairaug.machine.threads import one_thread_each
from pairaug.machine.work import OutOfTime, Work
from pairaug.machine.workers import default_threads
from pairaug.metrics.novelty import FEWEST_GROUPS as FEWEST_FOR_COPIES
from pairaug.pairs.checked import CheckPolicy
from pairaug.pairs.kept import KeptPixels
from pairaug.pairs.pair import Skipped
from pairaug.pairs.source import Selection, choose_split, find_pairs
from pairaug.reporting import Reporter, spoken_time
from pairaug.segmenter.base import Trainer
from pairaug.segmenter.folds import FOLDS, fold_segmenters
from pairaug.segmenter.reference import ReferenceSegmenter
from pairaug.training.plan import DEFAULT_MODELS

if TYPE_CHECKING:
    from pairaug.evaluation.utility.result import Utility
    from pairaug.evaluation.utility.usefulness import Prepared, UtilityRequest

PARTS = ("masks", "images", "novelty", "agreement", "utility")
FEWEST_GROUPS = {"images": 2, "novelty": FEWEST_FOR_COPIES, "agreement": 2}
DEFAULT_SAMPLE = 200
NO_SYNTHETIC = "there is no synthetic set"

# Of one core for one pair looked at, all parts but the segmenters' fits; ``tests/benchmarks/evaluate.py`` measures it.
_SECONDS_A_PAIR = 0.5

Result = TypeVar("Result")


@dataclass(frozen=True)
class EvaluationOptions:
    """How to evaluate. ``selection`` is of the real set, ``policy`` of both; ``lines``: of a list on stdin.

    ``sample``: at most so many synthetic pairs are looked at; ``parts``: which are wanted; ``cache``: where fitted
    segmenters are kept; ``segmenter``: where they come from (None: the reference segmenter, preset quick);
    ``device``: where the reference segmenter and the networks of the features are computed;
    ``utility``: None leaves it out, for it is slow.
    """

    selection: Selection = field(default_factory=Selection)
    policy: CheckPolicy = field(default_factory=CheckPolicy)
    lines: Iterable[str] | None = None
    sample: int = DEFAULT_SAMPLE
    seed: int = 0
    max_minutes: float | None = None
    parts: tuple[str, ...] = PARTS
    cache: Path = Path(DEFAULT_MODELS) / "segmenter"
    threads: int | None = None
    device: str = "auto"
    segmenter: Trainer | None = None
    utility: UtilityRequest | None = None

    def __post_init__(self) -> None:
        for name, value in (("sample", self.sample), ("max-minutes", self.max_minutes), ("threads", self.threads)):
            if value is not None and not 0 < value < float("inf"):
                raise UsageError(f"--{name} {value}: must be above 0")
        if self.seed < 0:
            raise UsageError(f"--seed {self.seed}: must be 0 or more")
        for part in self.parts:
            if part not in PARTS:
                raise UsageError(f"--parts {part}: no such part; {did_you_mean(part, PARTS)}")
        choose_device(self.device)  # raises UsageError for one that is not there


@dataclass(frozen=True)
class Sets:
    """Both sets, open. ``synthetic_source`` is None, and the synthetic set without pairs, where none was given.

    ``began``: when they began to be read (``time.monotonic``), from which --max-minutes counts.
    """

    real: PairSet
    synthetic: Synthetic
    synthetic_source: str | Path | None
    began: float = field(default_factory=time.monotonic)


@dataclass(frozen=True)
class NotMeasured:
    part: str
    reason: str


@dataclass(frozen=True)
class Evaluation:
    """All that was measured; see the modules of the parts. ``remarks``: what a reader of the figures has to know.

    ``skipped``: test pairs that --skip-bad left out.
    """

    masks: MaskRealism | None
    images: ImageRealism | None
    novelty: Novelty | None
    agreement: Agreement | None
    utility: Utility | None
    not_measured: tuple[NotMeasured, ...]
    remarks: tuple[str, ...]
    skipped: tuple[Skipped, ...] = ()

    @property
    def out_of_time(self) -> bool:
        """Whether nothing was measured, for want of time (utility tells its own)."""
        parts = (self.masks, self.images, self.novelty, self.agreement, self.utility)
        late = [gap.part for gap in self.not_measured if "--max-minutes" in gap.reason]
        return all(part is None for part in parts) and any(part != "utility" for part in late)


def evaluate(
    real: str | Path,
    synthetic: str | Path | None,
    options: EvaluationOptions = EvaluationOptions(),
    reporter: Reporter | None = None,
) -> Evaluation:
    """Measure ``synthetic`` against ``real``. Raises DataError for sets that cannot be compared.

    ``synthetic`` None: utility alone is measured, between arms that need no synthetic set.
    """
    listener = reporter or Reporter()
    with open_sets(real, synthetic, options, listener) as sets:
        return measure(sets, options, listener)


@contextmanager
def open_sets(
    real: str | Path, synthetic: str | Path | None, options: EvaluationOptions, reporter: Reporter
) -> Iterator[Sets]:
    """Find, check and sample both sets, or the real one where there is no other."""
    began = time.monotonic()
    found, sentence = choose_split(find_pairs(real, options.selection, options.lines), options.selection.split)
    if sentence:
        reporter.note(f"real: {sentence}")
    kept = KeptPixels()
    checked = check_set(str(real), found, options.policy, kept)
    terms = Terms(
        checked.intensity,
        checked.stored_channels,
        checked.label_map.values,
        deep=checked.deep,
        grey=checked.channels == 1,
    )
    items = in_terms(str(real), checked, terms, kept=kept)
    if synthetic is None:
        yield Sets(items, no_synthetic(items), None, began)
        return
    rng = np.random.default_rng([options.seed, 0])
    with open_synthetic(Path(synthetic), terms, options.policy, options.sample, rng) as others:
        yield Sets(items, others, synthetic, began)


def measure(sets: Sets, options: EvaluationOptions, reporter: Reporter, ranks: Ranks = ALONE) -> Evaluation:
    """Measure the parts that are wanted, as far as the time allows, which began when the sets were read.

    Several ranks share the runs of utility; the other parts are the first rank's.
    """
    if not ranks.first:
        options = replace(options, parts=("utility",))
    deadline = None if options.max_minutes is None else sets.began + 60 * options.max_minutes
    work = Work(options.threads or max(1, default_threads() // ranks.here), reporter, deadline)
    needed = expected_seconds(sets, options)
    if options.max_minutes is not None and needed > 60 * options.max_minutes:
        reporter.note(f"all parts without utility take about {spoken_time(needed)}; --max-minutes leaves some out")
    real, synthetic, seed = sets.real, sets.synthetic, options.seed
    others, repeats = synthetic.items, (synthetic.masks, synthetic.per_mask)
    derived = [synthetic.derived(index) for index in range(len(others))]
    wanted = options.utility if "utility" in options.parts else None
    prepared = None if wanted is None else _prepared(wanted, sets, options, reporter)
    parts = _Parts(options, len(set(real.groups)), work, lone=sets.synthetic_source is None)
    device = choose_device(options.device)

    def agreement() -> Agreement:
        trainer = options.segmenter or ReferenceSegmenter(device=device)
        fitted = fold_segmenters(real, trainer, options.cache, work, seed)
        return measure_agreement(real, others, synthetic.masks, fitted, work, seed)

    with one_thread_each():
        masks = parts.one("masks", lambda: measure_masks(real, others, *repeats, work, seed, device))
        images = parts.one("images", lambda: measure_images(real, others, *repeats, work, seed, device))
        novelty = parts.one("novelty", lambda: measure_novelty(real, others, derived, work, seed))
    agreed = parts.one("agreement", agreement)
    if images is not None and images.variety is None:
        parts.leave_out("images.variety", "no mask among those looked at has several images")
    utility = None
    if options.utility is None:
        parts.leave_out("utility", "slow, so only with --utility")
    else:
        utility = parts.one("utility", lambda: _usefulness(wanted, prepared, sets, options, work, ranks, device))
        if utility is not None and utility.left_out and not utility.arms:
            parts.leave_out("utility", "no run would end within --max-minutes")
            utility = None
    skipped = () if prepared is None else prepared.skipped
    remarks = tuple(remarks_on(real, synthetic))
    return Evaluation(masks, images, novelty, agreed, utility, tuple(parts.left_out), remarks, skipped)


class _Parts:
    """Measures the parts that are wanted, for which there are groups enough and time; the others are ``left_out``."""

    def __init__(self, options: EvaluationOptions, groups: int, work: Work, *, lone: bool) -> None:
        """``lone``: there is no synthetic set, which all parts but utility measure."""
        self.left_out: list[NotMeasured] = []
        self._options, self._groups, self._work, self._lone = options, groups, work, lone

    def one(self, name: str, make: Callable[[], Result]) -> Result | None:
        fewest = FEWEST_GROUPS.get(name, 1)
        if name not in self._options.parts:
            self.leave_out(name, "not among --parts")
        elif self._lone and name != "utility":
            self.leave_out(name, NO_SYNTHETIC)
        elif self._groups < fewest:
            self.leave_out(name, f"{self._groups} group(s) of real pairs; at least {fewest} needed")
        else:
            try:
                self._work.check()
                return make()
            except OutOfTime as error:
                self.leave_out(name, str(error))
        return None

    def leave_out(self, name: str, reason: str) -> None:
        self.left_out.append(NotMeasured(name, reason))


def expected_seconds(sets: Sets, options: EvaluationOptions) -> float:
    """About how long all parts but utility take where no segmenter of these pairs has been kept."""
    if sets.synthetic_source is None:
        return 0.0
    workers = options.threads or default_threads()
    pairs = len(sets.real) + len(sets.synthetic.items)
    seconds = _SECONDS_A_PAIR * pairs / workers
    if "agreement" in options.parts:
        trainer = options.segmenter or ReferenceSegmenter()
        seconds += trainer.seconds(max(1, len(sets.real) // FOLDS)) * FOLDS / min(workers, FOLDS)
    return seconds


def _prepared(wanted: UtilityRequest, sets: Sets, options: EvaluationOptions, reporter: Reporter) -> Prepared:
    from pairaug.evaluation.utility.usefulness import prepare

    return prepare(wanted, sets.real, sets.synthetic, options.selection, reporter)


def _usefulness(
    wanted: UtilityRequest | None,
    prepared: Prepared | None,
    sets: Sets,
    options: EvaluationOptions,
    work: Work,
    ranks: Ranks,
    device: torch.device,
) -> Utility:
    from pairaug.evaluation.utility.usefulness import measure_usefulness

    assert wanted is not None
    assert prepared is not None
    return measure_usefulness(
        wanted, prepared, sets.real, sets.synthetic_source, options.selection, work, options.seed, ranks, device
    )
