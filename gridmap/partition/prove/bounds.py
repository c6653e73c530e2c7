"""Bounds without borders: what the sizes of the units alone make unavoidable.

Borders are forgotten and households dealt out almost freely, so these bounds hold for parts of any
size and take no search.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from gridmap.partition.objective import Weights, balance_cost, make_weights
from gridmap.partition.problem import Flags, Floats, Ints, kernel
from gridmap.rules import Rules

#: Loads that add up to more are not listed sum by sum: the bound is that of even shares.
MOST_SUMS = 200_000


def bound_balance(loads: ArrayLike, grids: int, rules: Rules) -> float:
    """Bound the balance of any division of units into so many grids, connected or not.

    Sort the units by load, u₁ ≥ u₂ ≥ …, and the grids of any division, b₁ ≥ b₂ ≥ …. The j largest
    units lie in at most j grids, so b₁ + … + bⱼ ≥ u₁ + … + uⱼ for every j < k; and all grids sum
    to all units. Among the vectors that keep this, one is majorised by all others: the largest
    units alone while they exceed the mean of what remains, and the rest in even shares. The cost
    of a grid is convex in its load, so by Karamata's inequality that vector costs least.

    A grid's load is also a sum of units. Let g be the lower convex hull of the cost over the sums
    that units can make, found by a bit set over whole loads: g is convex, at least the cost, and
    equal to it at every sum, so the same inequality holds with g and is stronger.

    Parameters
    ----------
    loads : array, per unit
        Households.
    grids : int
        1 or more.
    rules : Rules

    Examples
    --------
    >>> bound_balance([300, 150, 150], 2, Rules(target=300))
    0.0
    >>> round(bound_balance([330, 200, 100], 2, Rules(target=300)), 4)  # 330 and 300
    0.01
    >>> round(bound_balance([200, 200, 200], 2, Rules(target=300)), 3)  # no two make 300
    1.111
    """
    return relax(np.asarray(loads, np.float64), grids, make_weights(rules)).bound


class Relaxation(NamedTuple):
    """The least uneven loads that a division could have if there were no borders."""

    shares: Floats  #: largest first
    large: int  #: how many of them are one unit alone
    bound: float  #: their cost over the sums that units can make
    below: float  #: largest sum that is at most the smallest share
    above: float  #: smallest sum that is at least the largest share


class Sums(NamedTuple):
    """The loads that units can make together, and the lower convex hull of what they cost."""

    loads: Floats  #: ascending; empty where they are not listed
    corners: Floats  #: loads at the corners of the hull
    costs: Floats  #: and what they cost

    def cost(self, shares: Floats) -> float:
        """Add up what shares cost at least, by the hull."""
        return float(np.interp(shares, self.corners, self.costs).sum()) if len(self.loads) else 0.0


def list_sums(loads: Floats, weights: Weights) -> Sums:
    """List the sums of whole loads, if they add up to `MOST_SUMS` or less. O(units · load)."""
    whole = loads.astype(np.int64)
    if (whole != loads).any() or whole.sum() > MOST_SUMS:
        return Sums(np.empty(0), np.empty(0), np.empty(0))
    sums = np.flatnonzero(flag_sums(whole)).astype(np.float64)
    costs = cost_all(sums, weights)
    hull = _find_hull(sums, costs)
    return Sums(sums, sums[hull], costs[hull])


def relax(loads: Floats, grids: int, weights: Weights, known: Sums | None = None) -> Relaxation:
    """Find the least uneven loads; see `bound_balance` for the proof. O(units · households).

    Where several numbers of grids are asked for, the sums are listed once: ``known``.
    """
    alone, share = share_out(loads, grids)
    shares = np.concatenate([alone, np.full(grids - len(alone), share)])
    sums = list_sums(loads, weights) if known is None else known
    bound = max(sums.cost(shares), sum_costs(shares, weights))
    if not len(sums.loads):
        return Relaxation(shares, len(alone), bound, shares[-1], shares[0])
    below, above = shares[-1] * (1 + 1e-12), shares[0] * (1 - 1e-12)
    least = sums.loads[np.searchsorted(sums.loads, below, side="right") - 1]
    greatest = sums.loads[min(np.searchsorted(sums.loads, above), len(sums.loads) - 1)]
    return Relaxation(shares, len(alone), bound, float(least), float(greatest))


def share_out(loads: Floats, grids: int) -> tuple[Floats, float]:
    """Give the loads that are alone in the least uneven grids, and the even share of the others.

    Examples
    --------
    >>> share_out(np.array([100.0, 20, 900, 80]), 3)
    (array([900.]), 100.0)
    """
    largest, total, alone = np.sort(loads)[::-1], float(loads.sum()), 0
    while alone < min(len(largest), grids - 1) and largest[alone] * (grids - alone) > total:
        total -= largest[alone]
        alone += 1
    return largest[:alone], float(total / (grids - alone))


def flag_sums(loads: Ints) -> Flags:
    """Flag the sums that subsets of whole loads make, from 0 to that of all.

    Examples
    --------
    >>> np.flatnonzero(flag_sums(np.array([2, 3, 3])))
    array([0, 2, 3, 5, 6, 8])
    """
    reached = 1
    for load in loads.tolist():
        reached |= reached << load
    raw = np.frombuffer(reached.to_bytes(reached.bit_length() // 8 + 1, "little"), np.uint8)
    return np.unpackbits(raw, count=reached.bit_length(), bitorder="little").astype(np.bool_)


def _find_hull(x: Floats, y: Floats) -> Ints:
    """Find the corners of the lower convex hull of points sorted by x."""
    corners = np.empty(len(x), np.int64)
    return corners[: _walk_hull(x, y, corners)]


@kernel
def _walk_hull(x: Floats, y: Floats, corners: Ints) -> int:
    """Fill the corners of a lower convex hull (Andrew 1979); give their number. O(points)."""
    count = 0
    for new in range(len(x)):
        while count > 1:
            a, b = corners[count - 2], corners[count - 1]
            if (x[b] - x[a]) * (y[new] - y[a]) > (y[b] - y[a]) * (x[new] - x[a]):
                break
            count -= 1
        corners[count] = new
        count += 1
    return count


def sum_loads(labels: Ints, loads: ArrayLike, grids: int) -> Floats:
    """Add up the loads of each grid."""
    return np.bincount(labels, np.asarray(loads), minlength=grids).astype(np.float64)


def cost_all(loads: Floats, weights: Weights) -> Floats:
    """Compute the balance of grids of given loads, one by one."""
    out = np.empty(len(loads))
    _fill_costs(loads, weights, out)
    return out


def sum_costs(loads: Floats, weights: Weights) -> float:
    """Compute the balance of grids of given loads."""
    return float(cost_all(loads, weights).sum())


@kernel
def _fill_costs(loads: Floats, weights: Weights, out: Floats) -> None:
    """Fill the balance of each grid of given loads. O(loads)."""
    for index in range(len(loads)):
        out[index] = balance_cost(loads[index], weights)


def bound_worst(loads: ArrayLike, grids: int, rules: Rules) -> float:
    """Bound the worst relative deviation of any division into so many grids.

    Some grid is at least as large as the largest share of the least uneven loads (`bound_balance`),
    some at most as small as the smallest, and both are sums of units. Of the k + 1 largest units
    two are in one grid, so a grid has at least uₖ + uₖ₊₁.

    Examples
    --------
    >>> round(bound_worst([330, 200, 100], 2, Rules(target=300)), 3)
    0.1
    >>> round(bound_worst([200, 200, 200], 2, Rules(target=300)), 3)
    0.333
    """
    weights = make_weights(rules)
    counts = np.asarray(loads, np.float64)
    return measure_worst(counts, grids, weights, relax(counts, grids, weights))


def measure_worst(loads: Floats, grids: int, weights: Weights, relaxed: Relaxation) -> float:
    """Give `bound_worst` where the least uneven loads are known."""
    largest = np.sort(loads)[::-1]
    two = float(largest[grids - 1 : grids + 1].sum()) if len(loads) > grids else 0.0
    over = max(relaxed.above, two) * weights.share - 1.0
    return max(over, 1.0 - relaxed.below * weights.share, 0.0)
