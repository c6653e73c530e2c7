"""The index under the locator: whole numbers in, the owner of a point out."""

import geopandas as gpd
import numpy as np
import pytest
from shapely import box

from gridmap.cells import build_index, order_by_shape, own_points, trace_edges
from gridmap.errors import TableError


def shapes_of(*boxes: tuple[float, float, float, float]) -> gpd.GeoDataFrame:
    """Return rectangles in degrees, a to z."""
    return gpd.GeoDataFrame(geometry=[box(*corners) for corners in boxes], crs=4326).set_axis(
        [chr(97 + row) for row in range(len(boxes))]
    )


def test_edges_are_whole_numbers_pointing_up() -> None:
    """A square of one unit has four edges; none points down, level ones point east."""
    owner, edges = trace_edges(shapes_of((0, 0, 1e-7, 1e-7)).geometry)
    assert owner.tolist() == [0, 0, 0, 0]
    assert sorted(map(tuple, edges.tolist())) == [
        (0, 0, 0, 1),
        (0, 0, 1, 0),
        (0, 1, 1, 1),
        (1, 0, 1, 1),
    ]


def test_rounding_is_that_of_seven_decimals() -> None:
    """A half rounds as the decimal text of the same float does, also where the product lies."""
    for value in (0.00000005, 1.00000015, 122.23500025, -0.00000035):
        _, edges = trace_edges(shapes_of((value, 0, value + 1e-6, 1e-6)).geometry)
        assert edges[:, 0].min() == round(float(f"{value:.7f}") * 1e7)


def test_points_find_their_owner() -> None:
    """Inside, on the shared edge (the eastern one owns it), and outside (the number of grids)."""
    grids = shapes_of((0, 0, 1e-3, 1e-3), (1e-3, 0, 2e-3, 1e-3))
    owner, edges = trace_edges(grids.geometry)
    index = build_index(owner, edges, 2)
    x, y = np.array([5e-4, 1e-3, 1.5e-3, 3e-3]), np.full(4, 5e-4)
    found = own_points(
        index.frame, index.cells, index.lists, index.choices, index.slabs, index.edges, x, y
    )
    assert found.tolist() == [0, 1, 1, 2]


def test_order_depends_on_shapes_alone() -> None:
    """Any order of the table gives the same order of shapes; the same shape twice is refused."""
    grids = shapes_of((0, 0, 1, 1), (1, 0, 2, 1), (2, 0, 3, 1))
    turned = grids.iloc[[2, 0, 1]]
    names = [
        table.index[order_by_shape(table, *trace_edges(table.geometry))].tolist()
        for table in (grids, turned)
    ]
    assert names[0] == names[1]
    twice = shapes_of((0, 0, 1, 1), (0, 0, 1, 1))
    with pytest.raises(TableError, match="a and b have the same shape"):
        order_by_shape(twice, *trace_edges(twice.geometry))
