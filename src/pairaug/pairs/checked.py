"""A data set that has been looked at in full, and what the user allowed when it was."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pairaug.files import digest_bytes
from pairaug.pairs.form import DecodePolicy, Form
from pairaug.pairs.labels import Cleaning, LabelMap
from pairaug.pairs.pair import Pair, Skipped


@dataclass(frozen=True)
class CheckPolicy:
    """All that the user may say about the content of the files."""

    decode: DecodePolicy = field(default_factory=DecodePolicy)
    cleaning: Cleaning = field(default_factory=Cleaning)
    skip_bad: bool = False


@dataclass(frozen=True)
class CheckedPair:
    """A pair that decodes. ``size`` is (width, height); ``values`` counts the pixels of each label value.

    ``image_form``, ``image_digest`` and ``levels`` (lowest and highest grey level) are empty for a bare mask.
    ``mask_parts``: the digests of the files whose union is the mask, where there are several. ``grey``: the image has
    one channel, or three that are equal. ``turn``: its EXIF orientation, 1 where it is shown as it is stored.
    """

    pair: Pair
    size: tuple[int, int]
    image_form: Form | None
    mask_form: Form
    image_digest: str
    mask_digest: str
    values: dict[int, int]
    levels: tuple[int, int]
    mask_parts: tuple[str, ...] = ()
    grey: bool = False
    turn: int = 1


@dataclass(frozen=True)
class Checked:
    """A data set that has been looked at in full."""

    root: Path
    pairs: tuple[CheckedPair, ...]
    label_map: LabelMap
    layout: str
    policy: CheckPolicy
    skipped: tuple[Skipped, ...]
    bad: tuple[Skipped, ...]
    warnings: tuple[str, ...]
    class_names: tuple[str, ...] = ()

    @property
    def content_digest(self) -> str:
        """The fingerprint of the files: which pairs, in which order and groups, which half of a file is the mask."""
        lines = [f"{p.image_digest} {p.mask_digest} {p.pair.group or ''} {p.pair.glued or ''}" for p in self.pairs]
        return digest_bytes("\n".join(lines).encode())

    @property
    def reading(self) -> dict[str, Any]:
        """How pixels and label values come out of the files, by the names of the options, ready for JSON."""
        decode, cleaning = self.policy.decode, self.policy.cleaning
        return {
            "alpha": decode.alpha,
            "exif": decode.exif,
            "palette": decode.palette,
            "window": None if decode.window is None else [float(value) for value in decode.window],
            "threshold": cleaning.threshold,
            "labels": "all" if cleaning.as_found else list(cleaning.labels),
            "background": cleaning.background,
            "ignore_label": list(cleaning.ignore),
            "label_values": list(self.label_map.values),
            "class_names": list(self.class_names),
        }

    @property
    def digest(self) -> str:
        """The fingerprint of the data set: the files and how they were read."""
        return digest_bytes(f"{self.content_digest} {json.dumps(self.reading, sort_keys=True)}".encode())

    @property
    def synthetic(self) -> int:
        """How many pairs were made and not taken, as their set says."""
        return sum(item.pair.synthetic for item in self.pairs)

    @property
    def channels(self) -> int:
        """Channels to learn: 1 where all images are grey (also those stored as three equal channels), else 3."""
        return max((1 if p.grey else p.image_form.channels for p in self.pairs if p.image_form), default=0)

    @property
    def put_together(self) -> str:
        """How many files make a mask, where several do, as the end of a sentence."""
        numbers = [len(item.pair.masks) for item in self.pairs]
        fewest, most = min(numbers), max(numbers)
        if most == 1:
            return ""
        files = f"{most} files" if fewest == most else f"{fewest} to {most} files"
        if not self.class_names:
            return f", the union of {files} each"
        named = ", ".join(f"{number} {name}" for number, name in enumerate(self.class_names, start=1))
        return f", {files} each, one a class ({named}; the smaller one where two overlap)"

    @property
    def stored_channels(self) -> int:
        """Channels of the image files: 1 where all have one, else 3."""
        return max((p.image_form.channels for p in self.pairs if p.image_form), default=0)

    @property
    def deep(self) -> bool:
        """Whether there are images of 16 bits among them."""
        return any(p.image_form is not None and p.image_form.bits == 16 for p in self.pairs)

    @property
    def intensity(self) -> tuple[int, int]:
        """The grey levels that stand for black and white: the whole range for 8 bits, the one in use for 16."""
        if not self.deep:
            return (0, 255)
        deep = [p.levels for p in self.pairs if p.image_form is not None and p.image_form.bits == 16]
        low, high = min(low for low, _ in deep), max(high for _, high in deep)
        return (low, max(high, low + 1))
