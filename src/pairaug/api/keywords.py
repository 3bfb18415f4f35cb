"""The keyword arguments of the API: the names of the flags, and the Python types that each takes.

Enters: what a caller gave. Leaves: the same values in the form in which the command line hands them on, so that both
roads run through one set of checks. Raises UsageError for a name that is none and for a value of another type.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from os import PathLike, fspath
from pathlib import Path
from typing import Any, TypedDict, get_type_hints

from pairaug.errors import UsageError, did_you_mean

Place = str | PathLike[str]
Texts = str | Sequence[str]  # one glob, or several
Values = str | int | float | Sequence[str | int | float]  # "0,255", or [0, 255]
Settings = Mapping[str, str | int | float | bool]


class PairKeywords(TypedDict, total=False):
    """Which files of the source are meant, and what their values mean."""

    only: Texts
    exclude: Texts
    limit: int
    pair: str
    images: str
    masks: str
    unite: bool
    classes_from_names: bool
    split: str
    glued: str
    group_by: str
    slices: str
    empty_slices: bool
    only_originals: bool
    threshold: int
    labels: Values
    background: Values
    ignore_label: Values
    alpha: str
    palette: str
    exif: str
    max_pixels: int
    window: Values
    skip_bad: bool


class CheckKeywords(PairKeywords, total=False):
    """What ``check`` takes beside its source."""

    list: Place


class FitKeywords(CheckKeywords, total=False):
    """What ``fit_masks`` and ``fit_translator`` take beside their source."""

    model: str
    epochs: int
    minutes: float
    batch_size: int
    size: int
    set: Settings
    sample_epochs: Values
    models: Place
    seed: int
    device: str
    precision: str
    threads: int
    tensorboard: Place
    fresh: bool
    no_gate: bool


class TranslatorKeywords(FitKeywords, total=False):
    """What ``fit_translator`` takes beside its source."""

    unlabelled: Place


class SynthesizeKeywords(TypedDict, total=False):
    """What ``synthesize`` takes beside its place and its count."""

    masks_from: Place
    style_from: Place
    per_mask: int
    area: str
    parts: str
    include_class: Values
    format: str
    images_as: str
    masks_as: str
    class_names: Values
    prefix: str
    include_originals: bool
    originals: Place
    add_to: Place
    license: str
    gates: Values
    models: Place
    seed: int
    batch_size: int
    device: str
    threads: int
    overwrite: bool


class CountedKeywords(SynthesizeKeywords, total=False):
    """``SynthesizeKeywords`` with what ``synthesize`` takes by place too."""

    count: int


class FoldsKeywords(CheckKeywords, total=False):
    """What ``folds`` takes beside its source and its place."""

    folds: int
    count: int
    model: str
    mask_model: str
    epochs: int
    minutes: float
    batch_size: int
    size: int
    set: Settings
    unlabelled: Place
    no_gate: bool
    format: str
    images_as: str
    masks_as: str
    class_names: Values
    prefix: str
    license: str
    gates: Values
    models: Place
    seed: int
    device: str
    precision: str
    threads: int
    fresh: bool
    overwrite: bool


class EvaluateKeywords(PairKeywords, total=False):
    """What ``evaluate`` takes beside the two sets."""

    parts: Values
    sample: int
    max_minutes: float
    utility: bool
    test: Place
    fitted_on: Place
    unlabelled: Place
    oracle: Place
    seeds: int
    share: Values
    sizes: Values
    arms: Values
    curve: Values
    preset: str
    steps: int
    html: Place
    out_items: Place
    card: bool
    models: Place
    cache: Place
    seed: int
    device: str
    threads: int


def checked_keywords(function: str, known: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    """``given`` in the form of the command line. ``known``: the TypedDict that lists the arguments of ``function``.

    An argument of None counts as not given. Raises UsageError.
    """
    types = get_type_hints(known)
    checked = {}
    for name, value in given.items():
        if name not in types:
            raise UsageError(f"{name}={value!r}: {function} takes no such argument; {did_you_mean(name, list(types))}")
        if value is not None:
            checked[name] = _FORMS[types[name]](name, value)
    return checked


def whole_numbers(flag: str, text: str | None) -> tuple[int, ...]:
    """``1,6,11``; none for None. Raises UsageError."""
    try:
        return () if text is None else tuple(int(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"{flag} {text}: must be numbers such as 1,6,11") from None


def _wrong(name: str, value: Any, wanted: str) -> UsageError:
    return UsageError(f"{name}={value!r}: must be {wanted}")


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise _wrong(name, value, "True or False")
    return value


def _whole(name: str, value: Any) -> int:
    try:
        if isinstance(value, bool):
            raise TypeError
        return operator.index(value)
    except TypeError:
        raise _wrong(name, value, "a whole number") from None


def _number(name: str, value: Any) -> float:
    try:
        if isinstance(value, bool | str):
            raise TypeError
        return float(value)
    except (TypeError, ValueError):
        raise _wrong(name, value, "a number") from None


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise _wrong(name, value, "text")
    return value


def _place(name: str, value: Any) -> Path:
    try:
        return Path(fspath(value))
    except TypeError:
        raise _wrong(name, value, "a path") from None


def _texts(name: str, value: Any) -> list[str]:
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, Sequence) or not all(isinstance(text, str) for text in texts):
        raise _wrong(name, value, "text, or a list of texts")
    return [*texts]


def _values(name: str, value: Any) -> str:
    parts = list(value) if isinstance(value, Sequence) and not isinstance(value, str) else [value]
    if not all(isinstance(part, str | int | float) and not isinstance(part, bool) for part in parts):
        raise _wrong(name, value, "a value, or a list of values")
    return ",".join(str(part) for part in parts)


def _settings(name: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise _wrong(name, value, "a mapping of the model's settings, such as {'base': 32}")
    return dict(value)


_FORMS = {
    bool: _flag,
    int: _whole,
    float: _number,
    str: _text,
    Place: _place,
    Texts: _texts,
    Values: _values,
    Settings: _settings,
}
