"""The measuring stick: it learns what can be learnt, the same from one seed, and draws what it was asked to."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from pairaug.errors import ModelError
from pairaug.metrics.overlap import class_dice
from pairaug.reporting import Reporter
from pairaug.segmenter import fit
from pairaug.segmenter.base import Recipe
from pairaug.segmenter.batches import Batches
from pairaug.segmenter.fit import (
    POWER,
    UNetSegmenter,
    _average,
    _built,
    _settle,
    fit_segmenter,
    load_segmenter,
)
from pairaug.segmenter.frames import KeptFrames
from pairaug.segmenter.identity import identity_of
from pairaug.segmenter.network import FoldedUNet
from pairaug.segmenter.presets import PRESETS, Preset
from tests.segmenter.drawn import blobs

TINY = Preset("tiny", few=40, many=40, batch_size=4, width=8, rate=5e-3, step_seconds=0.1)


def weights(segmenter: UNetSegmenter) -> torch.Tensor:
    return torch.cat([value.double().ravel() for value in segmenter.network.state_dict().values()])


@pytest.fixture(scope="module")
def fitted() -> UNetSegmenter:
    return fit_segmenter(Recipe(blobs(0, 6)), 3, replace(TINY, few=240, many=240), seed=1, reporter=Reporter())


def test_it_finds_drawn_blobs_in_pictures_that_it_has_not_seen(fitted: UNetSegmenter) -> None:
    scores = [class_dice(fitted.predict(unseen.image), unseen.labels, 3) for unseen in blobs(99, 4)]
    assert np.mean(scores) > 0.7


@pytest.mark.parametrize("start", [0, 2])
def test_a_rare_class_is_found_whatever_the_initial_weights(start: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The smaller of the two classes takes 5 % of the pixels, and was lost from these starts with plain soft Dice."""
    monkeypatch.setattr(fit, "_built", lambda settings, seed, built=_built: built(settings, start))
    fitted = fit_segmenter(Recipe(blobs(0, 6)), 3, TINY, seed=1, reporter=Reporter())
    likeliest = [fitted.probabilities(one.image).argmax(dim=0).numpy().astype(np.uint8) for one in blobs(99, 4)]
    scores = np.mean([class_dice(found, one.labels, 3) for found, one in zip(likeliest, blobs(99, 4), strict=True)], 0)
    assert scores.min() > 0.5


def test_every_seed_starts_from_the_same_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    starts: list[int] = []

    def built(settings: dict[str, int], seed: int) -> FoldedUNet:
        starts.append(seed)
        return _built(settings, seed)

    monkeypatch.setattr(fit, "_built", built)
    for seed in (0, 1):
        fit_segmenter(Recipe(blobs(0, 2)), 3, Preset("two", 2, 2, 2, 4, 1e-3, 0.1), seed, Reporter())
    assert len(set(starts)) == 1


def test_one_fit_is_looked_at_after_doubling_numbers_of_steps() -> None:
    preset = Preset("looked at", 8, 8, 2, 4, 1e-3, 0.1, points=3)
    assert preset.schedule(5) == (2, 4, 8)
    seen: dict[int, torch.Tensor] = {}
    told: list[tuple[int, int | None]] = []

    class Listener(Reporter):
        def progress(self, done: int, total: int | None, unit: str, detail: str = "") -> None:
            told.append((done, total))

    found = fit_segmenter(
        Recipe(blobs(0, 2)), 3, preset, 0, Listener(), look=lambda steps, one: seen.update({steps: weights(one)})
    )
    assert told == [(step + 1, 8) for step in range(8)]
    assert list(seen) == [2, 4, 8]
    assert torch.equal(seen[8], weights(found))
    assert not torch.equal(seen[4], seen[8])


def test_looking_changes_nothing_and_a_look_is_what_a_shorter_fit_leads_to() -> None:
    """No look needs a run of its own: after 4 of 8 steps a fit is where a fit of 4 steps ends."""
    seen: dict[int, torch.Tensor] = {}
    whole = Preset("whole", 8, 8, 2, 4, 1e-3, 0.1, points=2)
    looked_at = fit_segmenter(
        Recipe(blobs(0, 2)), 3, whole, 0, Reporter(), look=lambda steps, one: seen.update({steps: weights(one)})
    )
    alone = fit_segmenter(Recipe(blobs(0, 2)), 3, replace(whole, few=4, many=4, points=1), 0, Reporter())
    assert torch.equal(seen[4], weights(alone))
    blind = fit_segmenter(Recipe(blobs(0, 2)), 3, replace(whole, points=1), 0, Reporter())
    assert torch.equal(weights(looked_at), weights(blind))


def test_a_share_falls_over_all_steps_of_a_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    totals: list[int | None] = []
    inner = Batches.draw

    def draw(self: Batches, size: int, seed: int, *, total: int | None = None, plain: bool = False):  # type: ignore[no-untyped-def]
        totals.append(total)
        return inner(self, size, seed, total=total, plain=plain)

    monkeypatch.setattr(Batches, "draw", draw)
    falling = Recipe(blobs(0, 2), blobs(1, 2), 0.5, last_share=0.0)
    fit_segmenter(falling, 3, Preset("six", 6, 6, 2, 4, 1e-3, 0.1, points=2), 0, Reporter())
    assert totals == [6, None, None]  # the fit itself, and the settling before two looks


def test_what_is_looked_at_is_a_mean_of_the_weights_over_the_last_steps() -> None:
    network, average = (_built({"channels": 1, "classes": 2, "width": 4}, 0) for _ in range(2))
    moved, steps = next(network.parameters()), 200
    for step in range(1, steps + 1):
        moved.data.fill_(float(step))
        _average(average, network, step)
    mean = float(next(average.parameters()).detach().mean())
    assert mean == pytest.approx(steps * (POWER + 1) / (POWER + 2), rel=0.01)  # the centre of step ** POWER


def test_a_prediction_has_the_size_of_its_image_whatever_that_is(fitted: UNetSegmenter) -> None:
    for height, width in ((64, 64), (51, 83), (200, 130), (7, 9)):
        image = np.random.default_rng(0).random((height, width, fitted.settings["channels"]))
        found = fitted.predict(image)
        assert found.shape == (height, width)
        assert found.dtype == np.uint8
        assert found.max() < 3


def test_the_same_seed_gives_the_same_weights_and_another_seed_gives_others() -> None:
    short = Preset("short", 3, 3, 2, 4, 1e-3, 0.1)
    first, again, other = (
        weights(fit_segmenter(Recipe(blobs(0, 3)), 3, short, seed, Reporter())) for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_fitting_leaves_the_global_random_state_alone() -> None:
    before = torch.get_rng_state()
    fit_segmenter(Recipe(blobs(0, 2)), 3, Preset("short", 1, 1, 2, 4, 1e-3, 0.1), 0, Reporter())
    assert torch.equal(before, torch.get_rng_state())


def test_a_saved_segmenter_predicts_as_before(fitted: UNetSegmenter, tmp_path: Path) -> None:
    fitted.save(tmp_path / "segmenter.safetensors")
    again = load_segmenter(tmp_path / "segmenter.safetensors")
    image = blobs(5, 1)[0].image
    assert torch.equal(again.probabilities(image), fitted.probabilities(image))


@pytest.mark.parametrize("content", [b"", b"rubbish", b'\x10\0\0\0\0\0\0\0{"a": 1}      '])
def test_a_damaged_file_is_refused_with_its_remedy(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "segmenter.safetensors"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"segmenter\.safetensors: not a segmenter .*delete it"):
        load_segmenter(path)


def test_settling_replaces_the_statistics_of_batch_norm_and_leaves_the_weights() -> None:
    """Whatever the last steps left: two networks of the same weights settle to the same statistics."""
    settings = {"channels": 1, "classes": 3, "width": 4, "side": 64}
    settled, weights = [], []
    for left in (0.0, 5.0):
        network = _built(settings, 0)
        for name, buffer in network.named_buffers():
            if name.endswith("running_mean"):
                buffer.fill_(left)
        recipe = Recipe(blobs(0, 3), augmentation="none")
        _settle(network, Batches(recipe, 64, 3, KeptFrames()).draw(4, 0))
        settled.append({name: value for name, value in network.named_buffers() if "running" in name})
        weights.append(dict(network.named_parameters()))
    fresh = dict(_built(settings, 0).named_parameters())
    assert all(torch.equal(settled[0][name], settled[1][name]) for name in settled[0])
    assert any(float(value.abs().max()) > 0.01 for value in settled[0].values())
    assert all(torch.equal(side[name], value) for side in weights for name, value in fresh.items())


def test_frames_that_an_earlier_fit_made_change_nothing() -> None:
    short, recipe, kept = Preset("short", 3, 3, 2, 4, 1e-3, 0.1), Recipe(blobs(0, 3), blobs(1, 3), 0.5), KeptFrames()
    both = [weights(fit_segmenter(recipe, 3, short, 1, Reporter(), kept)) for _ in range(2)]
    assert torch.equal(both[0], both[1])
    assert torch.equal(both[0], weights(fit_segmenter(recipe, 3, short, 1, Reporter())))


def test_presets_train_longer_on_more_pairs_and_say_about_how_long() -> None:
    full = PRESETS["full"]
    steps = {pairs: full.schedule(pairs)[-1] for pairs in (3, 5, 10, 20, 50, 500)}
    assert steps[3] == steps[5] == full.few
    assert full.few < steps[10] < steps[20] == steps[50] == steps[500] == full.many
    assert full.expected_seconds(50) == pytest.approx(full.many * full.step_seconds)


def test_either_precision_fits_a_segmenter_that_the_other_one_reads_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    """The processor decides the precision, not the figures: both find nearly the same, under names of their own."""
    chosen = "pairaug.machine.precision.processor_precision"
    found, names, image = [], [], blobs(99, 1)[0].image
    for precision in (torch.float32, torch.bfloat16):
        monkeypatch.setattr(chosen, lambda precision=precision: precision)
        found.append(fit_segmenter(Recipe(blobs(0, 6)), 3, TINY, seed=1, reporter=Reporter()))
        names.append(identity_of(PRESETS["quick"]))
    assert names[0] != names[1]
    both = [segmenter.probabilities(image) for segmenter in found]
    assert 0 < float((both[0] - both[1]).abs().mean()) < 0.1
    monkeypatch.setattr(chosen, lambda: torch.float32)
    assert float((found[1].probabilities(image) - both[1]).abs().mean()) < 0.01
