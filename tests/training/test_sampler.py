"""Which examples a step sees: once an epoch each, on several ranks too, at places that follow from the seed."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pairaug.machine.ranks import Ranks
from pairaug.models.base import Example
from pairaug.training.rates import decayed, warmed_up
from pairaug.training.sampler import Sampler, collate

CPU = torch.device("cpu")


def pictures(count: int, side: int = 9) -> list[Example]:
    return [
        Example(np.full((side, side + n), n, np.uint8), np.full((side, side + n, 1), n, np.uint8)) for n in range(count)
    ]


def seen(sampler: Sampler, batch_size: int) -> list[int]:
    images, found = 0, []
    while images < len(sampler):
        chosen = sampler.step(images, batch_size)
        found += sampler.batch(images, chosen, CPU).labels[:, 0, 0].tolist()
        images += len(chosen)
    return found


@pytest.mark.parametrize("count", [1, 2, 3])
def test_ranks_share_an_epoch_and_see_every_example(count: int) -> None:
    found = [seen(Sampler(pictures(7), 3, (8, 8), ranks=Ranks(rank, count)), batch_size=2) for rank in range(count)]
    assert set().union(*found) == set(range(7))
    assert len({len(one) for one in found}) == 1
    assert sum(map(len, found)) <= 7 + count - 1


def test_crops_follow_from_the_seed_and_the_number_of_the_image() -> None:
    def places(seed: int, start: int) -> torch.Tensor:
        sampler = Sampler(pictures(5, side=40), seed, (8, 8), turn=True)
        return sampler.batch(start, [0, 1, 2], CPU).places

    assert torch.equal(places(1, 0), places(1, 0))
    assert not torch.equal(places(1, 0), places(2, 0))
    assert not torch.equal(places(1, 0), places(1, 5))


def test_an_image_without_a_mask_is_told_apart_in_a_batch() -> None:
    one, other = (
        Example(np.ones((3, 4), np.uint8), np.zeros((3, 4, 3), np.uint8)),
        Example(None, np.full((3, 4, 3), 255, np.uint8)),
    )
    batch = collate([one, other], [(0.0, 0.0, 1.0, 1.0)] * 2, CPU)
    assert batch.annotated.tolist() == [True, False]
    assert batch.labels.sum(dim=(1, 2)).tolist() == [12, 0]
    assert batch.images.amin(dim=(1, 2, 3)).tolist() == [-1.0, 1.0]


def test_a_rate_warms_up_stays_and_decays_to_nothing() -> None:
    assert [warmed_up(images, 4) for images in range(6)] == [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]
    assert [decayed(images, 100, 0.5) for images in (0, 50, 75, 100)] == [1.0, 1.0, 0.5, 0.0]
    assert decayed(75, None, 0.5) == 1.0
