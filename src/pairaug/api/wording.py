"""Messages of the library, which speak of flags, in words for a Python caller: ``--per-mask 2`` -> ``per_mask=2``.

This is the one place that translates; the library and the command line speak of flags alone.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, get_type_hints

from pairaug.api.keywords import (
    CheckKeywords,
    CountedKeywords,
    EvaluateKeywords,
    FoldsKeywords,
    Place,
    TranslatorKeywords,
)
from pairaug.errors import PairaugError
from pairaug.reporting import Reporter

P = ParamSpec("P")
Result = TypeVar("Result")

_TYPES: dict[str, Any] = {
    "out": Place,
} | {
    name: kind
    for known in (CheckKeywords, TranslatorKeywords, CountedKeywords, FoldsKeywords, EvaluateKeywords)
    for name, kind in get_type_hints(known).items()
}
_POSITIONAL = {"out": "out"}
_CHOICES = {
    "alpha": "refuse drop mask",
    "exif": "apply ignore",
    "palette": "index colour auto",
    "labels": "all",
    "glued": "left right",
    "format": "mirror nnunet coco webdataset",
    "arms": "real classical warped synthetic-alone synthetic",
}
# Whole phrases first: commands, and the words that only make sense in a shell.
_PHRASES = tuple(
    (re.compile(pattern), words)
    for pattern, words in (
        (r"(printf|paste) .*pairaug check -$", "give the pairs as source=[(image, mask), ...]"),
        (r"'-' or --list FILE", "a list of (image, mask), or list=FILE"),
        (r"pairaug fit-masks SOURCE && pairaug fit-translator SOURCE", "fit_masks(SOURCE), fit_translator(SOURCE)"),
        (r"'pairaug synthesize --out'", "synthesize"),
        (r"'pairaug folds'", "folds"),
        (r"run the same (synthesize )?command", r"make the same \1call"),
        (r"the same command", "the same call"),
    )
)
_FLAG = re.compile(r"--(?P<name>[a-z][a-z0-9]*(?:-[a-z0-9]+)*)")
_QUOTED = r"'[^']*'"
_NUMBERS = r"-?[0-9][0-9.]*(?:,-?[0-9][0-9.]*)*(?![\w.])|#[0-9a-f]{6}(?:,#[0-9a-f]{6})*"
_PLACEHOLDER = r"[A-Z]+(?:[,=][A-Z]+)*\b"
_PATH = r"[\w@%+,-]*[./][\w@%+=:,./-]*\w"
_VALUE = re.compile(rf" (?P<value>{_QUOTED}|{_NUMBERS}|{_PLACEHOLDER}|{_PATH})")
_SETTING = re.compile(r" (?P<key>[a-z][a-z0-9_]*)=(?P<value>[^\s;,:]+)")
# What stands between a flag at the very beginning and the colon is its value, unless it goes on as a sentence.
_LEADING = re.compile(r" (?!and |names |leaves )(?P<value>'[^']*'|[^:]+)(?=: )")


def for_python(message: str) -> str:
    """``message`` with each flag as the keyword argument that it is in Python."""
    for pattern, words in _PHRASES:
        message = pattern.sub(words, message)
    pieces, place = [], 0
    while flag := _FLAG.search(message, place):
        name = flag["name"].replace("-", "_")
        if name not in _TYPES:
            pieces.append(message[place : flag.end()])
            place = flag.end()
            continue
        words, end = _argument(name, message, flag.end(), leading=flag.start() == 0)
        pieces += [message[place : flag.start()], words]
        place = end
    return "".join(pieces) + message[place:]


def _argument(name: str, message: str, start: int, *, leading: bool) -> tuple[str, int]:
    """The argument ``name`` with the value that follows its flag in ``message``, and where that ends."""
    if _TYPES.get(name) is bool:
        return f"{name}=True", start
    if name == "set" and (setting := _SETTING.match(message, start)):
        return f"set={{'{setting['key']}': {_literal(setting['value'])}}}", setting.end()
    choice = re.compile(rf" (?P<value>{_CHOICES[name].replace(' ', '|')})\b") if name in _CHOICES else None
    for pattern in (_LEADING if leading else None, choice, _VALUE):
        if pattern and (found := pattern.match(message, start)):
            return f"{name}={_literal(found['value'])}", found.end()
    return _POSITIONAL.get(name, f"{name}="), start


def _literal(text: str) -> str:
    """A number, a placeholder or a quoted text as it stands, several numbers as a list, any other text in quotes."""
    if re.fullmatch(rf"-?[0-9]+(\.[0-9]+)?|{_QUOTED}|{_PLACEHOLDER}|\.\.\.", text):
        return f"({text.replace(',', ', ')})" if re.fullmatch(r"[A-Z]+,[A-Z]+", text) else text
    if re.fullmatch(r"-?[0-9.]+(,-?[0-9.]+)+", text):
        return f"[{text.replace(',', ', ')}]"
    return repr(text)


def worded(content: Any) -> Any:
    """``content``, made of mappings and lists, with every text in it worded for a Python caller."""
    if isinstance(content, str):
        return for_python(content)
    if isinstance(content, dict):
        return {key: worded(value) for key, value in content.items()}
    return [worded(value) for value in content] if isinstance(content, list | tuple) else content


def speaking_python(function: Callable[P, Result]) -> Callable[P, Result]:
    """``function`` with the errors that it raises worded for a Python caller."""

    @functools.wraps(function)
    def call(*arguments: P.args, **keywords: P.kwargs) -> Result:
        try:
            return function(*arguments, **keywords)
        except PairaugError as error:
            error.message = for_python(error.message)
            error.details = tuple(for_python(detail) for detail in error.details)
            error.args = (error.message, *error.args[1:])
            raise

    return call


class PythonReporter(Reporter):
    """Hands on what is told to ``listener``, worded for a Python caller."""

    def __init__(self, listener: Reporter | None) -> None:
        self._listener = listener or Reporter()

    def note(self, text: str) -> None:
        self._listener.note(for_python(text))

    def warn(self, text: str) -> None:
        self._listener.warn(for_python(text))

    def progress(self, done: int, total: int | None, unit: str, detail: str = "") -> None:
        self._listener.progress(done, total, unit, detail)

    def end_progress(self) -> None:
        self._listener.end_progress()
