"""Who owns a place: the answer, how sure it is, and what is refused."""

import pytest
from pyproj import Geod

from api.models import LocateAnswer
from gridmap.datum import from_wgs84
from gridmap.locate import Locator

GEOD = Geod(ellps="WGS84")


def centre_of(client, number=0):
    """Return the code of a grid and a place well inside it."""
    features = client.get("/grids").json()["features"]
    widest = sorted(features, key=lambda feature: -feature["properties"]["area"])
    feature = widest[number]
    return feature["id"], *feature["properties"]["label"]


def test_place_inside(client, town):
    """A place well inside a grid has that grid as its owner, with all that is told of it."""
    code, lon, lat = centre_of(client)
    response = client.get("/locate", params={"lon": lon, "lat": lat})
    answer = LocateAnswer.model_validate_json(response.content)
    grid = town.spring.grids.loc[code]
    assert (answer.grid_code, answer.match, answer.distance_m) == (code, "inside", 0)
    assert answer.name == grid["name"]
    assert answer.households == grid["households"]
    assert answer.border_m > 10
    assert answer.hint is None
    assert (answer.plan, str(answer.as_of)) == ("spring", "2026-05-01")


def test_same_as_locator(client, town):
    """The answer is the Locator's, also where it is unsure: on the corners of grids."""
    locator = Locator(town.spring.grids)
    collection = client.get("/grids").json()
    for feature in collection["features"]:
        for lon, lat in feature["geometry"]["coordinates"][0][:3]:
            answer = client.get("/locate", params={"lon": lon, "lat": lat}).json()
            owner = locator.locate(lon, lat)
            runner_up = answer["runner_up"] and answer["runner_up"]["code"]
            assert (answer["grid_code"], answer["match"]) == (owner.grid_code, owner.match)
            assert runner_up == owner.runner_up
            assert answer["match"] == "border"
            assert answer["hint"]["code"] == "border"


def test_both_sides_of_near(client, town):
    """North of the territory the nearest grid answers up to 50 m, and nobody beyond."""
    grids = town.spring.grids.to_crs("EPSG:4326")
    lon, lat = max(grids.union_all().exterior.coords, key=lambda place: place[1])
    for metres, match in ((45, "nearest"), (55, "none")):
        east, north, _ = GEOD.fwd(lon, lat, 0, metres)
        answer = client.get("/locate", params={"lon": east, "lat": north}).json()
        assert answer["match"] == match
        if match == "nearest":
            assert answer["distance_m"] == pytest.approx(metres, abs=0.2)
            assert answer["hint"]["code"] == "nearest"


def test_nobody(client):
    """A place far from every grid is an answer, not an error; its hint says that none is near."""
    response = client.get("/locate", params={"lon": 0, "lat": 0})
    answer = response.json()
    assert response.status_code == 200
    assert answer["match"] == "none"
    assert [answer[name] for name in ("grid_code", "name", "border_m", "runner_up")] == [None] * 4
    assert answer["hint"]["code"] == "outside"


def test_swapped(client):
    """Longitude and latitude exchanged find no grid, and the hint says what happened."""
    _, lon, lat = centre_of(client)
    answer = client.get("/locate", params={"lon": lat, "lat": lon}).json()
    assert (answer["match"], answer["hint"]["code"]) == ("none", "swapped")


@pytest.mark.parametrize("datum", ["cgcs2000", "gcj02", "bd09"])
def test_datums(client, datum):
    """The same place in another datum has the same owner."""
    code, lon, lat = centre_of(client)
    east, north = (float(value) for value in from_wgs84(lon, lat, datum))
    answer = client.get("/locate", params={"lon": east, "lat": north, "datum": datum}).json()
    assert (answer["grid_code"], answer["match"]) == (code, "inside")


def test_other_datum(client):
    """A Baidu place read as WGS-84 falls outside this small town; the hint names the datum."""
    *_, lon, lat = max(
        (centre_of(client, number) for number in range(8)), key=lambda found: found[1] + found[2]
    )
    east, north = (float(value) for value in from_wgs84(lon, lat, "bd09"))
    answer = client.get("/locate", params={"lon": east, "lat": north}).json()
    assert answer["match"] == "none"
    assert answer["hint"]["code"] == "datum"
    assert answer["hint"]["datum"] in ("gcj02", "bd09")


def test_by_post(client):
    """A place in a body gets the same answer as one in the address, and neither is stored."""
    code, lon, lat = centre_of(client)
    place = {"lon": lon, "lat": lat}
    posted, got = client.post("/locate", json=place), client.get("/locate", params=place)
    assert posted.json() == got.json()
    assert posted.json()["grid_code"] == code
    assert posted.headers["Cache-Control"] == got.headers["Cache-Control"] == "no-store"


def test_day(client):
    """`at` chooses the plan in force on that day: the day before autumn's first, and that day."""
    *_, lon, lat = centre_of(client)
    for at, plan in (("2026-08-31", "spring"), ("2026-09-01", "autumn")):
        answer = client.get("/locate", params={"lon": lon, "lat": lat, "at": at}).json()
        assert (answer["plan"], answer["as_of"]) == (plan, at)


@pytest.mark.parametrize(
    ("parameters", "parameter"),
    [
        ({"lon": "abc"}, "lon"),
        ({"lon": "nan"}, "lon"),
        ({"lat": "inf"}, "lat"),
        ({"lat": ""}, "lat"),
        ({"at": "yesterday"}, "at"),
        ({"at": "20260501"}, "at"),
        ({"at": "2026-02-30"}, "at"),
    ],
)
def test_bad_parameter(client, parameters, parameter):
    """What is not a number or a day is a problem that names the parameter, and not its value."""
    response = client.get("/locate", params={"lon": 122.2, "lat": 40.6, **parameters})
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["code"] == "bad-parameter"
    assert [error["parameter"] for error in problem["errors"]] == [parameter]
    assert "abc" not in response.text


@pytest.mark.parametrize(
    "parameters", [{"datum": "mars"}, {"lat": 91, "lon": 0}, {"lon": 180.1}, {"lon": -180.1}]
)
def test_bad_position(client, parameters):
    """An unknown datum and a place that is not on Earth are refused by the library."""
    response = client.get("/locate", params={"lon": 122.2, "lat": 40.6, **parameters})
    assert (response.status_code, response.json()["code"]) == (422, "bad-position")


def test_missing_parameters(client):
    """Each missing parameter is named."""
    problem = client.get("/locate").json()
    assert [error["parameter"] for error in problem["errors"]] == ["lon", "lat"]


def test_unknown_parameter(client):
    """A parameter that nobody knows changes nothing."""
    _, lon, lat = centre_of(client)
    place = {"lon": lon, "lat": lat}
    assert (
        client.get("/locate", params={**place, "x": 1}).json()
        == client.get("/locate", params=place).json()
    )


@pytest.mark.parametrize("datum", ["wgs84", "gcj02", "bd09"])
def test_place_on_the_map(client, datum):
    """An answer says where a map shows the place, whatever datum it was given in."""
    lon, lat = from_wgs84(122.235, 40.672, datum)
    asked = {"lon": float(lon), "lat": float(lat), "datum": datum}
    place = client.get("/locate", params=asked).json()["place"]
    assert place["lon"] == pytest.approx(122.235, abs=1e-6)
    assert place["lat"] == pytest.approx(40.672, abs=1e-6)


def test_no_place_on_the_map(client):
    """What is not on Earth as it stands has no place on a map, and its hint says why."""
    _, lon, lat = centre_of(client)
    answer = client.get("/locate", params={"lon": lat, "lat": lon}).json()
    assert (answer["place"], answer["hint"]["code"]) == (None, "swapped")
