"""Two segmenters, each fitted on half of the real pairs, groups kept whole, and kept for the next time.

Enters: the real set. Leaves: two fitted segmenters and which fold each real pair was held out from. They are cached
under a folder named after everything that determines them: what the real files hold and how they are read, the
groups, the preset, the precision, the recipe, the seed (``fitted.identity``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from pairaug.errors import DataError, PairaugError
from pairaug.files import digest_file, mark_own, write_json
from pairaug.fitted.identity import identity_digest, run_identity
from pairaug.json_text import parse_json
from pairaug.machine.work import SharedProgress, Work
from pairaug.machine.workers import put_in_order, working
from pairaug.pairs.checked import Checked
from pairaug.reporting import Reporter
from pairaug.segmenter.base import Example, Recipe, Segmenter, Trainer

FOLDS = 2
RECORD = "folds.json"


class GroupedPairs(Protocol):
    """Pairs of a checked set, each in a group (a patient, say): ``groups`` numbers them."""

    @property
    def checked(self) -> Checked: ...
    @property
    def groups(self) -> tuple[int, ...]: ...
    @property
    def classes(self) -> int: ...
    def __len__(self) -> int: ...
    def example(self, index: int) -> Example: ...


@dataclass(frozen=True)
class FoldSegmenters:
    """``segmenters[f]`` has not seen the real pairs i with ``fold_of[i] == f``; ``digests``: of their files."""

    segmenters: tuple[Segmenter, ...]
    fold_of: tuple[int, ...]
    digests: tuple[str, ...]


def fold_segmenters(real: GroupedPairs, trainer: Trainer, cache: Path, work: Work, seed: int) -> FoldSegmenters:
    """The two segmenters, from the cache where they are there. DataError for fewer than two groups of real pairs."""
    fold_of = grouped_folds(real.groups, np.random.default_rng([seed, 4]))
    key = _fingerprint(real, trainer, seed)
    folder = cache / key[:16]
    kept = _cached(folder, key, trainer, work.reporter)
    if kept is None:
        pairs = len(real) - len(real) // FOLDS
        work.refuse_longer(trainer.seconds(pairs) * FOLDS / min(work.workers, FOLDS))
        kept = _fitted(real, fold_of, trainer, folder, key, work, seed)
    segmenters, digests = kept
    return FoldSegmenters(segmenters, fold_of, digests)


def grouped_folds(groups: Sequence[int], rng: np.random.Generator, folds: int = FOLDS) -> tuple[int, ...]:
    """The fold of every item, groups whole and ``folds`` as equal in size as that allows.

    Raises DataError for fewer groups than folds.
    """
    names = np.asarray(groups)
    distinct = rng.permutation(np.unique(names))
    if len(distinct) < folds:
        raise DataError(
            f"{len(names)} real pairs in {len(distinct)} group{'s' * (len(distinct) != 1)} cannot be held out from "
            f"each other; give at least {folds} groups"
        )
    sizes = [0] * folds
    fold_of = np.zeros(len(names), dtype=np.intp)
    for name in sorted(distinct, key=lambda one: -int((names == one).sum())):  # a stable sort keeps the drawn order
        smallest = int(np.argmin(sizes))
        fold_of[names == name] = smallest
        sizes[smallest] += int((names == name).sum())
    return tuple(int(fold) for fold in fold_of)


def _fingerprint(real: GroupedPairs, trainer: Trainer, seed: int) -> str:
    """``trainer.name`` stands for its preset, precision and recipe."""
    return identity_digest(run_identity(real.checked, model=trainer.name, settings={"folds": FOLDS}, seed=seed))


def _fold_path(folder: Path, fold: int) -> Path:
    return folder / f"fold-{fold}.safetensors"


def _cached(
    folder: Path, key: str, trainer: Trainer, reporter: Reporter
) -> tuple[tuple[Segmenter, ...], tuple[str, ...]] | None:
    """The cached segmenters; None where there are none, or not those that the record tells of."""
    try:
        record = parse_json((folder / RECORD).read_bytes())
        digests = tuple(digest_file(_fold_path(folder, fold)) for fold in range(FOLDS))
        if record != {"key": key, "digests": list(digests)}:
            raise ValueError("the files are not those that were written")
        return tuple(trainer.load(_fold_path(folder, fold)) for fold in range(FOLDS)), digests
    except FileNotFoundError:
        return None
    except (OSError, ValueError, PairaugError) as error:
        reporter.warn(f"{folder}: the cached segmenters are damaged ({error}); they are fitted again")
        return None


def _fitted(
    real: GroupedPairs,
    fold_of: tuple[int, ...],
    trainer: Trainer,
    folder: Path,
    key: str,
    work: Work,
    seed: int,
) -> tuple[tuple[Segmenter, ...], tuple[str, ...]]:
    shared = SharedProgress(work, FOLDS)
    mark_own(folder.parent)
    mark_own(folder, whole=True)

    def fit(fold: int) -> Segmenter:
        examples = [real.example(index) for index in range(len(real)) if fold_of[index] != fold]
        segmenter = trainer.fit(Recipe(examples), real.classes, seed + fold, shared.listener(fold))
        segmenter.save(_fold_path(folder, fold))
        return segmenter

    work.reporter.note(f"fitting {FOLDS} segmenters on real pairs (kept for the next time)")
    workers = min(work.workers, FOLDS)
    try:  # ``stop``: a fold under way would otherwise go on for minutes after Ctrl-C
        with working(fit, range(FOLDS), workers, one_thread=True, stop=shared.stop) as results:
            segmenters = put_in_order(results)
    finally:
        work.reporter.end_progress()
    digests = tuple(digest_file(_fold_path(folder, fold)) for fold in range(FOLDS))
    write_json(folder / RECORD, {"key": key, "digests": list(digests)})
    return tuple(segmenters), digests
