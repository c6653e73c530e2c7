"""Districts: a band that is a must, and the least borders inside it."""

import itertools
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridmap.errors import RulesError
from gridmap.partition import assemble_problem, evaluate, partition_problem
from gridmap.partition.districts import Best as Met
from gridmap.partition.districts import (
    anneal_inside,
    can_part,
    draw_whole,
    ease_weights,
    find_band,
    judge,
    keep_better,
    make_frontier,
    make_schedule,
    pick_group,
    take_units,
)
from gridmap.partition.improve import can_leave, make_search
from gridmap.partition.objective import make_state, make_weights
from gridmap.partition.problem import count_grids, measure_load, split_components
from gridmap.partition.prove.numbers import choose_number
from gridmap.rules import Costs, Rules
from tests.routines import compiled

can_leave = compiled(can_leave)
can_part = compiled(can_part)

#: Enough for county graphs, in a fraction of the default time.
STEPS = 60


def read_graph(folder: Path, name: str):
    """Read a districting graph as one community with a border of 1 per pair."""
    path = folder / "benchmark" / f"us_{name}.json"
    if not path.exists():
        pytest.skip(f"no districting graph at {path}")
    data = json.loads(path.read_text(encoding="utf-8"))
    return make_town([node["pop"] for node in data["nodes"]], data["edges"])


def make_town(households, pairs, *, border=1.0, compound=-1):
    """Make a problem of one community from counts and pairs."""
    size = len(households)
    return assemble_problem(
        households=households,
        community=np.zeros(size, int),
        compound=np.full(size, compound),
        block=np.zeros(size, int),
        pairs=pairs,
        border=np.full(len(pairs), border),
        barrier=np.zeros(len(pairs), int),
        usable=np.ones(len(pairs), bool),
    )


def make_lattice(rows, columns, households):
    """Make a problem of squares side by side."""
    lattice = nx.convert_node_labels_to_integers(nx.grid_2d_graph(rows, columns))
    return make_town(households, list(lattice.edges)), lattice


def check_districts(problem, labels, grids, tolerance):
    """Count cut edges; every district is there, connected and in the band, by networkx."""
    owner = np.repeat(np.arange(len(problem)), np.diff(problem.indptr))
    graph = nx.Graph(zip(owner.tolist(), problem.neighbour.tolist(), strict=True))
    total = int(problem.households.sum())
    assert sorted(set(labels.tolist())) == list(range(grids))
    for grid in range(grids):
        units = np.flatnonzero(labels == grid)
        assert nx.is_connected(graph.subgraph(units.tolist()))
        assert abs(int(problem.households[units].sum()) * grids - total) <= tolerance * total
    return sum(int(labels[one] != labels[two]) for one, two in graph.edges)


@pytest.mark.shared
@pytest.mark.parametrize(("state", "grids", "optimum"), [("AL", 7, 55), ("IA", 4, 33)])
def test_counties_reach_the_proven_optimum(shared_data, state, grids, optimum):
    """Counties of Alabama and Iowa are cut as few times as is proven possible."""
    problem = read_graph(shared_data, f"county_{state}")
    total = int(problem.households.sum())
    rules = Rules.for_grids(total, grids, tolerance=0.005, costs=Costs.cut_edges())
    with ThreadPoolExecutor(2) as executor:
        labels = partition_problem(problem, rules, executor=executor, steps=STEPS)
    assert check_districts(problem, labels, grids, 0.005) == optimum
    cost = evaluate(problem, labels, rules)
    assert (cost.total, cost.counts["border"], cost.counts["outside"]) == (optimum, optimum, 0)


@pytest.mark.shared
def test_tracts_are_in_the_band(shared_data):
    """Even a short search of the tracts of Maine finds connected districts inside the band."""
    problem = read_graph(shared_data, "tract_ME")
    total = int(problem.households.sum())
    rules = Rules.for_grids(total, 2, tolerance=0.005, costs=Costs.cut_edges())
    assert check_districts(problem, partition_problem(problem, rules, steps=20), 2, 0.005) <= 24


@pytest.mark.shared
def test_workers_do_not_change_the_districts(shared_data):
    """One thread, no executor or three threads: the same labels."""
    problem = read_graph(shared_data, "county_IA")
    rules = Rules.for_grids(3046355, 4, tolerance=0.005, costs=Costs.cut_edges())
    alone = partition_problem(problem, rules, steps=2, seed=3)
    for workers in (1, 3):
        with ThreadPoolExecutor(workers) as executor:
            labels = partition_problem(problem, rules, steps=2, seed=3, executor=executor)
        assert labels.tolist() == alone.tolist()


_PRINT_LABELS = """
import numpy as np
from gridmap.partition import partition_problem
from gridmap.rules import Costs, Rules
from tests.routines import compiled
from tests.partition.test_districts import make_lattice
town, _ = make_lattice(6, 6, np.arange(36) % 5 + 10)
rules = Rules.for_grids(int(town.households.sum()), 4, tolerance=0.1, costs=Costs.cut_edges())
print(partition_problem(town, rules, steps=1).tolist())
"""


def test_hash_seeds_do_not_change_the_districts():
    """Processes with different hash seeds print the same labels."""
    printed = [
        subprocess.run(
            [sys.executable, "-c", _PRINT_LABELS],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert printed[0] == printed[1]


def list_best(problem, lattice, grids, band):
    """Count the fewest cut edges of connected grids in a band, by trying every labelling."""
    least = None
    for labels in itertools.product(range(grids), repeat=len(problem)):
        groups = [[u for u, label in enumerate(labels) if label == g] for g in range(grids)]
        loads = [sum(int(problem.households[u]) for u in group) for group in groups]
        if not all(band[0] <= load <= band[1] for load in loads) or labels[0] != 0:
            continue
        if all(nx.is_connected(lattice.subgraph(group)) for group in groups):
            cut = sum(labels[one] != labels[two] for one, two in lattice.edges)
            least = cut if least is None else min(least, cut)
    return least


@pytest.mark.parametrize("seed", range(4))
def test_small_towns_are_drawn_as_well_as_possible(seed):
    """On lattices of 12 units no labelling in the band has fewer cut edges."""
    homes = np.random.default_rng(seed).integers(1, 30, 12)
    town, lattice = make_lattice(3, 4, homes)
    rules = Rules.for_grids(int(homes.sum()), 2, tolerance=0.1, costs=Costs.cut_edges())
    labels = partition_problem(town, rules, steps=1, seed=seed)
    cost = evaluate(town, labels, rules)
    assert cost.counts["outside"] == 0
    assert cost.total == list_best(town, lattice, 2, rules.band)


def test_a_band_that_cannot_be_kept_is_reported():
    """Where no plan is in the band the nearest is given, and the cost says so."""
    town, _ = make_lattice(1, 4, [100, 100, 100, 400])
    rules = Rules.for_grids(700, 2, tolerance=0.01, costs=Costs.cut_edges())
    labels = partition_problem(town, rules, steps=1)
    assert labels.tolist() == [0, 0, 0, 1]
    cost = evaluate(town, labels, rules)
    assert cost.counts["outside"] == 2
    assert cost.grids["outside"].tolist() == [47, 47]  # 347 to 353 are inside
    assert cost.terms["outside"] > 1000 * cost.terms["border"]


def test_the_number_of_grids_is_the_one_asked_for():
    """A target need not be whole, and a large unit takes no grid away where the band is a must."""
    loads = [500, 500, 500, 90, 90, 91]
    for grids in range(1, 7):
        rules = Rules.for_grids(sum(loads), grids, tolerance=0.005, costs=Costs.cut_edges())
        assert count_grids(loads, rules) == grids
    with pytest.raises(RulesError, match="can't be 9 grids"):
        Rules.for_grids(5, 9)


def test_a_tower_does_not_leave_the_others_too_small():
    """35 units of 50 beside one of 2,000 are six grids in the band, not the twelve that are due."""
    town, _ = make_lattice(6, 6, [2000] + [50] * 35)
    rules = Rules(costs=Costs.cut_edges())
    drawn = evaluate(town, partition_problem(town, rules, steps=1), rules)
    assert drawn.grids["households"].tolist()[0] == 2000
    assert (len(drawn.grids["households"]), drawn.counts["outside"]) == (7, 1)
    asked = evaluate(town, partition_problem(town, rules, steps=1, grids=13), rules)
    assert (len(asked.grids["households"]), asked.counts["outside"]) == (13, 13)
    assert drawn.total < asked.total


def test_the_number_due_stays_where_a_band_can_be_kept():
    """Where several numbers have room in the band it is households / target, even at its edge."""
    for homes, due in (([100] * 36, 12), ([10] * 100, 3), ([350, 350, 600], 3)):
        (part,) = split_components(make_lattice(1, len(homes), homes)[0], Rules())
        rules = Rules.for_grids(sum(homes), due, tolerance=0.2, costs=Costs.cut_edges())
        assert choose_number(part.graph, due, make_weights(rules)) == due


@given(
    total=st.integers(10_000, 10**7),
    grids=st.integers(2, 60),
    per_mille=st.sampled_from([5, 10, 50]),
)
def test_the_band_is_exact(total, grids, per_mille):
    """Both ends are whole households inside the band: checked with whole numbers."""
    rules = Rules.for_grids(total, grids, tolerance=per_mille / 1000, costs=Costs.cut_edges())
    low = -(-(1000 - per_mille) * total // (1000 * grids))
    high = (1000 + per_mille) * total // (1000 * grids)
    assert rules.band == (low, high)
    assert tuple(find_band(make_weights(rules))) == (low, high)


def make_states(seed):
    """Give a lattice drawn in four grids, with holes, and its state."""
    rng = np.random.default_rng(seed)
    town, _ = make_lattice(7, 7, rng.integers(0, 9, 49))
    rules = Rules(target=50, tolerance=0.1, costs=Costs.cut_edges())
    graph = split_components(town, rules)[0].graph
    weights = make_weights(rules, measure_load(town, rules)[1])
    drawn = draw_whole(graph, 4, weights, np.array([seed], np.uint64))
    return graph, weights, drawn


@given(seed=st.integers(0, 10**6))
@settings(max_examples=40, deadline=None)
def test_two_searches_agree_on_what_can_leave(seed):
    """Searching from two ends says the same as from one, and as networkx."""
    graph, weights, drawn = make_states(seed % 997)
    labels = np.random.default_rng(seed).integers(0, 2, 49).astype(np.int32)
    for plan in (labels, drawn.labels):
        state = make_state(graph, plan.copy(), 4, ease_weights(weights))
        whole = nx.Graph(zip(graph.owner.tolist(), graph.neighbour.tolist(), strict=True))
        for unit in range(49):
            others = np.flatnonzero(plan == plan[unit])
            inside = whole.subgraph(others.tolist())
            here = nx.node_connected_component(inside, unit)
            rest = inside.subgraph(here - {unit})
            expected = len(rest) > 0 and nx.is_connected(rest)
            search = make_search(graph, np.zeros(1, np.uint64))
            assert can_part(state, search, unit) == expected
            assert can_part(state, search, unit) == can_leave(state, search, unit) == expected


@pytest.mark.parametrize("seed", range(5))
def test_annealing_counts_right(seed):
    """What the annealing has summed up move by move is what a count from nothing gives."""
    graph, weights, drawn = make_states(seed)
    fresh = judge(graph, drawn.labels.copy(), 4, weights)
    assert int(fresh.excess[0]) == int(drawn.excess[0])
    assert float(fresh.cost[0]) == pytest.approx(float(drawn.cost[0]))


def test_the_frontier_is_kept():
    """After an annealing the frontier lists exactly the sides between two grids."""
    graph, weights, drawn = make_states(1)
    state = make_state(graph, drawn.labels.copy(), 4, ease_weights(weights))
    frontier = make_frontier(graph, state.labels)
    assert (graph.owner[frontier.twin] == graph.neighbour).all()
    assert (graph.neighbour[frontier.twin] == graph.owner).all()
    met = Met(state.labels.copy(), np.full(1, 1 << 62), np.full(1, np.inf))
    band, rng = find_band(weights), np.array([7], np.uint64)
    schedule = make_schedule(state, band, 2.5)
    anneal_inside(
        state, frontier, make_search(graph, np.zeros(1, np.uint64)), rng, band, schedule, 5000, met
    )
    between = np.flatnonzero(state.labels[graph.owner] != state.labels[graph.neighbour])
    count = int(frontier.length[0])
    assert sorted(frontier.sides[:count].tolist()) == between.tolist()
    assert (frontier.place[frontier.sides[:count]] == np.arange(count)).all()
    assert (np.flatnonzero(frontier.place >= 0) == between).all()


def test_groups_hang_together():
    """A group of grids is connected, and its graph is the whole's among its units."""
    graph, _, drawn = make_states(2)
    whole = nx.Graph(zip(graph.owner.tolist(), graph.neighbour.tolist(), strict=True))
    for seed in range(20):
        group = pick_group(graph, drawn.labels, 4, 2 + seed % 3, np.array([seed], np.uint64))
        assert len(group) == 2 + seed % 3
        inside = np.isin(drawn.labels, group)
        part, units = take_units(graph, inside), np.flatnonzero(inside)
        expected = nx.Graph(whole.subgraph(units.tolist()))
        pairs = zip(units[part.owner].tolist(), units[part.neighbour].tolist(), strict=True)
        assert nx.is_connected(expected)
        assert nx.utils.edges_equal(nx.Graph(pairs).edges, expected.edges)
        assert part.load.tolist() == graph.load[units].tolist()


def test_the_band_comes_before_the_cost():
    """Less outside the band wins over any cost; ties stay."""
    one, two, three = (
        Met(np.zeros(1, np.int32), np.array([excess]), np.array([cost]))
        for excess, cost in ((0, 90.0), (1, 5.0), (0, 89.0))
    )
    assert keep_better(one, two) is one
    assert keep_better(two, one) is one
    assert keep_better(one, three) is three
    assert keep_better(three, three) is three


def test_a_redraw_stays_near_the_plan_before():
    """With a high price of moving few households move; with none the borders decide."""
    homes = np.full(64, 10)
    town, _ = make_lattice(8, 8, homes)
    start = np.repeat(np.arange(4), 16)  # four stripes of two rows, 24 cut edges; squares have 16
    homes[:2] = 30
    town = replace(town, households=homes)
    rules = Rules.for_grids(int(homes.sum()), 4, tolerance=0.1, costs=Costs.cut_edges())
    dear = replace(rules, costs=replace(rules.costs, moved=1.0))
    free = replace(rules, costs=replace(rules.costs, moved=0.0))
    costs = [
        evaluate(town, partition_problem(town, each, start=start, steps=2), each, start=start)
        for each in (dear, free)
    ]
    assert costs[0].counts["outside"] == costs[1].counts["outside"] == 0
    assert costs[0].counts["moved"] <= 60 < costs[1].counts["moved"]
    assert costs[1].counts["border"] < costs[0].counts["border"]


def test_other_costs_count_inside_the_band():
    """With metres and compounds the cheapest plan in the band keeps a compound together."""
    town, _ = make_lattice(2, 8, np.full(16, 10))
    compound = np.where(np.arange(16) % 8 < 3, -1, np.where(np.arange(16) % 8 < 5, 7, -1))
    town = replace(town, compound=np.where(compound == 7, 0, -1).astype(np.int32))
    rules = Rules.for_grids(160, 2, tolerance=0.3, costs=Costs.cut_edges())
    split = replace(rules, costs=replace(rules.costs, compound=5.0))
    labels = partition_problem(town, split, steps=1)
    cost = evaluate(town, labels, split)
    assert (cost.counts["compound"], cost.counts["border"], cost.counts["outside"]) == (0, 2, 0)
