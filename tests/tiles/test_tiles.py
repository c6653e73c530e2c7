"""Tiles as others read them: no gap, no overlap, valid rings, every grid, nothing private."""

import gzip
import subprocess
from dataclasses import replace
from pathlib import Path
from shutil import which
from typing import Any

import mapbox_vector_tile
import numpy as np
import pyogrio
import pytest
import shapely
from pmtiles.reader import MmapSource, Reader, all_tiles
from shapely.affinity import affine_transform, translate
from shapely.geometry import shape
from typer.testing import CliRunner

from gridmap.cli import app
from gridmap.crs import to_degrees
from gridmap.errors import TableError
from gridmap.plan import Plan, draw_plan
from gridmap.store import PlanStore
from gridmap.synthetic import make_city
from gridmap.tiles import LAYERS, Tiles, export_tiles, make_tiles
from gridmap.tiles.cutting import BUFFER, SIZE
from gridmap.tiles.levels import FIRST, LAST, WORLD_BITS, project

ZOOMS = range(FIRST, LAST + 1)


@pytest.fixture(scope="module")
def plan() -> Plan:
    """Return a plan of about forty grids in some communities."""
    return draw_plan(make_city(40, seed=3), steps=10)


@pytest.fixture(scope="module")
def tiles(plan: Plan) -> Tiles:
    """Return its tiles."""
    return make_tiles(plan)


def read(data: bytes) -> dict[str, list[tuple[Any, dict[str, Any]]]]:
    """Return layer -> shapes and properties, y downwards."""
    layers = mapbox_vector_tile.decode(data, default_options={"y_coord_down": True})
    return {
        name: [(shape(one["geometry"]), one["properties"]) for one in layer["features"]]
        for name, layer in layers.items()
    }


def areas(layer: list[tuple[Any, dict[str, Any]]]) -> list[Any]:
    """Return the areas of a layer."""
    return [one for one, _ in layer if one.area > 0]


def count_holes(shape: Any) -> int:
    """Count the holes of an area's parts."""
    return sum(len(part.interiors) for part in shapely.get_parts(shape))


@pytest.mark.parametrize("zoom", ZOOMS)
def test_nothing_is_torn(plan: Plan, tiles: Tiles, zoom: int) -> None:
    """Rings are valid; grids fill their communities to the last step, and never overlap.

    There is no gap between communities either: the town has no hole, and gets none.
    """
    assert count_holes(plan.grids.union_all()) == 0
    found = 0
    for _, _, data in tiles.tiles(zoom):
        layers = read(data)
        grids, communities = areas(layers["grids"]), areas(layers["communities"])
        for one in [*grids, *communities, *areas(layers.get("buildings", []))]:
            assert one.is_valid
        whole = shapely.union_all(grids)
        assert sum(one.area for one in grids) == whole.area
        assert whole.symmetric_difference(shapely.union_all(communities)).area == 0
        assert count_holes(whole) == 0
        found += len(grids)
    assert found


@pytest.mark.parametrize("zoom", ZOOMS)
def test_nothing_is_left_out(plan: Plan, tiles: Tiles, zoom: int) -> None:
    """Every grid, community, street and building is in some tile of each zoom that has them."""
    counts = {name: set() for name in LAYERS}
    for _, _, data in tiles.tiles(zoom):
        layers = mapbox_vector_tile.decode(data)
        for name, layer in layers.items():
            counts[name] |= {one["id"] for one in layer["features"]}
    tables = {"grids": plan.grids} | {
        name: getattr(plan.city, name) for name in LAYERS if name != "grids"
    }
    for name, first in LAYERS.items():
        assert len(counts[name]) == (len(tables[name]) if zoom >= first else 0), name


def test_tiny_grids_are_points(four_by_two: Plan) -> None:
    """A grid smaller than a step of the lattice is a point with all that is told of it."""
    centre = four_by_two.grids.union_all().centroid
    small = four_by_two.grids.scale(1 / 64, 1 / 64, origin=centre)
    town = replace(four_by_two, grids=four_by_two.grids.set_geometry(small))
    _, _, data = next(make_tiles(town, layers=["grids"]).tiles(FIRST))
    grids = read(data)["grids"]
    assert "Point" in {one.geom_type for one, _ in grids}
    assert sorted(told["code"] for _, told in grids) == sorted(town.grids.index)


def test_one_tile_is_the_same_alone(tiles: Tiles) -> None:
    """A tile asked for by itself is, byte for byte, the one among all."""
    for zoom in (FIRST, 12, LAST):
        for column, row, data in tiles.tiles(zoom):
            assert tiles.tile(zoom, column, row) == data


def test_where_nothing_is(tiles: Tiles) -> None:
    """Outside of the city, and at zooms without tiles, a tile is empty."""
    assert tiles.tile(12, 0, 0) == b""
    assert tiles.tile(FIRST - 1, 105, 48) == b""
    assert tiles.tile(LAST + 1, 0, 0) == b""


def test_shapes_are_where_they_belong(plan: Plan, tiles: Tiles) -> None:
    """At the last zoom an area differs from the true one by its rounding only: a step or so."""
    lattice = shapely.transform(to_degrees(plan.grids).geometry.to_numpy(), project)
    step = 2.0 ** (WORLD_BITS - 12 - LAST)
    for column, row, data in tiles.tiles(LAST):
        west, north = column * SIZE, row * SIZE
        square = shapely.box(-BUFFER, -BUFFER, SIZE + BUFFER, SIZE + BUFFER)
        for one, told in read(data)["grids"]:
            true = lattice[plan.grids.index.get_loc(told["code"])]
            placed = affine_transform(true, [1 / step, 0, 0, 1 / step, -west, -north])
            here = placed.intersection(square)
            assert one.hausdorff_distance(here) < 12
            assert abs(one.area - here.area) <= 0.01 * here.area + 4 * here.length


def test_neighbouring_tiles_agree(tiles: Tiles) -> None:
    """In the strip that two tiles both have, their grids are the same shapes."""
    found = {(column, row): data for column, row, data in tiles.tiles(LAST)}
    pairs = [(at, (at[0] + 1, at[1])) for at in found if (at[0] + 1, at[1]) in found]
    assert pairs
    strip = shapely.box(SIZE - BUFFER, 0, SIZE + BUFFER, SIZE)
    for west, east in pairs:
        one = {told["code"]: shape for shape, told in read(found[west])["grids"]}
        other = {told["code"]: shape for shape, told in read(found[east])["grids"]}
        for code in one.keys() & other.keys():
            moved = translate(other[code], SIZE, 0)
            left, right = one[code].intersection(strip), moved.intersection(strip)
            assert left.symmetric_difference(right).area < 1e-6 + 0.01 * left.area


def decode_rings(data: bytes) -> list[list[float]]:
    """Return per polygon feature of any layer the signed areas of its rings, as written."""
    from mapbox_vector_tile.Mapbox import vector_tile_pb2

    message = vector_tile_pb2.tile()
    message.ParseFromString(data)
    found = []
    for layer in message.layers:
        assert (layer.version, layer.extent) == (2, SIZE)
        found += [_ring_areas(list(one.geometry)) for one in layer.features if one.type == 3]
    return found


def _ring_areas(commands: list[int]) -> list[float]:
    at, x, y, ring, areas = 0, 0, 0, [], []
    while at < len(commands):
        command, count = commands[at] & 7, commands[at] >> 3
        at += 1
        if command == 7:
            corners = np.array(ring, float)
            after = np.roll(corners, -1, axis=0)
            cross = corners[:, 0] * after[:, 1] - after[:, 0] * corners[:, 1]
            areas.append(cross.sum() / 2)
            ring = []
        for _ in range(count if command != 7 else 0):
            x += (commands[at] >> 1) ^ -(commands[at] & 1)
            y += (commands[at + 1] >> 1) ^ -(commands[at + 1] & 1)
            ring.append((x, y))
            at += 2
    return areas


def test_winding_is_that_of_the_specification(tiles: Tiles) -> None:
    """By the surveyor's formula outer rings are above 0 and come first, holes are below 0."""
    for zoom in (FIRST, 13, LAST):
        for _, _, data in tiles.tiles(zoom):
            for rings in decode_rings(data):
                assert rings
                assert rings[0] > 0
                assert 0 not in rings


def test_holes_are_holes(four_by_two: Plan) -> None:
    """A grid around another one has a hole, and the other one fills it."""
    west, south, _, _ = four_by_two.grids.total_bounds
    outer, inner = (
        shapely.box(west + at, south + at, west + end, south + end)
        for at, end in ((0, 300), (100, 200))
    )
    others = [shapely.box(west + at, south, west + at + 50, south + 50) for at in (400, 500)]
    shapes = [outer.difference(inner), inner, *others]
    grids = four_by_two.grids.set_geometry(shapes, crs=four_by_two.grids.crs)
    found = [
        {told["code"]: one for one, told in read(data)["grids"]}
        for *_, data in make_tiles(replace(four_by_two, grids=grids)).tiles(14)
    ]
    around, filling = (found[0][code] for code in grids.index[:2])
    assert len(around.interiors) == 1
    assert shapely.Polygon(around.interiors[0]).equals(filling)


def test_what_is_told(plan: Plan, tiles: Tiles) -> None:
    """A grid says what the API says of it, and no count of a building leaves."""
    [told] = [
        told for *_, data in tiles.tiles(FIRST) for _, told in read(data)["grids"]
        if told["code"] == plan.grids.index[0]
    ][:1]  # fmt: skip
    row = plan.grids.iloc[0]
    assert (told["name"], told["households"]) == (row["name"], row["households"])
    assert told["community"] == plan.city.communities.loc[row["community_id"], "name"]
    buildings = [
        told for *_, data in tiles.tiles(14) for _, told in read(data).get("buildings", [])
    ]
    assert buildings
    assert {key for told in buildings for key in told} <= {"name", "floors"}


def test_small_counts_are_hidden(plan: Plan) -> None:
    """Below the limit neither households nor what they follow from is told; 0 tells all."""
    limit = int(plan.grids["households"].median())
    strict = replace(plan, rules=replace(plan.rules, min_cell=limit))
    for made, shown in ((make_tiles(strict), False), (make_tiles(strict, min_cell=0), True)):
        for *_, data in made.tiles(FIRST):
            for _, told in read(data)["grids"]:
                small = plan.grids.loc[told["code"], "households"] < limit
                assert ("households" in told) == (shown or not small)
                assert ("deviation" in told) == (shown or not small)


def test_layers_are_chosen(plan: Plan) -> None:
    """Only the layers asked for are there; another name is refused."""
    made = make_tiles(plan, layers=["communities"])
    assert {name for *_, data in made.tiles(LAST) for name in read(data)} == {"communities"}
    assert [one["id"] for one in made.list_layers()] == ["communities"]
    with pytest.raises(TableError, match="no layer 'roads'"):
        make_tiles(plan, layers=["roads"])


def test_tilejson(tiles: Tiles) -> None:
    """The document names the layers with their fields, the zooms and the bounds."""
    about = tiles.describe("http://host/{z}/{x}/{y}", attribution="© us")
    assert (about["tilejson"], about["minzoom"], about["maxzoom"]) == ("3.0.0", FIRST, LAST)
    assert {one["id"] for one in about["vector_layers"]} == set(LAYERS)
    assert "households" in about["vector_layers"][0]["fields"]
    west, south, east, north = about["bounds"]
    assert west < about["center"][0] < east
    assert south < about["center"][1] < north


def test_archive(tiles: Tiles, tmp_path: Path) -> None:
    """The archive has every tile, says what is in it, and is the same bytes again."""
    count = export_tiles(tiles, tmp_path / "a.pmtiles", attribution="© us")
    export_tiles(tiles, tmp_path / "b.pmtiles", attribution="© us")
    assert (tmp_path / "a.pmtiles").read_bytes() == (tmp_path / "b.pmtiles").read_bytes()
    with (tmp_path / "a.pmtiles").open("rb") as file:
        source = MmapSource(file)
        found = {at: gzip.decompress(data) for at, data in all_tiles(source)}
        about, header = Reader(source).metadata(), Reader(source).header()
    assert len(found) == count
    expected = {(z, x, y): data for z in ZOOMS for x, y, data in tiles.tiles(z)}
    assert found == expected
    assert (header["min_zoom"], header["max_zoom"]) == (FIRST, LAST)
    assert about["attribution"] == "© us"
    assert {one["id"] for one in about["vector_layers"]} == set(LAYERS)


def test_gdal_reads_the_archive(plan: Plan, tiles: Tiles, tmp_path: Path) -> None:
    """GDAL reads every grid from the archive, with its code and its count."""
    if "PMTiles" not in pyogrio.list_drivers():
        pytest.skip("this GDAL has no driver for PMTiles")
    export_tiles(tiles, tmp_path / "a.pmtiles")
    options = {"ZOOM_LEVEL": str(FIRST)}
    grids = pyogrio.read_dataframe(tmp_path / "a.pmtiles", layer="grids", **options)
    counts = grids.drop_duplicates("code").set_index("code")["households"]
    assert counts.reindex(plan.grids.index).tolist() == plan.grids["households"].tolist()
    assert grids.is_valid.all()


def test_ogrinfo_reads_a_tile(tiles: Tiles, tmp_path: Path) -> None:
    """GDAL's command, of whatever version, reads a tile by itself."""
    if which("ogrinfo") is None:
        pytest.skip("ogrinfo is not there")
    _, _, data = next(tiles.tiles(FIRST))
    (tmp_path / "0.mvt").write_bytes(data)
    command = ["ogrinfo", "-so", "-al", str(tmp_path / "0.mvt")]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "Layer name: grids" in run.stdout
    assert "households: Integer" in run.stdout


def test_command(plan: Plan, tmp_path: Path) -> None:
    """``gridmap tiles`` writes the archive of a kept plan and says whom it is for."""
    PlanStore(tmp_path / "plans").keep(plan, "2025")
    out = tmp_path / "town.pmtiles"
    run = CliRunner().invoke(app, ["tiles", str(tmp_path / "plans"), "2025", str(out)])
    assert run.exit_code == 0, run.output
    assert run.output.startswith("public tiles:")
    assert out.read_bytes()[:7] == b"PMTiles"
