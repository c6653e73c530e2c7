"""Contracting units without households: compact connected atoms, and the same cost."""

import networkx as nx
import numpy as np
import pandas as pd
import pytest

from gridmap.partition import evaluate, make_problem, partition_units
from gridmap.partition.contract import add_sides, contract_graph, grow_atoms, should_contract
from gridmap.partition.improve import make_search
from gridmap.partition.objective import make_state, make_weights, part_cost
from gridmap.partition.problem import Component, split_components
from gridmap.rules import Rules
from tests.test_partition import RULES, assert_plan, inner_graph, lattice, row_of


def sparse_town(seed: int = 0, wide: int = 40, high: int = 30):
    """Make one community in which one unit of eight is inhabited."""
    units, adjacency = lattice(wide, high, seed=seed)
    rng = np.random.default_rng(seed)
    lived = rng.random(len(units)) < 0.125
    units["households"] = np.where(lived, rng.integers(10, 80, len(units)), 0)
    return units.assign(community_id="one"), adjacency


def sparse_part(seed: int = 0) -> Component:
    """Give its only part."""
    (part,) = split_components(make_problem(*sparse_town(seed)), RULES)
    return part


@pytest.mark.parametrize("seed", range(3))
def test_atoms_are_whole(seed: int) -> None:
    """Each has one inhabited unit and is connected over usable pairs; none is left out."""
    part = sparse_part(seed)
    atom = grow_atoms(part.graph)
    graph = inner_graph(part)
    assert np.bincount(atom[part.graph.load > 0]).tolist() == [1] * (atom.max() + 1)
    for number in range(atom.max() + 1):
        assert nx.is_connected(graph.subgraph(np.flatnonzero(atom == number)))


def test_atoms_stop_at_barriers() -> None:
    """An empty unit joins the inhabited one on its side of the railway, also if that is farther."""
    problem = row_of([9, 0, 0, 0, 9], barrier=[0, 0, 3, 0])
    (part,) = split_components(problem, Rules())
    assert grow_atoms(part.graph).tolist() == [0, 0, 0, 1, 1]
    problem = row_of([9, 0, 0, 0, 0, 9], barrier=[3, 0, 0, 0, 0])
    (part,) = split_components(problem, Rules())
    assert grow_atoms(part.graph).tolist() == [0, 1, 1, 1, 1, 1]


@pytest.mark.parametrize("seed", range(3))
def test_a_contracted_plan_costs_the_same(seed: int) -> None:
    """Up to what no drawing changes: differences of two labellings agree on both graphs."""
    part = sparse_part(seed)
    graph, weights = part.graph, make_weights(RULES)
    atom = grow_atoms(graph)
    atoms, place = contract_graph(graph, atom)
    assert atoms.households.sum() == graph.households.sum()
    rng = np.random.default_rng(seed)
    gaps = []
    for _ in range(3):
        labels = rng.integers(0, 4, len(atoms.load)).astype(np.int32)
        whole = make_state(graph, labels[atom], 4, weights)
        small = make_state(atoms, labels.copy(), 4, weights)
        small.inside[:] = add_sides(whole.inside, place, len(atoms.neighbour))
        gaps.append(part_cost(whole) - part_cost(small))
    assert gaps == pytest.approx([gaps[0]] * 3)


def test_what_is_contracted() -> None:
    """Only parts of mostly empty units, with more inhabited ones than grids."""
    assert should_contract(sparse_part().graph, 5)
    assert not should_contract(sparse_part().graph, 1000)
    (full,) = split_components(row_of([5, 5, 0, 5]), Rules())
    assert not should_contract(full.graph, 2)
    assert make_search(full.graph, np.zeros(1, np.uint64)).vain.tolist() == [0] * 4


def test_a_sparse_town_is_drawn_whole() -> None:
    """Grids keep the hard rules, balance, and borders as short as a search of units alone."""
    units, adjacency = sparse_town()
    labels = partition_units(units, adjacency, Rules())
    assert_plan(units, adjacency, labels)
    homes = units["households"].groupby(labels).sum()
    assert (abs(homes / homes.mean() - 1) < 0.12).all()
    again = partition_units(units, adjacency, Rules())
    pd.testing.assert_series_equal(labels, again)
    cost = evaluate(make_problem(units, adjacency), labels, Rules())
    assert cost.counts["border"] < 11_000
