"""The recipe's version stands for what the recipe computes: whoever changes a figure is reminded to raise it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from pairaug.pairs.drawing import draw_blob_pair
from pairaug.reporting import Reporter
from pairaug.segmenter.base import Augmentation, Example, Recipe
from pairaug.segmenter.batches import Batches
from pairaug.segmenter.decision import dice_threshold
from pairaug.segmenter.fit import _built, fit_segmenter
from pairaug.segmenter.frames import KeptFrames, working_side
from pairaug.segmenter.identity import RECIPE_VERSION, identity_of
from pairaug.segmenter.presets import PRESETS, Preset

# Computed by this very code, in float32, for version 3 of the recipe.
GOLDEN = {
    "working side": 480,
    "none: picture": 0.927179,
    "none: foreground": 0.0954241,
    "classical: picture": 1.05182,
    "classical: foreground": 0.0994385,
    "classical and warped: picture": 1.05196,
    "classical and warped: foreground": 0.102463,
    "copies: picture": 0.464883,
    "probability of class 0": 0.261533,
    "probability of class 1": 0.327022,
    "probability of class 2": 0.411446,
    "threshold": 0.590789,
}
SETTINGS = {"channels": 3, "classes": 3, "width": 8}


def examples(height: int, width: int) -> list[Example]:
    found = []
    for seed in range(3):
        image, labels = draw_blob_pair(np.random.default_rng(seed), height, width)
        found.append(Example(image[..., None].astype(np.float32) / 255, labels.astype(np.uint8)))
    return found


def striped() -> Example:
    """A stripe of 6 pixels in a picture of 600."""
    labels = np.zeros((600, 500), np.uint8)
    labels[:, 100:106] = 1
    return Example(np.zeros((600, 500, 1), np.float32), labels)


def figures() -> dict[str, float]:
    """A few numbers that nearly any change of the recipe moves."""
    pairs, classes = examples(64, 80), 3
    found: dict[str, float] = {"working side": working_side([striped()], 2)}
    kinds: tuple[Augmentation, ...] = ("none", "classical", "classical and warped")
    for kind in kinds:
        recipe = Recipe(pairs, pairs[:1], 0.5, kind)
        pictures, shares = next(Batches(recipe, 80, classes, KeptFrames()).draw(4, 7))
        found |= {f"{kind}: picture": float(pictures[:, :, ::3, ::5].square().mean())}
        found |= {f"{kind}: foreground": float(shares[:, 1:, :, ::7].mean())}
    copies = Batches(Recipe(pairs, pairs, 0.5, "none"), 80, classes, KeptFrames()).draw(2, 7)
    found["copies: picture"] = float(sum(next(copies)[0][0, :, ::3, ::5].mean() * 2**step for step in range(4)))
    fitted = fit_segmenter(Recipe(pairs), classes, Preset("golden", 4, 4, 2, 4, 3e-3, 0.1), 5, Reporter())
    probabilities = fitted.probabilities(pairs[0].image).numpy()
    found |= {f"probability of class {k}": float(probabilities[k].mean()) for k in range(classes)}
    found["threshold"] = dice_threshold(probabilities[1:].sum(axis=0))
    return found


@pytest.fixture
def in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pairaug.machine.precision.processor_precision", lambda: torch.float32)


@pytest.mark.usefixtures("in_float32")
def test_what_the_recipe_computes_is_what_its_version_stands_for() -> None:
    found = figures()
    assert found == pytest.approx(GOLDEN, rel=5e-3), (
        f"the reference segmenter computes other figures than version {RECIPE_VERSION} of its recipe: if that is "
        "meant, raise RECIPE_VERSION in segmenter/identity.py, so that kept fits are not mistaken for "
        f"new ones, and put these figures into GOLDEN: {found}"
    )


def test_a_change_in_a_metric_that_the_recipe_uses_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pairaug.segmenter.frames.mean_width", lambda region, thinned: 9.0)
    assert working_side([striped()], 2) != pytest.approx(GOLDEN["working side"], rel=5e-3)


def test_the_name_of_a_segmenter_holds_its_preset_and_the_version_and_no_text_of_code(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    quick, full = (identity_of(PRESETS[name]) for name in ("quick", "full"))
    assert quick != full
    assert quick.endswith(f"recipe {RECIPE_VERSION}")
    monkeypatch.setattr("pairaug.segmenter.identity.RECIPE_VERSION", RECIPE_VERSION + 1)
    assert identity_of(PRESETS["quick"]) != quick


@pytest.fixture
def torch_state() -> Iterator[torch.Tensor]:
    state = torch.random.get_rng_state()
    yield state
    torch.random.set_rng_state(state)


def test_weights_of_one_seed_are_one_set_in_two_threads_a_hundred_times(torch_state: torch.Tensor) -> None:
    def draw(_: int) -> bytes:
        torch.rand(7)  # what anything else in the process may draw meanwhile
        state = _built(SETTINGS, 12345).state_dict()
        return b"".join(value.numpy().tobytes() for value in state.values())

    with ThreadPoolExecutor(2) as pool:
        assert len(set(pool.map(draw, range(100)))) == 1


def test_drawing_weights_neither_reads_nor_moves_the_global_state(torch_state: torch.Tensor) -> None:
    _built(SETTINGS, 3)
    assert torch.equal(torch.random.get_rng_state(), torch_state)
