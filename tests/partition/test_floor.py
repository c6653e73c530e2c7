"""The bound of a redraw: no drawing is below it, and households that can be divided reach it."""

import itertools

import numpy as np
import pytest

from gridmap.partition.floor import balance_and_moves, bound_redraw
from gridmap.partition.improve import HOT, anneal_part, make_search
from gridmap.partition.objective import HOME_GONE, NO_HOME, make_state, make_weights
from gridmap.partition.problem import assemble_problem, split_components
from gridmap.partition.split import make_tree
from gridmap.rules import Costs, Rules
from tests.test_partition import drawn_state, one_component, random_words


def row_of_singles(loads: list[int], rules: Rules):
    """Make a part of units of these households in a row, each a grid."""
    size = len(loads)
    town = assemble_problem(
        households=loads,
        community=[0] * size,
        compound=[-1] * size,
        block=[0] * size,
        pairs=[(place, place + 1) for place in range(size - 1)],
        border=[9] * (size - 1),
        barrier=[0] * (size - 1),
        usable=[True] * (size - 1),
    )
    return split_components(town, rules)[0].graph


@pytest.mark.parametrize("price", [0.0, 0.001, 0.01, 0.1])
@pytest.mark.parametrize("loads", [[30, 14, 16], [20, 20, 20], [41, 10, 9], [5, 22, 27]])
@pytest.mark.parametrize("labels", [[0, 1, 2], [0, 0, 2], [0, 3, 2], [1, 1, 3]])
def test_households_that_can_be_divided_reach_it(
    loads: list[int], price: float, labels: list[int]
) -> None:
    """The best of all ways to share out whole households is just above the bound."""
    rules = Rules(target=20, costs=Costs(moved=price))
    graph = row_of_singles(loads, rules)
    origin = np.arange(3, dtype=np.int32)
    bound = bound_redraw(graph, np.array(labels, np.int32), origin, make_weights(rules))
    grids, total = np.unique(labels), sum(loads)
    before = np.array([loads[grid] if grid < 3 else 0 for grid in grids])
    least = np.inf
    for first in itertools.product(range(total + 1), repeat=len(grids) - 1):
        if sum(first) <= total:
            load = np.array([*first, total - sum(first)])
            off = abs(load / 20 - 1)
            moved = total - before.sum() + np.maximum(before - load, 0).sum()
            cost = (off**2 + 25 * np.maximum(off - 0.2, 0) ** 2).sum() + price * moved
            least = min(least, cost)
    assert bound <= least + 1e-9
    assert bound == pytest.approx(least, abs=0.05)


@pytest.mark.parametrize("seed", range(4))
def test_no_drawing_is_below(seed: int) -> None:
    """However a part is annealed, with units that had no grid and grids that are gone."""
    component = one_component(seed)
    graph = component.graph
    drawn, _ = drawn_state(component, seed)
    rng = np.random.default_rng(seed)
    origin = drawn.labels.copy()
    origin[rng.random(len(origin)) < 0.1] = -1
    for price in (0.00005, 0.0005, 0.01):
        weights = make_weights(Rules(costs=Costs(moved=price)))
        labels = np.where(drawn.labels == 1, 0, drawn.labels).astype(np.int32)
        bound = bound_redraw(graph, labels, origin, weights)
        grids, places = np.unique(labels, return_inverse=True)
        home = np.where(origin < 0, NO_HOME, np.searchsorted(grids, origin))
        home = np.where(origin == 1, HOME_GONE, home).astype(np.int32)
        state = make_state(graph, places.astype(np.int32), len(grids), weights, home)
        assert balance_and_moves(state) >= bound
        anneal_part(
            state,
            make_tree(graph, random_words(seed)),
            make_search(graph, np.zeros(1, np.uint64)),
            20000,
            HOT,
        )
        assert balance_and_moves(state) >= bound


def test_targets_of_their_own() -> None:
    """With loads that are not households the price of a grain is that of its cheapest unit."""
    rules = Rules(costs=Costs(moved=0.001))
    graph = row_of_singles([200, 100], rules)
    graph.load[:] = [400, 100]  # of 300 grains: the first unit's target is 150
    labels = np.array([0, 1], np.int32)
    bound = bound_redraw(graph, labels, labels, make_weights(rules))
    cheap = make_weights(Rules(costs=Costs(moved=0.0005)))
    graph.households[:] = graph.load
    assert bound == pytest.approx(bound_redraw(graph, labels, labels, cheap))


def test_nobody_lives_there() -> None:
    """A part of empty units costs what its empty grid costs."""
    graph = row_of_singles([0, 0], Rules())
    labels = np.zeros(2, np.int32)
    assert bound_redraw(graph, labels, labels, make_weights(Rules())) == pytest.approx(17)
