"""``pairaug evaluate``: what are the new pairs worth? The parts in order, cheap ones first, each measured or named.

Enters: a real and a synthetic set and the options. Leaves: an ``Evaluation``; a part that was not measured is None and
stands in ``not_measured`` with the reason. The same sets, options and seed give the same figures.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from pairaug.errors import UsageError, did_you_mean
from pairaug.evaluation.agreement import Agreement, measure_agreement
from pairaug.evaluation.folds import FOLDS, SegmenterSource, fold_segmenters
from pairaug.evaluation.images import ImageRealism, measure_images
from pairaug.evaluation.items import Items, Terms, check_set, in_terms
from pairaug.evaluation.masks import MaskRealism, measure_masks
from pairaug.evaluation.novelty import Novelty, measure_novelty
from pairaug.evaluation.remarks import remarks_on
from pairaug.evaluation.synthetic import Synthetic, open_synthetic
from pairaug.evaluation.work import OutOfTime, Work
from pairaug.machine.threads import one_thread_each
from pairaug.machine.workers import default_threads
from pairaug.metrics.novelty import FEWEST_GROUPS as FEWEST_FOR_COPIES
from pairaug.pairs.checked import CheckPolicy
from pairaug.pairs.pair import Skipped
from pairaug.pairs.source import Selection, choose_split, find_pairs
from pairaug.reporting import Reporter, spoken_time
from pairaug.segmenter.reference import ReferenceSegmenter
from pairaug.training.plan import DEFAULT_MODELS

if TYPE_CHECKING:
    from pairaug.evaluation.usefulness import Prepared, Usefulness
    from pairaug.evaluation.utility.result import Utility

PARTS = ("masks", "images", "novelty", "agreement", "utility")
FEWEST_GROUPS = {"images": 2, "novelty": FEWEST_FOR_COPIES, "agreement": 2}
DEFAULT_SAMPLE = 200

# Of one core for one pair looked at, all parts but the segmenters' fits; ``tests/benchmarks/evaluate.py`` measures it.
_SECONDS_A_PAIR = 0.5

Result = TypeVar("Result")


@dataclass(frozen=True)
class EvaluationOptions:
    """How to evaluate. ``selection`` is of the real set, ``policy`` of both; ``lines``: of a list on stdin.

    ``sample``: at most so many synthetic pairs are looked at; ``parts``: which are wanted; ``cache``: where fitted
    segmenters are kept; ``segmenter``: where they come from (None: the reference segmenter, preset quick);
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
    segmenter: SegmenterSource | None = None
    utility: Usefulness | None = None

    def __post_init__(self) -> None:
        for name, value in (("sample", self.sample), ("max-minutes", self.max_minutes), ("threads", self.threads)):
            if value is not None and not 0 < value < float("inf"):
                raise UsageError(f"--{name} {value}: must be above 0")
        if self.seed < 0:
            raise UsageError(f"--seed {self.seed}: must be 0 or more")
        for part in self.parts:
            if part not in PARTS:
                raise UsageError(f"--parts {part}: no such part; {did_you_mean(part, PARTS)}")


@dataclass(frozen=True)
class Sets:
    """Both sets, open."""

    real: Items
    synthetic: Synthetic
    synthetic_source: str | Path


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
    synthetic: str | Path,
    options: EvaluationOptions = EvaluationOptions(),
    reporter: Reporter | None = None,
) -> Evaluation:
    """Measure ``synthetic`` against ``real``. Raises DataError for sets that cannot be compared."""
    listener = reporter or Reporter()
    with open_sets(real, synthetic, options, listener) as sets:
        return measure(sets, options, listener)


@contextmanager
def open_sets(
    real: str | Path, synthetic: str | Path, options: EvaluationOptions, reporter: Reporter
) -> Iterator[Sets]:
    """Find, check and sample both sets."""
    found, sentence = choose_split(find_pairs(real, options.selection, options.lines), options.selection.split)
    if sentence:
        reporter.note(f"real: {sentence}")
    checked = check_set(str(real), found, options.policy)
    terms = Terms(
        checked.intensity,
        checked.stored_channels,
        checked.label_map.values,
        deep=checked.deep,
        grey=checked.channels == 1,
    )
    items = in_terms(str(real), checked, terms)
    rng = np.random.default_rng([options.seed, 0])
    with open_synthetic(Path(synthetic), terms, options.policy, options.sample, rng) as others:
        yield Sets(items, others, synthetic)


def measure(sets: Sets, options: EvaluationOptions, reporter: Reporter) -> Evaluation:
    """Measure the parts that are wanted, as far as the time allows."""
    deadline = None if options.max_minutes is None else time.monotonic() + 60 * options.max_minutes
    work = Work(options.threads or default_threads(), reporter, deadline)
    real, synthetic, seed = sets.real, sets.synthetic, options.seed
    needed = expected_seconds(sets, options)
    if options.max_minutes is not None and needed > 60 * options.max_minutes:
        reporter.note(f"all parts without utility take about {spoken_time(needed)}; --max-minutes leaves some out")
    missing: list[NotMeasured] = []
    groups = len(set(real.groups))

    def part(name: str, make: Callable[[], Result]) -> Result | None:
        if name not in options.parts:
            missing.append(NotMeasured(name, "not among --parts"))
            return None
        if groups < FEWEST_GROUPS.get(name, 1):
            missing.append(NotMeasured(name, f"{groups} group(s) of real pairs; at least {FEWEST_GROUPS[name]} needed"))
            return None
        try:
            work.check()
            return make()
        except OutOfTime as error:
            missing.append(NotMeasured(name, str(error)))
            return None

    def agreement() -> Agreement:
        source = options.segmenter or ReferenceSegmenter()
        fitted = fold_segmenters(real, source, options.cache, work, seed)
        return measure_agreement(real, synthetic.items, synthetic.masks, fitted, work, seed)

    wanted = options.utility if "utility" in options.parts else None
    prepared = None if wanted is None else _prepared(wanted, sets, options, reporter)
    derived = [synthetic.derived(index) for index in range(len(synthetic.items))]
    with one_thread_each():
        masks = part(
            "masks",
            lambda: measure_masks(real, synthetic.items, synthetic.masks, synthetic.per_mask, work, seed),
        )
        images = part(
            "images", lambda: measure_images(real, synthetic.items, synthetic.masks, synthetic.per_mask, work, seed)
        )
        novelty = part("novelty", lambda: measure_novelty(real, synthetic.items, derived, work, seed))
    result_of_agreement = part("agreement", agreement)
    if images is not None and images.variety is None:
        missing.append(NotMeasured("images.variety", "no mask among those looked at has several images"))
    utility = None
    if options.utility is None:
        missing.append(NotMeasured("utility", "slow, so only with --utility"))
    else:
        utility = part("utility", lambda: _usefulness(wanted, prepared, sets, options, work))
        if utility is not None and utility.left_out and not utility.arms:
            missing.append(NotMeasured("utility", "no run would end within --max-minutes"))
            utility = None
    return Evaluation(
        masks,
        images,
        novelty,
        result_of_agreement,
        utility,
        tuple(missing),
        tuple(remarks_on(real, synthetic)),
        () if prepared is None else prepared.skipped,
    )


def expected_seconds(sets: Sets, options: EvaluationOptions) -> float:
    """About how long all parts but utility take where no segmenter of these pairs has been kept."""
    workers = options.threads or default_threads()
    pairs = len(sets.real) + len(sets.synthetic.items)
    seconds = _SECONDS_A_PAIR * pairs / workers
    if "agreement" in options.parts:
        source = options.segmenter or ReferenceSegmenter()
        seconds += source.seconds(max(1, len(sets.real) // FOLDS)) * FOLDS / min(workers, FOLDS)
    return seconds


def _prepared(wanted: Usefulness, sets: Sets, options: EvaluationOptions, reporter: Reporter) -> Prepared:
    from pairaug.evaluation.usefulness import prepare

    return prepare(wanted, sets.real, sets.synthetic, options.selection, reporter)


def _usefulness(
    wanted: Usefulness | None, prepared: Prepared | None, sets: Sets, options: EvaluationOptions, work: Work
) -> Utility:
    from pairaug.evaluation.usefulness import measure_usefulness

    assert wanted is not None
    assert prepared is not None
    return measure_usefulness(wanted, prepared, sets.real, sets.synthetic_source, options.selection, work, options.seed)
