"""The made city: its figures, its geometry, and that a seed gives the same bytes everywhere."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import shapely

from gridmap.city import City
from gridmap.codes import parse_code
from gridmap.errors import RulesError
from gridmap.synthetic import make_city

HASH_CITY = """
import sys
from tests.test_synthetic import hash_city
from gridmap.synthetic import make_city
sys.stdout.write(hash_city(make_city(20, seed=3)))
"""


def hash_city(city: City) -> str:
    """Hash every value and every coordinate of a city's tables, in their order."""
    digest = hashlib.sha256()
    for table in (city.communities, city.buildings, city.streets, city.barriers):
        digest.update(b"".join(shapely.to_wkb(table.geometry.to_numpy())))
        digest.update(table.drop(columns="geometry").to_csv().encode())
    return digest.hexdigest()


@pytest.fixture(scope="module")
def town() -> City:
    """Make a town of 200 grids: large enough for main roads, offices and bridges."""
    return make_city(200)


@pytest.fixture(scope="module")
def reference() -> City:
    """Make the city at the size of the reference city."""
    return make_city()


def test_reference_city_has_the_published_figures(reference: City) -> None:
    """2157 grids of 300 households, 189 communities, and about 19 buildings to a grid."""
    assert abs(reference.households - 647_100) < 6_471
    assert len(reference.communities) == 189
    assert 34_000 < len(reference.buildings) < 46_000


def test_reference_city_is_as_dense_as_the_real_one(reference: City) -> None:
    """A grid's share of land is 159 m square in 建设街道, somewhat more in a whole city."""
    side = np.sqrt(reference.communities.area.sum() / 2157)
    assert 155 < side < 190


def test_communities_have_5_to_25_grids_of_households(reference: City) -> None:
    """The spread is that of real communities: none equal, nearly all from 5 to 25 grids."""
    households = reference.buildings.groupby("community_id")["households"].sum() / 300
    assert len(households) == len(reference.communities)
    assert households.between(5, 25).mean() > 0.96
    assert households.between(2, 27).all()
    assert households.std() > 2
    assert (households % 1 == 0).mean() < 0.1


def test_kinds_of_buildings_hold_the_households_of_their_kind(reference: City) -> None:
    """Slabs of 5 to 7 storeys hold 20 to 84 households, towers of 18 to 33 hold 68 to 264."""
    lived_in = reference.buildings[reference.buildings["households"] > 0]
    slabs = lived_in[lived_in["floors"].between(5, 7)]
    towers = lived_in[lived_in["floors"] >= 18]
    low = lived_in[lived_in["floors"] < 5]
    assert slabs["households"].between(20, 84).all()
    assert towers["households"].between(68, 264).all()
    assert low["households"].between(1, 10).all()
    assert len(slabs) + len(towers) + len(low) == len(lived_in)
    assert min(len(slabs), len(towers), len(low)) > 800
    assert 0.15 < (reference.buildings["households"] == 0).mean() < 0.45


@pytest.mark.parametrize("grids", [1, 2, 3, 5, 8, 12, 20, 50])
@pytest.mark.parametrize("seed", [0, 7])
def test_small_cities_work(grids: int, seed: int) -> None:
    """Any size gives a valid city: households within 1 %, at least one community, connected."""
    city = make_city(grids, seed=seed)
    assert abs(city.households - 300 * grids) <= max(1, 3 * grids)
    assert len(city.communities) == max(1, round(grids / 11.4))
    assert len(city.barriers) >= 1
    assert (city.communities.geom_type == "Polygon").all()
    assert shapely.coverage_is_valid(city.communities.geometry.to_numpy())


def test_communities_are_a_coverage_of_whole_pieces(reference: City) -> None:
    """Communities share their vertices, without gap or overlap, each in one piece."""
    shapes = reference.communities.geometry
    assert (shapes.geom_type == "Polygon").all()
    assert shapes.is_valid.all()
    assert shapely.coverage_is_valid(shapes.to_numpy())
    assert shapes.union_all().geom_type == "Polygon"


def test_buildings_stand_inside_their_community(reference: City) -> None:
    """No building reaches over the border of the community that it names."""
    home = reference.communities.geometry.reindex(reference.buildings["community_id"])
    assert shapely.contains_properly(home.to_numpy(), reference.buildings.geometry.to_numpy()).all()


def test_buildings_keep_off_each_other_and_off_the_lines(town: City) -> None:
    """Buildings are at least 1 m apart, 4 m from streets and 15 m from river and railway."""
    shapes = town.buildings.geometry.to_numpy()
    assert shapely.is_valid(shapes).all()
    one, other = shapely.STRtree(shapes).query(shapes, predicate="dwithin", distance=1.0)
    assert (one == other).all()
    for table, metres in ((town.streets, 4.0), (town.barriers, 15.0)):
        lines = shapely.STRtree(table.geometry.to_numpy())
        near, _ = lines.query(shapes, predicate="dwithin", distance=metres)
        assert not len(near), town.buildings.index[near]


def test_slabs_face_south(town: City) -> None:
    """The long side of a slab runs within 35° of west to east."""
    slabs = town.buildings[town.buildings["floors"].between(5, 7)]
    slabs = slabs[(slabs["compound_id"] != "") & (slabs["households"] > 30)]
    corners = shapely.get_coordinates(slabs.geometry.to_numpy()).reshape(-1, 5, 2)
    run = corners[:, 1] - corners[:, 0]
    assert np.hypot(*run.T).min() > 14
    assert np.degrees(np.abs(np.arctan2(run[:, 1], run[:, 0]))).max() < 35


def test_community_borders_lie_on_the_lines(town: City) -> None:
    """Borders between communities run on streets and barriers but for the banks of the river."""
    shapes = town.communities.geometry.to_numpy()
    inner = shapely.union_all(shapely.boundary(shapes))
    inner = inner.difference(shapely.union_all(shapes).exterior.buffer(0.01))
    lines = shapely.union_all(
        [*town.streets.geometry.to_numpy(), *town.barriers.geometry.to_numpy()]
    )
    assert inner.difference(lines.buffer(0.001)).length < 0.1 * inner.length


def test_lines_meet_at_shared_vertices(town: City) -> None:
    """Where two lines meet, both have the vertex: noding adds no point, and none nearly meets."""
    lines = np.concatenate([town.streets.geometry.to_numpy(), town.barriers.geometry.to_numpy()])
    vertices = np.unique(shapely.get_coordinates(lines), axis=0)
    noded = np.unique(shapely.get_coordinates(shapely.node(shapely.union_all(lines))), axis=0)
    assert len(noded) == len(vertices)
    ends = shapely.points(
        np.concatenate([shapely.get_coordinates(line)[[0, -1]] for line in lines])
    )
    one, other = shapely.STRtree(lines).query(ends, predicate="dwithin", distance=3.0)
    assert (shapely.distance(ends[one], lines[other]) == 0).all()


def test_river_is_crossed_on_bridges_only(town: City) -> None:
    """Main roads cross the river, at least one; no street ends on it."""
    river = town.barriers[town.barriers["kind"] == "river"].union_all()
    crossing = town.streets[town.streets.intersects(river)]
    assert len(crossing) >= 1
    assert (crossing["kind"] == "main_road").all()
    for line in crossing.geometry:
        assert shapely.touches(line, river) is np.False_


def test_railway_has_crossings(town: City) -> None:
    """Main roads cross the railway."""
    railway = town.barriers[town.barriers["kind"] == "railway"].union_all()
    assert (town.streets[town.streets.crosses(railway)]["kind"] == "main_road").any()


@pytest.mark.parametrize("grids", [20, 200])
def test_one_community_lies_on_both_banks(grids: int) -> None:
    """Exactly one community holds the river inside, and a bridge touches it."""
    city = make_city(grids)
    river = city.barriers[city.barriers["kind"] == "river"].union_all()
    inside = city.communities.geometry.intersection(river).length
    within = [
        shape
        for shape, length in zip(city.communities.geometry, inside, strict=True)
        if length > shape.exterior.intersection(river).length + 1
    ]
    bridges = city.streets[city.streets.intersects(river)].union_all()
    assert len(within) == 1
    assert within[0].intersection(river).intersects(bridges)


def test_codes_are_real_districts_and_offices(reference: City) -> None:
    """Each community has a 12-digit code of a district of Yingkou; serials have gaps."""
    codes = reference.communities["code"]
    parsed = [
        parse_code(code, districts=("210802", "210803", "210804", "210811")) for code in codes
    ]
    assert {code.standard for code in parsed} == {"community"}
    assert (codes == reference.communities.index).all()
    assert reference.communities.groupby(codes.str[:9])["street"].nunique().eq(1).all()
    serials = codes.str[9:].astype(int).groupby(codes.str[:9])
    assert (serials.max() > serials.size()).any()
    assert serials.min().ge(1).all()


def test_names_are_unique_where_they_must_be(reference: City) -> None:
    """No two communities of a street office, and no two estates of the city, share a name."""
    assert not reference.communities.duplicated(["street", "name"]).any()
    assert reference.communities["name"].str.fullmatch(r"\w{2,4}社区").all()
    walled = reference.buildings[reference.buildings["compound_id"] != ""]
    assert walled.groupby("compound_id")["community_id"].nunique().eq(1).all()
    assert not walled.duplicated(["compound_id", "name"]).any()
    assert walled["name"].str.fullmatch(r"\d+号楼").all()
    assert (reference.streets["name"] != "").all()


def test_same_seed_gives_the_same_bytes_in_another_process() -> None:
    """The order of hashing (PYTHONHASHSEED) changes nothing."""
    here = hash_city(make_city(20, seed=3))
    for hash_seed in ("1", "4242"):
        run = subprocess.run(
            [sys.executable, "-c", HASH_CITY],
            env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(Path.cwd())},
            capture_output=True,
            text=True,
            check=True,
        )
        assert run.stdout == here


def test_seeds_give_different_cities() -> None:
    """Another seed is another city of the same size."""
    assert len({hash_city(make_city(12, seed=seed)) for seed in range(4)}) == 4


@pytest.mark.parametrize(("grids", "seed"), [(0, 0), (-3, 0), (5, -1)])
def test_impossible_sizes_are_refused(grids: int, seed: int) -> None:
    """Fewer grids than one, or a seed below 0, is an error that says so."""
    with pytest.raises(RulesError, match="at least 1 and 0"):
        make_city(grids, seed=seed)
