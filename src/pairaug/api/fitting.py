"""The call behind ``fit_masks`` and ``fit_translator``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pairaug.api.given import Source, origins_of, source_of, taken
from pairaug.api.keywords import FitKeywords, TranslatorKeywords, checked_keywords, whole_numbers
from pairaug.api.pair_options import PairOptions
from pairaug.api.wording import PythonReporter
from pairaug.errors import UsageError
from pairaug.reporting import Reporter

if TYPE_CHECKING:
    from pairaug.registry import Kind
    from pairaug.training.plan import FitOptions


def fitted(
    kind: Kind,
    function: str,
    source: Source | None,
    fit_options: FitOptions | None,
    reporter: Reporter | None,
    options: FitKeywords | TranslatorKeywords,
) -> Path:
    from pairaug.training.plan import FitOptions, asked_model

    given = checked_keywords(function, TranslatorKeywords if kind == "translator" else FitKeywords, options)
    name, lines = source_of(source, given.pop("list", None))
    origins = origins_of(given)
    pairs = PairOptions(**taken(given, PairOptions))
    if given.get("threads", 1) < 1:
        raise UsageError(f"--threads {given['threads']}: must be 1 or more")
    if "set" in given:
        given["settings"] = given.pop("set")
    if "sample_epochs" in given:
        given["sample_epochs"] = whole_numbers("--sample-epochs", given["sample_epochs"])
    if "no_gate" in given:
        given["gate"] = not given.pop("no_gate")
    wanted = replace(fit_options or FitOptions(origins=origins), **given)
    asked_model(kind, wanted)  # refuses what cannot be before torch and the data are loaded
    selection, policy = pairs.selection(), pairs.policy()
    from pairaug.training.fit import fit

    told = PythonReporter(reporter)
    return fit(kind, name, wanted, selection=selection, policy=policy, lines=lines, reporter=told)[0]
