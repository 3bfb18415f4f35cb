"""A model of very many training masks can be read again, and its cost grows with their number, not its square."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from pairaug.fitted.header import MAX_HEADER
from pairaug.fitted.model_file import load_model, save_model
from pairaug.fitted.seen import Seen, digests_of
from pairaug.models.base import Example, Shape
from pairaug.models.masks.warp import Warp, WarpConfig
from pairaug.pairs.checked import Checked, CheckedPair, CheckPolicy
from pairaug.pairs.form import Form
from pairaug.pairs.labels import LabelMap
from pairaug.pairs.pair import Pair

MANY = 13_000


def checked(count: int) -> Checked:
    """``count`` masks, each with a palette of its own."""
    pairs = []
    for number in range(count):
        form = Form(".png", "PNG", "P", f"{number:06x}" * 3)
        pair = Pair("", (f"{number}.png",), "", "{id}.png")
        pairs.append(CheckedPair(pair, (6, 5), None, form, "", f"{number:064x}", {0: 1, 1: 1}, (0, 0)))
    return Checked(Path("."), tuple(pairs), LabelMap((0, 1)), "masks", CheckPolicy(), (), (), ())


def remembering(masks: list[torch.Tensor]) -> Warp:
    model = Warp(WarpConfig(), Shape(2, 0, 0, 0), torch.Generator())
    model.remember([Example(mask.numpy()) for mask in masks])
    return model


def some(count: int) -> list[torch.Tensor]:
    return list(torch.randint(0, 2, (count, 5, 6), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)))


@pytest.fixture
def shape(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pairaug.models.masks.warp._LAYOUT_SIDE", 2)


@pytest.mark.usefixtures("shape")
def test_thirteen_thousand_masks_and_palettes_are_read_again(tmp_path: Path) -> None:
    masks = some(MANY)
    model = Warp(WarpConfig(), Shape(2, 0, 1, 1), torch.Generator())
    model.remember([Example(mask.numpy()) for mask in masks])
    path = save_model(tmp_path, "masks", model, checked(MANY), {})
    assert int.from_bytes(path.read_bytes()[:8], "little") < MAX_HEADER
    fitted = load_model(tmp_path, "masks")
    assert len(fitted.pairs) == MANY
    assert fitted.pairs[-1].mask_form.palette == f"{MANY - 1:06x}" * 3
    one, other = (m.sample(torch.Generator().manual_seed(4), (5, 6)) for m in (model, fitted.network))
    assert one.parents == other.parents
    assert torch.equal(one.labels, other.labels)


def test_masks_as_earlier_versions_wrote_them_are_read() -> None:
    masks = some(3)
    model = Warp(WarpConfig(), Shape(2, 0, 0, 0), torch.Generator())
    model.load_inference_state({f"mask.{i:06d}": mask for i, mask in enumerate(masks)})
    assert torch.equal(model.inference_state()["masks"], torch.cat([mask.flatten() for mask in masks]))


@pytest.mark.parametrize("sizes", [[[5, 6], [5, 7]], [[-5, -6], [5, 6]], [[0, 3]], []])
def test_sizes_that_do_not_fit_the_masks_are_refused(sizes: list[list[int]]) -> None:
    state = {"masks": torch.zeros(60, dtype=torch.uint8), "sizes": torch.tensor(sizes, dtype=torch.int64)}
    with pytest.raises(ValueError, match="sizes"):
        remembering(some(2)).load_inference_state(state)


def test_partners_are_the_nearest_quarter_by_layout() -> None:
    masks = [torch.zeros(16, 16, dtype=torch.uint8) for _ in range(8)]
    for number, mask in enumerate(masks):
        mask[:, : 2 * number] = 1
    model = remembering(masks)
    drawn = [model.sample(torch.Generator().manual_seed(seed), (16, 16)).parents for seed in range(60)]
    pairs = [parents for parents in drawn if len(parents) == 2]
    assert pairs
    assert all(abs(a - b) <= 2 for a, b in pairs)


@pytest.mark.usefixtures("shape")
def test_what_a_model_saw_beside_its_pairs_is_kept_and_read_again(tmp_path: Path) -> None:
    masks = some(3)
    model = Warp(WarpConfig(), Shape(2, 0, 1, 1), torch.Generator())
    model.remember([Example(mask.numpy()) for mask in masks])
    beside = [Seen("a" * 64, None, ("style", "background")), Seen(None, "b" * 64, ("gate",))]
    save_model(tmp_path, "masks", model, checked(3), {}, beside)
    fitted = load_model(tmp_path, "masks")
    assert fitted.beside == tuple(beside)
    assert len(fitted.pairs) == 3
    assert [one.uses for one in fitted.seen] == [("fitted",)] * 3 + [("style", "background"), ("gate",)]
    assert {"a" * 64, "b" * 64} < digests_of(fitted.seen)
