"""The two nouns of this room: a pair, and what was found in a folder."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Side = Literal["left", "right"]
# What several masks of one image are: parts of one mask, classes by their names, or whatever their names tell.
Several = Literal["ask", "parts", "classes"]


@dataclass(frozen=True)
class Pair:
    """One image and its mask, as paths relative to a root (POSIX, never leaving it); of a slice, see ``slices``.

    ``masks`` holds one path, or several whose union is the mask (one file per nucleus, say). ``image`` is empty
    where only masks are wanted, ``masks`` where only images are. The templates are the same paths with ``{id}`` in
    place of what tells one pair from the next: the naming pattern that a synthetic pair takes over. ``glued`` says at
    which side of the image the mask lies where one file holds both halves (then image, mask and their templates are
    the same path). ``group`` names the patient, say, where the user has told how to find it. ``mask_labels``: where
    each mask shows one class, the label value of that class, in the order of ``masks``. ``synthetic``: the rows of the
    set, or a list, say that it was made and not taken.
    """

    image: str
    masks: tuple[str, ...]
    image_template: str
    mask_template: str
    split: str | None = None
    glued: Side | None = None
    group: str | None = None
    mask_labels: tuple[int, ...] = ()
    synthetic: bool = False

    @property
    def mask(self) -> str | list[str]:
        """The mask as it stands in JSON: one path, or a list of those to unite."""
        return self.masks[0] if len(self.masks) == 1 else list(self.masks)

    @property
    def name(self) -> str:
        return self.image or self.masks[0]


@dataclass(frozen=True)
class Skipped:
    """A file that was not used, and why."""

    path: str
    reason: str


@dataclass(frozen=True)
class Found:
    """What a source holds: its root folder, the pairs in a stable order, and what was left out.

    ``bad``: pairs of which it is known already that they cannot be used. ``class_names``: where masks show one class
    each, the names of the label values 1, 2, ...
    """

    root: Path
    pairs: tuple[Pair, ...]
    layout: str
    skipped: tuple[Skipped, ...] = ()
    notes: tuple[str, ...] = field(default=())
    bad: tuple[Skipped, ...] = ()
    class_names: tuple[str, ...] = ()

    @property
    def splits(self) -> tuple[str, ...]:
        return tuple(sorted({pair.split for pair in self.pairs if pair.split}))

    @property
    def synthetic(self) -> int:
        """How many pairs were made and not taken."""
        return sum(pair.synthetic for pair in self.pairs)
