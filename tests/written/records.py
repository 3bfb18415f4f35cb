"""The reference of what programs read: exit codes, the columns of ``metadata.jsonl``, the keys of ``evaluate``."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pairaug import errors
from pairaug.synthesis.rows import COLUMNS, Column

EVALUATE_KEYS = Path(__file__).parents[1] / "evaluation/json_keys.txt"
_SIGNALS = {130: "SIGINT (Ctrl-C)", 143: "SIGTERM"}


def exit_codes() -> str:
    """Code, the word for it in JSON, and what it means."""
    rows = ["| code | `kind` | meaning |", "| --- | --- | --- |", "| 0 | | All that was asked for is there. |"]
    rows += ["| 1 | `error` | A bug in pairaug: please report it. |"]
    kinds = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, errors.PairaugError)]
    told = sorted((one for one in kinds if one.exit_code > 1), key=lambda one: one.exit_code)
    rows += [f"| {one.exit_code} | `{one.kind}` | {_line(one)} |" for one in told]
    word = errors.Interrupted.kind
    rows += [f"| {code} | `{word}` | {text}; what is done is saved. |" for code, text in _SIGNALS.items()]
    rows += ["| 141 | | SIGPIPE: the reader of stdout is gone. |"]
    return "\n".join(rows)


def columns() -> str:
    """The keys of a row of ``metadata.jsonl``."""
    rows = ["| key | value | meaning |", "| --- | --- | --- |"]
    return "\n".join([*rows, *(f"| `{name}` | {_kind(one)} | {one.meaning} |" for name, one in COLUMNS.items())])


def evaluate_keys() -> str:
    """The promised keys as an outline; keys of one form are told once, ``[]`` is each entry of a list."""
    tree: dict[str, Any] = {}
    for line in EVALUATE_KEYS.read_text().splitlines():
        place = tree
        for key in line.replace("255/", "VALUE/").split("."):
            place = place.setdefault(key, {})
    return "\n".join(f"    {line}" for line in _outline(tree))


def _outline(tree: dict[str, Any], indent: str = "") -> Iterable[str]:
    leaves = [key for key, inner in tree.items() if not inner]
    if leaves:
        yield from _wrapped(leaves, indent)
    forms: dict[str, list[str]] = {}
    for key, inner in tree.items():
        if inner:
            forms.setdefault(repr(inner), []).append(key)
    for keys in forms.values():
        *first, last = _wrapped(keys, indent)
        yield from first
        yield f"{last}:"
        yield from _outline(tree[keys[0]], indent + "    ")


def _wrapped(keys: list[str], indent: str) -> list[str]:
    lines = [indent]
    for number, key in enumerate(keys):
        word = key + ("," if number < len(keys) - 1 else "")
        if len(lines[-1]) + len(word) > 100:
            lines.append(indent)
        lines[-1] += ("" if lines[-1] == indent else " ") + word
    return lines


def _kind(column: Column) -> str:
    word = {"table": "mapping"}.get(column.kind, column.kind)
    if column.many:
        return f"list of {column.length} {word}s" if column.length else f"list of {word}s"
    return word


def _line(kind: type[errors.PairaugError]) -> str:
    return " ".join((inspect.getdoc(kind) or "").split())
