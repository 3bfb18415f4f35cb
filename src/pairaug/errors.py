"""What can go wrong, as types: one line for the user (what, value, remedy) and one exit code each.

The library raises these; only the command line turns them into text on stderr and an exit status.
"""

from __future__ import annotations

from collections.abc import Sequence


class PairaugError(Exception):
    """A refusal that the user can act on.

    ``message`` is one line: what is wrong, the value, the remedy. ``details`` lists the single findings where
    there are many (one bad file a line), in the order in which they are to be shown.
    """

    exit_code = 1
    kind = "error"
    told = False  # where several processes work together: whether the first of them tells the user

    def __init__(self, message: str, details: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.details = tuple(details)


class UsageError(PairaugError):
    """A flag or setting that cannot be."""

    exit_code = 2
    kind = "usage"


class DataError(PairaugError):
    """The input data cannot be used as they are."""

    exit_code = 3
    kind = "bad_input"


class ModelError(PairaugError):
    """A fitted model is missing, damaged or does not fit the other one."""

    exit_code = 4
    kind = "model"


class OutputError(PairaugError):
    """The output place is taken, foreign or locked."""

    exit_code = 5
    kind = "output_refused"


class DivergedError(PairaugError):
    """Training lost its way for good."""

    exit_code = 6
    kind = "diverged"


class StorageError(PairaugError):
    """The disk or the memory of this machine does not suffice."""

    exit_code = 7
    kind = "io"


class ShortfallError(PairaugError):
    """The work is done and whole, with fewer items than were asked for."""

    exit_code = 8
    kind = "fewer_than_asked"


class Interrupted(PairaugError):
    """A signal asked for an end; what was begun is saved and the same command continues."""

    kind = "interrupted"

    def __init__(self, signal_number: int, message: str) -> None:
        super().__init__(message)
        self.exit_code = 128 + signal_number


def did_you_mean(word: str, known: Sequence[str]) -> str:
    """``" Did you mean 'x'?"``, or the list of what is known when nothing is near."""
    from difflib import get_close_matches

    near = get_close_matches(word, known, n=1, cutoff=0.6)
    if near:
        return f"did you mean {near[0]!r}?"
    return "known: " + (", ".join(sorted(known)) or "none")
