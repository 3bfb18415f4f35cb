"""What ``torchrun`` tells a process that it starts beside others; read without torch."""

from __future__ import annotations

import os


def several() -> bool:
    """Whether this process is one of several that do one piece of work."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1


def is_first() -> bool:
    """Whether this process talks for all: the first of several, or the only one."""
    return not several() or os.environ.get("RANK", "0") == "0"
