"""How the training data of a fitted model were read, as its fit recorded it."""

from __future__ import annotations

from typing import Any

from pairaug.errors import ModelError
from pairaug.fitted.model_file import FittedModel
from pairaug.pairs.checked import CheckPolicy
from pairaug.pairs.form import DecodePolicy
from pairaug.pairs.labels import Cleaning


def reading_of(fitted: FittedModel, flag: str) -> CheckPolicy:
    """``flag``: the option that needs it. Raises ModelError where the model does not say it."""
    decode: dict[str, Any]
    cleaning: dict[str, Any]
    try:
        reading = fitted.info["reading"]
        decode, cleaning = (  # JSON knows no tuples
            {key: tuple(value) if isinstance(value, list) else value for key, value in reading[part].items()}
            for part in ("decode", "cleaning")
        )
        return CheckPolicy(DecodePolicy(**decode), Cleaning(**cleaning))
    except (KeyError, TypeError, ValueError, AttributeError):
        raise ModelError(
            f"{flag}: the {fitted.kind} does not say how its data were read (an earlier version fitted it); fit it "
            f"again, or leave {flag} out"
        ) from None
