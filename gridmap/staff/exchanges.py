"""What else could be: the best exchange for each post, and what it costs.

The next best for a post is somebody who is free, or who changes places with its worker; for a
vacant one it is somebody who leaves his own vacant instead. That is a staffing which keeps every
rule, so its cost is what a planner would pay who wants it. Where no such exchange is allowed, or
one of both has several grids, the prices of the optimum give a bound: at least so much.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gridmap.staff.case import Case

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


class Exchanges(NamedTuple):
    """The next best of each post.

    ``rival`` is his position (-1: nobody else may serve it), ``extra`` by how many metres the whole
    would be worse, ``exact`` whether an exchange costs just that; else it costs that at least.
    """

    rival: Ints
    extra: Floats
    exact: Flags


def find_exchanges(case: Case, primary: Ints, bound: Floats) -> Exchanges:
    """Find the cheapest exchange for each post.

    Parameters
    ----------
    case : Case
        Workers and posts.
    primary : array of shape (posts,)
        The worker of each post, -1 where it is vacant.
    bound : array of shape (workers, posts)
        Metres that the whole is worse with a worker in a post, at least; infinite where he may not.
    """
    n, size = len(primary), len(case.workers)
    if not size or not n:
        return Exchanges(np.full(n, -1), np.full(n, np.nan), np.zeros(n, bool))
    held = np.bincount(primary[primary >= 0], minlength=size)
    own = np.full(size, -1)
    own[primary[primary >= 0]] = np.flatnonzero(primary >= 0)
    price = _price_exchanges(case, primary, held, own)
    grids = np.arange(n)
    low = bound.copy()
    low[primary[primary >= 0], grids[primary >= 0]] = np.inf
    best, least = price.argmin(axis=0), low.argmin(axis=0)
    exact = np.isfinite(price[best, grids])
    rival = np.where(exact, best, least)
    extra = np.where(exact, price[best, grids], low[least, grids])
    known = np.isfinite(extra)
    return Exchanges(np.where(known, rival, -1), np.where(known, extra, np.nan), exact)


def _price_exchanges(case: Case, primary: Ints, held: Ints, own: Ints) -> Floats:
    """Price each exchange: workers are rows, posts columns; infinite where there is none."""
    now = np.append(case.cost, case.vacant[None, :], axis=0)  # the last row is nobody
    posts, workers = np.arange(len(primary)), np.arange(len(held))
    mine = now[primary, posts]
    theirs = np.where(own >= 0, now[workers, own], 0.0)
    back = now[primary][:, np.maximum(own, 0)].T  # whoever has the post, in the other's
    back = np.where((own >= 0)[:, None], back, 0.0)
    with np.errstate(invalid="ignore"):
        price = case.cost + back - mine[None, :] - theirs[:, None]
    single = np.append(held <= 1, True)
    able = single[:-1, None] & single[primary][None, :]
    grid = case.posts["grid"].to_numpy()
    able &= np.where(own >= 0, grid[own], -1)[:, None] != grid[None, :]
    return np.where(able & np.isfinite(price), price, np.inf)
