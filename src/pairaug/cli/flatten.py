"""Options that several commands share as one parameter: a dataclass whose fields are the options.

    @flattened
    def check(pairs: PairFlags, quiet: Quiet = False) -> None: ...

To Typer the command has the options of ``PairFlags`` in the place of ``pairs``; the command itself gets the object.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Collection
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, get_type_hints


def flattened(command: Callable[..., None], leave_out: Collection[str] = ()) -> Callable[..., None]:
    """``command`` with each parameter that is a dataclass replaced by that dataclass's fields, as keywords.

    ``leave_out``: parameters that are no options here, and keep their defaults.
    """
    hints = get_type_hints(command, include_extras=True)
    parameters: list[inspect.Parameter] = []
    groups: dict[str, tuple[type[Any], list[str]]] = {}
    for name, parameter in inspect.signature(command).parameters.items():
        if name in leave_out:
            continue
        kind = hints[name]
        if not (isinstance(kind, type) and is_dataclass(kind)):
            parameters.append(parameter.replace(annotation=hints[name]))
            continue
        inner = get_type_hints(kind, include_extras=True)
        groups[name] = (kind, [field.name for field in fields(kind)])
        for field in fields(kind):
            default = inspect.Parameter.empty if field.default is MISSING else field.default
            place = inspect.Parameter.POSITIONAL_OR_KEYWORD
            parameters.append(inspect.Parameter(field.name, place, default=default, annotation=inner[field.name]))
    # Those without a default first, as Python wants them; Typer orders its help by this too.
    parameters.sort(key=lambda parameter: parameter.default is not inspect.Parameter.empty)

    @functools.wraps(command)
    def flat(**values: Any) -> None:
        for name, (kind, names) in groups.items():
            values[name] = kind(**{key: values.pop(key) for key in names})
        command(**values)

    flat.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    flat.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    del flat.__wrapped__
    return flat
