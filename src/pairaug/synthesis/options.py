"""What a synthesis is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pairaug.errors import UsageError
from pairaug.gates.base import Gates
from pairaug.gates.names import ALL, wanted_gates
from pairaug.synthesis.formats import DEFAULT_FORMAT, check_format
from pairaug.synthesis.formats.wishes import Wishes, wishes_of
from pairaug.synthesis.steering import check_ranges
from pairaug.training.plan import DEFAULT_MODELS

DEFAULT_COUNT = 100
DEFAULT_PREFIX = "synthetic_"


@dataclass(frozen=True)
class SynthesisOptions:
    """What to make. ``count`` None: 100, or one for each mask of ``masks_from``.

    ``masks_from``: a folder of masks to paint instead of generated ones; ``per_mask``: images for each mask;
    ``batch_size``: pairs that a thread paints together; neither it nor ``threads`` changes a byte. ``device``: where
    images are painted; ``gates``: what masks and images have to pass: "all" that lie beside the models, "none", names
    such as "novelty,agreement", or gates of one's own.
    ``area``, ``parts``: ranges ``LOW-HIGH`` of the foreground's share of the frame and of the number of its connected
    parts; ``include_class``: a label value that each mask holds. Masks that are not so are drawn again.
    ``style_from``: images, a folder or a list, in whose manner is painted.
    ``prefix``: what the names of new pairs begin with, a number following.
    ``format``: one of ``formats.FORMATS``; ``include_originals``: the training pairs come first; ``license``: the
    terms to name in the records; ``originals``: where the training pairs lie now, if their folder was moved;
    ``add_to``: a folder of pairs to which the new ones are added too, once the set is complete.
    ``images_as``, ``masks_as``, ``class_names``: see ``wishes_of``.
    """

    count: int | None = None
    models: Path = Path(DEFAULT_MODELS)
    seed: int = 0
    masks_from: Path | None = None
    style_from: Path | None = None
    per_mask: int = 1
    area: str | None = None
    parts: str | None = None
    include_class: str | None = None
    batch_size: int = 4
    threads: int | None = None
    overwrite: bool = False
    format: str = DEFAULT_FORMAT
    prefix: str = DEFAULT_PREFIX
    include_originals: bool = False
    license: str | None = None
    originals: Path | None = None
    add_to: Path | None = None
    origins: Mapping[str, str] = field(default_factory=dict)
    device: str = "auto"
    gates: Gates | str = ALL
    images_as: str | None = None
    masks_as: str | None = None
    class_names: str | None = None

    @property
    def wishes(self) -> Wishes:
        """Raises UsageError for what cannot be."""
        return wishes_of(self.images_as, self.masks_as, self.class_names)


def check_options(options: SynthesisOptions) -> None:
    """Raises UsageError for what cannot be."""
    named = (("count", options.count), ("per-mask", options.per_mask), ("batch-size", options.batch_size))
    for name, value in (*named, ("threads", options.threads)):
        if value is not None and value < 1:
            raise UsageError(f"--{name} {value}: must be 1 or more")
    if options.seed < 0:
        raise UsageError(f"--seed {options.seed}: must be 0 or more")
    if options.license is not None and not options.license.strip():
        raise UsageError("--license: is empty; give the terms in words, or leave it out")
    if options.originals is not None and not options.include_originals:
        raise UsageError(f"--originals {options.originals}: only together with --include-originals")
    steering = (("area", options.area), ("parts", options.parts), ("include-class", options.include_class))
    for name, asked in steering:
        if asked is not None and options.masks_from is not None:
            raise UsageError(f"--{name} {asked}: masks of --masks-from are used as they are; give one of the two")
    check_prefix(options.prefix)
    check_ranges(options.area, options.parts)
    check_format(options.format)
    if isinstance(options.gates, str):
        wanted_gates(options.gates)
    wishes_of(options.images_as, options.masks_as, options.class_names)


def check_prefix(prefix: str) -> None:
    """Raises UsageError for what cannot stand in the names of files, or be told from the number behind it."""
    if not prefix or not all(letter.isalnum() or letter in "_-" for letter in prefix) or prefix[-1].isdigit():
        raise UsageError(
            f"--prefix {prefix!r}: must be letters, digits, _ and -, and end with no digit, such as synthetic_"
        )
