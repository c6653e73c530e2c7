"""The locator against shapely: no disagreement, neither on random points nor on nasty ones."""

from types import ModuleType

import numpy as np
import pytest

from gridmap.locate import Locator
from tests.scripts import load_script


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    """Load the benchmark, which has the check that is used on millions of points."""
    return load_script("locate")


@pytest.mark.parametrize("make", ["make_grids", "make_bricks"])
def test_nobody_disagrees(bench: ModuleType, make: str) -> None:
    """Random points, corners, points on edges, and both one step of a float beside."""
    grids = getattr(bench, make)(300)
    shapes, locator = grids.geometry.to_numpy(), Locator(grids)
    for lon, lat in (bench.pick_inside(grids, 40_000), bench.pick_adversarial(shapes, 9_000)):
        owners = locator.owners(lon, lat)
        assert len(bench.find_disagreements(shapes, owners, lon, lat)) == 0


def test_order_of_many_points_does_not_matter(bench: ModuleType) -> None:
    """In an index beyond the caches many points are taken in the order of cells: same answers."""
    grids = bench.make_bricks(60_000)
    locator = Locator(grids)
    assert locator._index.edges.nbytes > 1 << 23
    lon, lat = bench.pick_adversarial(grids.geometry.to_numpy(), 30_000)
    lon[::100], lat[5::100], lon[7::100] = np.nan, 95.0, lon[7::100] + 1
    few = [locator.owners(lon[at : at + 500], lat[at : at + 500]) for at in range(0, len(lon), 500)]
    assert (locator.owners(lon, lat) == np.concatenate(few)).all()
    assert {-1} < set(np.concatenate(few).tolist())


def test_the_check_finds_a_wrong_owner(bench: ModuleType) -> None:
    """One wrong owner among many, inside and on a border, is found; so is a missing one."""
    grids = bench.make_grids(50)
    shapes, locator = grids.geometry.to_numpy(), Locator(grids)
    lon, lat = bench.pick_adversarial(shapes, 3_000)
    owners = locator.owners(lon, lat)
    for row, value in ((0, -1), (1, (owners[1] + 1) % 50), (2_000, -1)):
        wrong = owners.copy()
        wrong[row] = value
        assert bench.find_disagreements(shapes, wrong, lon, lat).tolist() == [row]
    assert (np.unique(owners) >= -1).all()
