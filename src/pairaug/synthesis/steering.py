"""What a user asks of new masks, from the texts of the options to gates.

Enters: ``--area LOW-HIGH`` (shares of the frame), ``--parts LOW-HIGH`` (connected parts), ``--include-class VALUE`` (a
label value). Leaves: mask gates. Raises UsageError for what is no range, and for a value that no mask holds.
"""

from __future__ import annotations

from dataclasses import replace

from pairaug.errors import UsageError
from pairaug.gates.base import Gates, MaskGate
from pairaug.gates.steering import AreaGate, ClassGate, PartsGate
from pairaug.pairs.labels import LabelMap, parse_label, show_values

_ATTEMPTS = 100  # what is asked for may be rare among what a generator draws


def check_ranges(area: str | None, parts: str | None) -> None:
    """Raises UsageError for what is no range; looks at no model."""
    _area(area)
    _parts(parts)


def steered(gates: Gates, area: str | None, parts: str | None, include_class: str | None, labels: LabelMap) -> Gates:
    """``gates``, with those in front that the options ask for."""
    asked: list[MaskGate] = []
    if shares := _area(area):
        asked.append(AreaGate(*shares))
    if numbers := _parts(parts):
        asked.append(PartsGate(*numbers))
    if include_class is not None:
        asked.append(ClassGate(_wanted(include_class, labels)))
    if not asked:
        return gates
    return replace(gates, masks=(*asked, *gates.masks), attempts=max(_ATTEMPTS, gates.attempts))


def _area(text: str | None) -> tuple[float, float] | None:
    if text is None:
        return None
    low, high = _range("--area", text, "0.02-0.2")
    if high > 1:
        raise UsageError(f"--area {text}: shares of the frame lie between 0 and 1, such as 0.02-0.2")
    return low, high


def _parts(text: str | None) -> tuple[float, float] | None:
    if text is None:
        return None
    low, high = _range("--parts", text, "1-20")
    if not low.is_integer() or not high.is_integer():
        raise UsageError(f"--parts {text}: must be whole numbers, such as 1-20")
    return low, high


def _range(flag: str, text: str, example: str) -> tuple[float, float]:
    parts = text.split("-")
    try:
        low, high = (float(part) for part in parts)
    except ValueError:
        raise UsageError(f"{flag} {text}: must be LOW-HIGH, such as {example}") from None
    if not 0 <= low <= high < float("inf"):
        raise UsageError(f"{flag} {text}: LOW must not be above HIGH; give a range such as {example}")
    return low, high


def _wanted(text: str, labels: LabelMap) -> int:
    try:
        return labels.values.index(parse_label(text), 1)
    except ValueError:
        known = show_values(labels.values[1:])
        raise UsageError(f"--include-class {text}: not a label value of the foreground; choose from {known}") from None
