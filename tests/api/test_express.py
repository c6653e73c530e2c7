"""The quick way of GET /locate says what the route and the model say, and knows its limits."""

from datetime import date

import numpy as np
import pytest

from api import express
from api.answers import find_hint, tell_metres
from api.kept import Kept
from api.models import GridRef, LocateAnswer, Position
from gridmap.datum import to_wgs84
from gridmap.store import PlanStore


@pytest.fixture
def count_routes(monkeypatch):
    """Return a list that grows whenever a request goes on to the route."""
    seen = []
    locate = express.Express._locate

    def look(self, query):
        body = locate(self, query)
        if body is None:
            seen.append(query)
        return body

    monkeypatch.setattr(express.Express, "_locate", look)
    return seen


def describe(served, lon, lat, datum, day):
    """Make the answer as a model, from the locator's."""
    owner = served.locator.locate(lon, lat, datum=datum)
    grid = served.grids[owner.grid_code] if owner.grid_code else None
    runner = owner.runner_up
    east, north = (float(value) for value in to_wgs84(lon, lat, datum))
    return LocateAnswer(
        grid_code=owner.grid_code,
        **{
            name: getattr(grid, name) if grid else None
            for name in ("name", "community", "street", "households")
        },
        match=owner.match,
        border_m=tell_metres(owner.border_m),
        distance_m=tell_metres(owner.distance_m),
        runner_up=GridRef(code=runner, name=served.grids[runner].name) if runner else None,
        hint=find_hint(owner, served),
        place=Position(lon=round(east, 7), lat=round(north, 7)),
        plan=served.name,
        as_of=day,
    )


def test_same_as_the_model(client, count_routes):
    """Every kind of answer, in any datum, is the model's JSON, byte for byte; so is the route's."""
    served = client.app.state.shelf.in_force(date(2026, 5, 1)).plan
    west, south, east, north = served.bbox
    rng = np.random.default_rng(0)
    places = rng.uniform((west - 0.002, south - 0.002), (east + 0.002, north + 0.002), (120, 2))
    matches = set()
    for number, (lon, lat) in enumerate(places.round(7).tolist()):
        datum = ("wgs84", "gcj02", "bd09", "cgcs2000")[number % 4]
        query = f"lon={lon}&lat={lat}&datum={datum}"
        quick = client.get(f"/locate?{query}")
        expected = describe(served, lon, lat, datum, date(2026, 5, 1))
        assert quick.content == expected.model_dump_json().encode()
        assert client.get(f"/locate?{query}&x=1").content == quick.content
        matches.add(expected.match)
    assert matches == {"inside", "border", "nearest", "none"}
    assert len(count_routes) == len(places)


def test_same_headers(client, count_routes):
    """The quick answer carries what the route's does."""
    quick = client.get("/locate?lon=122.2&lat=40.6")
    route = client.get("/locate?lon=122.2&lat=40.6&x=1")
    assert count_routes == [b"lon=122.2&lat=40.6&x=1"]
    assert quick.headers == route.headers


@pytest.mark.parametrize(
    "query",
    [
        "lat=40.6&lon=122.2",
        "lon=122.2",
        "lon=122.2&lat=40.6&lat=41",
        "lon=1e2&lat=40.6",
        "lon=+122&lat=40.6",
        "lon=%31&lat=40.6",
        "lon=999&lat=40.6",
        "lon=122.2&lat=91",
        "lon=122.2&lat=40.6&datum=mars",
        "lon=122.2&lat=40.6&at=2026-02-30",
        "lon=122.2&lat=40.6&at=1990-01-01",
        "",
    ],
)
def test_unusual(client, count_routes, query):
    """What is unusual or wrong goes on to the route, which answers or says what is wrong."""
    response = client.get(f"/locate?{query}")
    assert len(count_routes) == 1
    assert response.status_code in (200, 400, 404, 422)


@pytest.mark.parametrize(
    "address",
    [
        "/locate?lon=122.2&lat=40.6&lat=41",
        "/locate?lon=1&lon=2&lat=3",
        "/grids?community=a&community=b",
        "/search?q=a&q=b",
        "/tiles.json?plan=spring&plan=autumn",
        "/plans?x=1&x=2",
        "/point/4326/1,2?generation=1&generation=2",
        "/layers/streets?bbox=1,2,3,4&bbox=1,2,3,4",
    ],
)
def test_given_twice(client, address):
    """A parameter that is given twice is refused: nobody knows which one was meant."""
    answer = client.get(address)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad-parameter")
    assert "more than once" in answer.json()["detail"]
    assert answer.headers["content-type"] == "application/problem+json"


def test_other_ways(client, count_routes):
    """Other paths and methods are none of its business."""
    assert client.get("/locate/?lon=122.2&lat=40.6").status_code in (200, 307, 404)
    assert client.delete("/locate").status_code == 405
    assert client.post("/locate", json={"lon": 122.2, "lat": 40.6}).status_code == 200
    assert count_routes in ([], [b"lon=122.2&lat=40.6"])


def test_day(client, count_routes):
    """A day is asked of the route once, then answered quickly."""
    for _ in range(3):
        answer = client.get("/locate?lon=122.2&lat=40.6&at=2026-09-02").json()
        assert (answer["plan"], answer["as_of"]) == ("autumn", "2026-09-02")
    assert len(count_routes) <= 1


def test_publication_counts_at_once(make_client, town, tmp_path, count_routes):
    """After a publication the next answer is of the new plan; the route reads it."""
    today = date(2026, 5, 1)
    store = PlanStore(tmp_path)
    for name, plan in (("old", town.spring), ("new", town.autumn)):
        store.keep(plan, name)
    store.publish("old", today, by="王芳", today=today)
    client = make_client(tmp_path)
    asked = "/locate?lon=122.2&lat=40.6"
    assert [client.get(asked).json()["plan"] for _ in range(2)] == ["old", "old"]
    assert count_routes == []
    store.publish("new", today, by="王芳", today=today)
    assert [client.get(asked).json()["plan"] for _ in range(2)] == ["new", "new"]
    assert len(count_routes) == 1


def test_forgotten_plans(client, monkeypatch):
    """A plan that is no longer kept in memory is not kept for the quick way either."""
    shelf = client.app.state.shelf
    monkeypatch.setattr(shelf, "_served", Kept(1))
    monkeypatch.setattr(shelf, "_known", {})
    spring, autumn = date(2026, 5, 1), date(2026, 9, 1)
    shelf.in_force(spring)
    assert shelf.peek(spring)
    shelf.in_force(autumn)
    assert shelf.peek(autumn)
    assert shelf.peek(spring) is None


@pytest.mark.parametrize(
    "address",
    [
        "/collections/grids/items?bbox={box}",
        "/collections/grids/items?bbox={box}&limit=2",
        "/collections/streets/items?bbox={box}",
        "/collections/grids/items?bbox=0,0,1,1",
    ],
)
def test_boxes_are_answered_alike(client, town, monkeypatch, address):
    """Features of a box: status, headers and body are those of the route."""
    west, south, east, north = town.spring.grids.to_crs("EPSG:4326").total_bounds.round(6)
    address = address.format(box=f"{west},{south},{(west + east) / 2:.6f},{north}")
    quick = client.get(address)
    monkeypatch.setattr(express.Express, "_list_items", lambda *_: None)
    slow = client.get(address)
    assert (quick.status_code, quick.content) == (200, slow.content)
    assert dict(quick.headers) == dict(slow.headers)


@pytest.mark.parametrize("query", ["", "?plan=spring"])
def test_tiles_are_answered_alike(client, monkeypatch, query):
    """A tile: the same bytes and headers, without the route."""
    limits = client.get("/tiles/WebMercatorQuad").json()["tileMatrixSetLimits"][4]
    address = "/tiles/WebMercatorQuad/{tileMatrix}/{minTileRow}/{minTileCol}".format(**limits)
    monkeypatch.setattr("api.shelf.Shelf.tiles", None)  # only the route asks
    quick = client.get(address + query)
    monkeypatch.undo()
    monkeypatch.setattr(express.Express, "_take_tile", lambda *_: None)
    slow = client.get(address + query)
    assert (quick.status_code, quick.content) == (200, slow.content)
    assert dict(quick.headers) == dict(slow.headers)


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/collections/grids/items?bbox=1,4,3,2", 400),
        ("/collections/grids/items?bbox=1,2,3,,", 400),
        ("/collections/units/items?bbox=1,2,3,4", 401),
        ("/tiles/WebMercatorQuad/99/0/0", 400),
        ("/tiles/WebMercatorQuad/8/0/0?plan=none", 404),
    ],
)
def test_what_is_unusual_goes_to_the_route(client, address, status):
    """The quick way refuses nothing itself."""
    answer = client.get(address)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
