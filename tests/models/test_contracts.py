"""What every model of the registry promises, whatever its name."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields

import pytest
import torch

from pairaug.errors import UsageError
from pairaug.models.base import Example, Shape, Translator, build_config
from pairaug.registry import MODELS
from pairaug.training.objectives.base import Batch, NonFiniteLoss, Objective
from pairaug.training.sampler import Sampler

MASKS = [name for name, entry in MODELS.items() if entry.kind == "masks"]
TRANSLATORS = [name for name, entry in MODELS.items() if entry.kind == "translator"]
TRAINED = [name for name, entry in MODELS.items() if entry.trains]
# Sides that nothing else has, so that a shape that fits by chance fails.
SIDE = {
    name: (entry.smallest_size, entry.smallest_size) if entry.smallest_size > 64 else (24, 40)
    for name, entry in MODELS.items()
}


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def built(name: str, classes: int, channels: int = 0, seed: int = 0):
    model_class = MODELS[name].load()
    config = build_config(model_class.Config, MODELS[name].trial)
    model = model_class(config, Shape(classes, channels, *SIDE[name]), generator(seed))
    model.remember(examples(name, classes, channels))
    return model


def examples(name: str, classes: int, channels: int) -> list[Example]:
    pictures = torch.randint(0, 256, (3, *SIDE[name], channels), generator=generator(9), dtype=torch.uint8).numpy()
    masks = labels(name, classes, count=3).to(torch.uint8).numpy()
    return [Example(mask, picture if channels else None) for mask, picture in zip(masks, pictures, strict=True)]


def trained(name: str, classes: int, channels: int) -> Objective:
    objective_class = MODELS[name].load_objective()
    assert objective_class is not None
    return objective_class(built(name, classes, channels), generator(1))


def generators(count: int, first: int = 0) -> list[torch.Generator]:
    return [generator(first + number) for number in range(count)]


def labels(name: str, classes: int, count: int = 2) -> torch.Tensor:
    """Blocks of every class, different in every mask."""
    height, width = SIDE[name]
    maps = torch.zeros(count, height, width, dtype=torch.int64)
    for n in range(count):
        for label in range(1, classes):
            top, left = 2 + 3 * n + label, 4 * label
            maps[n, top : top + 9, left : left + 6] = label
    return maps


def batch(name: str, classes: int, channels: int) -> Batch:
    maps = labels(name, classes)
    if not channels:
        return Batch(maps)
    return Batch(maps, torch.rand(2, channels, *SIDE[name], generator=generator(5)) * 2 - 1)


@pytest.mark.parametrize("name", MODELS)
def test_a_config_is_frozen_and_knows_its_keys(name: str) -> None:
    config_class = MODELS[name].load().Config
    config = config_class()
    with pytest.raises(FrozenInstanceError):
        setattr(config, fields(config)[0].name, 1)
    with pytest.raises(UsageError, match="no such setting"):
        build_config(config_class, {"nonsense_key": 1})


def test_an_unknown_setting_is_answered_with_the_nearest_one() -> None:
    with pytest.raises(UsageError, match="did you mean 'base'"):
        build_config(MODELS["vess2image"].load().Config, {"bse": "16"})


@pytest.mark.parametrize("value", ["x", "nan", "1e999", ""])
def test_a_setting_that_is_no_number_is_refused(value: str) -> None:
    with pytest.raises(UsageError, match="--set l1_weight"):
        build_config(MODELS["vess2image"].load().Config, {"l1_weight": value})


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("classes", [2, 5])
def test_the_initial_weights_are_the_generators_alone(name: str, classes: int) -> None:
    before = torch.get_rng_state()
    one, same, other = (built(name, classes, 3, seed) for seed in (1, 1, 2))
    assert torch.equal(before, torch.get_rng_state())
    pairs = list(zip(one.state_dict().values(), same.state_dict().values(), strict=True))
    assert all(torch.equal(a, b) for a, b in pairs)
    if pairs:
        others = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
        assert not all(torch.equal(a, b) for a, b in others)


@pytest.mark.parametrize("name", TRAINED)
@pytest.mark.parametrize(("classes", "channels"), [(2, 1), (3, 3)])
def test_a_step_learns_and_repeats_with_its_generator(name: str, classes: int, channels: int) -> None:
    channels = channels if name in TRANSLATORS else 0
    runs = []
    for _ in range(2):
        model = trained(name, classes, channels)
        start = {key: value.clone() for key, value in model.state_dict().items()}
        losses = model.step(batch(name, classes, channels), generator(3))
        assert losses
        assert all(isinstance(value, float) for value in losses.values())
        assert any(not torch.equal(value, start[key]) for key, value in model.state_dict().items())
        runs.append((losses, model.state_dict()))
    assert runs[0][0] == runs[1][0]
    assert all(torch.equal(value, runs[1][1][key]) for key, value in runs[0][1].items())


@pytest.mark.parametrize("name", MASKS)
@pytest.mark.parametrize("classes", [2, 3])
def test_a_mask_depends_on_its_generator_alone_and_keeps_to_the_classes(name: str, classes: int) -> None:
    model = built(name, classes)
    first = model.sample(generator(11), (30, 50))
    model.sample(generator(12), (30, 50))
    again = model.sample(generator(11), (30, 50))
    assert torch.equal(first.labels, again.labels)
    assert first.parents == again.parents
    assert first.labels.ndim == 2
    assert int(first.labels.min()) >= 0
    assert int(first.labels.max()) < classes


@pytest.mark.parametrize("name", TRANSLATORS)
@pytest.mark.parametrize(("classes", "channels"), [(2, 1), (4, 3)])
def test_an_image_has_its_masks_size_and_the_datas_channels_and_ignores_its_neighbours(
    name: str, classes: int, channels: int
) -> None:
    model = built(name, classes, channels)
    maps = labels(name, classes, count=5)
    together = model.translate(maps, generators(5))
    alone = torch.cat([model.translate(maps[i : i + 1], [generator(i)]) for i in range(5)])
    assert together.shape == (5, channels, *SIDE[name])
    assert together.min() >= -1
    assert together.max() <= 1
    assert torch.equal(together, alone)
    if MODELS[name].many_per_mask:
        others = model.translate(maps, generators(5, first=50))
        assert not torch.equal(together, others)


@pytest.mark.parametrize("name", MODELS)
def test_sampling_needs_no_discriminator_and_no_optimiser(name: str) -> None:
    model = built(name, 2, 3)
    assert not hasattr(model, "optimizers")
    if MODELS[name].trains:
        assert set(model.networks()) < set(trained(name, 2, 3).networks())
    kept = {key: tensor for key, tensor in model.inference_state().items() if tensor.is_floating_point()}
    assert sum(tensor.numel() for tensor in kept.values()) == sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize("name", MODELS)
def test_a_model_keeps_of_the_data_what_it_declares_and_no_more(name: str) -> None:
    channels = 3 if name in TRANSLATORS else 0
    kept = sum(t.numel() for t in built(name, 2, channels).inference_state().values() if t.dtype == torch.uint8)
    pixels = 3 * SIDE[name][0] * SIDE[name][1]
    assert kept == {"nothing": 0, "masks": pixels, "pictures": pixels * (1 + channels)}[MODELS[name].keeps]


@pytest.mark.parametrize("name", TRANSLATORS)
def test_any_size_and_aspect_goes_in_and_comes_out(name: str) -> None:
    model = built(name, 2, 3)
    assert model.translate(torch.zeros(1, 70, 301, dtype=torch.int64), [generator(1)]).shape == (1, 3, 70, 301)


@pytest.mark.parametrize("name", MODELS)
def test_the_inference_state_brings_back_the_same_outputs(name: str) -> None:
    model, other = built(name, 3, 3, seed=1), built(name, 3, 3, seed=2)
    other.load_inference_state(model.inference_state())
    if isinstance(model, Translator):
        maps = labels(name, 3)
        assert torch.equal(model.translate(maps, generators(2)), other.translate(maps, generators(2)))
    else:
        assert torch.equal(model.sample(generator(1), (30, 50)).labels, other.sample(generator(1), (30, 50)).labels)


@pytest.mark.parametrize("name", MODELS)
def test_a_foreign_state_is_refused(name: str) -> None:
    model = built(name, 3, 3)
    state = model.inference_state()
    key = max(state, key=lambda name: state[name].numel())
    for wrong in (
        {k: v for k, v in state.items() if k != key},
        {**state, key: state[key].double()},
        {**state, "more": state[key]},
        {**state, key: state[key][None]},
    ):
        with pytest.raises(ValueError, match="tensor"):
            model.load_inference_state(wrong)


@pytest.mark.parametrize("name", TRAINED)
def test_a_loss_that_is_not_finite_leaves_the_weights_alone(name: str) -> None:
    channels = 3 if name in TRANSLATORS else 0
    objective = trained(name, 2, channels)
    last = list(objective.networks().values())[-1]
    with torch.no_grad():
        next(last.parameters()).fill_(float("nan"))
    before = {key: value.clone() for key, value in objective.model.state_dict().items()}
    with pytest.raises(NonFiniteLoss):
        objective.step(batch(name, 2, channels), generator(1))
    assert all(torch.equal(value, objective.model.state_dict()[key]) for key, value in before.items())


@pytest.mark.parametrize("name", [name for name in TRANSLATORS if MODELS[name].trains])
def test_a_translator_paints_on_the_device_that_it_is_on(name: str) -> None:
    """``meta`` stands for any other device than the processor: mixing the two is an error on both."""
    model = built(name, 3, 3).to("meta")
    painted = model.translate(labels(name, 3).to("meta"), generators(2))
    assert painted.device.type == "meta"
    assert painted.shape == (2, 3, *SIDE[name])


@pytest.mark.parametrize("name", [name for name in MASKS if MODELS[name].trains])
def test_a_mask_generator_draws_on_the_device_that_it_is_on(name: str) -> None:
    assert built(name, 3).to("meta").sample(generator(1), (30, 50)).labels.device.type == "meta"


@pytest.mark.parametrize("name", TRAINED)
def test_a_step_stays_on_the_device_that_its_objective_is_on(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def descend(self: Objective, optimizer: torch.optim.Optimizer, loss: torch.Tensor, what: str) -> float:
        assert loss.device.type == "meta"
        loss.backward()
        return 0.0

    monkeypatch.setattr(Objective, "descend", descend)
    monkeypatch.setattr(torch.Tensor, "item", lambda self: 0.0)
    channels = 3 if name in TRANSLATORS else 0
    objective = trained(name, 3, channels).to("meta")
    sampler = Sampler(examples(name, 3, channels), seed=1)
    assert objective.step(sampler.batch(0, [0, 1], torch.device("meta")), generator(1))
