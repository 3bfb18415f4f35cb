"""What is given beside the pairs: images without masks, and an oracle, pairs whose masks no model saw.

Images without masks come as a whole folder of a site, so what no arm may learn from is left out and counted: test
images (the same file, or in disguise), images of the test's groups, and images of the fitted pairs, whose masks are
known. Oracle pairs are chosen on purpose, so whatever would make their figure dishonest is refused, but for test pairs
in disguise, of which nobody may know: these are left out and counted too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pairaug.errors import DataError
from pairaug.evaluation.utility.disguise import Detector
from pairaug.evaluation.utility.identity import Fitting, was_seen
from pairaug.evaluation.utility.lazy_pairs import LazyImage, LazyPair
from pairaug.reporting import Reporter

Reason = Literal["of test pairs", "of test pairs in disguise", "of the groups of test pairs", "of the fitted pairs"]


@dataclass(frozen=True)
class Beside:
    """``unlabelled``: images without masks; ``oracle``: pairs whose masks no model saw. Either may be empty."""

    unlabelled: tuple[LazyImage, ...] = ()
    oracle: tuple[LazyPair, ...] = ()


NOTHING = Beside()


@dataclass(frozen=True)
class TestSide:
    """The test pairs, and how they are found among others; ``grouped``: their groups are known."""

    __test__ = False  # no test case of pytest

    pairs: Sequence[LazyPair]
    detector: Detector
    grouped: bool

    def touched(self, item: LazyPair | LazyImage) -> bool:
        """Whether ``item`` is of a group of the test pairs."""
        return self.grouped and item.group in {pair.group for pair in self.pairs}


def images_apart(
    images: Sequence[LazyImage], fitted: Sequence[LazyPair], test: TestSide, reporter: Reporter
) -> tuple[tuple[LazyImage, ...], list[str]]:
    """The images that arms may learn from, and notes on those left out. Raises DataError where none remains."""
    files = {item.image_sha256 for item in test.pairs}
    known = {item.image_sha256 for item in fitted}
    out: dict[Reason, list[str]] = {}
    apart = []
    for item in images:
        reason: Reason | None = (
            "of test pairs" if item.image_sha256 in files
            else "of the fitted pairs" if item.image_sha256 in known
            else "of the groups of test pairs" if test.touched(item)
            else None
        )  # fmt: skip
        if reason is None:
            apart.append(item)
        else:
            out.setdefault(reason, []).append(item.name)
    copies = {copy.name for copy in test.detector.image_copies(apart, reporter)}
    if copies:
        out["of test pairs in disguise"] = sorted(copies)
    kept = tuple(item for item in apart if item.name not in copies)
    told = ", ".join(f"{len(names)} {reason} (such as {names[0]})" for reason, names in out.items())
    if images and not kept:
        raise DataError(
            f"--unlabelled: none of the {len(images)} images may be learnt from: {told}; give images of other patients "
            "than the test pairs, without masks"
        )
    total = sum(map(len, out.values()))
    return kept, [f"{total} of {len(images)} images without masks are left out: {told}"] if out else []


def oracle_apart(
    oracle: Sequence[LazyPair], fitting: Fitting, test: TestSide, reporter: Reporter
) -> tuple[tuple[LazyPair, ...], list[str]]:
    """The oracle pairs that show a test pair to nobody, and a note on those left out.

    Raises DataError where one was fitted on, is a test pair, or is of a test pair's group, or where none remains.
    """
    images = {item.image_sha256 for item in test.pairs}
    masks = {item.mask_sha256 for item in test.pairs if item.has_foreground()}
    found = {
        "were fitted on": [item.name for item in oracle if was_seen(item, fitting.known)],
        "are test pairs": [
            item.name
            for item in oracle
            if item.image_sha256 in images or (item.mask_sha256 in masks and item.has_foreground())
        ],
        "are of the groups of test pairs": [item.name for item in oracle if test.touched(item)],
    }
    for what, names in found.items():
        if names:
            raise _unfit(what, names, len(oracle))
    copies = {copy.name for copy in test.detector.copies(oracle, reporter)}
    kept = tuple(item for item in oracle if item.name not in copies)
    if oracle and not kept:
        raise _unfit("are test pairs in disguise", sorted(copies), len(oracle))
    told = f"{len(copies)} of {len(oracle)} oracle pairs are left out, for they are test pairs in disguise"
    return kept, [f"{told}, such as {min(copies)}"] if copies else []


def _unfit(what: str, names: list[str], total: int) -> DataError:
    return DataError(
        f"--oracle: {len(names)} of its {total} pairs {what}, such as {names[0]}; give pairs apart from the test "
        "pairs, whose masks no model saw",
        names,
    )
