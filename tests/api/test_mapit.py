"""What MapIt answers: FixMyStreet asks which areas hold a point, and how areas lie."""

import shutil
import xml.etree.ElementTree as ET
from datetime import date

import pytest
import shapely

from gridmap.store import PlanStore
from tests.towns import make_four_by_two

LATER = date(2026, 6, 1)


def place(plan, code: str):
    """Return longitude and latitude of a place well inside a grid."""
    point = plan.grids.loc[[code]].to_crs("EPSG:4326").representative_point().iloc[0]
    return point.x, point.y


def get(client, address: str):
    """Return the JSON of an answer that is expected to be there."""
    answer = client.get(address)
    assert answer.status_code == 200, answer.text
    return answer.json()


def codes_of(answer) -> list[str]:
    """Return the codes of areas in the order in which they are told."""
    assert all(key == str(one["id"]) for key, one in answer.items())
    return [one["codes"]["gridmap"] for one in answer.values()]


def test_a_point_has_one_grid_its_community_and_its_street(client, town) -> None:
    """Three areas, each the parent of the one before; longitude comes first."""
    code = town.spring.grids.index[0]
    lon, lat = place(town.spring, code)
    areas = get(client, f"/point/4326/{lon},{lat}")
    by_type = {one["type"]: one for one in areas.values()}
    assert list(by_type) == ["GRD", "COM", "STR"]
    assert codes_of(areas) == [code, code[:12], code[:9]]
    assert by_type["GRD"]["parent_area"] == by_type["COM"]["id"]
    assert by_type["COM"]["parent_area"] == by_type["STR"]["id"]
    assert get(client, f"/point/latlon/{lat},{lon}") == areas
    assert get(client, f"/point/4326/{lon},{lat}.json") == areas


def test_points_in_other_systems(client, town) -> None:
    """Web Mercator and the plan's own metres find the same grid, east first."""
    code = town.spring.grids.index[1]
    here = town.spring.grids.loc[[code]].representative_point()
    for system in (3857, 4550, 4490):
        point = here.to_crs(system).iloc[0]
        assert code in codes_of(get(client, f"/point/{system}/{point.x},{point.y}"))


def test_outside_there_are_no_areas(client) -> None:
    """An empty object, as MapIt says it."""
    assert get(client, "/point/4326/7.42,43.73") == {}


@pytest.mark.parametrize("address", ["/point/4326/a,b", "/point/nine/1,2", "/point/2/1,2"])
def test_what_is_no_position_is_refused(client, address: str) -> None:
    """422 with a stable code."""
    answer = client.get(address)
    assert (answer.status_code, answer.json()["code"]) == (422, "bad-position")


def test_numbers_fit_four_bytes(client, town, make_client) -> None:
    """Every area has a number of its own, found by it or by its code, the same in every plan."""
    spring = get(client, "/areas/GRD,COM,STR")
    autumn = get(client, "/areas/GRD,COM,STR?generation=2")
    numbers = [
        {one["codes"].get("gridmap", one["name"]): one["id"] for one in areas.values()}
        for areas in (spring, autumn)
    ]
    for told in numbers:
        assert len(set(told.values())) == len(told)
        assert all(0 < number < 2**31 for number in told.values())
    both = numbers[0].keys() & numbers[1].keys()
    assert both >= set(town.spring.grids.index) & set(town.autumn.grids.index)
    assert [numbers[0][code] for code in both] == [numbers[1][code] for code in both]
    assert set(numbers[1].values()) - set(numbers[0].values())
    for code, number in numbers[0].items():
        assert get(client, f"/area/{number}") == get(client, f"/area/{code}")
    later = make_client(town.folder, today=lambda: date(2026, 12, 1))
    assert {one["id"] for one in get(later, "/areas/GRD,COM,STR").values()} == set(
        numbers[1].values()
    )


def test_types_narrow_an_answer(client, town) -> None:
    """type=COM leaves the community alone."""
    lon, lat = place(town.spring, town.spring.grids.index[0])
    told = get(client, f"/point/4326/{lon},{lat}?type=COM")
    assert [one["type"] for one in told.values()] == ["COM"]
    assert set(get(client, "/types")) == {"GRD", "COM", "STR"}


def test_an_area_says_how_long_it_was_there(client, town) -> None:
    """A grid that was merged in autumn is of generation 1 only, its neighbours of both."""
    gone = set(town.spring.grids.index) - set(town.autumn.grids.index)
    for code in town.spring.grids.index:
        told = get(client, f"/area/{code}")
        assert (told["generation_low"], told["generation_high"]) == (1, 1 if code in gone else 2)
    assert [one["id"] for one in get(client, "/generations").values()] == [1, 2]


def test_an_earlier_or_later_generation_answers(client, town) -> None:
    """Of generation 2 the merged grid is known, of 3 nothing."""
    new = (set(town.autumn.grids.index) - set(town.spring.grids.index)).pop()
    assert client.get(f"/area/{new}").json()["code"] == "unknown-area"
    assert get(client, f"/area/{new}?generation=2")["generation_low"] == 2
    assert client.get("/areas/GRD?generation=3").json()["code"] == "unknown-generation"


def test_shapes_in_every_form(client, town) -> None:
    """GeoJSON, WKT and KML are the same outline; a tolerance makes it shorter."""
    code = town.spring.grids.index[0]
    shape = shapely.geometry.shape(get(client, f"/area/{code}.geojson"))
    assert shapely.from_wkt(client.get(f"/area/{code}.wkt").text).equals_exact(shape, 1e-7)
    kml = client.get(f"/area/{code}.kml")
    assert kml.headers["content-type"] == "application/vnd.google-earth.kml+xml"
    space = {"k": "http://www.opengis.net/kml/2.2"}
    ring = ET.fromstring(kml.text).find(".//k:coordinates", space).text.split()
    assert len(ring) == len(shape.exterior.coords)
    plain = shapely.geometry.shape(
        get(client, f"/area/4326/{code}.geojson?simplify_tolerance=0.0005")
    )
    assert len(plain.exterior.coords) < len(ring)
    assert get(client, f"/area/{code}.json") == get(client, f"/area/{code}")


def test_an_area_is_measured(client, town) -> None:
    """Square metres and the centre are those of the plan."""
    grid = town.spring.grids.iloc[0]
    told = get(client, f"/area/{town.spring.grids.index[0]}/geometry")
    assert told["area"] == pytest.approx(grid.geometry.area, rel=1e-3)
    assert (told["srid_en"], told["parts"]) == (4550, 1)
    text = client.get(f"/area/{town.spring.grids.index[0]}/geometry").text
    assert '"parts":1,' in text
    assert '"srid_en":4550,' in text
    assert told["centre_e"] == pytest.approx(grid.geometry.centroid.x, abs=0.1)


def test_how_areas_lie(client, town) -> None:
    """Neighbours touch, a community is divided into its grids and covers them."""
    codes = list(town.spring.grids.index)
    community = codes[0][:12]
    assert codes_of(get(client, f"/area/{community}/children")) == codes
    assert set(codes) <= set(codes_of(get(client, f"/area/{community}/covers")))
    assert community in codes_of(get(client, f"/area/{codes[0]}/covered"))
    touching = set(codes_of(get(client, f"/area/{codes[0]}/touches?type=GRD")))
    assert touching
    assert codes[0] not in touching
    assert touching <= set(codes_of(get(client, f"/area/{codes[0]}/intersects")))
    assert get(client, f"/area/{codes[0]}/overlaps?type=GRD") == {}
    assert community in codes_of(get(client, f"/area/{codes[0]}/coverlaps"))


def test_areas_by_number_type_name_and_code(client, town) -> None:
    """Several at once, all of a type, by the beginning of a name, and sent on from a code."""
    codes = list(town.spring.grids.index)
    asked = get(client, f"/areas/{codes[0]},{codes[2]},99999")
    assert codes_of(asked) == [codes[0], codes[2]]
    assert get(client, f"/areas/{','.join(asked)}") == asked
    assert codes_of(get(client, "/areas/GRD")) == codes
    name = town.spring.grids["name"].iloc[0]
    assert codes[0] in codes_of(get(client, f"/areas/{name[:3]}"))
    assert len(get(client, f"/areas/{codes[0]},{codes[2]}.geojson")["geometries"]) == 2
    sent = client.get(f"/code/gridmap/{codes[0]}", follow_redirects=False)
    assert sent.status_code == 302
    assert sent.headers["location"].endswith(f"/area/{next(iter(asked))}")
    assert client.get(f"/code/ons/{codes[0]}").status_code == 404


@pytest.fixture
def twice(published, tmp_path):
    """Publish the small town's plan again, under another name, in a store of its own."""
    folder = shutil.copytree(published, tmp_path / "town")
    store = PlanStore(folder)
    store.keep(make_four_by_two(), "again")
    store.publish("again", LATER, by="王芳", today=LATER)
    return store


def lose(store, name: str) -> None:
    """Remove a plan and all that lies beside it."""
    for file in store.folder.glob(f"{name}.*"):
        file.chmod(0o644)
        file.unlink()


def test_a_lost_old_plan_takes_nothing_down(twice, make_client) -> None:
    """Areas of the plan in force have their numbers and publications, though one before is gone."""
    before = get(make_client(twice.folder, today=lambda: LATER), "/areas/GRD,COM,STR")
    lose(twice, "plan")
    after = get(make_client(twice.folder, today=lambda: LATER), "/areas/GRD,COM,STR")
    assert after == before
    assert {one["generation_low"] for one in after.values()} == {1}


def test_areas_wait_for_numbers_that_are_not_known(twice, make_client) -> None:
    """Of a store without numbers and a plan, areas are told as soon as the plan is there again."""
    kept = twice.folder.with_name("kept")
    shutil.copytree(twice.folder, kept)
    (twice.folder / "areas.json").unlink()
    lose(twice, "plan")
    client = make_client(twice.folder, today=lambda: LATER)
    assert client.get("/areas/GRD").json()["code"] == "plan-damaged"
    shutil.copy(kept / "plan.gpkg", twice.folder)
    assert get(client, "/areas/GRD") == get(make_client(kept, today=lambda: LATER), "/areas/GRD")
