"""The reference of the Python API: the docstrings of its functions, and their arguments with the words of the flags."""

from __future__ import annotations

import inspect
from typing import Any, get_type_hints

import typer

import pairaug
from pairaug.api import keywords
from pairaug.api.wording import for_python
from pairaug.cli.app import app
from pairaug.cli.help import text_of

FUNCTIONS: dict[str, tuple[str, Any]] = {
    "check": ("check", keywords.CheckKeywords),
    "fit_masks": ("fit-masks", keywords.FitKeywords),
    "fit_translator": ("fit-translator", keywords.TranslatorKeywords),
    "synthesize": ("synthesize", keywords.SynthesizeKeywords),
    "folds": ("folds", keywords.FoldsKeywords),
    "verify": ("verify", None),
    "evaluate": ("evaluate", keywords.EvaluateKeywords),
    "list_models": ("models", None),
}
TYPES = {
    bool: "True or False",
    int: "whole number",
    float: "number",
    str: "text",
    keywords.Place: "path",
    keywords.Texts: "text, or a list",
    keywords.Values: "value, or a list",
    keywords.Settings: "mapping",
}
HEAD = """# Python API

*Written from the docstrings and the flags by `python -m tests.written`; do not edit.*

"""


def reference() -> str:
    """The page as Markdown."""
    from pairaug.api import calls

    intro = (inspect.getdoc(calls) or "").split("\n\n", 1)[1]
    parts = [HEAD + _prose(intro)]
    for name, (command, known) in FUNCTIONS.items():
        function = getattr(pairaug, name)
        parts.append(f"## `pairaug.{_signature(name, function)}`\n\n{_prose(inspect.getdoc(function) or '')}")
        types = get_type_hints(known) if known else {}
        own = [key for key in types if key not in _shared()]
        if own:
            parts.append(_table(own, known, command))
        if set(_shared()) <= set(types):
            parts.append("And the [arguments on pairs](#arguments-on-pairs).")
    parts.append("## Arguments on pairs\n\nWhich files of a source are meant, and what their values mean.")
    parts.append(_table(list(_shared()), keywords.PairKeywords, "check"))
    parts.append(f"## `EvaluationResult`\n\n{_prose(inspect.getdoc(calls.EvaluationResult) or '')}")
    return "\n\n".join(parts) + "\n"


def _signature(name: str, function: Any) -> str:
    words, by_name_only = [], False
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and not by_name_only:
            by_name_only = True
            words.append("*")
        default = "" if parameter.default is parameter.empty else f"={parameter.default!r}"
        words.append(f"**{parameter.name}" if parameter.kind is parameter.VAR_KEYWORD else parameter.name + default)
    return f"{name}({', '.join(words)})"


def _shared() -> dict[str, Any]:
    return get_type_hints(keywords.PairKeywords)


def _table(names: list[str], known: Any, command: str) -> str:
    types = get_type_hints(known)
    parameters = typer.main.get_command(app).commands[command].params  # type: ignore[attr-defined]
    helps = {flag: text_of(p) for p in parameters if p.param_type_name == "option" for flag in p.opts}
    rows = ["| argument | type | what it is |", "| --- | --- | --- |"]
    for name in names:
        text = for_python(helps["--" + name.replace("_", "-")].replace("; may be repeated", ""))
        rows.append(f"| `{name}` | {TYPES[types[name]]} | {text} |")
    return "\n".join(rows)


def _prose(text: str) -> str:
    return text.replace("``", "`")
