"""POST /locate with many points: JSON, CSV and Arrow in, the same kind out."""

import asyncio
import csv
import io
import json
import struct

import numpy as np
import pyarrow as pa
import pytest

from api import answers
from api.batch_way import BatchWay
from api.models import LocateBatch
from api.routes import locate
from gridmap.batches import ARROW, CSV, JSON
from gridmap.datum import from_wgs84


@pytest.fixture(scope="module")
def points(client):
    """Return places around the town, most of them inside."""
    west, south, east, north = client.get("/grids").json()["bbox"]
    rng = np.random.default_rng(0)
    low, high = (west - 0.001, south - 0.001), (east + 0.001, north + 0.001)
    return rng.uniform(low, high, (60, 2)).round(7).tolist()


def send(client, body, kind, **params):
    """Post a batch."""
    return client.post("/locate", content=body, headers={"Content-Type": kind}, params=params)


def write_csv(points):
    """Write points as an office does: with a number before, Chinese headers."""
    rows = "".join(f"{number},{lon},{lat}\r\n" for number, (lon, lat) in enumerate(points))
    return f"编号,经度,纬度\r\n{rows}".encode("gbk")


def table_of(compression=None, **columns):
    """Return columns as an Arrow stream."""
    table = pa.table(columns)
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.ipc.new_stream(sink, table.schema, options=options) as stream:
        stream.write_table(table)
    return sink.getvalue().to_pybytes()


def cut_off(body):
    """Return a stream whose text of three letters says that it has 2,000,000,000."""
    place = body.rfind(struct.pack("<ii", 0, 3))
    assert place > 0
    return body[:place] + struct.pack("<ii", 0, 2_000_000_000) + body[place + 8 :]


def write_arrow(points):
    """Write points as an Arrow stream, with a column of their own."""
    lon, lat = zip(*points, strict=True)
    return table_of(case=list(map(str, range(len(points)))), lon=lon, lat=lat)


def test_same_as_one_by_one(client, points):
    """Every point of a batch has the grid and the match that it has alone."""
    response = send(client, json.dumps({"points": points}), JSON)
    batch = LocateBatch.model_validate_json(response.content)
    assert (batch.plan, str(batch.as_of)) == ("spring", "2026-05-01")
    assert response.headers["cache-control"] == "no-store"
    for (lon, lat), found in zip(points, batch.answers, strict=True):
        alone = client.get("/locate", params={"lon": lon, "lat": lat}).json()
        for name in ("grid_code", "name", "community", "street", "match"):
            assert getattr(found, name) == alone[name]
        if found.border_m is not None:
            assert found.border_m == pytest.approx(alone["border_m"], abs=0.051)
    assert {found.match for found in batch.answers} >= {"inside", "border"}


def test_columns_and_pairs(client, points):
    """Columns of longitudes and latitudes are the same as pairs."""
    lon, lat = zip(*points, strict=True)
    pairs = send(client, json.dumps({"points": points}), JSON)
    assert send(client, json.dumps({"lon": lon, "lat": lat}), JSON).content == pairs.content
    spaced = json.dumps({"lat": lat, "lon": lon}, indent=8)
    assert send(client, spaced, JSON).content == pairs.content


def test_csv(client, points):
    """A CSV comes back with its own columns and those of the answer."""
    response = send(client, write_csv(points), f"{CSV}; charset=gbk")
    assert response.headers["content-type"].partition(";")[0] == CSV
    rows = list(csv.DictReader(io.StringIO(response.text)))
    expected = send(client, json.dumps({"points": points}), JSON).json()["answers"]
    assert [row["编号"] for row in rows] == list(map(str, range(len(points))))
    assert [row["grid_code"] for row in rows] == [one["grid_code"] or "" for one in expected]
    assert [row["match"] for row in rows] == [one["match"] for one in expected]


def test_arrow(client, points):
    """An Arrow stream comes back with its own columns and those of the answer."""
    response = send(client, write_arrow(points), ARROW)
    assert response.headers["content-type"] == ARROW
    table = pa.ipc.open_stream(response.content).read_all()
    expected = send(client, json.dumps({"points": points}), JSON).json()["answers"]
    assert table["case"].to_pylist() == list(map(str, range(len(points))))
    assert table["grid_code"].to_pylist() == [one["grid_code"] for one in expected]


def test_datum_and_day(client, points):
    """The datum and the day of a batch are parameters."""
    body = json.dumps({"points": points})
    assert send(client, body, JSON, at="2026-09-02").json()["plan"] == "autumn"
    moved = send(client, body, JSON, datum="gcj02").json()["answers"]
    alone = [{"lon": lon, "lat": lat, "datum": "gcj02"} for lon, lat in points[:5]]
    for place, found in zip(alone, moved, strict=False):
        assert client.get("/locate", params=place).json()["grid_code"] == found["grid_code"]
    assert send(client, body, JSON, datum="mars").json()["code"] == "bad-position"


@pytest.fixture(scope="module")
def shifted(client):
    """Return a place, what it is in GCJ-02, and the grid that it is in."""
    west, south, east, north = client.get("/grids").json()["bbox"]
    place = {"lon": (west + east) / 2, "lat": (south + north) / 2}
    lon, lat = (float(one) for one in from_wgs84(place["lon"], place["lat"], "gcj02"))
    return lon, lat, client.get("/locate", params=place).json()["grid_code"]


def in_all_kinds(lon, lat, datum):
    """Return a body of each kind that names the datum of a place."""
    text = f"lon,lat, Datum\n{lon},{lat},{datum}\n"
    return {
        "one": (json.dumps({"lon": lon, "lat": lat, "datum": datum}), JSON),
        "columns": (json.dumps({"lon": [lon], "lat": [lat], "datum": datum}), JSON),
        "pairs": (json.dumps({"points": [[lon, lat]], "datum": datum}), JSON),
        "csv": (text, CSV),
        "chinese": (text.replace(" Datum", "坐标系").encode("gbk"), CSV),
        "arrow": (table_of(lon=[lon], lat=[lat], datum=[datum]), ARROW),
    }


@pytest.mark.parametrize("form", ["one", "columns", "pairs", "csv", "chinese", "arrow"])
def test_datum_in_the_body(client, shifted, form):
    """The datum counts where it stands: in a body of any kind, in the query, or in both alike."""
    lon, lat, code = shifted
    assert code
    for said in ("gcj02", ""):
        body, kind = in_all_kinds(lon, lat, said)[form]
        if form in ("one", "columns", "pairs"):
            body = body.replace(', "datum": ""', "")
        answer = send(client, body, kind, **({} if said else {"datum": "gcj02"}))
        assert code in find_codes(answer)
    body, kind = in_all_kinds(lon, lat, "gcj02")[form]
    assert code in find_codes(send(client, body, kind, datum="gcj02"))


@pytest.mark.parametrize("form", ["one", "columns", "pairs", "csv", "chinese", "arrow"])
def test_two_datums_are_refused(client, shifted, form):
    """Nothing is read in one of two datums, nor in one that nobody knows."""
    lon, lat, _ = shifted
    for said, asked, words in (
        ("gcj02", "bd09", "once, beside"),
        ("mars", None, "no datum 'mars'"),
    ):
        body, kind = in_all_kinds(lon, lat, said)[form]
        answer = send(client, body, kind, **({"datum": asked} if asked else {}))
        assert (answer.status_code, answer.json()["code"]) == (422, "bad-position")
        assert words in answer.json()["detail"]


def test_rows_of_several_datums(client):
    """Rows that name more than one datum are refused, and so are blanks beside one."""
    rows = "lon,lat,datum\n122.2,40.6,gcj02\n122.2,40.6,{}\n"
    refused = send(client, rows.format("bd09"), CSV).json()
    assert "more than one datum (bd09, gcj02)" in refused["detail"]
    refused = send(client, rows.format(""), CSV).json()
    assert (refused["status"], refused["code"]) == (422, "bad-position")
    assert "'gcj02' and others none" in refused["detail"]
    assert send(client, rows.format(""), CSV, datum="gcj02").status_code == 200


def find_codes(answer):
    """Return the grids of an answer of any kind."""
    assert answer.status_code == 200, answer.text
    kind = answer.headers["content-type"].partition(";")[0]
    if kind == JSON:
        return [one["grid_code"] for one in answer.json().get("answers", [answer.json()])]
    if kind == CSV:
        return [row["grid_code"] for row in csv.DictReader(io.StringIO(answer.text))]
    return pa.ipc.open_stream(answer.content).read_all()["grid_code"].to_pylist()


def test_deep_json(client):
    """A body that is nested too deep is a bad request, as on every other address."""
    for path in ("/locate", "/search"):
        answer = client.post(path, content=b"[" * 3000, headers={"Content-Type": JSON})
        assert answer.status_code == 400
        assert answer.headers["content-type"] == "application/problem+json"


def test_rows_without_a_place(client):
    """A point without coordinates, or not on Earth, is answered and stops no other."""
    body = json.dumps({"lon": [None, 999, 122.2], "lat": [40.6, 40.6, 40.6]})
    answers = send(client, body, JSON).json()["answers"]
    assert [one["suspect"] for one in answers[:2]] == ["missing", "impossible"]
    assert len(answers) == 3


@pytest.mark.parametrize(
    ("body", "kind", "status", "code"),
    [
        (b'{"lon": [1, 2], "lat": [1]}', JSON, 422, "bad-batch"),
        (b'{"points": 3}', JSON, 422, "bad-batch"),
        (b'{"points": ' + b"[" * 5000, JSON, 422, "bad-batch"),
        (b'{"lon": 122.2', JSON, 422, "bad-parameter"),
        (b"[1, 2]", JSON, 422, "bad-parameter"),
        (b"", JSON, 422, "bad-parameter"),
        (b'{"lon": "hereabouts", "lat": 40}', JSON, 422, "bad-parameter"),
        (b"a,b\n1,2\n", CSV, 422, "bad-batch"),
        (b'lon,lat\n1,"2\n', CSV, 422, "bad-batch"),
        (b"no arrow", ARROW, 422, "bad-batch"),
        (table_of(lon=[122.2], lat=[40.6], datum=[["gcj02"]]), ARROW, 422, "bad-batch"),
        (table_of(lon=[122.2], lat=[40.6], datum=[1]), ARROW, 422, "bad-batch"),
        (table_of(lon=[[122.2]], lat=[40.6]), ARROW, 422, "bad-batch"),
        (table_of("zstd", lon=[122.2] * 9, lat=[40.6] * 9), ARROW, 422, "bad-batch"),
        (cut_off(table_of(lon=[122.2], lat=[40.6], note=["abc"])), ARROW, 422, "bad-batch"),
        (b"<lon>1</lon>", "text/xml", 415, "unknown-type"),
    ],
)
def test_bad_batches(client, body, kind, status, code):
    """What can't be read is a problem; the service stays well."""
    response = send(client, body, kind)
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert "hereabouts" not in response.text


def test_broken_json_is_the_body(client):
    """The parameter that is wrong is named, not the count of characters up to the place."""
    [error] = send(client, b'{"lon": 122.2', JSON).json()["errors"]
    assert error == {"parameter": "body", "problem": "JSON decode error"}


def test_most_points(client, town, bearer, monkeypatch):
    """The public sends so many points at once; who has a key, more."""
    monkeypatch.setattr(answers, "MOST_POINTS", 3)
    monkeypatch.setattr(answers, "MOST_WITH_KEY", 4)
    for count, status, keyed in ((3, 200, 200), (4, 422, 200), (5, 422, 422)):
        body = json.dumps({"points": [[122.2, 40.6]] * count})
        headers = {"Content-Type": JSON}
        assert client.post("/locate", content=body, headers=headers).status_code == status
        headers |= bearer(town.folder, "worker", worker_id="w1")
        assert client.post("/locate", content=body, headers=headers).status_code == status
        headers |= bearer(town.folder, "viewer")
        assert client.post("/locate", content=body, headers=headers).status_code == keyed


def test_long_bodies_of_a_worker(make_client, town, bearer):
    """A worker's key sends no longer bodies than the public; a viewer's does."""
    limits = {"body_limits": {"/locate": 50}, "key_body_limits": {"/locate": 100}}
    client = make_client(town.folder, **limits)
    body = "lon,lat\n" + "122.2,40.6\n" * 5
    assert 50 < len(body) < 100
    worker, viewer = bearer(town.folder, "worker", worker_id="w2"), bearer(town.folder, "viewer")
    for key, status in (({}, 413), (worker, 413), (viewer, 200)):
        headers = {"Content-Type": CSV, **key}
        assert client.post("/locate", content=body, headers=headers).status_code == status


def test_ten_thousand(client):
    """Ten thousand points with all their digits are let through and answered."""
    points = [[122.2345678901 + number * 1e-9, 40.6712345678] for number in range(10_000)]
    response = send(client, json.dumps({"points": points}), JSON)
    assert response.status_code == 200
    assert len(response.json()["answers"]) == 10_000


def test_described(client):
    """The OpenAPI document names the kinds that are read and written."""
    operation = client.get("/openapi.json").json()["paths"]["/locate"]["post"]
    assert set(operation["requestBody"]["content"]) == {JSON, CSV, ARROW}
    assert set(operation["responses"]["200"]["content"]) == {JSON, CSV, ARROW}


def test_described_limits(client):
    """The description tells the public's limit, the other one, and whose key does not lift it."""
    told = client.get("/openapi.json").json()["paths"]["/locate"]["post"]["description"]
    assert f"{answers.MOST_POINTS:,}" in told
    assert f"other than a grid worker's, it is up to {answers.MOST_WITH_KEY:,}" in told


@pytest.fixture
def route_calls(monkeypatch):
    """Return a list of the media types of the batches that go on to the route."""
    seen = []

    def note(in_force, body, kind, datum, caller):
        seen.append(kind)
        return answers.answer_batch(in_force, body, kind, datum, caller)

    monkeypatch.setattr(locate, "answer_batch", note)
    return seen


@pytest.mark.parametrize("kind", [JSON, CSV, ARROW])
def test_quick_way_is_the_route(client, points, route_calls, kind):
    """A usual batch never gets to the route; what the route answers is the same, headers too."""
    many = points * 5
    body = {JSON: json.dumps({"points": many}), CSV: write_csv(many), ARROW: write_arrow(many)}[
        kind
    ]
    quick = send(client, body, kind)
    assert route_calls == []
    route = send(client, body, kind, datum="wgs84")
    assert route_calls == [kind]
    assert (quick.status_code, quick.content, quick.headers) == (200, route.content, route.headers)


def test_one_place_in_much_space(client, route_calls):
    """JSON of one place is no batch, however long it is written."""
    body = json.dumps({"lon": 122.2, "lat": 40.6}) + " " * 5_000
    assert send(client, body, JSON).content == client.get("/locate?lon=122.2&lat=40.6").content
    assert route_calls == []


@pytest.mark.parametrize(
    ("body", "kind", "code"),
    [
        (b'{"lon": 1, "more": "' + b"x" * 5_000 + b'"}', JSON, "bad-batch"),
        (b"[" * 5_000, JSON, "bad-batch"),
        (b"long,late\n1,2\n" * 1_000, CSV, "bad-batch"),
        (b"lon,lat\n" + b"1,2\n" * 10_001, CSV, "bad-batch"),
        (b"lon,lat,datum\n1,2,gcj02\n1,2,bd09\n", CSV, "bad-position"),
        (b"lon,lat,datum\n1,2,mars\n", CSV, "bad-position"),
        (b"no arrow", ARROW, "bad-batch"),
    ],
)
def test_a_bad_batch_is_read_once(client, route_calls, body, kind, code):
    """The quick way refuses what is wrong, in the words and with the headers of the route."""
    quick = send(client, body, kind)
    assert (quick.status_code, quick.json()["code"]) == (422, code)
    assert route_calls == []
    route = send(client, body, kind, at="2026-05-01")
    assert route_calls == [kind]
    assert (quick.status_code, quick.content) == (route.status_code, route.content)
    assert quick.headers == route.headers


def test_a_client_that_goes_away(client):
    """Who leaves while the body comes is answered nothing, and half a body is not looked at."""
    came = [
        {"type": "http.request", "body": b"lon,lat\n122.2,40.6\n", "more_body": True},
        {"type": "http.disconnect"},
    ]
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/locate",
        "query_string": b"",
        "headers": [(b"content-type", b"text/csv")],
    }
    sent, passed = [], []

    async def pass_on(_scope, receive, _send):
        passed.extend([await receive(), await receive()])

    async def receive():
        return came.pop(0)

    async def send_on(message):
        sent.append(message)

    shelf, today = client.app.state.shelf, client.app.state.today
    asyncio.run(BatchWay(pass_on, shelf=shelf, today=today, tell=None)(scope, receive, send_on))
    assert sent == []
    assert [message["type"] for message in passed] == ["http.request", "http.disconnect"]
