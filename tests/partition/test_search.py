"""The moves and the whole search of one part, against plain Python."""

import itertools

import networkx as nx
import numpy as np
import pytest

from gridmap.partition import assemble_problem, evaluate, make_problem, partition_problem
from gridmap.partition.counts import bound_counts, bound_imbalance, list_counts, list_rivals
from gridmap.partition.grow import find_end, grow, make_growth, price_stages, regrow
from gridmap.partition.improve import HOT, make_search
from gridmap.partition.objective import make_state, make_weights, part_cost, recount
from gridmap.partition.problem import split_components
from gridmap.partition.prove.numbers import list_numbers
from gridmap.partition.renew import gather_grids, renew_once
from gridmap.partition.search import search_part
from gridmap.partition.split import (
    choose_halves,
    cut_between,
    cut_subtree,
    draw_tree,
    make_pieces,
    make_tree,
)
from gridmap.rules import Costs, Rules
from tests.routines import compiled
from tests.test_partition import (
    RULES,
    drawn_state,
    inner_graph,
    lattice,
    one_component,
    random_words,
    row_of,
)

choose_halves = compiled(choose_halves)
cut_between = compiled(cut_between)
cut_subtree = compiled(cut_subtree)
draw_tree = compiled(draw_tree)
find_end = compiled(find_end)
gather_grids = compiled(gather_grids)
grow = compiled(grow)
price_stages = compiled(price_stages)
regrow = compiled(regrow)
renew_once = compiled(renew_once)


def touching_pair(state) -> tuple[int, int]:
    """Find two units that touch and lie in two grids."""
    graph = state.graph
    for side in range(len(graph.owner)):
        one, two = graph.owner[side], graph.neighbour[side]
        if graph.usable[side] and state.labels[one] != state.labels[two]:
            return int(one), int(two)
    raise AssertionError


@pytest.mark.parametrize("seed", range(4))
def test_stages_of_a_growth_cost_what_they_say(seed: int) -> None:
    """Each stage, made by hand, costs the whole part what the growth priced it at."""
    component = one_component(seed)
    state, _ = drawn_state(component, seed)
    unit, other = touching_pair(state)
    one, two = state.labels[unit], state.labels[other]
    growth = make_growth(component.graph, random_words(seed))
    start = find_end(state, growth, np.int32(unit), two)
    now, stages = grow(state, growth, np.int32(start), one, two, 0.1)
    total = int(state.size[one] + state.size[two])
    assert (
        sorted(growth.order[:total]) == np.flatnonzero(np.isin(state.labels, [one, two])).tolist()
    )
    balance = part_cost(state)
    price_stages(state, growth, one, two, np.int64(stages))
    weights = state.weights
    apart = sum((state.load[g] * weights.share - 1) ** 2 for g in (one, two))
    apart += sum(
        weights.outside * max(0.0, abs(state.load[g] * weights.share - 1) - weights.tolerance) ** 2
        for g in (one, two)
    )
    assert total / 2 < stages < total, "it goes on while a stage may be good, and no longer"
    for place in range(1, stages + 1):
        if not np.isfinite(growth.cut[place]):
            continue
        labels = state.labels.copy()
        labels[growth.order[:place]] = one
        labels[growth.order[place:total]] = two
        made = make_state(component.graph, labels, len(state.load), weights)
        assert part_cost(made) - balance == pytest.approx(growth.cut[place] - now - apart)


@pytest.mark.parametrize("seed", range(3))
def test_regrowing_reports_its_change_and_keeps_grids_whole(seed: int) -> None:
    """The change is the difference of the cost, and both grids stay in one piece."""
    component = one_component(seed, 14, 10)
    state, _ = drawn_state(component, seed)
    growth, graph = make_growth(component.graph, random_words(seed)), component.graph
    changed = 0
    for bound in (1.0, 0.0, -9.0):
        for side in range(0, len(graph.owner), 5):
            one, two = graph.owner[side], graph.neighbour[side]
            if state.labels[one] == state.labels[two] or not graph.usable[side]:
                continue
            before, labels = part_cost(state), state.labels.copy()
            delta = regrow(state, growth, one, two, bound)
            assert delta <= max(bound, 0)
            assert part_cost(state) - before == pytest.approx(delta, abs=1e-9)
            changed += bool((labels != state.labels).any())
            assert bound >= 0 or (labels == state.labels).all()
    assert changed > 5
    inside = inner_graph(component)
    for grid in range(component.grids):
        assert nx.is_connected(inside.subgraph(np.flatnonzero(state.labels == grid)))


@pytest.mark.parametrize("seed", range(3))
def test_cuts_of_a_tree_cost_what_they_say(seed: int) -> None:
    """Every subtree's border, summed over the pairs; the best halves are the cheapest edge."""
    component = one_component(seed)
    state, tree = drawn_state(component, seed)
    unit, other = touching_pair(state)
    one, two = state.labels[unit], state.labels[other]
    total = draw_tree(state, tree, np.int32(unit), two)
    graph, costs = component.graph, {}
    members = tree.unit[:total]
    within = np.isin(np.arange(len(state.labels)), members)
    for place in range(1, total):
        below = np.zeros(len(state.labels), bool)
        below[members[place : place + tree.size[place]]] = True
        cut = within[graph.neighbour] & below[graph.owner] & ~below[graph.neighbour]
        wanted = -state.inside[cut].sum()
        assert cut_subtree(state, tree, total, place) == pytest.approx(wanted)
        homes = graph.load[below].sum(), graph.load[within & ~below].sum()
        if min(homes) > 0:
            costs[place] = wanted + sum(imbalance(load, state.weights) for load in homes)
    border = state.labels[graph.owner] == one
    border &= state.labels[graph.neighbour] == two
    assert cut_between(state, one, two, tree, total) == pytest.approx(-state.inside[border].sum())
    place, cost = choose_halves(state, tree, total, 1e9)
    assert cost == pytest.approx(min(costs.values()))
    assert costs[place] == pytest.approx(cost)


def imbalance(load: float, weights) -> float:
    """Compute the cost of one grid's load."""
    deviation = load * weights.share - 1
    return deviation**2 + weights.outside * max(0.0, abs(deviation) - weights.tolerance) ** 2


@pytest.mark.parametrize("seed", range(3))
def test_a_neighbourhood_is_renewed_or_left_alone(seed: int) -> None:
    """Only the grids gathered change, they stay whole, and the plan never gets dearer."""
    component = one_component(seed, 16, 12)
    state, tree = drawn_state(component, seed)
    search, room = make_search(component.graph, tree.rng), make_pieces(component.graph, 9)
    inside, better = inner_graph(component), 0
    for _ in range(20):
        before, cost = state.labels.copy(), part_cost(state)
        got = renew_once(state, tree, search, room, HOT)
        better += got
        assert not search.open.any()
        assert (part_cost(state) < cost) if got else (before == state.labels).all()
        for grid in range(component.grids):
            assert nx.is_connected(inside.subgraph(np.flatnonzero(state.labels == grid)))
    assert better > 0
    state.load[:] = -1
    recount(state)
    assert state.load.sum() == component.graph.load.sum()


def test_grids_are_gathered_around_a_unit() -> None:
    """So many grids that hang together, with all their units once."""
    component = one_component(2, 16, 12)
    state, tree = drawn_state(component, 2)
    search, room = make_search(component.graph, tree.rng), make_pieces(component.graph, 9)
    grids, units = gather_grids(state, tree, search, room, np.int32(5), 3)
    names = room.names[:grids].tolist()
    assert len(set(names)) == grids == 3
    assert sorted(room.members[:units]) == np.flatnonzero(np.isin(state.labels, names)).tolist()
    assert nx.is_connected(inner_graph(component).subgraph(room.members[:units].tolist()))


def test_more_starts_and_rounds_are_never_dearer() -> None:
    """The search keeps the best that it saw."""
    component = one_component(4, 16, 12)
    graph, grids = component.graph, component.grids
    costs = []
    for starts, rounds in ((1, 0), (1, 30), (6, 0)):
        state = make_state(graph, np.zeros(len(graph.load), np.int32), grids, make_weights(RULES))
        words, best = random_words(3), np.zeros(len(graph.load), np.int32)
        search_part(
            *(state, make_tree(graph, words), make_search(graph, words), make_pieces(graph, grids)),
            *(-1.0, best, starts, 500, rounds),
        )
        labelled = make_state(graph, best, grids, make_weights(RULES))
        costs.append(part_cost(labelled))
    assert costs[1] < costs[0]
    assert costs[2] <= costs[0]


# how many grids


def test_the_objective_decides_how_many() -> None:
    """435 households are two grids by the sum of squares, though 435 / 300 rounds to one."""
    weights = make_weights(Rules())
    for homes, wanted in (([145] * 3, [2]), ([100, 110, 110], [1]), ([300] * 4, [4])):
        (part,) = split_components(row_of(homes), Rules())
        assert list_counts(part.graph, part.grids, weights) == wanted


def test_a_draw_between_two_numbers_is_searched() -> None:
    """Where bounds are as good as equal both are drawn, and the cheaper whole is taken."""
    weights = make_weights(Rules())
    draws = [
        total
        for total in range(2000, 2400, 10)
        if len(list_counts(*row_count([10] * (total // 10)), weights)) == 2
    ]
    assert draws
    problem = row_of([10] * (draws[0] // 10))
    labels = partition_problem(problem, Rules())
    (part,) = split_components(problem, Rules())
    assert int(labels.max()) + 1 in list_counts(part.graph, part.grids, weights)


def row_count(homes: list[int]):
    """Give the graph of a row and how many grids are due."""
    (part,) = split_components(row_of(homes), Rules())
    return part.graph, part.grids


def test_what_units_add_up_to_decides_how_many() -> None:
    """Of units of 200 no grids of 300 can be made: 18 of 400 cost less than 24 in between."""
    problem = row_of([200] * 36)
    (part,) = split_components(problem, Rules())
    assert list_numbers(part.graph, 24, make_weights(Rules()))[0] == 18
    labels = partition_problem(problem, Rules(), steps=20)
    assert np.bincount(labels, problem.households).tolist() == [400] * 18
    (small,) = split_components(row_of([25] * 36), Rules())
    assert list_numbers(small.graph, 3, make_weights(Rules())) == [3]


def test_a_number_that_turns_out_poor_is_not_kept() -> None:
    """Around a park 24 homes of 19 can't be halved: one grid of 456 is better than 19 and 437."""
    star = assemble_problem(
        households=[0] + [19] * 24,
        community=[0] * 25,
        compound=[-1] * 25,
        block=[0] * 25,
        pairs=[(0, leaf) for leaf in range(1, 25)],
        border=[9] * 24,
        barrier=[0] * 24,
        usable=[True] * 24,
    )
    weights = make_weights(Rules())
    (part,) = split_components(star, Rules())
    assert list_numbers(part.graph, 2, weights) == [2]
    assert list_rivals(part.graph, [0, 1, 3, 25], weights, 100.0) == [1, 3]
    assert list_rivals(part.graph, [1], weights, 0.0) == []
    assert partition_problem(star, Rules()).tolist() == [0] * 25


def test_all_numbers_are_bounded_at_once() -> None:
    """One sweep gives what is bounded number by number, with and without large units."""
    weights, rng = make_weights(Rules()), np.random.default_rng(4)
    for largest in (60, 900):
        (part,) = split_components(row_of(rng.integers(0, largest, 30).tolist()), Rules())
        floors = bound_counts(part.graph, weights)
        assert len(floors) == np.count_nonzero(part.graph.load)
        single = [bound_imbalance(part.graph, k, weights) for k in range(1, len(floors) + 1)]
        assert floors == pytest.approx(single)


def test_the_bound_of_imbalance_holds_for_any_division() -> None:
    """No way to deal units out, connected or not, is below it; an even one reaches it."""
    rules, weights = Rules(), make_weights(Rules())
    rng = np.random.default_rng(1)
    for _ in range(20):
        homes = rng.integers(1, 700, 6).tolist()
        (part,) = split_components(row_of(homes), rules)
        least = min(
            sum(
                imbalance(sum(h for h, g in zip(homes, deal, strict=True) if g == grid), weights)
                for grid in range(2)
            )
            for deal in itertools.product(range(2), repeat=6)
        )
        assert bound_imbalance(part.graph, 2, weights) <= least + 1e-9
    (even,) = split_components(row_of([150] * 4), rules)
    assert bound_imbalance(even.graph, 2, weights) == pytest.approx(0.0, abs=1e-12)


def test_crossings_are_paid_by_the_metre() -> None:
    """Ten times the border along a main road costs ten times as much."""
    costs = Costs(main_road=0.001)
    terms = [
        evaluate(row_of([100, 100], barrier=[2], border=[metres]), [0, 0], Rules(costs=costs))
        for metres in (5.0, 50.0)
    ]
    assert [cost.terms["main_road"] for cost in terms] == pytest.approx([0.005, 0.05])
    assert terms[1].counts["main_road"] == 50.0


def test_large_parts_are_renewed() -> None:
    """One territory of many grids: every grid whole, and most within a tenth of the target."""
    units, adjacency = lattice(110, 70, seed=2)
    units["community_id"] = "one"
    problem = make_problem(units, adjacency)
    cost = evaluate(problem, partition_problem(problem, Rules()), Rules())
    assert (cost.grids["pieces"] == 1).all()
    assert (np.abs(cost.grids["deviation"]) <= 0.1).mean() > 0.85
