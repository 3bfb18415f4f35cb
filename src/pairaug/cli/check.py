"""``pairaug check``: what is in this folder, and can it be used?"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated

import typer

from pairaug.cli import options as opt
from pairaug.cli.flatten import flattened
from pairaug.cli.help import Command
from pairaug.cli.output import ConsoleReporter, emit, emit_json
from pairaug.cli.pair_options import PairFlags
from pairaug.errors import ShortfallError
from pairaug.json_text import json_text

if TYPE_CHECKING:
    from pairaug.pairs.checked import Checked

_EXAMPLE = """\
pairaug check ./drive
paste images.txt masks.txt | pairaug check -
"""


def register(app: typer.Typer) -> None:
    app.command(
        "check", cls=Command, epilog=_EXAMPLE, short_help="Find the pairs of a data set and say what is there."
    )(flattened(check))


def check(
    source: opt.OptionalSource = None,
    list_file: opt.ListFile = None,
    pairs: PairFlags = PairFlags(),
    as_json: opt.AsJson = False,
    jsonl: Annotated[
        bool, typer.Option("--jsonl", help="Print one JSON object for each pair.", rich_help_panel="Running")
    ] = False,
    quiet: opt.Quiet = False,
) -> None:
    """Find the pairs of a data set, decode every file, and say what is there.

    Reads a folder in any of the usual layouts, or a list of pairs. Changes nothing.
    """
    from pairaug.pairs.checking import check_pairs, summary
    from pairaug.pairs.source import find_pairs

    name, lines = opt.source_and_lines(source, list_file)
    policy = pairs.policy()
    checked = check_pairs(find_pairs(name, pairs.selection(), lines), policy)
    content = summary(checked)
    if as_json:
        emit_json(content)
    elif jsonl:
        for row in content["pairs"]:
            emit(json_text(row))
    else:
        _print(checked)
        reporter = ConsoleReporter(quiet=quiet)
        for warning in checked.warnings:
            reporter.warn(warning)
    if checked.bad:
        raise ShortfallError(f"{len(checked.bad)} pairs left out by --skip-bad", [b.reason for b in checked.bad])


def _print(checked: Checked) -> None:
    from pairaug.pairs.labels import show_value

    pixels: Counter[int] = Counter()
    for item in checked.pairs:
        pixels.update(item.values)
    total = sum(pixels.values())
    sizes = Counter(item.size for item in checked.pairs)
    emit(f"pairs         {len(checked.pairs)}")
    if checked.synthetic:
        emit(f"synthetic     {checked.synthetic} of them, and {len(checked.pairs) - checked.synthetic} originals")
    emit(f"layout        {checked.layout}")
    splits = Counter(item.pair.split for item in checked.pairs if item.pair.split)
    if splits:
        emit("splits        " + ", ".join(f"{name} {count}" for name, count in sorted(splits.items())))
    groups = {item.pair.group for item in checked.pairs if item.pair.group is not None}
    if groups:
        emit(f"groups        {len(groups)}")
    emit("sizes         " + _several(f"{w}x{h} ({n})" for (w, h), n in sizes.most_common()))
    emit("images        " + _forms(item.image_form for item in checked.pairs))
    emit("masks         " + _forms(item.mask_form for item in checked.pairs) + checked.put_together)
    values = [f"{show_value(v)} ({_share(pixels[v] / total)} of the pixels)" for v in checked.label_map.values]
    emit("label values  " + _several(values))
    for reason, count in Counter(entry.reason for entry in checked.skipped).most_common():
        example = next(entry.path for entry in checked.skipped if entry.reason == reason)
        emit(f"skipped       {count} files: {reason}, such as {example}")


def _share(share: float) -> str:
    return f"{share:.1%}" if share >= 0.0005 else "under 0.1%"


def _forms(forms: object) -> str:
    counted = Counter(f"{form.format} {form.mode}" for form in forms if form is not None)  # type: ignore[attr-defined]
    return _several(f"{name} ({count})" for name, count in counted.most_common())


def _several(items: object, most: int = 6) -> str:
    texts = list(items)  # type: ignore[call-overload]
    return ", ".join(texts[:most]) + (f" and {len(texts) - most} more" if len(texts) > most else "")
