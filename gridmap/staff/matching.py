"""Who takes which of some disjoint sets, each worker one at most: a matching, and its prices.

A matching of least cost has dual prices that prove it: a wage for each worker, 0 or below, by which
a set would be cheaper if there were another like him. There are many such prices; the highest and
the lowest are found here.
"""

import numpy as np
import scipy

from gridmap.staff.columns import Duties, Floats, Ints


def match_sets(duties: Duties, rows: Ints, columns: Ints) -> tuple[Ints, Floats, Floats]:
    """Give each of some disjoint sets one worker, or none.

    Parameters
    ----------
    duties : Duties
        What may be.
    rows : array of int
        Positions of the sets, which hold every grid once.
    columns : array of int
        Positions of the columns that may be taken; those of other sets are passed over.

    Returns
    -------
    tuple
        The columns taken, and the highest and the lowest wages that prove them.
    """
    n, top = len(rows), duties.workers
    place = np.full(duties.groups.shape[0], -1)
    place[rows] = np.arange(n)
    use = columns[place[duties.group[columns]] >= 0]
    at, seats, costs = place[duties.group[use]], duties.worker[use], duties.cost[use]
    price = duties.groups[rows] @ duties.vacant
    graph, seat_of = match_rows(at, seats, costs, price, top)
    taken = seat_of[at] == seats
    high = find_wages(graph, seat_of)[:top]
    return use[taken], high, _find_low_wages(graph, seat_of, price + 1, top)


def match_rows(
    rows: Ints, seats: Ints, costs: Floats, vacant: Floats, workers: int
) -> tuple["scipy.sparse.csr_array", Ints]:
    """Give each row a seat of its own, or leave it vacant at its price; return graph and seats.

    Row i's vacant seat is ``workers + i``.
    """
    n = len(vacant)
    at = np.concatenate([rows, np.arange(n)])
    to = np.concatenate([seats, workers + np.arange(n)])
    # A stored zero is no edge, so everything is 1 dearer: each row has one edge of a matching.
    price = np.concatenate([costs, vacant]) + 1
    graph = scipy.sparse.coo_array((price, (at, to)), shape=(n, workers + n)).tocsr()
    row, seat = scipy.sparse.csgraph.min_weight_full_bipartite_matching(graph)
    seat_of = np.empty(n, np.int64)
    seat_of[row] = seat
    return graph, seat_of


def find_wages(graph: "scipy.sparse.csr_array", seat_of: Ints) -> Floats:
    """Return the seats' dual values (0 or below) of an optimal matching: Bellman and Ford."""
    by_seat = graph.tocsc()
    rows, costs, counts = by_seat.indices, by_seat.data, np.diff(by_seat.indptr)
    asked = np.flatnonzero(counts)
    first = by_seat.indptr[asked]
    mine = np.repeat(np.arange(len(counts)), counts) == seat_of[rows]
    own = np.zeros(graph.shape[0])
    own[rows[mine]] = costs[mine]
    offers, rival = costs - own[rows], seat_of[rows]
    wages = np.zeros(graph.shape[1])
    while True:
        least = np.minimum.reduceat(offers + wages[rival], first)
        new = np.minimum(wages[asked], least)
        if not (new < wages[asked] - 1e-9).any():
            return wages
        wages[asked] = new


def _find_low_wages(
    graph: "scipy.sparse.csr_array", seat_of: Ints, vacant: Floats, workers: int
) -> Floats:
    """Return the lowest wages of an optimal matching: those at the highest prices of the rows."""
    rows = np.repeat(np.arange(graph.shape[0]), np.diff(graph.indptr))
    seats, costs = graph.indices, graph.data
    row_of = np.full(graph.shape[1], -1)
    row_of[seat_of] = np.arange(graph.shape[0])
    mine = row_of[seats] == rows
    own = np.zeros(graph.shape[0])
    own[rows[mine]] = costs[mine]
    rival = row_of[seats]
    offers = np.where(rival >= 0, costs - own[rival], costs)
    first = graph.indptr[:-1]  # each row has its vacant seat, so none is empty
    prices = vacant.copy()
    while True:
        least = np.minimum.reduceat(offers + np.where(rival >= 0, prices[rival], 0.0), first)
        new = np.minimum(prices, least)
        if not (new < prices - 1e-9).any():
            break
        prices = new
    wages = np.zeros(graph.shape[1])
    wages[seat_of] = np.minimum(own - prices, 0.0)
    return wages[:workers]
