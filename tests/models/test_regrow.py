"""What ``regrow`` promises of trees, on trees that are drawn here."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage

from pairaug.metrics.statistics import region_statistics
from pairaug.models.base import Example, Shape
from pairaug.models.masks.colonising import FREE, Budget, Nodes, colonise
from pairaug.models.masks.pruning import prune
from pairaug.models.masks.regrow import Regrow, RegrowConfig
from pairaug.models.masks.skeleton_graph import trace
from pairaug.models.masks.tubes import Tube, draw, without_pinholes
from pairaug.models.masks.warp import Warp, WarpConfig

SIDE = 200


def tube(*points: tuple[float, float], radius: float = 2.0, label: int = 1) -> Tube:
    return Tube(np.array(points, float), np.full(len(points), radius), label)


def tree(seed: int, labels: tuple[int, int] = (1, 1)) -> np.ndarray:
    """A trunk from top to bottom with branches to both sides, those of a side of one class."""
    rng = np.random.default_rng(seed)
    tubes = [tube((10, 100), (190, 100), radius=4, label=labels[0])]
    for row in range(30, 180, 20):
        for way, label in zip((-1, 1), labels, strict=True):
            end = 100 + way * rng.uniform(50, 90)
            tubes.append(tube((row, 100), (row + rng.uniform(5, 20), end), radius=1.6, label=label))
            middle = (row + 8, 100 + way * 35)
            tubes.append(tube(middle, (row + rng.uniform(-12, -4), middle[1] + way * 25), radius=1.2, label=label))
    return draw(tubes, (SIDE, SIDE))


def remembering(masks: list[np.ndarray], classes: int = 2, **settings: float) -> Regrow:
    model = Regrow(RegrowConfig(**settings), Shape(classes, 0, 0, 0), torch.Generator())
    model.remember([Example(mask) for mask in masks])
    return model


def drawn(model: Regrow, seed: int, size: tuple[int, int] = (SIDE, SIDE)) -> np.ndarray:
    return model.sample(torch.Generator().manual_seed(seed), size).labels.numpy()


def test_a_graph_has_the_length_the_radius_and_the_forks_of_what_was_drawn() -> None:
    graph = trace(draw([tube((20, 100), (180, 100), radius=3.5), tube((100, 100), (100, 180), radius=1.5)], (200, 200)))
    tree_branches = [branch for branch in graph.branches if not branch.chord]
    assert graph.ends() == 3
    assert graph.length == pytest.approx(160 + 80, rel=0.05)
    thin = min(tree_branches, key=lambda branch: np.median(branch.radii))
    assert np.median(thin.radii) == pytest.approx(1.5, abs=0.3)
    assert max(np.median(branch.radii) for branch in tree_branches) == pytest.approx(3.5, abs=0.3)


def test_a_trunk_feeds_all_that_lies_behind_it() -> None:
    graph = trace(
        draw(
            [tube((20, 100), (120, 100), radius=4), tube((120, 100), (180, 40)), tube((120, 100), (180, 160))],
            (200, 200),
        )
    )
    trunk = max(graph.branches, key=lambda branch: branch.downstream)
    assert trunk.parent is None
    assert trunk.downstream == pytest.approx(graph.length)
    assert all(branch.downstream < 0.5 * graph.length for branch in graph.branches if branch is not trunk)


def test_a_ring_is_a_loop_of_the_graph() -> None:
    y, x = np.mgrid[:100, :100] - 50
    ring = (np.abs(np.hypot(y, x) - 30) < 2).astype(np.uint8)
    graph = trace(ring)
    assert sum(branch.chord for branch in graph.branches) == 1
    assert graph.length == pytest.approx(2 * np.pi * 30, rel=0.1)


def test_a_graph_drawn_again_is_its_mask() -> None:
    mask = tree(0)
    again = draw([Tube(branch.points, branch.radii, branch.label) for branch in trace(mask).branches], mask.shape)
    assert 2 * (mask & again).sum() / (mask.sum() + again.sum()) > 0.93


def test_a_curve_at_the_thinnest_has_no_gap_in_any_direction() -> None:
    for angle in np.linspace(0, np.pi, 13):
        way = 60 * np.array([np.sin(angle), np.cos(angle)])
        line = draw([tube(tuple(80.3 - way), tuple(80.3 + way), radius=0.1)], (160, 160))
        assert ndimage.label(line, np.ones((3, 3)))[1] == 1


def test_where_classes_cross_the_deeper_one_is_seen() -> None:
    crossing = draw([tube((50, 10), (50, 90), radius=2), tube((10, 50), (90, 50), radius=6, label=2)], (100, 100))
    assert crossing[50, 50] == 2
    assert crossing[50, 20] == 1


def test_pinholes_are_filled_and_true_holes_are_counted() -> None:
    mask = np.ones((40, 40), np.uint8)
    mask[5, 5], mask[20:30, 20:30], mask[0:3, 38:] = 0, 0, 0
    filled, holes = without_pinholes(mask, 4)
    assert filled[5, 5] == 1
    assert filled[25, 25] == 0
    assert filled[1, 39] == 0
    assert holes == 1


def test_pruning_takes_about_the_share_and_remembers_what_is_gone() -> None:
    graph = trace(tree(1))
    pruned = prune(graph, 0.5, 0.4, np.random.default_rng(0))
    standing = sum(branch.length for branch in pruned.branches)
    lost = sum(float(np.hypot(*np.diff(limb.points, axis=0).T).sum()) for limb in pruned.limbs)
    assert standing == pytest.approx(0.5 * graph.length, rel=0.15)
    assert standing + lost == pytest.approx(graph.length, rel=0.05)
    assert all(branch.parent is None or branch.parent < place for place, branch in enumerate(pruned.branches))


def test_a_tree_grows_to_its_attractor_in_steps_and_forward() -> None:
    row = np.arange(10.0)
    nodes = Nodes(
        np.stack([row, 0 * row], 1), np.tile([1.0, 0.0], (10, 1)), np.arange(-1, 9), np.zeros(10, int), 0 * row
    )
    owners, reached = colonise(
        nodes, np.array([[12.0, 15.0]]), np.array([FREE]), 1.0, Budget(0), np.random.default_rng(0)
    )
    assert reached.all()
    assert owners[0] == nodes.owners[-1]
    grown = nodes.places[10:]
    assert np.hypot(*(grown[-1] - [12.0, 15.0])) < 8
    steps = np.hypot(*(nodes.places[10:] - nodes.places[nodes.parents[10:]]).T)
    assert np.allclose(steps, 1.0)


def test_a_branch_in_the_way_is_crossed_only_within_the_budget() -> None:
    def grown(crossings: int) -> bool:
        row = np.arange(-20.0, 21.0)
        trunk, wall = np.stack([row, 0 * row], 1), np.stack([row, 0 * row + 8], 1)
        parents = np.concatenate([np.arange(-1, 40), [-1], np.arange(41, 81)])
        nodes = Nodes(
            np.concatenate([trunk, wall]),
            np.tile([1.0, 0.0], (82, 1)),
            parents,
            np.repeat([0, 1], 41),
            np.zeros(82),
        )
        nodes.extend(np.array([[0.0, 1.5]]), np.array([[0.0, 1.0]]), np.array([20]), np.array([2]), np.zeros(1))
        _, reached = colonise(
            nodes, np.array([[0.0, 16.0]]), np.array([2]), 1.0, Budget(crossings), np.random.default_rng(1)
        )
        return bool(reached[0])

    assert grown(1)
    assert not grown(0)


def test_new_trees_are_built_like_real_ones_and_are_others() -> None:
    masks = [tree(seed) for seed in range(4)]
    model = remembering(masks)
    new = [drawn(model, seed) for seed in range(4)]
    real, made = ([region_statistics(mask > 0) for mask in side] for side in (masks, new))

    def mean(side: list, name: str) -> float:
        return float(np.mean([one[name][0] for one in side]))

    for name in ("share", "skeleton_length", "mean_width"):
        assert mean(made, name) == pytest.approx(mean(real, name), rel=0.25)
    for mask in new:
        assert max(2 * (mask & other).sum() / (mask.sum() + other.sum()) for other in masks) < 0.7


def test_a_new_tree_is_drawn_at_the_size_that_is_wanted() -> None:
    model = remembering([tree(0)])
    small, large = drawn(model, 3, (100, 100)), drawn(model, 3, (400, 400))
    assert small.shape == (100, 100)
    assert float((large > 0).mean()) == pytest.approx(float((small > 0).mean()), rel=0.35)


def test_branches_keep_their_class() -> None:
    model = remembering([tree(seed, (1, 2)) for seed in range(2)], classes=3, bend_least=0.01, bend_most=0.01)
    new = drawn(model, 0)
    assert set(np.unique(new)) == {0, 1, 2}
    assert (new[:, :80] == 1).sum() > 3 * (new[:, :80] == 2).sum()
    assert (new[:, 120:] == 2).sum() > 3 * (new[:, 120:] == 1).sum()


def test_what_is_no_tree_is_warped() -> None:
    y, x = np.mgrid[:80, :80] - 40
    distance = np.hypot(y, x)
    nested = np.where(distance < 10, 2, np.where(distance < 25, 1, 0)).astype(np.uint8)
    warp = Warp(WarpConfig(), Shape(3, 0, 0, 0), torch.Generator())
    warp.remember([Example(nested)])
    wanted = warp.sample(torch.Generator().manual_seed(1), (80, 80)).labels.numpy()
    assert np.array_equal(drawn(remembering([nested], 3), 1, (80, 80)), wanted)


def test_an_empty_mask_among_trees_stays_empty_and_names_its_parent() -> None:
    masks = [tree(0), np.zeros((SIDE, SIDE), np.uint8), tree(1)]
    model = remembering(masks)
    samples = [model.sample(torch.Generator().manual_seed(seed), (SIDE // 2, SIDE // 2)) for seed in range(8)]
    assert {sample.parents[0] for sample in samples} >= {0, 1}
    assert all(bool(sample.labels.any()) == (sample.parents != (1,)) for sample in samples)


def test_a_mask_is_the_same_whatever_was_drawn_before() -> None:
    masks = [tree(seed) for seed in range(2)]
    fresh, used = remembering(masks), remembering(masks)
    for seed in range(2):
        drawn(used, seed)
    assert np.array_equal(drawn(fresh, 7), drawn(used, 7))


def test_settings_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="prune_least"):
        RegrowConfig(prune_least=0.9, prune_most=0.5)
    with pytest.raises(ValueError, match="bend_least"):
        RegrowConfig(bend_least=0.2)
