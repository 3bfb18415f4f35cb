"""A set in folds: behind ``pairaug folds``.

For each fold a mask model, a translator and their gates are fitted on the other folds' originals alone, and new pairs
are made by them; all of it lies in one set, with the originals and with the splits. A new pair belongs to the training
of its own fold, for which nothing was seen of what that fold validates on, and to no other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pairaug.gates.names import ALL, NONE
from pairaug.machine.ranks import Ranks, joined
from pairaug.pairs.checked import Checked, CheckPolicy
from pairaug.pairs.source import Selection
from pairaug.registry import Kind
from pairaug.reporting import Reporter
from pairaug.synthesis.assembling import Assembly, Synthesized
from pairaug.synthesis.folds.dealing import Deal, deal
from pairaug.synthesis.folds.plan import plan_of_folds
from pairaug.synthesis.options import SynthesisOptions, check_options
from pairaug.synthesis.run import refuse_out_at
from pairaug.training.bare import bare_of, open_bare
from pairaug.training.fit import fit
from pairaug.training.plan import FitOptions, asked_model, checked_source

DEFAULT_FOLDS = 5
KINDS: tuple[Kind, ...] = ("masks", "translator")


@dataclass(frozen=True)
class FoldsOptions:
    """``masks``, ``translator``: how to fit; ``synthesis``: what to make of each fold, and below which folder the
    models lie. Their ``models``, and the originals of ``synthesis``, count for nothing."""

    folds: int = DEFAULT_FOLDS
    masks: FitOptions = field(default_factory=FitOptions)
    translator: FitOptions = field(default_factory=FitOptions)
    synthesis: SynthesisOptions = field(default_factory=SynthesisOptions)

    def of_kind(self, kind: Kind) -> FitOptions:
        return self.masks if kind == "masks" else self.translator

    def models(self, fold: int) -> Path:
        """Where the models of a fold lie; another number of folds has models of its own."""
        return Path(self.synthesis.models) / f"fold-{fold}-of-{self.folds}"


def check_folds_options(options: FoldsOptions) -> None:
    """Raises UsageError for what cannot be, before torch and the data are loaded."""
    check_options(options.synthesis)
    for kind in KINDS:
        asked_model(kind, options.of_kind(kind))


def synthesize_folds(
    source: str | Path,
    out: Path,
    options: FoldsOptions,
    *,
    selection: Selection | None = None,
    policy: CheckPolicy | None = None,
    lines: Iterable[str] | None = None,
    reporter: Reporter | None = None,
) -> Synthesized:
    """Fit and synthesise fold by fold into ``out``. The same call continues an interrupted run; see ``synthesize``."""
    check_folds_options(options)
    data = _Data(source, selection or Selection(), policy or CheckPolicy(), None if lines is None else tuple(lines))
    with joined() as ranks:
        speaker = (reporter if ranks.first else None) or Reporter()
        checked = ranks.told(lambda: data.checked(speaker))
        dealt = ranks.told(lambda: deal(checked, options.folds, options.synthesis.seed))
        inputs = [("the models", Path(options.synthesis.models)), ("the training data", checked.root)]
        if options.translator.unlabelled is not None:
            inputs.append(("the images of --unlabelled", options.translator.unlabelled))
        ranks.told(lambda: refuse_out_at(out, inputs))
        ranks.told(lambda: data.refuse_bare(checked, dealt, options.translator.unlabelled))
        for fold in range(options.folds):
            _fit_fold(data, checked, dealt, fold, options, speaker)
        works: list[Assembly] = []
        ranks.told(lambda: works.append(_assembled(out, options, checked, dealt, ranks, speaker)))
        if not ranks.first:  # what the first was not refused
            works.append(_assembled(out, options, checked, dealt, ranks, speaker))
        return works[0].run()


@dataclass(frozen=True)
class _Data:
    """A source, as the user has named it."""

    source: str | Path
    selection: Selection
    policy: CheckPolicy
    lines: Sequence[str] | None

    def checked(self, reporter: Reporter) -> Checked:
        return checked_source("translator", self.source, self.selection, self.policy, self.lines, reporter)

    def refuse_bare(self, checked: Checked, dealt: Deal, source: Path | None) -> None:
        """Raises DataError where a fold may use no image of ``source``, before the first fold is fitted."""
        if source is not None:
            images = open_bare(source, checked, self.selection, self.policy)
            for fold in range(dealt.folds):
                bare_of(str(source), images, checked, [checked.pairs[place] for place in dealt.held_out(fold)])

    def part_of(self, checked: Checked, dealt: Deal, fold: int) -> Mapping[str, Any]:
        """What a fit of ``fold`` takes: the pairs that it does not validate on; their label values are settled."""
        names = frozenset(checked.pairs[place].pair.name for place in dealt.training(fold))
        cleaning = self.policy.cleaning
        if not cleaning.settled:  # what is rare in a part of the pairs is no dirt if it was none in all of them
            cleaning = replace(cleaning, as_found=True)
        return {
            "selection": replace(self.selection, limit=None, among=names),
            "policy": replace(self.policy, cleaning=cleaning),
            "lines": self.lines,
            "held_out": [checked.pairs[place] for place in dealt.held_out(fold)],
        }


def _fit_fold(data: _Data, checked: Checked, dealt: Deal, fold: int, options: FoldsOptions, reporter: Reporter) -> None:
    """The two models of a fold and their gates, on all that it does not validate on."""
    learnt, held_out = len(dealt.training(fold)), len(dealt.held_out(fold))
    reporter.note(f"fold {fold} of {dealt.folds}: {learnt} originals to learn from, {held_out} held out")
    for kind in KINDS:
        wanted = replace(options.of_kind(kind), models=options.models(fold))
        fit(kind, data.source, wanted, reporter=reporter, **data.part_of(checked, dealt, fold))


def _assembled(
    out: Path, options: FoldsOptions, checked: Checked, dealt: Deal, ranks: Ranks, reporter: Reporter
) -> Assembly:
    wanted = replace(options.synthesis, include_originals=True)
    if wanted.gates == ALL and not options.translator.gate:
        wanted = replace(wanted, gates=NONE)
    plan = plan_of_folds(wanted, [options.models(fold) for fold in range(dealt.folds)], checked, dealt)
    return Assembly(out, plan, wanted, ranks, reporter)
