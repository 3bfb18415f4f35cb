"""What a model saw: which image, which mask, and what for. One record for the model, the manifest and every leak check.

A picture that was only looked at for its style is seen as much as one that was learnt from: a test pair may be
neither. What was seen is named by SHA-256 of the file, never by where it lay.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

Use = Literal["fitted", "style", "background", "gate", "pseudo-labelled"]
USES: tuple[Use, ...] = get_args(Use)
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Seen:
    """``image``, ``mask``: SHA-256 of the file, None where it was not looked at; ``uses``: what for, in ``USES``."""

    image: str | None
    mask: str | None
    uses: tuple[Use, ...] = ("fitted",)

    @property
    def digests(self) -> tuple[str, ...]:
        return tuple(one for one in (self.image, self.mask) if one)

    @property
    def fitted(self) -> bool:
        """Whether it was a pair, or a mask, to learn from."""
        return "fitted" in self.uses

    def row(self) -> dict[str, Any]:
        """As JSON has it; ``seen_from`` is the inverse."""
        return {"image_sha256": self.image, "mask_sha256": self.mask, "for": list(self.uses)}


def seen_from(row: Any) -> Seen:
    """Raises ValueError for what is not such a row."""
    if not isinstance(row, Mapping):
        raise ValueError("what a model saw is not a table")
    image, mask, uses = (row.get(key) for key in ("image_sha256", "mask_sha256", "for"))
    if not (image or mask) or not all(one is None or (isinstance(one, str) and _known(one)) for one in (image, mask)):
        raise ValueError("what a model saw is not a SHA-256")
    if not isinstance(uses, list) or not uses or not all(use in USES for use in uses):
        raise ValueError(f"a model saw something for {uses!r}, which is none of {', '.join(USES)}")
    return Seen(image, mask, tuple(use for use in USES if use in uses))


def all_seen(facts: Mapping[str, Any]) -> tuple[Seen, ...] | None:
    """What the facts of a model in a manifest say that it saw; None where they say nothing. Raises ValueError.

    Earlier manifests hold ``trained_on``: digests of images, or of masks for a model of masks.
    """
    if "seen" in facts:
        if not isinstance(facts["seen"], list) or not facts["seen"]:
            raise ValueError("seen is not a list of what was seen")
        return tuple(seen_from(row) for row in facts["seen"])
    if "trained_on" not in facts:
        return None
    digests = facts["trained_on"]
    if not isinstance(digests, list) or not digests or not all(isinstance(d, str) and _known(d) for d in digests):
        raise ValueError("trained_on is not a list of SHA-256")
    return tuple(Seen(digest, None) for digest in digests)


def digests_of(seen: Iterable[Seen]) -> frozenset[str]:
    """Every digest in them."""
    return frozenset(digest for one in seen for digest in one.digests)


def _known(digest: str) -> bool:
    return _DIGEST.fullmatch(digest) is not None
