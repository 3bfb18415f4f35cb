"""What all tests of the segmenter share."""

from __future__ import annotations

import pytest
import torch


@pytest.fixture(autouse=True, scope="package")
def _one_thread() -> None:
    """Small operations on several threads wait for each other longer than they work, above all on a busy machine."""
    torch.set_num_threads(1)
