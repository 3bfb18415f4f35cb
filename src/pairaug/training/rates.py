"""Learning rates over the course of a run, as factors on an optimiser's own rate.

A factor follows from how far training has come alone, so a run that is stopped and continued goes on bit for bit. One
that depends on the length (a decay) makes a longer run another one from where its decay begins: extended later, it
goes on at the rate of the longer run, and does not end where a run of that length at once would have.
"""

from __future__ import annotations


def warmed_up(images: int, warmup: int) -> float:
    """From 1/warmup to 1 over the first ``warmup`` images, then 1 (linear; Goyal et al. 2017)."""
    return min(1.0, (images + 1) / warmup) if warmup > 0 else 1.0


def decayed(images: int, total: int | None, start: float) -> float:
    """1 up to the share ``start`` of the run, then linearly to 0 at its end; 1 while the end is not known."""
    if total is None or total <= 0:
        return 1.0
    progress = min(images / total, 1.0)
    return 1.0 if progress <= start else (1.0 - progress) / (1.0 - start)
