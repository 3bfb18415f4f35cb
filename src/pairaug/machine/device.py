"""Devices, threads and memory: the one place that asks the machine what it has."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from pairaug.errors import UsageError

CPU = torch.device("cpu")


def choose_device(name: str) -> torch.device:
    """``auto`` (a GPU where there is one), ``cpu``, ``cuda``, ``mps``. Raises UsageError for what is not there."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError:
        raise UsageError(f"--device {name}: not a device; choose auto, cpu, cuda or mps") from None
    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not available.get(device.type, False):
        raise UsageError(f"--device {name}: not available on this machine; choose cpu")
    if name == "cuda":  # which GPU that is each thread would answer for itself
        return torch.device("cuda", torch.cuda.current_device())
    return device


@contextmanager
def threads(count: int) -> Iterator[None]:
    """So many threads within one torch operation; results depend on it in their last bits. Brings back what was."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def out_of_memory(error: BaseException) -> bool:
    """Torch's own errors for a full GPU and a full main memory, and Python's."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    text = str(error)
    return isinstance(error, RuntimeError) and ("allocate memory" in text or "not enough memory" in text)
