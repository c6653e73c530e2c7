"""Plans as GeoJSON (RFC 7946): WGS-84 degrees, 7 decimals, outer rings counter-clockwise.

No household count of a building leaves here; those of grids can be hidden below a limit.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import shapely

from gridmap.crs import from_degrees, to_degrees
from gridmap.errors import TableError
from gridmap.later import later

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

    from gridmap.plan import Plan
else:
    gpd = later("geopandas")
    pd = later("pandas")

#: West, south, east, north in degrees.
Bbox = tuple[float, float, float, float]

#: RFC 7946, section 11.2: 7 decimals are about a centimetre.
_DECIMALS = 7
#: Columns of the base map that are told, layer by layer: names and kinds, never a count of people.
TOLD = {
    "streets": ("kind", "name"),
    "barriers": ("kind", "name"),
    "communities": ("code", "name", "street"),
    "buildings": ("name", "floors"),
}
#: The layers of the base map.
BASE_LAYERS = tuple(TOLD)


@dataclass(frozen=True)
class Features:
    """GeoJSON features, written once and put together often.

    Parameters
    ----------
    ids : tuple of str
        The id of each feature.
    bounds : array of float, shape (n, 4)
        West, south, east and north of each, in degrees; NaN for one without geometry.
    texts : sequence of str
        Each feature as JSON.
    shapes : array of shapely geometry, shape (n,)
        The shape of each, as it is written.
    """

    ids: tuple[str, ...]
    bounds: npt.NDArray[np.float64]
    texts: Sequence[str]
    shapes: npt.NDArray[np.object_]

    def find(
        self, *, bbox: Bbox | None = None, ids: Collection[str] | None = None
    ) -> tuple[int, ...]:
        """Return the positions of the features that meet ``bbox`` and are among ``ids``.

        A feature whose bounds only touch the edge of the bbox is found. A bbox whose west is above
        its east lies across the 180th meridian. None is no condition.
        """
        positions = range(len(self.ids)) if bbox is None else self._meet(bbox)
        return tuple(at for at in positions if ids is None or self.ids[at] in ids)

    @cached_property
    def _tree(self) -> shapely.STRtree:
        return shapely.STRtree(self.shapes)

    def _meet(self, bbox: Bbox) -> list[int]:
        """Return the positions of the features whose bounds meet a bbox, in order."""
        west, south, east, north = bbox
        if west > east:
            return sorted(
                {*self._meet((west, south, 180, north)), *self._meet((-180, south, east, north))}
            )
        found = self._tree.query(shapely.box(*bbox))
        found.sort()
        return list(found.tolist())

    def bounds_of(self, positions: Sequence[int]) -> Bbox | None:
        """Return the bbox around the features at ``positions``; None where none has a shape."""
        bounds = self.bounds[list(positions)]
        if np.isnan(bounds).all():
            return None
        west, south = np.nanmin(bounds[:, :2], axis=0).tolist()
        east, north = np.nanmax(bounds[:, 2:], axis=0).tolist()
        return west, south, east, north

    def project(self, positions: Sequence[int], crs: str) -> tuple[str, ...]:
        """Return the features at ``positions`` as JSON in another system (not RFC 7946's).

        Axes are in the system's own order; see `gridmap.crs.from_degrees`.
        """
        shapes = shapely.to_geojson(from_degrees(self.shapes[list(positions)], crs))
        told = [json.loads(self.texts[at]) for at in positions]
        return tuple(
            _write({**_without_box(feature), "geometry": json.loads(shape) if shape else None})
            for feature, shape in zip(told, shapes, strict=True)
        )

    def collection(self, positions: Sequence[int] | None = None) -> bytes:
        """Return a FeatureCollection of the features at ``positions``, or of all, with its bbox."""
        chosen = range(len(self.ids)) if positions is None else positions
        bounds = self.bounds_of(chosen)
        bbox = f'"bbox":{_write(bounds)},' if bounds else ""
        body = ",".join(self.texts[at] for at in chosen)
        return f'{{"type":"FeatureCollection",{bbox}"features":[{body}]}}'.encode()


NO_FEATURES = Features((), np.empty((0, 4)), (), np.empty(0, object))


def describe_grids(plan: Plan, *, min_cell: int = 0) -> dict[str, dict[str, Any]]:
    """Say what may be told of each grid.

    Parameters
    ----------
    plan : Plan
        The plan.
    min_cell : int
        Household counts below it are hidden: None, and so is what they could be computed from.

    Returns
    -------
    dict
        Code -> name, grid_type, community_id, community, street, households, deviation (relative to
        the grid's target, 0.1 is 10 % more), area (whole m²), label (longitude and latitude of a
        place inside the grid that is good for writing on).
    """
    labels = _label_places(plan.grids).tolist()
    told = tell_grids(plan, min_cell=min_cell)
    return {code: {**told[code], "label": label} for code, label in zip(told, labels, strict=True)}


def tell_grids(plan: Plan, *, min_cell: int = 0) -> dict[str, dict[str, Any]]:
    """Say what may be told of each grid, as `describe_grids` does, but for the label's place.

    Finding that place takes longer than all the rest, and only maps that write on it need it.
    """
    from gridmap.measure import measure  # late: the engine's objective comes with it

    grids, communities = plan.grids, plan.city.communities
    hidden = grids["households"] < min_cell
    told = {
        "name": grids["name"],
        "grid_type": grids["grid_type"],
        "community_id": grids["community_id"],
        "community": grids["community_id"].map(communities["name"]),
        "street": grids["community_id"].map(communities["street"]),
        "households": grids["households"].astype(object).mask(hidden, None),
        "deviation": measure(plan)["deviation"].round(4).astype(object).mask(hidden, None),
        "area": grids["area"].round().astype("int64"),
    }
    columns = {name: column.tolist() for name, column in told.items()}
    rows = zip(*columns.values(), strict=True)
    codes = map(str, grids.index)
    return {
        code: dict(zip(columns, row, strict=True)) for code, row in zip(codes, rows, strict=True)
    }


def grid_features(plan: Plan, told: Mapping[str, dict[str, Any]]) -> Features:
    """Write each grid of a plan as a feature; its id is its code.

    Parameters
    ----------
    plan : Plan
        The plan.
    told : mapping
        Code -> properties, of every grid: what `describe_grids` says.
    """
    return _write_features(plan.grids, [told[code] for code in plan.grids.index], boxed=True)


def layer_features(plan: Plan, layer: str) -> Features:
    """Write each row of a layer of the plan's city as a feature; its id is the row's key.

    Parameters
    ----------
    plan : Plan
        The plan, of which the city is written.
    layer : str
        One of `BASE_LAYERS`.

    Raises
    ------
    TableError
        If there is no such layer.
    """
    if layer not in TOLD:
        raise TableError(f"no layer {layer!r}; there are {', '.join(BASE_LAYERS)}")
    frame = getattr(plan.city, layer)
    told = pd.DataFrame(frame[list(TOLD[layer])])
    records = told.astype(object).where(told.notna(), None).to_dict("records")
    return _write_features(frame, records)


def frame_features(frame: gpd.GeoDataFrame) -> Features:
    """Write every column of any table with shapes; its key is the id and the first property.

    Parameters
    ----------
    frame : GeoDataFrame
        A table of a plan, in any CRS. Nothing is hidden: what leaves the house is written by
        `grid_features`.
    """
    told = pd.DataFrame(frame.drop(columns=frame.geometry.name)).reset_index()
    rows = told.astype(object).where(told.notna(), None).to_dict("records")
    records = [{str(name): _plain(value) for name, value in row.items()} for row in rows]
    return _write_features(frame, records)


def _plain(value: Any) -> Any:
    """Return a value of NumPy as one of Python."""
    return value.item() if isinstance(value, np.generic) else value


def _write_features(
    frame: gpd.GeoDataFrame, properties: Sequence[dict[Any, Any]], *, boxed: bool = False
) -> Features:
    shapes = _to_lonlat(frame)
    bounds = shapely.bounds(shapes)
    ids = tuple(str(key) for key in frame.index)
    texts = []
    for key, shape, box, told in zip(
        ids, shapely.to_geojson(shapes), bounds.tolist(), properties, strict=True
    ):
        bbox = f'"bbox":{_write(box)},' if boxed else ""
        texts.append(
            f'{{"type":"Feature","id":{_write(key)},{bbox}'
            f'"geometry":{shape or "null"},"properties":{_write(told)}}}'
        )
    return Features(ids, bounds, tuple(texts), shapes)


def _to_lonlat(frame: gpd.GeoDataFrame) -> Any:
    """Return the shapes in degrees, rounded; equal vertices of neighbours stay equal."""
    shapes = shapely.force_2d(to_degrees(frame).geometry.to_numpy())
    rounded = shapely.transform(shapes, lambda places: np.round(places, _DECIMALS))
    return shapely.orient_polygons(rounded)


def _label_places(grids: gpd.GeoDataFrame) -> npt.NDArray[np.float64]:
    """Return the centre of the widest circle inside each grid, in degrees (to about a metre)."""
    circles = shapely.maximum_inscribed_circle(grids.geometry.to_numpy(), tolerance=1.0)
    centres = gpd.GeoSeries(shapely.get_point(circles, 0), crs=grids.crs).to_crs("EPSG:4326")
    return np.column_stack((centres.x, centres.y)).round(5)


def _without_box(feature: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in feature.items() if name != "bbox"}


def _write(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
