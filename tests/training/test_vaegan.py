"""How vaegan and its objective learn."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from pairaug.models.base import Example, Shape
from pairaug.models.masks.vaegan import VAEGAN, VAEGANConfig
from pairaug.reporting import Reporter
from pairaug.training import loop
from pairaug.training.loop import Schedule, train
from pairaug.training.objectives.base import Batch
from pairaug.training.objectives.moves import Moves, flips_shown, moved
from pairaug.training.objectives.vaegan import VAEGANObjective, balanced_weights
from pairaug.training.sampler import Sampler

SIDE = 24


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def made(**settings: float) -> VAEGANObjective:
    config = VAEGANConfig(**{"width": 8, "code": 5, **settings})
    weights = generator(4)
    return VAEGANObjective(VAEGAN(config, Shape(3, 0, SIDE, SIDE), weights), weights)


def discs() -> list[Example]:
    """A disc with a smaller one in it, small at the left, larger in the middle, largest at the right."""
    y, x = np.mgrid[:SIDE, :SIDE] + 0.5
    masks = []
    for column, radius in ((7, 4), (12, 6), (15, 8)):
        distance = np.hypot(y - 12, x - column)
        masks.append(((distance < radius).astype(np.uint8) + (distance < radius / 2)).astype(np.uint8))
    return [Example(mask) for mask in masks]


def fitted(folder: Path, epochs: int, make: Callable[[], VAEGANObjective] = made) -> VAEGANObjective:
    def looked_at() -> VAEGANObjective:
        objective = make()
        objective.look(discs())
        return objective

    schedule = Schedule(seed=1, batch_size=1, epochs=epochs)
    found, _ = train(
        looked_at, Sampler(discs(), seed=1), schedule, folder, device=torch.device("cpu"), reporter=Reporter()
    )
    assert isinstance(found, VAEGANObjective)
    return found


def test_after_a_short_fit_masks_are_like_those_seen_and_not_one_repeated(tmp_path: Path) -> None:
    model = fitted(tmp_path, 30).result
    drawn = [model.sample(generator(seed), (SIDE, SIDE)).labels for seed in range(16)]
    shares = torch.tensor([float((mask > 0).float().mean()) for mask in drawn])
    real = [float((one.labels > 0).mean()) for one in discs() if one.labels is not None]
    assert len({mask.numpy().tobytes() for mask in drawn}) > 12
    assert min(real) / 2 < shares.mean() < max(real) * 1.5
    assert shares.std() > 0.02
    assert sum(int(mask.max()) == 2 for mask in drawn) > 12


def test_a_run_that_was_killed_ends_with_the_same_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(BaseException):
        pass

    class Mortal(VAEGANObjective):
        def step(self, batch: Batch, generator: torch.Generator) -> dict[str, float]:
            self.steps = getattr(self, "steps", 0) + 1
            if self.steps == 6:
                raise Killed
            return super().step(batch, generator)

    def mortal() -> VAEGANObjective:
        weights = generator(4)
        return Mortal(VAEGAN(VAEGANConfig(width=8, code=5), Shape(3, 0, SIDE, SIDE), weights), weights)

    whole = fitted(tmp_path / "whole", 4)
    monkeypatch.setattr(loop, "_CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr(loop, "_CHECKPOINT_SHARE", 1e9)
    with pytest.raises(Killed):
        fitted(tmp_path / "killed", 4, mortal)
    again = fitted(tmp_path / "killed", 4)
    states = (whole.state_dict(), again.state_dict())
    assert all(torch.equal(value, states[1][name]) for name, value in states[0].items())
    assert float(whole.pressure) > 0


def test_the_discriminator_is_pressed_on_fakes_only_while_they_are_easier_to_code_than_asked() -> None:
    batch = Batch(torch.from_numpy(np.stack([one.labels for one in discs()])).long())
    easy, hard = made(balance=100.0), made(balance=1e-6)
    for objective in (easy, hard):
        objective.pressure.fill_(0.5)
        objective.step(batch, generator(1))
    assert float(easy.pressure) > 0.5 > float(hard.pressure)


def test_the_inside_of_a_class_counts_as_much_as_what_is_outside_it() -> None:
    planes = -torch.ones(1, 1, 20, 20)
    planes[..., :4, :10] = 1.0
    weights = balanced_weights(planes)
    assert float(weights[planes > 0].sum()) == pytest.approx(200)
    assert float(weights[planes < 0].sum()) == pytest.approx(200)


def blot(row: int, column: int) -> Example:
    mask = np.zeros((32, 32), np.uint8)
    mask[row - 3 : row + 3, column - 3 : column + 3] = 1
    return Example(mask)


def test_flips_are_made_only_where_the_data_show_them() -> None:
    assert flips_shown([blot(6, 6), blot(6, 26), blot(8, 8), blot(8, 24)]) == (True, False)
    assert flips_shown([blot(6, 6), blot(26, 6), blot(8, 8), blot(24, 8)]) == (False, True)
    assert flips_shown([blot(6, 6), blot(7, 8), blot(8, 6)]) == (False, False)
    assert flips_shown([blot(16, 16)]) == (False, False)


def test_moves_of_nothing_leave_planes_where_they_are() -> None:
    planes = torch.rand(2, 3, 24, 40, generator=generator(1))
    torch.testing.assert_close(moved(planes, Moves(0, 0, 0), generator(2)), planes)


def test_a_turn_keeps_shapes_on_frames_that_are_not_square() -> None:
    y, x = torch.meshgrid(torch.arange(24) - 11.5, torch.arange(60) - 29.5, indexing="ij")
    bowl = (y.square() + x.square())[None, None]
    turned = moved(bowl, Moves(45, 0, 0), generator(3))
    torch.testing.assert_close(turned[..., 6:-6, 24:-24], bowl[..., 6:-6, 24:-24], atol=0.6, rtol=0)


def test_flips_are_drawn_for_half_of_the_views() -> None:
    slope = torch.linspace(-1, 1, 40).expand(64, 1, 24, 40)
    rising = moved(slope, Moves(0, 0, 0, (True, False)), generator(1))[:, 0, 0, -1] > 0
    assert 16 < int(rising.sum()) < 48
