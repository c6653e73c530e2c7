"""Polishing small parts: exact re-splits by the whole objective, balance first, nothing broken."""

from itertools import product

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridmap.partition import (
    assemble_problem,
    evaluate,
    improve_small,
    partition_problem,
    prove,
)
from gridmap.partition.even import draw_even, is_drawn_evenly
from gridmap.partition.objective import NO_HOME, count_pieces, make_state, make_weights, part_cost
from gridmap.partition.polish import LARGEST, MEDIUM, favour_balance, polish_small
from gridmap.partition.problem import Component, Problem, measure_load, split_components
from gridmap.partition.prove.group import BITS
from gridmap.partition.prove.resplit import improve_state
from gridmap.partition.prove.settle import cost_balance
from gridmap.rules import Costs, Rules

RULES = Rules(target=100)
WEIGHTS = make_weights(RULES)
FREE = WEIGHTS._replace(moved=0.0)
STEPS = 20_000


def random_town(seed: int, size: int, **more: object) -> tuple[Problem, nx.Graph]:
    """Make a connected town with streets, compounds, empty units and borders of any length."""
    rng = np.random.default_rng(seed)
    graph = nx.Graph()
    graph.add_nodes_from(range(size))
    graph.add_edges_from((unit, int(rng.integers(0, unit))) for unit in range(1, size))
    graph.add_edges_from((int(a), int(b)) for a, b in rng.integers(0, size, (size, 2)) if a != b)
    pairs = sorted(tuple(sorted(pair)) for pair in graph.edges)
    usable = rng.random(len(pairs)) < 0.9
    usable[[pair in nx.minimum_spanning_tree(graph).edges for pair in pairs]] = True
    graph.remove_edges_from(pair for pair, open_ in zip(pairs, usable, strict=True) if not open_)
    problem = assemble_problem(
        households=rng.integers(1, 80, size) * (rng.random(size) < 0.7),
        community=[0] * size,
        compound=rng.integers(-1, size // 3, size),
        block=np.arange(size) // 3,
        pairs=pairs,
        border=rng.uniform(5, 200, len(pairs)),
        barrier=rng.integers(0, 3, len(pairs)),
        usable=usable,
        **more,
    )
    return problem, graph


def lattice(side: int, seed: int, **more: object) -> Problem:
    """Make a square town of one community, with compounds of four."""
    rng = np.random.default_rng(seed)
    spot = np.arange(side * side).reshape(side, side)
    pairs = [*zip(spot[:, :-1].ravel(), spot[:, 1:].ravel(), strict=True)]
    pairs += [*zip(spot[:-1].ravel(), spot[1:].ravel(), strict=True)]
    place = (np.arange(side) // 2)[:, None] * side + np.arange(side)[None, :] // 2
    return assemble_problem(
        households=rng.integers(5, 60, side * side) * (rng.random(side * side) < 0.7),
        community=np.zeros(side * side, int),
        compound=place.ravel(),
        block=place.ravel() // 2,
        pairs=pairs,
        border=np.full(len(pairs), 20.0),
        barrier=np.zeros(len(pairs), int),
        usable=np.ones(len(pairs), bool),
        **more,
    )


def draw_roughly(problem: Problem, rules: Rules = RULES) -> tuple[Component, np.ndarray]:
    """Draw the one part of a problem without any search."""
    (component,) = split_components(problem, rules)
    return component, partition_problem(problem, rules, steps=0)


def balance(problem: Problem, labels: np.ndarray, rules: Rules = RULES) -> float:
    """Take the terms that come first from the objective itself."""
    terms = evaluate(problem, labels, rules).terms
    return terms["balance"] + terms["outside"]


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), size=st.integers(4, 8), grids=st.integers(2, 3))
def test_two_and_three_grids_are_cut_in_the_best_way(seed: int, size: int, grids: int) -> None:
    """The kernel against plain Python: no connected division into inhabited grids costs less."""
    problem, graph = random_town(seed, size)
    (component,) = split_components(problem, RULES)
    costs = {}
    for labels in product(range(grids), repeat=size):
        groups = [[unit for unit in graph if labels[unit] == grid] for grid in range(grids)]
        lived = all(problem.households[group].sum() > 0 for group in groups)
        if lived and all(nx.is_connected(graph.subgraph(group)) for group in groups):
            costs[labels] = evaluate(problem, labels, RULES).total
    if not costs:
        return
    worst = max(costs, key=lambda each: costs[each])
    state = make_state(component.graph, np.array(worst, np.int32), grids, FREE)
    improve_state(state, 10**6, 10**6)
    total = evaluate(problem, state.labels, RULES).total
    assert total == pytest.approx(min(costs.values()), abs=1e-8)
    again = make_state(component.graph, state.labels.copy(), grids, FREE)
    assert part_cost(state) == pytest.approx(part_cost(again))
    assert state.load.tolist() == again.load.tolist()


@pytest.mark.parametrize("seed", range(6))
def test_a_redraw_pays_for_what_moves(seed: int) -> None:
    """With homes the re-split minimises moves too, and the cost never rises."""
    problem, _ = random_town(seed, 14)
    component, labels = draw_roughly(problem)
    grids = int(labels.max()) + 1
    home = labels.astype(np.int32)
    home[::5] = NO_HOME
    costs = []
    for weights in (WEIGHTS._replace(moved=1.0), WEIGHTS):
        state = make_state(component.graph, labels.astype(np.int32), grids, weights, home)
        before = part_cost(state)
        improve_state(state, 10**5, 10**5)
        assert part_cost(state) <= before
        moved = (home != NO_HOME) & (state.labels != home)
        costs.append(moved.sum())
    assert costs[0] == 0  # a household that moves costs more than any balance gains
    assert costs[1] >= 0


@pytest.mark.parametrize("side", [5, 6, 8])
def test_small_parts_are_as_even_as_can_be(side: int) -> None:
    """Balance is within the slack of the proven optimum, and the plan is one."""
    problem = lattice(side, seed=side)
    component, labels = draw_roughly(problem)
    grids, words = int(labels.max()) + 1, np.zeros(1, np.uint64)
    better = draw_even(component.graph, labels, grids, FREE, words, 20 * STEPS)
    (one,) = prove(problem, labels, RULES, steps=10**6)
    assert one.proven
    assert balance(problem, better) <= one.best * (1 + FREE.slack) + 1e-9
    found = evaluate(problem, better, RULES)
    assert (found.grids["pieces"] == 1).all()
    assert (found.grids["households"] > 0).all()
    assert np.array_equal(np.unique(better), np.unique(labels))
    words[:] = 0
    again = draw_even(component.graph, labels, grids, FREE, words, 20 * STEPS)
    assert np.array_equal(better, again)


def test_little_effort_spares_what_is_not_worth_a_border(monkeypatch: pytest.MonkeyPatch) -> None:
    """A part of 49 units may be so much less even per grid, no more, and has shorter borders."""
    spare, borders = 0.02, np.zeros(2)
    for seed in range(4):
        problem, plans = lattice(7, seed=seed), []
        component, labels = draw_roughly(problem)
        for each in (spare, 0.0):
            monkeypatch.setattr("gridmap.partition.polish.COARSE", each)
            plans.append(polish_small(component, labels, FREE, STEPS // 2))
        most = balance(problem, plans[1]) + spare * (labels.max() + 1)
        assert balance(problem, plans[0]) <= most + 1e-9
        borders += [evaluate(problem, plan, RULES).counts["border"] for plan in plans]
    assert borders[0] < borders[1]


def test_a_large_slack_lets_the_sum_decide() -> None:
    """By `shape` the whole cost never rises; by `balance` the balance does not. Most fall."""
    fell = {"shape": 0, "balance": 0}
    for seed in range(6):
        problem = lattice(6, seed=seed)
        for name, costs in (("shape", Costs.shape()), ("balance", Costs.balance())):
            rules = Rules(target=100, costs=costs)
            component, labels = draw_roughly(problem, rules)
            better = polish_small(component, labels, make_weights(rules)._replace(moved=0.0), STEPS)
            if name == "shape":
                before, after = (evaluate(problem, each, rules).total for each in (labels, better))
            else:
                before, after = balance(problem, labels), balance(problem, better)
            assert after <= before + 1e-9
            fell[name] += after < before - 1e-9
    assert min(fell.values()) >= 3, fell


def test_large_parts_one_grid_and_no_steps_stay_as_they_are() -> None:
    """What is not polished is given back; balance comes first only where the slack is small."""
    component, labels = draw_roughly(lattice(12, seed=1))
    assert len(labels) > MEDIUM
    assert polish_small(component, labels, FREE, STEPS) is labels
    component, labels = draw_roughly(lattice(6, seed=1))
    assert polish_small(component, labels, FREE, 0) is labels
    one = np.zeros_like(labels)
    assert polish_small(component, one, FREE, STEPS) is one
    assert is_drawn_evenly(len(labels), FREE, STEPS)
    assert not is_drawn_evenly(len(labels), FREE, 0)
    assert not is_drawn_evenly(len(labels), FREE._replace(slack=10.0), STEPS)
    assert not is_drawn_evenly(MEDIUM, FREE, STEPS)


@pytest.mark.parametrize("seed", range(4))
def test_little_effort_is_nearly_even_and_never_worse_than_its_start(seed: int) -> None:
    """Several quick drawings come near the optimum; the trifles that they spare are bounded."""
    problem = lattice(7, seed=seed)
    component, labels = draw_roughly(problem)
    grids = int(labels.max()) + 1
    words = np.array([seed], np.uint64)
    better = draw_even(component.graph, labels, grids, FREE, words, 150 * len(labels))
    (one,) = prove(problem, labels, RULES)
    assert count_pieces(problem, better).tolist() == [1] * grids
    assert balance(problem, better) <= max(balance(problem, labels), one.best + 0.002 * grids)
    assert balance(problem, better) >= one.bound - 1e-9


def test_large_parts_are_more_even_with_high_effort() -> None:
    """From 1,000 moves a unit balance comes first in a part of any size, and the plan is one."""
    problem = lattice(11, seed=3)
    (component,) = split_components(problem, RULES)
    size = len(component.units)
    assert size > LARGEST
    assert favour_balance(component, FREE, 100 * size) == FREE
    assert favour_balance(component, FREE._replace(slack=10.0), 2000 * size).border == FREE.border
    assert favour_balance(component, FREE, 2000 * size).border < FREE.border
    labels = partition_problem(problem, RULES, steps=20)
    better = polish_small(component, labels, FREE, 2000 * size)
    assert balance(problem, better) < balance(problem, labels)
    assert count_pieces(problem, better).tolist() == [1] * (int(labels.max()) + 1)
    drawn = partition_problem(problem, RULES, steps=2000)
    assert balance(problem, drawn) < balance(problem, labels)


def test_groups_of_more_units_than_bits_are_contracted() -> None:
    """Two grids of 50 units each are still cut anew, inside compounds and blocks."""
    problem = lattice(10, seed=4)
    rules = Rules(target=int(problem.households.sum() / 2))
    (component,) = split_components(problem, rules)
    labels = (np.arange(100) >= 30).astype(np.int32)
    assert len(labels) > BITS
    state = make_state(component.graph, labels, 2, make_weights(rules)._replace(moved=0.0))
    before = part_cost(state)
    improve_state(state, 10**5, 10**5)
    assert part_cost(state) < before
    assert (evaluate(problem, state.labels, rules).grids["pieces"] == 1).all()


def test_balance_never_rises_above_what_is_allowed() -> None:
    """Borders get better only as far as the balance stays within its limit."""
    problem = lattice(6, seed=7)
    component, labels = draw_roughly(problem)
    grids = int(labels.max()) + 1
    heavy = make_weights(Rules(target=100, costs=Costs.shape()))._replace(moved=0.0)
    before = cost_balance(component.graph, labels, grids, heavy)
    state = make_state(component.graph, labels.astype(np.int32), grids, heavy)
    cost = part_cost(state)
    improve_state(state, 10**5, 10**5, before)
    assert part_cost(state) < cost
    assert cost_balance(component.graph, state.labels, grids, heavy) <= before + 1e-9


def test_locked_grids_stay_and_separate() -> None:
    """A locked grid keeps its units, has a certificate, and what it separates is proven apart."""
    problem = lattice(6, seed=3)
    labels = partition_problem(problem, RULES)
    locked = [int(labels[0])]
    certificates = prove(problem, labels, RULES, locked=locked)
    held = [one for one in certificates if one.reason == "the grid is locked"]
    assert [one.grids.tolist() for one in held] == [locked]
    assert held[0].status == "optimal"
    better = improve_small(problem, labels, RULES, by="balance", locked=locked)
    assert np.array_equal(better == locked[0], labels == locked[0])
    again = partition_problem(problem, RULES, start=labels, locked=locked)
    assert len(np.unique(again[labels == locked[0]])) == 1
    assert np.count_nonzero(again == again[0]) == np.count_nonzero(labels == labels[0])


def test_an_exclusive_zone_is_one_grid_of_any_size() -> None:
    """A zone far above the target is optimal; the rest is polished and proven beside it."""
    zone = np.where(np.arange(36) < 12, 0, -1)
    problem = lattice(6, seed=3, zone=zone)
    labels = partition_problem(problem, RULES)
    assert len(np.unique(labels[:12])) == 1
    exclusive, rest = prove(problem, labels, RULES)
    assert (exclusive.cost, exclusive.bound, exclusive.status) == (0.0, 0.0, "optimal")
    assert exclusive.to_text() == "optimal; an exclusive zone has no size to keep"
    assert exclusive.avoidable.tolist() == [0.0]
    assert rest.gap <= FREE.slack


def test_targets_of_their_own_count_in_grains() -> None:
    """Units that ask for half the target fill twice as much of a grid, here as in the objective."""
    target = np.where(np.arange(36) < 18, 50.0, 100.0)
    problem = lattice(6, seed=5, target=target)
    labels = partition_problem(problem, RULES)
    _, grain = measure_load(problem, RULES)
    assert grain == 100
    (one,) = prove(problem, labels, RULES)
    assert one.cost == pytest.approx(balance(problem, labels))
    assert one.gap <= FREE.slack


def test_a_part_of_empty_units_is_a_grid() -> None:
    """A park that touches nothing is drawn and proven without trouble."""
    problem = assemble_problem(
        households=[50, 60, 40, 50, 0, 0],
        community=[0] * 6,
        compound=[-1] * 6,
        block=[0] * 6,
        pairs=[(0, 1), (1, 2), (2, 3), (4, 5)],
        border=[20.0] * 4,
        barrier=[0] * 4,
        usable=[True] * 4,
    )
    labels = partition_problem(problem, RULES)
    assert labels[4] == labels[5]
    assert len(np.unique(labels)) == 3
    assert [one.to_text() for one in prove(problem, labels, RULES)][
        1
    ] == "optimal; nobody lives here"
