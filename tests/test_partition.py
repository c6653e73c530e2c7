"""The partition engine: hard rules, the cost, the kernels against plain Python, odd input."""

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import box

from gridmap.errors import PlanError, RulesError, TableError
from gridmap.partition import (
    assemble_problem,
    evaluate,
    make_problem,
    partition_problem,
    partition_units,
    take_units,
    warm_up,
)
from gridmap.partition.improve import HOT, anneal_part, can_leave, make_search, recombine
from gridmap.partition.objective import (
    make_state,
    make_weights,
    part_cost,
    shift_delta,
    shift_unit,
)
from gridmap.partition.problem import Component, Problem, count_grids, split_components
from gridmap.partition.split import (
    choose_cut,
    draw_below,
    draw_bits,
    draw_share,
    draw_tree,
    make_pieces,
    make_tree,
    split_part,
    sum_subtrees,
)
from gridmap.rules import Costs, Rules
from gridmap.tables import CROSSINGS
from tests.routines import compiled

can_leave = compiled(can_leave)
choose_cut = compiled(choose_cut)
draw_bits = compiled(draw_bits)
draw_share = compiled(draw_share)
draw_tree = compiled(draw_tree)
recombine = compiled(recombine)
shift_delta = compiled(shift_delta)
shift_unit = compiled(shift_unit)
sum_subtrees = compiled(sum_subtrees)

RULES = Rules(
    costs=Costs(street=1e-4, main_road=1e-3, railway=2e-3, river=3e-3, compound=0.02, border=1e-4)
)


@pytest.fixture(scope="module", autouse=True)
def _compiled() -> None:
    warm_up()


def lattice(
    wide: int, high: int, *, seed: int = 0, keep: float = 1.0, largest: int = 60
) -> tuple[gpd.GeoDataFrame, pd.DataFrame]:
    """Make a town of 20 m squares: two communities side by side, compounds of 3 x 2."""
    rng = np.random.default_rng(seed)
    x, y = (axis.ravel() for axis in np.meshgrid(np.arange(wide), np.arange(high)))
    half = x >= wide // 2
    units = gpd.GeoDataFrame(
        {
            "households": rng.integers(0, largest + 1, x.size) * (rng.random(x.size) < 0.8),
            "buildings": 1,
            "community_id": np.where(half, "west", "east"),
            "block_id": (x // 4) + 100 * (y // 3),
            "compound_id": [
                "" if a % 5 == 4 else f"c{a // 3}-{b // 2}" for a, b in zip(x, y, strict=True)
            ],
            "building_id": "",
        },
        geometry=box(20 * x, 20 * y, 20 * x + 20, 20 * y + 20),
        crs="EPSG:32651",
        index=pd.RangeIndex(10, 10 + x.size, name="unit_id"),
    )
    right = np.flatnonzero(x < wide - 1)
    above = np.flatnonzero(y < high - 1)
    first = np.concatenate([right, above])
    second = np.concatenate([right + 1, above + wide])
    codes = rng.choice(len(CROSSINGS), first.size, p=[0.8, 0.1, 0.06, 0.02, 0.02])
    adjacency = pd.DataFrame(
        {
            "unit_a": first + 10,
            "unit_b": second + 10,
            "border": rng.uniform(1, 20, first.size),
            "barrier": np.array(CROSSINGS, object)[codes],
            "usable": rng.random(first.size) < keep,
        }
    )
    return units, adjacency.sort_values(["unit_a", "unit_b"], ignore_index=True)


def to_graph(units: pd.DataFrame, adjacency: pd.DataFrame) -> nx.Graph:
    """Give the usable pairs inside communities, in networkx."""
    graph = nx.Graph()
    graph.add_nodes_from(units.index)
    home = units["community_id"]
    for pair in adjacency[adjacency["usable"]].itertuples():
        if home[pair.unit_a] == home[pair.unit_b]:
            graph.add_edge(pair.unit_a, pair.unit_b)
    return graph


def assert_plan(units: pd.DataFrame, adjacency: pd.DataFrame, labels: pd.Series) -> None:
    """Hard rules: every unit once, one community, one piece, no number left out."""
    assert labels.index.equals(units.index)
    assert (labels.dtype, labels.name) == (np.int64, "grid_id")
    assert sorted(labels.unique()) == list(range(labels.max() + 1))
    graph = to_graph(units, adjacency)
    for _, members in labels.groupby(labels):
        assert nx.is_connected(graph.subgraph(members.index))
        assert units.loc[members.index, "community_id"].nunique() == 1


def cost_by_hand(
    units: pd.DataFrame, adjacency: pd.DataFrame, labels: pd.Series, rules: Rules
) -> dict[str, float]:
    """Compute the documented cost, one loop per term, straight from the tables."""
    costs = rules.costs
    terms = dict.fromkeys(["balance", "outside", *CROSSINGS[1:], "compound", "border"], 0.0)
    for homes in units["households"].groupby(labels).sum():
        off = homes / rules.target - 1
        terms["balance"] += off**2
        terms["outside"] += costs.outside * max(0.0, abs(off) - rules.tolerance) ** 2
    for pair in adjacency.itertuples():
        if units.at[pair.unit_a, "community_id"] != units.at[pair.unit_b, "community_id"]:
            continue
        if labels[pair.unit_a] != labels[pair.unit_b]:
            terms["border"] += costs.border * pair.border
        elif pair.barrier != "none":
            terms[pair.barrier] += getattr(costs, pair.barrier) * pair.border
    lived = units[(units["households"] > 0) & (units["compound_id"] != "")]
    parts = list(nx.connected_components(to_graph(units, adjacency)))
    part = {unit: place for place, members in enumerate(parts) for unit in members}
    for _, estate in lived.groupby([lived["compound_id"], lived.index.map(part)]):
        need = max(1, -(-int(estate["households"].sum()) // rules.band[1]))
        spread = labels[estate.index].nunique()
        terms["compound"] += costs.compound * max(0, spread - need)
    return terms


def one_component(seed: int = 0, wide: int = 12, high: int = 8) -> Component:
    """Give the first of the lattice's communities as arrays."""
    units, adjacency = lattice(wide, high, seed=seed)
    return split_components(make_problem(units, adjacency), RULES)[0]


def random_words(seed: int) -> np.ndarray:
    """Make the state of the random numbers."""
    return np.array([seed], np.uint64)


def drawn_state(component: Component, seed: int = 0):
    """Make a first split, with its tree."""
    graph, grids = component.graph, component.grids
    state = make_state(graph, np.zeros(len(graph.households), np.int32), grids, make_weights(RULES))
    tree = make_tree(graph, random_words(seed))
    split_part(state, tree, make_pieces(graph, grids), 3)
    return state, tree


def inner_graph(component: Component) -> nx.Graph:
    """Give the usable pairs of a component, in networkx."""
    arrays = component.graph
    graph = nx.Graph()
    graph.add_nodes_from(range(len(arrays.households)))
    usable = arrays.usable
    graph.add_edges_from(zip(arrays.owner[usable], arrays.neighbour[usable], strict=True))
    return graph


# the verb


@pytest.mark.parametrize(("wide", "high", "keep"), [(10, 6, 1.0), (24, 16, 0.9), (40, 30, 0.75)])
def test_grids_are_whole_and_nested(wide: int, high: int, keep: float) -> None:
    """Every grid is one piece of one community, also where pairs are not usable."""
    units, adjacency = lattice(wide, high, keep=keep)
    assert_plan(units, adjacency, partition_units(units, adjacency, Rules()))


def test_a_town_is_balanced() -> None:
    """Small units can be divided evenly: all grids within 10 % of an even division."""
    units, adjacency = lattice(40, 30, largest=30)
    labels = partition_units(units, adjacency, Rules())
    homes = units["households"].groupby(labels).sum()
    home = units["community_id"].groupby(labels).first()
    even = homes.groupby(home).transform("mean")
    assert (abs(homes / even - 1) < 0.1).all()
    wanted = units["households"].groupby(units["community_id"]).sum() / 300 + 0.5
    assert homes.groupby(home).size().eq(np.floor(wanted)).all()


def test_labels_are_numbered_by_first_appearance() -> None:
    """Communities in order of first appearance, grids in order of their first unit."""
    units, adjacency = lattice(20, 12)
    units = units.iloc[::-1]
    labels = partition_units(units, adjacency, Rules())
    first = labels.drop_duplicates()
    for _, inside in first.groupby(units.loc[first.index, "community_id"], sort=False):
        assert inside.is_monotonic_increasing
    west = labels[units["community_id"] == "west"]
    assert west.max() < labels[units["community_id"] == "east"].min()


def test_improving_lowers_the_cost() -> None:
    """The search is worth its steps: the plan costs less than the first split."""
    units, adjacency = lattice(30, 20)
    problem = make_problem(units, adjacency)
    split, improved = (
        evaluate(problem, partition_problem(problem, RULES, steps=steps), RULES).total
        for steps in (0, 200)
    )
    assert improved < 0.9 * split


def test_main_roads_are_crossed_less_when_they_cost_more() -> None:
    """The weights are obeyed."""
    units, adjacency = lattice(30, 20)
    adjacency["barrier"] = np.where(
        (adjacency["unit_a"] - 10) % 30 // 7 != (adjacency["unit_b"] - 10) % 30 // 7,
        "main_road",
        "none",
    )
    problem = make_problem(units, adjacency)
    crossed = []
    for weight in (0.0, 0.005):
        rules = Rules(costs=Costs(main_road=weight))
        labels = partition_problem(problem, rules, steps=200)
        crossed.append(evaluate(problem, labels, rules).counts["main_road"])
    assert crossed[1] < 0.6 * crossed[0]


def test_presets_are_ends_of_one_conflict() -> None:
    """Balance is the more even, shape has less border and fewer split compounds."""
    units, adjacency = lattice(40, 30, largest=40)
    problem = make_problem(units, adjacency)
    even, compact = (
        evaluate(problem, partition_problem(problem, Rules(costs=costs)), Rules())
        for costs in (Costs.balance(), Costs.shape())
    )
    assert even.terms["balance"] < compact.terms["balance"]
    assert compact.counts["border"] < 0.95 * even.counts["border"]
    assert compact.counts["compound"] < even.counts["compound"]


def test_workers_do_not_change_the_plan() -> None:
    """No executor, one thread, two threads and two processes draw the same; many tasks."""
    units, adjacency = lattice(80, 60)
    units["community_id"] = (np.arange(80 * 60) % 80 // 10).astype(str)
    alone = partition_units(units, adjacency, Rules(), steps=5)
    fresh = multiprocessing.get_context("spawn")  # a fork would inherit threads
    for executor in (
        ThreadPoolExecutor(1),
        ThreadPoolExecutor(2),
        ProcessPoolExecutor(2, mp_context=fresh),
    ):
        with executor:
            shared = partition_units(units, adjacency, Rules(), steps=5, executor=executor)
        pd.testing.assert_series_equal(alone, shared)


def test_hash_seed_does_not_change_the_plan() -> None:
    """The same bytes for three values of PYTHONHASHSEED, each with 1, 2 and 3 workers."""
    code = (
        "import hashlib\nfrom concurrent.futures import ThreadPoolExecutor\n"
        "from tests.test_partition import lattice\n"
        "from gridmap.partition import partition_units\nfrom gridmap.rules import Rules\n"
        "units, adjacency = lattice(16, 10)\n"
        "units['community_id'] = (units.index % 16 // 4).astype(str)\n"
        "for workers in (1, 2, 3):\n"
        "    with ThreadPoolExecutor(workers) as pool:\n"
        "        labels = partition_units(units, adjacency, Rules(), steps=50, executor=pool)\n"
        "    print(hashlib.sha256(labels.to_numpy().tobytes()).hexdigest())"
    )
    answers = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": value, "PYTHONPATH": str(Path.cwd())},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for value in ("0", "1", "4242")
    }
    assert len(answers) == 1
    assert len(set(answers.pop().split())) == 1


def test_seed_and_neighbours() -> None:
    """Another seed, another plan; a community is drawn the same whatever its neighbour holds."""
    units, adjacency = lattice(30, 20)
    drawn = [partition_units(units, adjacency, Rules(), seed=seed, steps=20) for seed in (0, 0, 1)]
    assert drawn[0].equals(drawn[1])
    assert not drawn[0].equals(drawn[2])
    other = units.copy()
    west = units["community_id"] == "west"
    other.loc[west, "households"] = 7
    again = partition_units(other, adjacency, Rules(), steps=20)
    pd.testing.assert_series_equal(again[~west], drawn[0][~west])


def test_progress_counts_units() -> None:
    """Progress ends at all units."""
    calls: list[tuple[str, int, int]] = []
    units, adjacency = lattice(10, 6)
    partition_units(units, adjacency, Rules(), progress=lambda *call: calls.append(call))
    assert calls[-1] == ("partition", 60, 60)


def test_bad_arguments_are_named() -> None:
    """Wrong input is refused with its value."""
    units, adjacency = lattice(4, 4)
    with pytest.raises(RulesError, match="steps is -1, not a whole"):
        partition_units(units, adjacency, Rules(), steps=-1)
    with pytest.raises(RulesError, match="seed is -2, not a whole"):
        partition_units(units, adjacency, Rules(), seed=-2)
    with pytest.raises(RulesError, match=r"steps is 1\.5, not a whole number from 0 up"):
        partition_units(units, adjacency, Rules(), steps=1.5)  # type: ignore[arg-type]
    with pytest.raises(RulesError, match=r"costs.border is -1"):
        Costs(border=-1)
    with pytest.raises(TableError, match="no column 'households'"):
        partition_units(units.drop(columns="households"), adjacency, Rules())
    adjacency.loc[3, "unit_b"] = 999
    with pytest.raises(TableError, match="unit_b 999 in row 3 is not a unit"):
        partition_units(units, adjacency, Rules())


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"border": np.nan}, r"\(nan m\) in row 2 has a border that is no length from 0 up"),
        ({"border": -1.0}, r"\(-1.0 m\) in row 2 has a border that is no length from 0 up"),
        ({"unit_a": 13, "unit_b": 13}, "pair 13 and 13 .* in row 2 joins a unit with itself"),
        ({"unit_a": 13, "unit_b": 10}, "pair 13 and 10 .* in row 2 is listed twice"),
    ],
)
def test_pairs_that_are_none_are_named(row: dict[str, float], words: str) -> None:
    """A pair of one unit, one from both sides or a border that is no length is refused."""
    units, adjacency = lattice(2, 2)
    adjacency.loc[0, ["unit_a", "unit_b"]] = [10, 13]
    adjacency.loc[2, list(row)] = list(row.values())
    with pytest.raises(TableError, match=words):
        make_problem(units, adjacency)


def test_more_than_can_be_counted_is_refused() -> None:
    """Sums beyond what a number holds would be wrong in silence."""
    with pytest.raises(TableError, match=r"households add up to 2e\+16, more than 9.0\d*e\+15"):
        row_of([10**16, 10**16])
    with pytest.raises(TableError, match="workload add up to"):
        row_of([1, 1], work=[1e15, 1e15])
    town = row_of([10**15] * 3)  # far from the target, but countable
    assert partition_problem(town, Rules(), steps=1).tolist() == [0, 1, 2]


# degenerate input


def row_of(households: list[int], **change: object) -> Problem:
    """Units in a row, one community, each touching the next along 10 m."""
    size = len(households)
    arrays = {
        "households": households,
        "community": np.zeros(size, int),
        "compound": np.full(size, -1),
        "block": np.zeros(size, int),
        "pairs": [(place, place + 1) for place in range(size - 1)],
        "border": np.full(size - 1, 10.0),
        "barrier": np.zeros(size - 1, int),
        "usable": np.ones(size - 1, bool),
    }
    return assemble_problem(**{**arrays, **change})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("households", "grids"),
    [
        ([0], 1),
        ([0, 0, 0], 1),
        ([5], 1),
        ([450], 1),
        ([150, 150, 150], 2),
        ([149, 150, 150], 1),
        ([1200, 150, 150], 2),
        ([0, 1200, 0], 1),
        ([900, 900, 0, 900], 3),
        ([350, 0, 0, 350], 2),
        ([10] * 30, 1),
        ([350, 0, 0, 350, 360], 3),
    ],
)
def test_odd_communities_get_sensible_grids(households: list[int], grids: int) -> None:
    """Nobody, one unit, towers above the band, fewer homes than grids: no grid without homes."""
    problem = row_of(households)
    labels = partition_problem(problem, Rules())
    cost = evaluate(problem, labels, Rules())
    assert len(cost.grids["units"]) == grids
    assert (cost.grids["pieces"] == 1).all()
    assert (cost.grids["households"] > 0).all() or not any(households)


def test_a_park_ends_where_it_helps_the_shape() -> None:
    """A unit without households joins the grid that it shares most border with."""
    for longer in (0, 1):
        park = row_of(
            [300, 300, 0],
            pairs=[(0, 1), (0, 2), (1, 2)],
            border=[10.0, 200.0 if longer == 0 else 20.0, 200.0 if longer == 1 else 20.0],
            barrier=[0, 0, 0],
            usable=[True, True, True],
        )
        labels = partition_problem(park, Rules())
        assert labels[0] != labels[1]
        assert labels[2] == labels[longer]


def test_more_grids_than_homes_are_reduced() -> None:
    """With a target of 1 household each inhabited unit is a grid, empty ones join."""
    rules = Rules(target=1)
    problem = row_of([3, 0, 1, 1, 0, 1])
    labels = partition_problem(problem, rules)
    assert (evaluate(problem, labels, rules).grids["households"] > 0).all()
    assert labels.max() + 1 == 4


def test_parts_that_touch_nothing_get_their_own_grids() -> None:
    """A community in three parts: each by its own households, an empty part is one grid."""
    units = [200, 400, 300, 0, 0, 100]
    joined = [True, True, False, True, False]
    problem = row_of(units, usable=joined)
    assert [part.grids for part in split_components(problem, Rules())] == [3, 1, 1]
    assert partition_problem(problem, Rules()).tolist() == [0, 1, 2, 3, 3, 4]


def test_no_units_no_grids() -> None:
    """An empty table of units gives an empty answer."""
    units, adjacency = lattice(4, 2)
    assert partition_units(units[:0], adjacency[:0], Rules()).tolist() == []


def test_a_compound_in_two_communities_is_two() -> None:
    """Its other part can't share a grid anyway, so that is no split."""
    problem = row_of([100] * 6, community=[0, 0, 0, 1, 1, 1], compound=[4] * 6)
    assert problem.compound.tolist() == [0, 0, 0, 1, 1, 1]
    labels = partition_problem(problem, Rules())
    assert evaluate(problem, labels, Rules()).counts["compound"] == 0


def test_units_without_homes_go_where_the_shape_is_best() -> None:
    """An empty unit joins the grid that it shares the longer border with."""
    problem = row_of([300, 0, 300], border=[5.0, 40.0])
    assert partition_problem(problem, Rules()).tolist() == [0, 1, 1]


@pytest.mark.parametrize(
    ("households", "grids"), [([149], 1), ([150, 299], 1), ([150, 300], 2), ([361, 89], 1)]
)
def test_grids_are_counted_half_up(households: list[int], grids: int) -> None:
    """450 households are two grids, 449 one; a tower above the band counts as 300."""
    assert count_grids(households, Rules()) == grids


# the cost


@pytest.mark.parametrize("seed", range(4))
def test_cost_is_what_the_documentation_says(seed: int) -> None:
    """Each term of any labelling, in pieces or not, equals a plain loop over the tables."""
    units, adjacency = lattice(12, 8, seed=seed, keep=0.9)
    labels = pd.Series(np.random.default_rng(seed).integers(0, 6, len(units)), units.index)
    cost = evaluate(make_problem(units, adjacency), labels, RULES)
    wanted = cost_by_hand(units, adjacency, labels, RULES)
    assert cost.terms == pytest.approx(wanted)
    assert cost.total == pytest.approx(sum(wanted.values()))


def test_cost_per_grid() -> None:
    """A drawn row: deviations, crossings, borders and pieces of each grid."""
    problem = row_of([100, 140, 361, 0], barrier=[2, 0, 1], compound=[1, 1, 1, -1])
    cost = evaluate(problem, [0, 0, 1, 0], Rules())
    wanted = {
        "units": [3, 1],
        "households": [240, 361],
        "outside": [0, 1],
        "main_road": [10, 0],
        "street": [0, 0],
        "compound": [0, 0],
        "border": [20, 20],
        "pieces": [2, 1],
    }
    assert {name: cost.grids[name].tolist() for name in wanted} == wanted
    assert cost.grids["deviation"] == pytest.approx([-0.2, 61 / 300])
    assert cost.counts["outside"] == 1
    assert cost.counts["border"] == 20


def test_labels_are_checked() -> None:
    """One label, 0 or more, per unit."""
    problem = row_of([1, 2])
    for labels in ([0], [0, -1]):
        with pytest.raises(PlanError, match="for 2 units"):
            evaluate(problem, labels, Rules())


@pytest.mark.parametrize("seed", range(3))
def test_deltas_add_up_to_the_cost(seed: int) -> None:
    """Random shifts: the sum of deltas is the difference of full evaluations, on both scales."""
    units, adjacency = lattice(12, 8, seed=seed)
    units["community_id"] = "one"
    problem = make_problem(units, adjacency)
    (component,) = split_components(problem, RULES)
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 5, len(units)).astype(np.int32)
    state = make_state(component.graph, labels.copy(), 5, make_weights(RULES))
    before, start = evaluate(problem, labels, RULES).total, part_cost(state)
    total = 0.0
    for _ in range(300):
        unit = int(rng.integers(len(units)))
        new = (state.labels[unit] + int(rng.integers(1, 5))) % 5
        total += shift_delta(state, np.int32(unit), np.int32(new))
        shift_unit(state, np.int32(unit), np.int32(new))
    assert evaluate(problem, state.labels, RULES).total - before == pytest.approx(total)
    assert part_cost(state) - start == pytest.approx(total)
    fresh = make_state(component.graph, state.labels.copy(), 5, make_weights(RULES))
    assert (fresh.load == state.load).all()
    assert (fresh.used == state.used).all()


# the kernels


def test_random_numbers() -> None:
    """SplitMix64's published first value for seed 0, and ranges."""
    assert draw_bits(random_words(0)) == 0xE220A8397B1DCDAF
    words = random_words(5)
    below = [draw_below(words, 7) for _ in range(2000)]
    assert set(below) == set(range(7))
    share = [draw_share(words) for _ in range(2000)]
    assert 0 <= min(share) < 0.01
    assert 0.99 < max(share) < 1


@pytest.mark.parametrize("seed", range(5))
def test_tree_spans_and_every_cut_is_exact(seed: int) -> None:
    """A spanning tree of two joined grids; sums and cut costs of all edges equal brute force."""
    component = one_component(seed)
    graph = component.graph
    state, tree = drawn_state(component, seed)
    borders = state.labels[graph.owner] != state.labels[graph.neighbour]
    side = np.flatnonzero(borders & graph.usable)[seed]
    one, two = graph.owner[side], graph.neighbour[side]
    total = draw_tree(state, tree, one, state.labels[two])
    sum_subtrees(state, tree, total)
    both = np.flatnonzero(np.isin(state.labels, [state.labels[one], state.labels[two]]))
    assert sorted(tree.unit[:total]) == both.tolist()
    drawn = nx.Graph((tree.unit[place], tree.unit[tree.up[place]]) for place in range(1, total))
    assert nx.is_tree(drawn)
    assert all(inner_graph(component).has_edge(*edge) for edge in drawn.edges)
    pairs = list(zip(graph.owner, graph.neighbour, state.inside, strict=True))
    for place in range(1, total):
        below = set(tree.unit[place : place + tree.size[place]].tolist())
        assert nx.is_connected(drawn.subgraph(below))
        assert tree.load[place] == graph.households[list(below)].sum()
        assert tree.lived[place] == np.count_nonzero(graph.households[list(below)])
        cut = sum(-w for a, b, w in pairs if a in below and b in set(both) - below)
        assert tree.cut[place] == pytest.approx(cut, abs=1e-9)


@pytest.mark.parametrize("grids", [2, 3])
def test_chosen_cut_is_the_cheapest(grids: int) -> None:
    """No tree edge and share of grids is cheaper, among those that leave homes for all."""
    component = one_component(2)
    weights = make_weights(RULES)
    size = len(component.units)
    state = make_state(component.graph, np.zeros(size, np.int32), 1, weights)
    tree = make_tree(component.graph, random_words(9))
    total = draw_tree(state, tree, np.int32(3), np.int32(0))
    sum_subtrees(state, tree, total)

    def even_cost(homes: float, count: int) -> float:
        off = homes / count / RULES.target - 1
        beyond = max(0.0, abs(off) - RULES.tolerance)
        return count * (off**2 + RULES.costs.outside * beyond**2)

    wanted = min(
        tree.cut[place]
        + even_cost(tree.load[place], part)
        + even_cost(tree.load[0] - tree.load[place], grids - part)
        for place in range(1, total)
        for part in range(1, grids)
        if tree.lived[place] >= part and tree.lived[0] - tree.lived[place] >= grids - part
    )
    place, part, cost = choose_cut(tree, total, grids, weights)
    assert cost == pytest.approx(wanted)
    assert place > 0
    assert 0 < part < grids


@pytest.mark.parametrize("seed", range(3))
def test_contiguity_check_agrees_with_networkx(seed: int) -> None:
    """For every unit of a drawn part: may it leave its grid?"""
    component = one_component(seed)
    state, _ = drawn_state(component, seed)
    search = make_search(component.graph, random_words(0))
    graph = inner_graph(component)
    for unit in range(len(component.units)):
        rest = np.flatnonzero(state.labels == state.labels[unit]).tolist()
        rest.remove(unit)
        wanted = bool(rest) and nx.is_connected(graph.subgraph(rest))
        assert can_leave(state, search, np.int32(unit)) == wanted


def test_recombination_reports_its_change_or_undoes_it() -> None:
    """The change is the difference of the cost; one that may cost nothing leaves no trace."""
    component = one_component(1)
    graph = component.graph
    state, tree = drawn_state(component, 4)
    changed = 0
    for bound in (1.0, 0.0, -9.0):
        for side in range(0, len(graph.owner), 7):
            one, two = graph.owner[side], graph.neighbour[side]
            if state.labels[one] == state.labels[two] or not graph.usable[side]:
                continue
            before, labels = part_cost(state), state.labels.copy()
            delta = recombine(state, tree, one, two, bound)
            assert delta <= max(bound, 0)
            assert part_cost(state) - before == pytest.approx(delta, abs=1e-9)
            changed += bool((labels != state.labels).any())
            assert bound >= 0 or (labels == state.labels).all()
    assert changed > 5


def test_annealing_keeps_grids_whole() -> None:
    """After many moves each grid is still connected and inhabited."""
    component = one_component(3, 24, 16)
    state, tree = drawn_state(component)
    first = part_cost(state)
    anneal_part(state, tree, make_search(component.graph, random_words(0)), 20_000, HOT)
    assert part_cost(state) < first
    graph = inner_graph(component)
    for grid in range(component.grids):
        assert nx.is_connected(graph.subgraph(np.flatnonzero(state.labels == grid)))
    homes = np.bincount(state.labels, component.graph.households)
    assert (homes == state.load).all()
    assert (homes > 0).all()


# properties


@st.composite
def towns(draw: st.DrawFn) -> tuple[gpd.GeoDataFrame, pd.DataFrame]:
    """Lattices with pairs left out at random, and households from none to towers."""
    wide, high = draw(st.integers(2, 9)), draw(st.integers(1, 9))
    seed = draw(st.integers(0, 10_000))
    keep = draw(st.sampled_from([1.0, 0.8, 0.5, 0.2]))
    largest = draw(st.sampled_from([0, 1, 40, 1500]))
    return lattice(wide, high, seed=seed, keep=keep, largest=largest)


@settings(max_examples=60, deadline=None)
@given(towns(), st.sampled_from([3, 60, 300]))
def test_any_town_can_be_drawn(town: tuple[gpd.GeoDataFrame, pd.DataFrame], target: int) -> None:
    """Whatever falls apart or is empty: a plan, and no empty grid beside an inhabited one."""
    units, adjacency = town
    rules = Rules(target=target)
    labels = partition_units(units, adjacency, rules, steps=20)
    assert_plan(units, adjacency, labels)
    for homes in part_homes(units, adjacency, labels):
        assert len(homes) == 1 or min(homes) > 0


def part_homes(
    units: pd.DataFrame, adjacency: pd.DataFrame, labels: pd.Series
) -> Iterator[list[int]]:
    """Give the households of the grids of each connected part."""
    homes = units["households"].groupby(labels).sum()
    for members in nx.connected_components(to_graph(units, adjacency)):
        yield [int(homes[grid]) for grid in labels[sorted(members)].unique()]


@pytest.mark.parametrize("grids", [2, 5, 9])
def test_as_many_grids_as_asked_for(grids: int) -> None:
    """A drawing makes exactly so many, whatever the target; a redraw does from any number."""
    units, adjacency = lattice(10, 8, seed=3)
    drawn = partition_units(units, adjacency, RULES, steps=20, grids=grids)
    assert drawn.nunique() == grids
    assert_plan(units, adjacency, drawn)
    for before in (3, 7):
        start = partition_units(units, adjacency, RULES, steps=20, grids=before)
        redrawn = partition_units(units, adjacency, RULES, steps=20, grids=grids, start=start)
        assert redrawn.nunique() == grids
        assert_plan(units, adjacency, redrawn)


def test_a_number_of_grids_that_can_not_be_made_is_refused() -> None:
    """Two communities are two grids at least; no grid is without a unit that is lived in."""
    units, adjacency = lattice(6, 4)
    lived = int((units["households"] > 0).sum())
    for grids in (1, lived + 1, 2.5, -1):
        words = f"{grids} grids can't be made of these units; ask for 2 to {lived}: each"
        with pytest.raises(PlanError, match=words):
            partition_units(units, adjacency, RULES, grids=grids)  # type: ignore[arg-type]
    assert partition_units(units, adjacency, RULES, grids=lived).nunique() == lived


def test_a_neighbourhood_is_a_problem_of_its_own() -> None:
    """Some units and the pairs between them, as if the tables had been cut down to them."""
    units, adjacency = lattice(8, 6, seed=1)
    chosen = np.flatnonzero(np.arange(len(units)) % 3 != 0)
    part = take_units(make_problem(units, adjacency), chosen)
    small = units.iloc[chosen]
    inside = adjacency["unit_a"].isin(small.index) & adjacency["unit_b"].isin(small.index)
    expected = make_problem(small, adjacency[inside])
    for name in ("households", "part", "compound", "indptr", "neighbour", "border", "usable"):
        assert np.array_equal(getattr(part, name), getattr(expected, name)), name
