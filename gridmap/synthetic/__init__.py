"""A city like the reference city (Yingkou), from a seed: streets, buildings, communities, names.

The plan is drawn on a lattice of street lines that is bent and turned afterwards. Every block,
community, street and barrier takes its vertices from the same lattice nodes, so they share them
exactly. Figures that it reproduces: 300 households and 159 m × 159 m to a grid, 11.4 grids to a
community, 19 buildings to a grid, communities of 5 to 25 grids. No household, name of an estate or
number of a house is anybody's; districts and street offices have their published codes and names.
"""

import numpy as np

from gridmap.city import City
from gridmap.errors import RulesError
from gridmap.synthetic.blocks import Blocks, cut_blocks
from gridmap.synthetic.communities import group_communities
from gridmap.synthetic.figures import HOUSEHOLDS
from gridmap.synthetic.net import BARRIER_KINDS, ROAD_KINDS, Net, lay_net
from gridmap.synthetic.stock import Stock, fill_blocks, settle_households
from gridmap.synthetic.tables import name_roads, table_buildings, table_communities, table_lines

__all__ = ["make_city"]
_TRIES = 16  # times that the extent is corrected for the households that found room


def make_city(grids: int = 2157, *, seed: int = 0) -> City:
    """Make a city like the reference city, for about ``grids`` grids of 300 households.

    From five grids on it has a river with bridges and a railway with crossings, and a community
    that lies on both banks.

    Parameters
    ----------
    grids : int
        How many grids the city should come to: households are within 1 % of 300 times that,
        communities about one to 11.4.
    seed : int
        0 or more; the same seed gives the same city on any machine.

    Raises
    ------
    RulesError
        If ``grids`` is below 1 or ``seed`` below 0.

    Examples
    --------
    >>> city = make_city(20)
    >>> len(city.communities), round(city.households / 20)
    (2, 300)
    """
    if grids < 1 or seed < 0:
        raise RulesError(f"grids is {grids} and seed {seed}: at least 1 and 0 are needed")
    net, blocks, stock = _build_to_size(grids, seed)
    rng = np.random.default_rng([seed, grids, 1])
    community = group_communities(rng, blocks, stock, grids)
    communities = table_communities(rng, blocks, community)
    streets = table_lines(net, ROAD_KINDS, "street_id", "S", name_roads(rng, net))
    barriers = table_lines(net, BARRIER_KINDS, "barrier_id", "R", None)
    buildings = table_buildings(rng, stock, community, communities, streets)
    return City(
        communities.sort_index(), buildings, streets, barriers, name=f"示例城市（{grids}网格）"
    )


def _build_to_size(grids: int, seed: int) -> "tuple[Net, Blocks, Stock]":
    """Build the city, and again a little larger or smaller until its households find room."""
    scale, best, found = 1.0, (True, np.inf), None
    total = grids * HOUSEHOLDS
    for attempt in range(_TRIES):
        rng = np.random.default_rng([seed, grids])
        net = lay_net(rng, grids, scale)
        blocks = cut_blocks(net)
        stock = fill_blocks(rng, blocks)
        room = float(stock.dwellings.sum()) / total
        stock = settle_households(stock, total)
        off = abs(float(stock.dwellings.sum()) / total - 1)
        if (off > 0.003, abs(np.log(room))) < best:
            best, found = (off > 0.003, abs(np.log(room))), (net, blocks, stock)
        if best < (False, 0.14):
            break
        # Smaller and smaller steps: a town of few blocks jumps to and fro.
        scale *= float(np.clip(room, 0.5, 2.0)) ** (-0.5 / (1 + attempt / 4))
    assert found is not None
    return found
