"""The gate of a translator fitted in a moment and to no avail, which most tests leave out altogether."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from pairaug.gates.names import GATE_OF
from pairaug.segmenter.presets import PRESETS, Preset


@contextmanager
def quick_agreement() -> Iterator[None]:
    """Within: translators get their gate. A rank of its own runs ``enter()`` as its hook."""
    with pytest.MonkeyPatch.context() as patched:
        _patch(patched)
        yield


def enter() -> None:
    """For the rest of this process."""
    _patch(pytest.MonkeyPatch())


def _patch(patched: pytest.MonkeyPatch) -> None:
    patched.setitem(GATE_OF, "translator", "agreement")
    patched.setitem(PRESETS, "quick", Preset("quick", 2, 2, 1, 4, 3e-3, 0.1))
    patched.setattr("pairaug.segmenter.fit.SETTLING", 1)
