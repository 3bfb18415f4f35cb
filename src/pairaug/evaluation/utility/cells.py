"""A folder of finished cells, one small JSON file each, so that a killed run loses at most the one under way.

A cell's name is the fingerprint of all that decides it: the digests of every example and how they are read, the
arm, the seed, the trainer, the version. Equal cells of other runs are shared; a file that is not what was written is
told of and made again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pairaug import __version__
from pairaug.evaluation.utility.lazy_pairs import LazyImage, LazyPair
from pairaug.evaluation.utility.options import OF_UNLABELLED
from pairaug.evaluation.utility.plan import Cell
from pairaug.files import digest_bytes, write_atomic
from pairaug.json_text import json_bytes, parse_json
from pairaug.metrics.pair_scores import ClassScores, PairScores
from pairaug.reporting import Reporter

SCHEMA_VERSION = 2


@dataclass(frozen=True)
class Scored:
    """What a run left: ``looks``, the scores of every test item in order after each number of steps; how long it took.

    ``steps`` are those numbers, ascending.
    """

    steps: tuple[int, ...]
    looks: tuple[tuple[PairScores, ...], ...]
    seconds: float


@dataclass(frozen=True)
class Context:
    """What all cells of a measurement share. ``reading``: how files became arrays; ``trainer``: its name."""

    pool: Sequence[LazyPair]
    synthetic: Sequence[LazyPair]
    oracle: Sequence[LazyPair]
    unlabelled: Sequence[LazyImage]
    test: Sequence[LazyPair]
    reading: str
    classes: int
    slender: tuple[int, ...]
    trainer: str

    def real_of(self, cell: Cell) -> list[LazyPair]:
        """The real pairs of a cell, in an order that does not depend on the run."""
        return sorted((self.pool[index] for index in cell.pairs), key=lambda item: (item.image_sha256, item.name))

    def facts(self, cell: Cell) -> dict[str, Any]:
        """Everything that decides a cell, in JSON's terms; lists of digests by their digest."""
        arm = cell.arm
        given = {"synthetic": self.synthetic, "oracle": self.oracle}.get(arm.others, ())
        looked_at = self.unlabelled if arm.option in OF_UNLABELLED else ()
        return {
            "version": __version__,
            "arm": arm.option,
            "augmentation": arm.augmentation,
            "share": arm.share,
            "last_share": arm.last_share,
            "seed": cell.seed,
            "real": _digest(self.real_of(cell)),
            "real_pairs": cell.size,
            "others": _digest(given),
            "unlabelled": digest_bytes("\n".join(image.image_sha256 for image in looked_at).encode()),
            "test": _digest(self.test),
            "reading": self.reading,
            "classes": self.classes,
            "slender": list(self.slender),
            "ruler": self.trainer,
        }

    def teacher_facts(self, cell: Cell) -> dict[str, Any]:
        """Everything that decides the segmenter of the baseline with a cell's pairs and seed."""
        facts = ("version", "seed", "real", "real_pairs", "reading", "classes", "ruler")
        return {name: value for name, value in self.facts(cell).items() if name in facts}


class CellFolder:
    """Cells by fingerprint below one folder."""

    def __init__(self, folder: Path, context: Context, reporter: Reporter) -> None:
        self.folder, self._context, self._reporter = folder, context, reporter

    def path(self, cell: Cell) -> Path:
        return self.folder / f"{_fingerprint(self._context.facts(cell))[:24]}.json"

    def teacher(self, cell: Cell) -> Path:
        """Where the segmenter of the baseline with a cell's pairs and seed is kept, for pseudo-labels."""
        return self.folder / f"teacher-{_fingerprint(self._context.teacher_facts(cell))[:24]}.safetensors"

    def read(self, cell: Cell) -> Scored | None:
        """The finished cell; None where there is none, or a damaged one."""
        path = self.path(cell)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return None
        try:
            content = parse_json(data)
            body = content["cell"]
            if content["sha256"] != _fingerprint(body) or body["facts"] != self._context.facts(cell):
                raise ValueError("it is not what was written")
            steps = tuple(int(look["steps"]) for look in body["looks"])
            looks = tuple(
                tuple(PairScores(_scores(row["dice"]), _scores(row["cldice"])) for row in look["items"])
                for look in body["looks"]
            )
            if not looks or any(len(items) != len(self._context.test) for items in looks):
                raise ValueError("test items are missing")
            return Scored(steps, looks, float(body["seconds"]))
        except (ValueError, KeyError, TypeError) as error:
            self._reporter.warn(f"{path}: is damaged ({error}); this cell ({cell.title}) is made again")
            return None

    def write(self, cell: Cell, scored: Scored) -> None:
        names = [item.name for item in self._context.test]
        body = {
            "facts": self._context.facts(cell),
            "seconds": round(scored.seconds, 1),
            "looks": [
                {
                    "steps": steps,
                    "items": [
                        {"name": name, "dice": list(item.dice), "cldice": list(item.centreline)}
                        for name, item in zip(names, items, strict=True)
                    ],
                }
                for steps, items in zip(scored.steps, scored.looks, strict=True)
            ],
        }
        content = {"schema_version": SCHEMA_VERSION, "sha256": _fingerprint(body), "cell": body}
        write_atomic(self.path(cell), json_bytes(content, indent=1) + b"\n")


def _scores(values: Sequence[float | None]) -> ClassScores:
    if not all(value is None or 0 <= value <= 1 for value in values):
        raise ValueError("a score is not in [0, 1]")
    return tuple(values)


def _digest(items: Iterable[LazyPair]) -> str:
    return digest_bytes("\n".join(f"{item.image_sha256} {item.mask_sha256}" for item in items).encode())


def _fingerprint(content: Mapping[str, Any]) -> str:
    return digest_bytes(json_bytes(content, sort_keys=True))
