"""The functions that ``pairaug`` exports: the commands, for a Python caller.

Keyword arguments carry the names of the flags, with ``_`` for ``-`` (``--per-mask 2`` is ``per_mask=2``) and Python's
values (``labels=[0, 255]``, ``set={"base": 32}``); defaults are those of the commands. Variables ``PAIRAUG_...`` and
``pairaug.toml`` are for the command line alone. Nothing is printed: ``reporter`` hears notes, warnings and progress.
Every refusal is a ``PairaugError`` whose message is one line: what, value, remedy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from pairaug.api.evaluating import (
    UtilityAsked,
    evaluation_options,
    refuse_lone,
    refuse_nothing_measured,
    refuse_outputs,
    write_outputs,
)
from pairaug.api.fitting import fitted
from pairaug.api.given import Source, origins_of, source_of, taken
from pairaug.api.keywords import (
    CheckKeywords,
    CountedKeywords,
    EvaluateKeywords,
    FitKeywords,
    FoldsKeywords,
    Place,
    SynthesizeKeywords,
    TranslatorKeywords,
    checked_keywords,
)
from pairaug.api.pair_options import PairOptions
from pairaug.api.wording import PythonReporter, for_python, speaking_python, worded
from pairaug.errors import UsageError
from pairaug.reporting import Reporter

if TYPE_CHECKING:
    from pairaug.evaluation.evaluate import Evaluation
    from pairaug.pairs.checked import Checked
    from pairaug.synthesis.run import SynthesisOptions
    from pairaug.synthesis.verify import Verification
    from pairaug.training.plan import FitOptions


@speaking_python
def check(source: Source | None = None, **options: Unpack[CheckKeywords]) -> Checked:
    """Find the pairs of a data set and decode every file; changes nothing.

    ``source``: a folder, or (image, mask) for each pair; or give ``list=``, a file of them. Returns a ``Checked``:
    ``pairs``, ``label_map``, ``layout``, ``skipped`` and ``bad`` (each a path with a reason) and ``warnings``.
    Raises DataError listing every file that cannot be used.
    """
    from pairaug.pairs.checking import check_pairs
    from pairaug.pairs.source import find_pairs

    given = checked_keywords("check", CheckKeywords, options)
    name, lines = source_of(source, given.pop("list", None))
    pairs = PairOptions(**given)
    policy = pairs.policy()
    checked = check_pairs(find_pairs(name, pairs.selection(), lines), policy)
    skipped, bad = (
        tuple(replace(entry, reason=for_python(entry.reason)) for entry in entries)
        for entries in (checked.skipped, checked.bad)
    )
    return replace(checked, skipped=skipped, bad=bad, warnings=tuple(map(for_python, checked.warnings)))


@speaking_python
def fit_masks(
    source: Source | None = None,
    fit_options: FitOptions | None = None,
    *,
    reporter: Reporter | None = None,
    **options: Unpack[FitKeywords],
) -> Path:
    """Learn to draw new masks, from a folder of masks or of pairs. The same call continues an interrupted run.

    ``source``: a folder, or (image, mask) for each pair; or give ``list=``, a file of them. ``fit_options`` is the
    older shape of the call. Returns the path of the fitted model, which lies in the folder ``models``.
    """
    return fitted("masks", "fit_masks", source, fit_options, reporter, options)


@speaking_python
def fit_translator(
    source: Source | None = None,
    fit_options: FitOptions | None = None,
    *,
    reporter: Reporter | None = None,
    **options: Unpack[TranslatorKeywords],
) -> Path:
    """Learn to paint an image for a mask, from a data set of pairs. The same call continues an interrupted run.

    ``source``: a folder, or (image, mask) for each pair; or give ``list=``, a file of them. ``fit_options`` is the
    older shape of the call. Returns the path of the fitted model, which lies in the folder ``models``.
    """
    return fitted("translator", "fit_translator", source, fit_options, reporter, options)


@speaking_python
def synthesize(
    out: Place,
    count: int | SynthesisOptions | None = None,
    *,
    reporter: Reporter | None = None,
    **options: Unpack[SynthesizeKeywords],
) -> Path:
    """Write new pairs to ``out``, in the layout of the originals, with a manifest.

    ``count``: 100, or one for each mask of ``masks_from``, unless it is given. The same call continues an interrupted
    run, and a larger count extends the set. (A ``SynthesisOptions`` in place of the count is the older shape of the
    call.) Returns the folder.
    """
    from pairaug.synthesis.run import SynthesisOptions, synthesize_rows

    older = count if isinstance(count, SynthesisOptions) else None
    named = dict(options) if older else {"count": count, **options}
    given = checked_keywords("synthesize", CountedKeywords, named)
    wanted = replace(older or SynthesisOptions(origins=origins_of(given)), **given)
    told = PythonReporter(reporter)
    path, _, given_up = synthesize_rows(Path(out), wanted, reporter=told)
    if given_up:
        told.warn(f"{given_up} pairs were given up by the gates; manifest.json says why")
    return path


@speaking_python
def folds(
    source: Source | None = None,
    out: Place = "",
    *,
    reporter: Reporter | None = None,
    **options: Unpack[FoldsKeywords],
) -> Path:
    """For each fold fit models and make pairs without the originals that it validates on; write one set, with splits.

    ``source``: a folder, or (image, mask) for each pair; or give ``list=``, a file of them. ``out``: the folder of the
    set. ``count``: new pairs for each fold. The same call continues an interrupted run. Returns the folder.
    """
    from pairaug.api.folding import folds_options

    given = checked_keywords("folds", FoldsKeywords, options)
    if not str(out):
        raise UsageError("out: name the folder of the new data set")
    name, lines = source_of(source, given.pop("list", None))
    origins, pairs = origins_of(given), PairOptions(**taken(given, PairOptions))
    if "set" in given:
        given["settings"] = given.pop("set")
    wanted = folds_options(**given, origins=origins)
    selection, policy = pairs.selection(), pairs.policy()
    from pairaug.synthesis.folds.run import synthesize_folds

    told = PythonReporter(reporter)
    made = synthesize_folds(name, Path(out), wanted, selection=selection, policy=policy, lines=lines, reporter=told)
    if made.given_up:
        told.warn(f"{made.given_up} pairs were given up by the gates; manifest.json says why")
    return made.path


@speaking_python
def verify(out: Place) -> Verification:
    """Hash every file of an augmented set and compare it with the manifest.

    Returns a ``Verification``: the number of ``pairs``; ``differing``, a line for each file that is missing or
    changed; ``unlisted``, images that the manifest does not name. Raises DataError where there is no manifest.
    """
    from pairaug.synthesis.verify import verify as verify_folder

    return verify_folder(Path(out))


@dataclass(frozen=True)
class EvaluationResult:
    """What ``evaluate`` found.

    ``figures``: what ``pairaug evaluate --json`` prints, by the same names; ``text``: what it prints without
    ``--json``; ``measured``: the figures as objects.
    """

    figures: dict[str, Any]
    text: str
    measured: Evaluation


@speaking_python
def evaluate(
    real: Source,
    synthetic: Place | None = None,
    *,
    reporter: Reporter | None = None,
    **options: Unpack[EvaluateKeywords],
) -> EvaluationResult:
    """Measure synthetic pairs against real ones: are they new, real, varied, true to their masks, of use?

    ``real``: a folder, a list file, or (image, mask) for each pair; ``synthetic``: any folder of pairs, or a list file
    (None: ``utility`` compares what needs none). What chooses files is for ``real``, what is said of values for both.
    Returns an ``EvaluationResult``.
    """
    given = checked_keywords("evaluate", EvaluateKeywords, options)
    html, out_items, card = given.pop("html", None), given.pop("out_items", None), given.pop("card", False)
    listed = isinstance(real, str | PathLike) and Path(real).is_file()
    name, lines = source_of(None if listed else real, Path(str(real)) if listed else None)
    pairs, asked = PairOptions(**taken(given, PairOptions)), UtilityAsked(**taken(given, UtilityAsked))
    made = None if synthetic is None else Path(synthetic)
    refuse_lone(made, asked, given.get("parts"), out_items)
    wanted = evaluation_options(pairs, asked, lines, **given)
    refuse_outputs(html, out_items, card, made)
    from pairaug.evaluation.evaluate import measure, open_sets
    from pairaug.evaluation.views.as_json import as_json
    from pairaug.evaluation.views.as_text import as_text

    told = PythonReporter(reporter)
    models = given.get("models", Path("pairaug-models"))
    with open_sets(name, made, wanted, told) as sets:
        result = measure(sets, wanted, told)
        write_outputs(
            result,
            sets,
            html=html,
            out_items=out_items,
            real=name,
            command="pairaug.evaluate(...)",
            models=models,
            card=card,
        )
        refuse_nothing_measured(result, sets, wanted)
        gaps = tuple(replace(gap, reason=for_python(gap.reason)) for gap in result.not_measured)
        result = replace(result, not_measured=gaps, remarks=tuple(map(for_python, result.remarks)))
        return EvaluationResult(worded(as_json(result, sets)), for_python(as_text(result, sets)), result)


def list_models() -> list[dict[str, Any]]:
    """The models to choose from, a mapping each: ``name``, ``kind``, ``summary``, ``settings``, ...

    ``parameters`` counts the weights of the networks for one mask plane and three image channels.
    (Not ``models``: that is the name of the room that holds them.)
    """
    from dataclasses import asdict

    from pairaug.models.base import Shape
    from pairaug.registry import MODELS
    from pairaug.training.objectives.base import count_trained

    rows = []
    for entry in MODELS.values():
        model_class = entry.load()
        config = model_class.Config()
        side = entry.size or 256
        shape = Shape(2, 3 if entry.kind == "translator" else 0, side, side)
        counts = count_trained(model_class, entry.load_objective(), config, shape)
        rows.append(
            {
                "name": entry.name,
                "kind": entry.kind,
                "summary": entry.summary,
                "parameters": counts,
                "parameters_total": sum(counts.values()),
                "size": entry.size or None,
                "epochs": entry.epochs,
                "keeps": entry.keeps,
                "works": entry.works,
                "many_per_mask": entry.many_per_mask,
                "settings": asdict(config),
            }
        )
    return rows


__all__: Sequence[str] = (
    "EvaluationResult",
    "check",
    "evaluate",
    "fit_masks",
    "fit_translator",
    "folds",
    "list_models",
    "synthesize",
    "verify",
)
