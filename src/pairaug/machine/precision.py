"""In which precision networks are computed on a processor: float32, or bfloat16 where that is quicker.

bfloat16 keeps float32's range and 8 of its 24 bits. Convolutions and matrix products are then computed in it over
float32 weights (autocast); losses, norms and optimisers stay in float32. It is quicker only with instructions for it
(x86: AMX tiles, AVX512-BF16) and oneDNN to use them, without which it is many times slower. The choice follows from
what the processor has, not from a measurement, so that a machine makes the same one in every run.

ARM processors stay at float32: some have bfloat16 instructions, but nothing was measured there.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import torch

from pairaug.errors import UsageError

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}
_CPUINFO = Path("/proc/cpuinfo")
# torch's own questions, private and not in every version, and the words of Linux for the same.
_QUESTIONS = ("_is_amx_tile_supported", "_is_avx512_bf16_supported")
_FLAGS = {"amx_bf16", "avx512_bf16"}


def processor_precision() -> torch.dtype:
    """``torch.bfloat16`` where this processor computes convolutions quicker in it, else ``torch.float32``."""
    has_library = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    return torch.bfloat16 if has_library and _has_bfloat16() else torch.float32


def choose_precision(name: str, device: torch.device) -> torch.dtype:
    """``float32``, ``bfloat16``, or ``auto``: the processor's choice. Raises UsageError for any other.

    On a GPU ``auto`` is float32: nothing was measured there.
    """
    if name == "auto":
        return processor_precision() if device.type == "cpu" else torch.float32
    if name not in PRECISIONS:
        raise UsageError(f"--precision {name}: not a precision; choose auto, float32 or bfloat16")
    return PRECISIONS[name]


def name_of(precision: torch.dtype) -> str:
    return str(precision).removeprefix("torch.")


def in_precision(precision: torch.dtype, device: str = "cpu") -> AbstractContextManager[None]:
    """Within it convolutions and matrix products are computed in ``precision``; float32 leaves all as it is.

    Weights are brought to it at each use: kept ones (autocast's cache) would be those of before the optimiser's step.
    """
    if precision == torch.float32:
        return nullcontext()
    return torch.autocast(device, torch.bfloat16, cache_enabled=False)


def _has_bfloat16() -> bool:
    """Whether the processor has instructions that multiply in bfloat16, of those that were measured."""
    questions = [getattr(torch.cpu, name) for name in _QUESTIONS if hasattr(torch.cpu, name)]
    if len(questions) == len(_QUESTIONS):
        return any(question() for question in questions)
    return bool(_flags() & _FLAGS)


def _flags() -> set[str]:
    """What Linux says that the first processor can do; empty on other systems."""
    try:
        lines = _CPUINFO.read_text(encoding="utf-8").splitlines()
    except OSError:
        return set()
    return {flag for line in lines if line.startswith("flags") for flag in line.partition(":")[2].split()}
