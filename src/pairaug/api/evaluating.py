"""What ``evaluate`` is asked for, in a shell or in Python: its options checked, and the files that it writes.

Enters: options as given. Leaves: the ``EvaluationOptions`` that the library works with; after the measuring, a page and
a list of items on disk.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from pairaug.errors import OutputError, UsageError
from pairaug.files import clear_temporaries_of, json_lines, probe_output, write_atomic

if TYPE_CHECKING:
    from pairaug.api.pair_options import PairOptions
    from pairaug.evaluation.evaluate import Evaluation, EvaluationOptions, Sets
    from pairaug.evaluation.utility.options import UtilityOptions
    from pairaug.evaluation.utility.usefulness import UtilityRequest

# What an earlier page and an earlier list of items hold near their beginning, and no data of a user.
_PAGE_MARK, _ITEM_MARK = b'content="pairaug evaluate"', b'"nearest_mask_distance"'


@dataclass(frozen=True)
class UtilityAsked:
    """The options of ``--utility`` as given; ``options()`` checks them and gives the library's values."""

    utility: bool = False
    test: Path | None = None
    fitted_on: Path | None = None
    unlabelled: Path | None = None
    oracle: Path | None = None
    seeds: int = 3
    share: str = "0.5"
    sizes: str | None = None
    arms: str | None = None
    curve: str | None = None
    preset: str = "full"
    steps: int | None = None

    def options(self, models: Path, seed: int) -> UtilityOptions | None:
        """None where utility is not wanted. Raises UsageError."""
        from pairaug.evaluation.utility.options import (
            UtilityOptions,
            parse_names,
            parse_shares,
            parse_sizes,
        )

        if not self.utility:
            for name in ("test", "fitted_on", "unlabelled", "oracle"):
                if (value := getattr(self, name)) is not None:
                    raise UsageError(f"--{name.replace('_', '-')} {value}: only together with --utility")
            return None
        return UtilityOptions(
            arms=parse_names(self.arms),
            curve=parse_names(self.curve) or (),
            shares=parse_shares(self.share),
            sizes=parse_sizes(self.sizes),
            seeds=self.seeds,
            seed=seed,
            preset=self.preset,
            steps=self.steps,
            cells=models / "utility",
        )


def evaluation_options(
    pairs: PairOptions,
    utility: UtilityAsked,
    lines: Iterable[str] | None,
    *,
    parts: str | None = None,
    sample: int = 200,
    max_minutes: float | None = None,
    models: Path = Path("pairaug-models"),
    cache: Path | None = None,
    seed: int = 0,
    device: str = "auto",
    threads: int | None = None,
) -> EvaluationOptions:
    """The options of the library. Raises UsageError, before anything heavy is loaded where it is about utility."""
    wanted = None if parts is None else tuple(part.strip() for part in parts.split(","))
    if wanted is not None and ("utility" in wanted) != utility.utility:
        raise UsageError(f"--parts {parts}: utility is measured with --utility and stands in --parts, or neither")
    of_utility = utility.options(models, seed)
    from pairaug.evaluation.evaluate import PARTS, EvaluationOptions

    return EvaluationOptions(
        selection=pairs.selection(),
        policy=pairs.policy(),
        lines=lines,
        sample=sample,
        seed=seed,
        max_minutes=max_minutes,
        parts=wanted or PARTS,
        cache=cache or models / "segmenter",
        threads=threads,
        device=device,
        utility=_usefulness(of_utility, utility),
    )


def _usefulness(options: UtilityOptions | None, asked: UtilityAsked) -> UtilityRequest | None:
    from pairaug.evaluation.utility.usefulness import UtilityRequest

    if options is None:
        return None
    return UtilityRequest(options, asked.test, asked.fitted_on, unlabelled=asked.unlabelled, oracle=asked.oracle)


def refuse_lone(synthetic: Path | None, utility: UtilityAsked, parts: str | None, out_items: Path | None) -> None:
    """Raises UsageError for what needs a synthetic set where there is none: all but the rivals of ``--utility``."""
    if synthetic is not None:
        return
    if not utility.utility:
        raise UsageError("SYNTHETIC: not given; name the set to measure, or add --utility to measure what needs none")
    if parts is not None and parts.strip() != "utility":
        raise UsageError(f"--parts {parts}: without SYNTHETIC utility alone can be measured; name the set after REAL")
    if "synthetic" in (utility.arms or ""):
        raise UsageError(f"--arms {utility.arms}: without SYNTHETIC no synthetic arm can run; name the set after REAL")
    if out_items is not None:
        raise UsageError(f"--out-items {out_items}: there are no synthetic pairs to list; name the set after REAL")


def refuse_outputs(html: Path | None, out_items: Path | None, card: bool = False, made: Path | None = None) -> None:
    """What could not be written in the end is told before anything is measured; ``card``: into that of the set made."""
    if card:
        from pairaug.synthesis.verdict import refuse_card

        if made is None:
            raise UsageError("--card: there is no synthetic set whose card it could be; name the set after REAL")
        refuse_card(made)
    for flag, path, mark in (("--html", html, _PAGE_MARK), ("--out-items", out_items, _ITEM_MARK)):
        if path is None:
            continue
        if path.is_dir():
            raise UsageError(f"{flag} {path}: is a folder; give the name of a file")
        if path.exists() and not (path.is_file() and _is_earlier(path, mark)):
            raise OutputError(f"{flag} {path}: exists and is not one that evaluate wrote; give another name")
        probe_output(path.parent)
        clear_temporaries_of(path)
    if html is not None and out_items is not None and html.resolve() == out_items.resolve():
        raise UsageError(f"--html and --out-items: both name {html}; give two files")


def write_outputs(
    result: Evaluation,
    sets: Sets,
    *,
    html: Path | None,
    out_items: Path | None,
    real: str,
    command: str,
    models: Path,
    card: bool = False,
) -> None:
    """The files that were asked for; ``real`` and ``command`` as given, for the page to name."""
    if card and not result.out_of_time:
        from pairaug.evaluation.views.as_card import as_card
        from pairaug.synthesis.verdict import enter_verdict

        enter_verdict(Path(str(sets.synthetic_source)), as_card(result, sets))
    if out_items is not None:
        from pairaug.evaluation.views.item_rows import item_rows

        write_atomic(out_items, json_lines(item_rows(result, sets)))
    if html is not None:
        from pairaug.evaluation.views.page import Invocation, page_of
        from pairaug.report.page.document import render

        today = date.today()
        day = f"{today.day} {today:%B %Y}"
        invocation = Invocation(real, str(sets.synthetic_source or ""), command, models, day)
        write_atomic(html, render(page_of(result, sets, invocation)).encode())


def refuse_nothing_measured(result: Evaluation, sets: Sets, options: EvaluationOptions) -> None:
    """Raises ShortfallError where the time was over before any part was done."""
    if result.out_of_time:
        from pairaug.errors import ShortfallError
        from pairaug.evaluation.evaluate import expected_seconds
        from pairaug.reporting import spoken_time

        needed = spoken_time(expected_seconds(sets, options))
        raise ShortfallError(
            f"nothing was measured within --max-minutes {options.max_minutes:g}; give it about {needed}"
        )


def _is_earlier(path: Path, mark: bytes) -> bool:
    """Whether a file is empty or begins as ``mark`` says: only that may be replaced."""
    with path.open("rb") as file:
        head = file.read(4096)
    return not head or mark in head
