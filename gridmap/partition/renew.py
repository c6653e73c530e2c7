"""Renew a neighbourhood: a few neighbouring grids are dissolved and drawn again from scratch.

Shifts and recombinations of two grids settle into the structure of the first split. To get out of
it, a handful of grids that touch are joined, split anew as a whole part is, and annealed by
themselves; the rest of the part stays. What comes out is kept if it is cheaper, else undone. That
is a large neighbourhood search (Shaw, "Using constraint programming and local search methods to
solve vehicle routing problems", 1998; "ruin and recreate": Schrimpf et al. 2000).
"""

from gridmap.partition.improve import Search, anneal
from gridmap.partition.objective import State, shift_delta, shift_unit
from gridmap.partition.problem import routine
from gridmap.partition.split import Pieces, Tree, draw_below, split_pieces

#: Grids that are renewed together: two more than `SMALLEST` at most.
SMALLEST, KINDS = 3, 2
#: Moves tried per unit of the neighbourhood, and the trees for each of its cuts.
STEPS, TRIES = 60, 4


@routine
def renew(state: State, tree: Tree, search: Search, room: Pieces, rounds: int, hot: float) -> int:
    """Renew as many neighbourhoods, drawn at random; give the number of those that improved.

    See `renew_once`.
    """
    better = 0
    for _ in range(rounds):
        better += renew_once(state, tree, search, room, hot)
    return better


@routine
def renew_once(state: State, tree: Tree, search: Search, room: Pieces, hot: float) -> int:
    """Draw a few neighbouring grids again; keep that if it is cheaper. 1 if it is.

    O(pairs of the grids), for each tree and each move.
    """
    unit = draw_below(tree.rng, len(state.labels))
    wanted = SMALLEST + draw_below(tree.rng, KINDS)
    grids, units = gather_grids(state, tree, search, room, unit, wanted)
    if grids < 2:
        search.open[room.names[0]] = False
        return 0
    for index in range(units):
        room.before[index] = state.labels[room.members[index]]
        room.kept[index] = room.members[index]
    delta = 0.0
    for index in range(units):
        delta += _shift(state, room.kept[index], room.names[0])
    room.start[0], room.stop[0], room.grids[0] = 0, units, grids
    for piece in range(grids):
        search.vain[room.names[piece]] = 0
    delta += split_pieces(state, tree, room, grids, TRIES)
    for index in range(units):
        room.members[index] = room.kept[index]
    delta += anneal(state, tree, search, room.members[:units], STEPS * units, hot)
    for piece in range(grids):
        search.open[room.names[piece]] = False
    if delta < -1e-12:
        return 1
    for index in range(units):
        shift_unit(state, room.kept[index], room.before[index])
    return 0


@routine
def _shift(state: State, unit: int, grid: int) -> float:
    """Move a unit to a grid, unless it is there; give the change of the cost.

    O(degree of the unit + grids of its compound).
    """
    if state.labels[unit] == grid:
        return 0.0
    delta = shift_delta(state, unit, grid)
    shift_unit(state, unit, grid)
    return delta


@routine
def gather_grids(
    state: State, tree: Tree, search: Search, room: Pieces, unit: int, wanted: int
) -> tuple[int, int]:
    """List the units of some grids that hang together, beginning with that of a unit.

    Each further grid is that of a random side on the way out of those before. Fills ``members``,
    ``names`` and the grids that are open to the search; gives the count of grids and of units.
    O(pairs of the grids).
    """
    graph = state.graph
    search.checks[0] += 1
    mark, head, tail, grids = search.checks[0], 0, 0, 0
    door = unit
    while door >= 0 and grids < wanted:
        room.names[grids] = state.labels[door]
        grids += 1
        search.open[state.labels[door]] = True
        room.members[tail] = door
        search.seen[door] = mark
        tail += 1
        while head < tail:
            one = room.members[head]
            head += 1
            for side in range(graph.indptr[one], graph.indptr[one + 1]):
                other = graph.neighbour[side]
                if (
                    search.seen[other] != mark
                    and graph.usable[side]
                    and state.labels[other] == state.labels[one]
                ):
                    search.seen[other] = mark
                    room.members[tail] = other
                    tail += 1
        door, doors = -1, 0
        for index in range(tail):
            one = room.members[index]
            for side in range(graph.indptr[one], graph.indptr[one + 1]):
                other = graph.neighbour[side]
                if graph.usable[side] and not search.open[state.labels[other]]:
                    doors += 1
                    if draw_below(tree.rng, doors) == 0:
                        door = other
    return grids, tail
