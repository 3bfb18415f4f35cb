"""What the library tells whoever is listening. The base class is silent; the command line prints."""

from __future__ import annotations


class Reporter:
    """Notes and warnings are one line each; progress is counted work."""

    def note(self, text: str) -> None:
        """Something worth knowing that needs no action."""

    def warn(self, text: str) -> None:
        """Something that the user may want to change."""

    def progress(self, done: int, total: int | None, unit: str, detail: str = "") -> None:
        """``done`` of ``total`` (None: not known yet) units of work; called often, must be cheap."""

    def end_progress(self) -> None:
        """The counted work is over."""


def spoken_time(seconds: float) -> str:
    """``40 s``, ``12 min``, ``3.5 h``."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    if seconds < 5400:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h"
