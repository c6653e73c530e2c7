"""Region growing: two neighbouring grids are joined and divided anew along the edge of a growth.

From a unit at one end of the two grids a region grows unit by unit, always by the unit that makes
its border cheapest, until it has swallowed both. Every stage is a candidate: the region so far, and
the rest if that is in one piece. The exact cost of all stages comes from one pass, so the best one
costs no more than one. Greedy growing: Karypis, Kumar, "A fast and high quality multilevel scheme
for partitioning irregular graphs" (1998); recombination of two grids: DeFord, Duchin, Solomon,
"Recombination: a family of Markov chains for redistricting" (2019, arXiv:1911.05725).
"""

from typing import NamedTuple

import numpy as np

from gridmap.partition.objective import State, balance_cost, moving_cost, shift_unit, work_cost
from gridmap.partition.problem import Bits, Flags, Floats, Graph, Ints, Positions, routine
from gridmap.partition.split import draw_below, draw_share

#: How far chance may change what a unit is worth to a growth, as a share of its whole border.
NOISE = 0.5


class Growth(NamedTuple):
    """Room for one growth; made once per part, used for every one.

    Arrays per place are in the order in which units were taken.
    """

    rng: Bits  #: state of the random numbers
    drawn: Ints  #: [0] number of growths so far
    seen: Positions  #: per unit, the last growth that reached it
    place: Positions  #: per unit, its place; -1 while it is not taken
    waits: Flags  #: per unit, it may be taken next
    price: Floats  #: per unit, what taking it costs, but for its compound
    root: Positions  #: per unit, a way to the root of its piece of the rest
    order: Positions  #: per place, the unit
    waiting: Positions  #: units that may be taken next
    walk: Positions  #: all units, from one end to the other
    load: Ints  #: per place, grains taken before it
    work: Ints  #: per place, grains of workload taken before it
    cut: Floats  #: per place, cost of the border before it, and of what moves
    stay: Floats  #: per place, what those with a home in one grid cost by moving, less the other
    now: Floats  #: [0] what the two grids cost as they are, beside balance
    ready: Ints  #: [0] how many units wait
    home: Floats  #: [2] what it costs if all with a home in one grid, in the other, leave it
    taken: Positions  #: per compound, inhabited units taken; 0 between growths
    whole: Positions  #: per compound, those in both grids
    split: Floats  #: per compound, what it costs to lie on both sides


def make_growth(graph: Graph, rng: Bits) -> Growth:
    """Make room for growths in one part, drawn with ``rng``."""
    units, compounds = len(graph.households), int(graph.compound.max(initial=-1)) + 1
    seen, place, root, order, waiting, walk = (np.zeros(units, np.int32) for _ in range(6))
    taken, whole = (np.zeros(compounds, np.int32) for _ in range(2))
    return Growth(
        rng,
        np.zeros(1, np.int64),
        seen,
        place,
        np.zeros(units, bool),
        np.zeros(units),
        root,
        order,
        waiting,
        walk,
        np.zeros(units + 1, np.int64),
        np.zeros(units + 1, np.int64),
        np.zeros(units + 1),
        np.zeros(units + 1),
        np.zeros(1),
        np.zeros(1, np.int64),
        np.zeros(2),
        taken,
        whole,
        np.zeros(compounds),
    )


@routine
def find_end(state: State, room: Growth, unit: int, also: int) -> int:
    """Find a unit at the far end of the grid of ``unit`` and grid ``also``: the last of a walk.

    The walk is noted, and what the border between the two costs as it is. O(pairs of the two
    grids).
    """
    graph, grid, border = state.graph, state.labels[unit], 0.0
    room.drawn[0] += 1
    mark, head, tail = room.drawn[0], 0, 1
    room.walk[0] = unit
    room.seen[unit] = mark
    while head < tail:
        one = room.walk[head]
        head += 1
        mine = state.labels[one]
        for side in range(graph.indptr[one], graph.indptr[one + 1]):
            other = graph.neighbour[side]
            label = state.labels[other]
            if label not in (grid, also):
                continue
            if label != mine:
                border -= state.inside[side]
            if room.seen[other] != mark and graph.usable[side]:
                room.seen[other] = mark
                room.walk[tail] = other
                tail += 1
    room.now[0] = 0.5 * border
    return int(room.walk[tail - 1])


@routine
def grow(
    state: State, room: Growth, seed: int, one: int, two: int, most: float
) -> tuple[float, int]:
    """Take the units of two grids one by one, and note what each stage costs.

    `find_end` has walked the two grids. Ends where the region has more than half of the load and
    evening out the balance of both sides would cost more than ``most``: later stages are hardly
    ever better. Returns what the two grids cost as they are, beside balance, and the number of
    stages. O(pairs of the grids + units times units waiting).
    """
    total, load = state.size[one] + state.size[two], state.load[one] + state.load[two]
    room.drawn[0] += 1
    _reach(state, room, seed, one, two)
    room.waiting[0], room.ready[0] = seed, 1
    room.waits[seed] = True
    room.home[:] = 0.0
    room.load[0], room.work[0], room.cut[0], room.stay[0] = 0, 0, 0.0, 0.0
    place, ended = 0, False
    while place < total and room.ready[0] > 0 and not ended:
        unit = _take_cheapest(state, room)
        room.order[place] = unit
        room.place[unit] = place
        room.load[place + 1] = room.load[place] + state.graph.load[unit]
        room.work[place + 1] = room.work[place] + state.graph.work[unit]
        room.cut[place + 1] = room.cut[place] + _move_border(state, room, unit, one, two)
        room.cut[place + 1] += _enter_compound(state, room, state.compound[unit], one, two)
        room.stay[place + 1] = room.stay[place] + _leave_home(state, room, unit, one, two)
        place += 1
        ended = _is_past(state, room.load[place], load, most)
    _place_rest(state, room, place, one, two)
    for index in range(total):
        compound = state.compound[room.order[index]]
        if compound >= 0:
            room.taken[compound] = 0
    return room.now[0], place


@routine
def _is_past(state: State, load: int, whole: int, most: float) -> bool:
    """Say whether a region has too large a share of the load for any later stage to be good."""
    if 2 * load <= whole:
        return False
    cost = balance_cost(load, state.weights) + balance_cost(whole - load, state.weights)
    return bool(cost > most)


@routine
def _place_rest(state: State, room: Growth, place: int, one: int, two: int) -> None:
    """Give places to the units that a growth did not take, and count what they cost as they are.

    O(units of the grids, each with the grids of its compound).
    """
    for index in range(state.size[one] + state.size[two]):
        unit = room.walk[index]
        if room.seen[unit] != room.drawn[0] or room.place[unit] < 0:
            room.seen[unit], room.place[unit] = room.drawn[0], place
            room.waits[unit] = False
            room.root[unit] = unit
            room.order[place] = unit
            place += 1
            _enter_compound(state, room, state.compound[unit], one, two)
            _leave_home(state, room, unit, one, two)


@routine
def _take_cheapest(state: State, room: Growth) -> int:
    """Take the unit that costs least of those that wait; compounds that are begun draw.

    O(units waiting).
    """
    pick, least = 0, np.inf
    for index in range(room.ready[0]):
        unit = room.waiting[index]
        price, compound = room.price[unit], state.compound[unit]
        if compound >= 0 and room.taken[compound] > 0:
            price -= room.split[compound]
        if price < least:
            pick, least = index, price
    unit = room.waiting[pick]
    room.ready[0] -= 1
    room.waiting[pick] = room.waiting[room.ready[0]]
    room.waits[unit] = False
    return int(unit)


@routine
def _move_border(state: State, room: Growth, unit: int, one: int, two: int) -> float:
    """Give what the border of the region costs more with a unit; its neighbours may come next.

    O(degree of the unit and of the neighbours that it reaches first).
    """
    graph, more = state.graph, 0.0
    for side in range(graph.indptr[unit], graph.indptr[unit + 1]):
        other, cost = graph.neighbour[side], -state.inside[side]
        if state.labels[other] not in (one, two):
            continue
        if room.seen[other] != room.drawn[0]:
            _reach(state, room, other, one, two)
        if room.place[other] >= 0:
            more -= cost
            continue
        more += cost
        room.price[other] -= 2.0 * cost
        if graph.usable[side] and not room.waits[other]:
            room.waits[other] = True
            room.waiting[room.ready[0]] = other
            room.ready[0] += 1
    return more


@routine
def _enter_compound(state: State, room: Growth, compound: int, one: int, two: int) -> float:
    """Give what it costs more that a compound is begun, or less that it is complete."""
    if compound < 0:
        return 0.0
    more = 0.0
    if room.taken[compound] == 0:
        room.now[0] += _open_compound(state, room, compound, one, two)
        more = room.split[compound]
    room.taken[compound] += 1
    if room.taken[compound] == room.whole[compound]:
        more -= room.split[compound]
    return more


@routine
def _leave_home(state: State, room: Growth, unit: int, one: int, two: int) -> float:
    """Give what a unit adds to the cost of what moves if the region becomes grid ``two``."""
    home = state.home[unit]
    if home not in (one, two):
        return 0.0
    cost = moving_cost(state, unit)
    room.home[0 if home == one else 1] += cost
    if home != state.labels[unit]:
        room.now[0] += cost
    return cost if home == one else -cost


@routine
def _reach(state: State, room: Growth, unit: int, one: int, two: int) -> None:
    """Note a unit that is not taken, and what taking it costs while nothing beside it is.

    O(degree of the unit).
    """
    graph, price, most = state.graph, 0.0, 0.0
    room.seen[unit] = room.drawn[0]
    room.place[unit] = -1
    room.waits[unit] = False
    room.root[unit] = unit
    for side in range(graph.indptr[unit], graph.indptr[unit + 1]):
        if state.labels[graph.neighbour[side]] in (one, two):
            price -= state.inside[side]
            most += abs(state.inside[side])
    room.price[unit] = price + NOISE * most * draw_share(room.rng)


@routine
def _open_compound(state: State, room: Growth, compound: int, one: int, two: int) -> float:
    """Count a compound in two grids and price its split; give what it costs as it is.

    O(grids of the compound).
    """
    first, used = state.start[compound], state.used[compound]
    units, grids = 0, 0
    for slot in range(first, first + used):
        if state.slot_grid[slot] in (one, two):
            units += state.slot_count[slot]
            grids += 1
    room.whole[compound] = units
    beyond = used - grids + 2 > state.need[compound]
    room.split[compound] = state.weights.compound if beyond else 0.0
    return room.split[compound] if grids == 2 else 0.0


@routine
def price_stages(state: State, room: Growth, one: int, two: int, stages: int) -> float:
    """Price the stages of two grids in place, with balance and what moves; give the least price.

    A stage that leaves one side without an inhabited unit is priceless. O(stages).
    """
    all_load, all_work = state.load[one] + state.load[two], state.work[one] + state.work[two]
    least = np.inf
    for place in range(1, stages + 1):
        load, stay = room.load[place], room.stay[place]
        if load in (0, all_load):
            room.cut[place] = np.inf
            continue
        room.cut[place] += min(room.home[0] - stay, room.home[1] + stay)
        room.cut[place] += balance_cost(load, state.weights)
        room.cut[place] += balance_cost(all_load - load, state.weights)
        if state.weights.work > 0.0:
            work = room.work[place]
            room.cut[place] += work_cost(work, state.weights)
            room.cut[place] += work_cost(all_work - work, state.weights)
        least = min(least, room.cut[place])
    return least


@routine
def choose_stage(
    state: State, room: Growth, total: int, stages: int, limit: float
) -> tuple[int, float]:
    """Find the cheapest stage up to a limit whose rest is in one piece; 0 if there is none.

    Stages are walked backwards, so that the pieces of the rest only ever join (union-find with
    path halving: Tarjan, van Leeuwen 1984). Near linear in the pairs of the two grids.
    """
    graph = state.graph
    best, least, pieces = 0, limit, 0
    for place in range(total - 1, 0, -1):
        unit = room.order[place]
        pieces += 1
        for side in range(graph.indptr[unit], graph.indptr[unit + 1]):
            other = graph.neighbour[side]
            if (
                room.seen[other] == room.drawn[0]
                and graph.usable[side]
                and room.place[other] > place
            ):
                far, near = _find_root(room, other), _find_root(room, unit)
                if far != near:
                    room.root[far] = near
                    pieces -= 1
        if pieces == 1 and place <= stages and room.cut[place] <= least:
            best, least = place, room.cut[place]
    return best, least


@routine
def _find_root(room: Growth, unit: int) -> int:
    """Find the piece of a unit: union-find with path halving (Tarjan, van Leeuwen 1984).

    Near constant, over many calls.
    """
    while room.root[unit] != unit:
        room.root[unit] = room.root[room.root[unit]]
        unit = room.root[unit]
    return unit


@routine
def regrow(state: State, room: Growth, unit: int, other: int, bound: float) -> float:
    """Divide the grids of two neighbours anew unless that costs more than ``bound``.

    Returns the change of the cost, 0 if nothing changed. O(pairs of the two grids).
    """
    one, two = state.labels[unit], state.labels[other]
    total = state.size[one] + state.size[two]
    now = balance_cost(state.load[one], state.weights)
    now += balance_cost(state.load[two], state.weights)
    now += work_cost(state.work[one], state.weights) + work_cost(state.work[two], state.weights)
    start, also = (unit, two) if draw_below(room.rng, 2) == 0 else (other, one)
    seed = find_end(state, room, start, also)
    beside, stages = grow(state, room, seed, one, two, now + room.now[0] + bound)
    now += beside
    if price_stages(state, room, one, two, stages) > now + bound:  # most growths end here
        return 0.0
    place, cost = choose_stage(state, room, total, stages, now + bound)
    delta = cost - now
    if place == 0 or abs(delta) < 1e-12:
        return 0.0
    first, second = _name_sides(state, room, place, one, two)
    for index in range(total):
        new = first if index < place else second
        if state.labels[room.order[index]] != new:
            shift_unit(state, room.order[index], new)
    return delta


@routine
def _name_sides(state: State, room: Growth, place: int, one: int, two: int) -> tuple[int, int]:
    """Give the labels of what was taken and of the rest, so that least moves from home or here.

    O(units taken).
    """
    if room.home[0] + room.home[1] > 0:
        stays = room.home[0] - room.stay[place] <= room.home[1] + room.stay[place]
        return (one, two) if stays else (two, one)
    taken_one, all_load = 0, state.load[one] + state.load[two]
    for index in range(place):
        if state.labels[room.order[index]] == one:
            taken_one += state.graph.load[room.order[index]]
    taken_two = room.load[place] - taken_one
    stay = taken_one + state.load[two] - taken_two
    return (one, two) if 2 * stay >= all_load else (two, one)
