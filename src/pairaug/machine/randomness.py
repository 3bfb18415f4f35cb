"""Seeds derived from what they are for, so that no random state has to be kept or restored.

``derive(seed, "step", 120)`` is the same number on every machine; different purposes give unrelated streams.
"""

from __future__ import annotations

import zlib

import numpy as np
import torch


def derive(seed: int, purpose: str, *indices: int) -> int:
    """A number below 2**53 (exact in JSON readers of every language) from a seed, a purpose and indices."""
    sequence = np.random.SeedSequence([seed, zlib.crc32(purpose.encode()), *indices])
    return int(sequence.generate_state(1, np.uint64)[0] >> np.uint64(11))


def torch_generator(seed: int, purpose: str, *indices: int) -> torch.Generator:
    return torch.Generator().manual_seed(derive(seed, purpose, *indices))


def numpy_generator(seed: int, purpose: str, *indices: int) -> np.random.Generator:
    return np.random.default_rng(derive(seed, purpose, *indices))
