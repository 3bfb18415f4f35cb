"""What the gates rejected, as the records of a set keep it: each attempt with its reason, and the pairs given up.

In the journal a line ``{"judged": index, "gap": true or false, "rejects": [...]}``, before the row of its pair; in the
manifest the list ``rejects`` over all pairs, and ``gaps``, the indices at which the set has no pair.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pairaug.errors import DataError
from pairaug.gates.base import Reject

Rows = list[dict[str, Any]]


@dataclass
class Judged:
    """``rejects``: by index, the attempts that did not pass; ``gaps``: indices at which nothing passed."""

    rejects: dict[int, Rows] = field(default_factory=dict)
    gaps: set[int] = field(default_factory=set)

    def add(self, index: int, rejects: Sequence[Reject], *, gap: bool) -> dict[str, Any]:
        """Take in what was rejected of one pair; the line of the journal that says so."""
        if rejects:
            self.rejects[index] = [reject.row(index) for reject in rejects]
        if gap:
            self.gaps.add(index)
        return self._line(index)

    def of(self, rows: Container[int]) -> Judged:
        """As far as it is of pairs that are there, or of gaps; the others are drawn again."""
        kept = {index: found for index, found in self.rejects.items() if index in rows or index in self.gaps}
        return Judged(kept, {index for index in self.gaps if index not in rows})

    def lines(self) -> Iterator[dict[str, Any]]:
        """Those of the journal."""
        return (self._line(index) for index in sorted(self.rejects.keys() | self.gaps))

    def facts(self) -> dict[str, Any]:
        """What the manifest says."""
        flat = [row for index in sorted(self.rejects) for row in self.rejects[index]]
        return {"rejects": flat, "gaps": sorted(self.gaps)}

    @property
    def rejected(self) -> int:
        return sum(map(len, self.rejects.values()))

    def sentence(self) -> str:
        """How many attempts were rejected, by what; empty where none was."""
        reasons = Counter(str(row.get("gate")) for rows in self.rejects.values() for row in rows)
        told = ", ".join(f"{name} {count}" for name, count in sorted(reasons.items()))
        gaps = f"; {len(self.gaps)} given up" if self.gaps else ""
        return f"{self.rejected} rejected by the gates and drawn again ({told}){gaps}" if reasons else ""

    def _line(self, index: int) -> dict[str, Any]:
        return {"judged": index, "gap": index in self.gaps, "rejects": self.rejects.get(index, [])}

    @classmethod
    def of_journal(cls, lines: Iterable[Mapping[str, Any]]) -> Judged:
        """Raises DataError for a line that is not as this module writes it."""
        judged = cls()
        for line in lines:
            if "judged" not in line:
                continue
            index, rejects = line["judged"], line.get("rejects")
            if type(index) is not int or index < 0 or not _are_rejects(rejects):
                raise DataError("a line about rejected pairs is damaged")
            if rejects:
                judged.rejects[index] = list(rejects)
            if line.get("gap") is True:
                judged.gaps.add(index)
        return judged

    @classmethod
    def of_manifest(cls, manifest: Mapping[str, Any]) -> Judged:
        """Raises DataError where it says of its rejects what this module would not."""
        rejects, gaps = manifest.get("rejects", []), manifest.get("gaps", [])
        if not _are_rejects(rejects) or not isinstance(gaps, list) or not all(type(i) is int and i >= 0 for i in gaps):
            raise DataError("what the manifest says of rejected pairs is damaged")
        judged = cls(gaps=set(gaps))
        for row in rejects:
            judged.rejects.setdefault(row["index"], []).append(row)
        return judged


def _are_rejects(rows: Any) -> bool:
    return isinstance(rows, list) and all(isinstance(row, dict) and type(row.get("index")) is int for row in rows)
