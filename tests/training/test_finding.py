"""What stands in images without masks: what is kept of it, and of which images."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from pairaug.machine.work import Work
from pairaug.pairs.checked import Checked, CheckPolicy
from pairaug.pairs.checking import check_pairs
from pairaug.pairs.decoding import DecodePolicy
from pairaug.pairs.source import Selection, find_pairs
from pairaug.pairs.unlabelled import open_images
from pairaug.reporting import Reporter
from pairaug.training import finding
from pairaug.training.bare import Bare
from pairaug.training.finding import Bounds, looked_at
from tests.training.test_bare import more as more


class Sure:
    """A segmenter that finds a square of each image's own, with a probability that grows with the image's level."""

    def __init__(self, scale: float = 1.0) -> None:
        self.scale = scale

    def probabilities(self, image: np.ndarray[Any, Any]) -> torch.Tensor:
        found = torch.zeros(2, *image.shape[:2])
        found[1, 10:40, 10:40] = min(1.0, self.scale * float(image.mean()))
        found[0] = 1 - found[1]
        return found


@pytest.fixture
def sides(drive: Path, more: Path) -> tuple[Bare, Checked]:
    images = open_images(more, Selection(), DecodePolicy(), skip_bad=False)
    return Bare(images), check_pairs(find_pairs(drive), CheckPolicy())


def looked(sides: tuple[Bare, Checked], monkeypatch: pytest.MonkeyPatch, *segmenters: Sure) -> tuple[Bare, list[str]]:
    said: list[str] = []

    class Heard(Reporter):
        def note(self, message: str) -> None:
            said.append(message)

        def warn(self, message: str) -> None:
            said.append(message)

    monkeypatch.setattr(finding, "_fitted", lambda *_: list(segmenters))
    bare, checked = sides
    return looked_at(bare, checked, 3, 0, Work(1, Heard())), said


def levels(bare: Bare) -> list[float]:
    """The mean level of each image of ``bare``, in its order."""
    return [float(np.asarray(Image.open(bare.images.root / item.pair.image)).mean()) for item in bare.images.images]


def test_the_surer_half_is_kept_and_stands_first(sides: tuple[Bare, Checked], monkeypatch: pytest.MonkeyPatch) -> None:
    found, said = looked(sides, monkeypatch, Sure(3.0))
    order = levels(found)
    assert order == sorted(order, reverse=True)
    assert len(found.found) == len(found.kept.images) == 2
    assert [seen.uses for seen in found.seen] == [("background", "pseudo-labelled")] * 2 + [("pseudo-labelled",)]
    assert said == ["2 of 3 images without masks are used, those in which it is surest what stands there"]


def test_where_segmenters_differ_they_are_not_sure(
    sides: tuple[Bare, Checked], monkeypatch: pytest.MonkeyPatch
) -> None:
    alone, _ = looked(sides, monkeypatch, Sure(3.0))
    other, said = looked(sides, monkeypatch, Sure(3.0), Sure(0.0), Sure(0.0))
    assert len(alone.found) == 2
    assert other.found == ()
    assert said == ["nothing was found in the 3 images without masks; they are not used"]


def test_what_is_found_is_what_masks_of_the_pairs_could_hold() -> None:
    blob, hollow, two = (np.zeros((40, 40), np.uint8) for _ in range(3))
    blob[5:20, 5:20] = hollow[5:20, 5:20] = 1
    hollow[10:15, 10:15] = 0
    two[hollow > 0] = 1
    two[30:35, 30:35] = 1
    single = Bounds.of([blob])
    assert np.array_equal(single.kept(two), blob)
    assert np.array_equal(Bounds.of([blob, hollow]).kept(two), hollow)
    assert np.array_equal(Bounds.of([two, blob]).kept(two), two)
    assert np.array_equal(replace(single, most=2).kept(two) > 0, (two > 0) | (blob > 0))


def test_segmenters_are_the_same_whatever_the_number_of_threads(
    sides: tuple[Bare, Checked], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = finding.ReferenceSegmenter
    monkeypatch.setattr(finding, "ReferenceSegmenter", lambda preset, steps: real(preset, steps=3))
    bare, checked = sides
    one, two = (looked_at(bare, checked, 3, 0, Work(count, Reporter())) for count in (1, 2))
    assert one.digests == two.digests
    assert all(np.array_equal(a, b) for a, b in zip(one.found, two.found, strict=True))
