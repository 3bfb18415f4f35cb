"""The names of the gates and of their files beside a model; nothing here needs torch."""

from __future__ import annotations

from pairaug.registry import Kind

GATE_OF: dict[Kind, str] = {"masks": "novelty", "translator": "agreement"}
GATE_FILES = {name: f"gate-{name}.safetensors" for name in GATE_OF.values()}
ALL, NONE = "all", "none"
