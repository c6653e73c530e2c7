"""The application as a whole: problems, guards, plans that change while it runs."""

import json
import shutil
import threading
from collections import Counter
from dataclasses import replace
from datetime import date

import pytest

from api.gate import BODY_LIMITS, MOST_BYTES
from api.models import Health, Problem
from gridmap.errors import CityError, GridmapError, TableError
from gridmap.store import PlanStore

TODAY = date(2026, 5, 1)


def publish_two(folder, plan, today=TODAY):
    """Keep two plans that tell themselves apart by every grid's name; publish the first."""
    store = PlanStore(folder)
    for name in ("old", "new"):
        grids = plan.grids.assign(name=[f"{name} {number}" for number in range(len(plan.grids))])
        store.keep(replace(plan, grids=grids), name)
    store.publish("old", today, by="王芳", today=today)
    return store


def test_health(client):
    """The service is well and says which plan it serves."""
    health = Health.model_validate_json(client.get("/health").content)
    assert (health.status, health.plan.name) == ("ok", "spring")
    assert health.plan.band == (240, 360)
    assert (str(health.plan.valid_from), str(health.plan.as_of)) == ("2026-03-01", "2026-05-01")


def test_no_plan(make_client, tmp_path):
    """A service without a plan starts, says so, and gives a problem for what needs one."""
    client = make_client(tmp_path)
    assert client.get("/health").json()["status"] == "no-plan"
    assert client.get("/plans").json() == []
    assert client.get("/grids").json()["code"] == "no-plan-in-force"


def test_plans(client, town):
    """Publications are listed by day; the draft is not, and no total of households is told."""
    rows = client.get("/plans").json()
    assert [(row["name"], row["valid_from"], row["in_force"]) for row in rows] == [
        ("spring", "2026-03-01", True),
        ("autumn", "2026-09-01", False),
    ]
    assert [row["grids"] for row in rows] == [len(town.spring.grids), len(town.autumn.grids)]
    assert all("households" not in row for row in rows)


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "not-found"),
        ("GET", "/static/nothing.js", 404, "not-found"),
        ("GET", "/static/../app.py", 404, "not-found"),
        ("POST", "/grids", 405, "method-not-allowed"),
        ("GET", "/layers/pipes", 422, "bad-parameter"),
        ("GET", "/map?lang=fr", 422, "bad-parameter"),
        ("GET", "/docs", 404, "not-found"),
    ],
)
def test_problems(client, method, path, status, code):
    """Whatever goes wrong is a problem as RFC 9457 has it."""
    response = client.request(method, path)
    problem = Problem.model_validate_json(response.content)
    assert response.headers["content-type"] == "application/problem+json"
    assert (response.status_code, problem.status, problem.code) == (status, status, code)
    assert problem.type == f"urn:gridmap:problem:{code}"
    assert problem.title
    assert problem.detail


def test_allowed_methods(client):
    """Who uses the wrong method learns the right ones."""
    assert client.delete("/health").headers["Allow"] == "GET, HEAD"


@pytest.mark.parametrize(
    "error", [RuntimeError("secret"), TableError("secret"), CityError("secret", None)]
)
def test_faults(make_client, town, monkeypatch, caplog, error):
    """A fault of ours is 500, tells nothing of itself, is logged and is guarded."""
    client = make_client(town.folder)

    def fail(*_arguments):
        raise error

    monkeypatch.setattr("api.shelf.Shelf.peek", fail)
    response = client.get("/grids")
    assert (response.status_code, response.json()["code"]) == (500, "internal-error")
    assert "secret" not in response.text
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    if isinstance(error, GridmapError):
        assert "secret" in caplog.text


def test_damaged_plan(make_client, four_by_two, tmp_path):
    """A damaged file is 503, also for /health, and the answer names no folder."""
    publish_two(tmp_path, four_by_two)
    path = tmp_path / "old.gpkg"
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-100])
    client = make_client(tmp_path)
    for address in ("/health", "/grids"):
        response = client.get(address)
        assert (response.status_code, response.json()["code"]) == (503, "plan-damaged")
        assert str(tmp_path) not in response.text


@pytest.mark.parametrize("path", ["/map", "/health", "/grids", "/nothing", "/static/map.js"])
def test_security_headers(client, path):
    """Every answer allows only our own files, and no guessing of types."""
    headers = client.get(path).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"


def test_long_bodies(client):
    """A body of the longest length is read; one byte more is refused, or no length at all."""
    place = json.dumps({"lon": 122.2, "lat": 40.6}).encode()
    headers = {"Content-Type": "application/json"}
    most = BODY_LIMITS.get("/locate", MOST_BYTES)
    longest = client.post("/locate", content=place.ljust(most), headers=headers)
    longer = client.post("/locate", content=place.ljust(most + 1), headers=headers)
    endless = client.post("/locate", content=iter([place]), headers=headers)
    assert longest.status_code == 200
    assert [longer.status_code, endless.status_code] == [413, 413]
    assert longer.json()["code"] == "too-long"


def test_root(client):
    """Without an address a person comes to the map."""
    response = client.get("/", headers={"Accept": "text/html"}, follow_redirects=False)
    assert (response.status_code, response.headers["Location"]) == (307, "map")


def test_map_page(client, make_client, town):
    """The page is for internal use unless it has an approval number; all of it is ours."""
    page = client.get("/map")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert 'id="internal"' in page.text
    assert "//" not in page.text.replace("<!DOCTYPE html>", "")
    assert 'lang="en"' in client.get("/map?lang=en").text
    approved = make_client(town.folder, approval="辽S(2026)1号", attribution="© <b>OSM</b>")
    text = approved.get("/map").text
    assert "辽S(2026)1号" in text
    assert 'id="internal"' not in text
    assert "© &lt;b&gt;OSM&lt;/b&gt;" in text


def test_leaflet(client):
    """Leaflet comes from its package, with a tag that saves sending it again."""
    response = client.get("/static/leaflet/leaflet.js")
    assert b"Leaflet" in response.content[:200]
    tag = response.headers["ETag"]
    assert (
        client.get("/static/leaflet/leaflet.js", headers={"If-None-Match": tag}).status_code == 304
    )


def test_openapi(client):
    """The description names every route and problem, and every reference resolves."""
    schema = client.get("/openapi.json").json()
    assert schema["openapi"].startswith("3.1")
    told = {
        "/",
        "/locate",
        "/search",
        "/grids",
        "/grids/{code}",
        "/layers/{layer}",
        "/plans",
        "/health",
    }
    told |= {"/collections/{collection}/items", "/area/{number}", "/internal/grids/{code}"}
    assert told <= set(schema["paths"])
    text = json.dumps(schema)
    references = Counter(part.split('"')[0] for part in text.split("#/components/schemas/")[1:])
    assert set(references) <= set(schema["components"]["schemas"])
    assert references["Problem"] > 10
    assert "HTTPValidationError" not in text
    for path in schema["paths"].values():
        for operation in path.values():
            wrong = operation["responses"].get("422") or operation["responses"]["400"]
            assert "application/problem+json" in wrong["content"]


def test_new_publication(make_client, four_by_two, tmp_path):
    """What is published while the service runs counts from the next request on."""
    store = publish_two(tmp_path, four_by_two)
    client = make_client(tmp_path)
    before = client.get("/grids")
    assert before.json()["features"][0]["properties"]["name"] == "old 0"
    store.publish("new", TODAY, by="王芳", today=TODAY)
    after = client.get("/grids", headers={"If-None-Match": before.headers["ETag"]})
    assert after.status_code == 200
    assert after.json()["features"][0]["properties"]["name"] == "new 0"
    assert client.get("/health").json()["plan"]["name"] == "new"


def test_no_half_answers(make_client, four_by_two, tmp_path):
    """While plans change under many requests, each answer is wholly of one plan."""
    store = publish_two(tmp_path, four_by_two)
    client = make_client(tmp_path)
    lon, lat = client.get("/grids").json()["features"][0]["properties"]["label"]
    seen: Counter[str] = Counter()
    halves = []

    def ask():
        for _ in range(40):
            answer = client.get("/locate", params={"lon": lon, "lat": lat}).json()
            seen[answer["plan"]] += 1
            if not answer["name"].startswith(answer["plan"]):
                halves.append(answer)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for name in ("new", "old", "new"):
        store.publish(name, TODAY, by="王芳", today=TODAY)
    for thread in threads:
        thread.join()
    assert not halves
    assert seen.total() == 120


def test_read_once(make_client, town, tmp_path, monkeypatch):
    """A plan that lacks its indexes is read from the store, once for each, however many ask."""
    folder = shutil.copytree(town.folder, tmp_path / "town")
    for suffix in ("prepared", "pmtiles", "search.sqlite"):
        (folder / f"spring.{suffix}").unlink()
    loads = []
    load = PlanStore.load

    def count_load(store, name):
        loads.append(name)
        return load(store, name)

    monkeypatch.setattr(PlanStore, "load", count_load)
    client = make_client(folder)
    assert loads == ["spring"] * 3

    def ask():
        assert client.get("/health").status_code == 200
        assert client.get("/tiles.json").status_code == 200

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert loads == ["spring"] * 3


def test_nothing_is_made_at_start(make_client, town, monkeypatch):
    """Where all that is derived of a plan lies beside it, no plan is read to begin with."""

    def refuse(_store, name):
        raise AssertionError(f"plan {name} is read")

    monkeypatch.setattr(PlanStore, "load", refuse)
    monkeypatch.setattr(PlanStore, "load_grids", refuse)
    client = make_client(town.folder)
    limits = client.get("/tiles/WebMercatorQuad").json()["tileMatrixSetLimits"][4]
    for path in (
        "/locate?lon=122.2&lat=40.6",
        "/tiles/WebMercatorQuad/{tileMatrix}/{minTileRow}/{minTileCol}".format(**limits),
        "/search?q=1",
        "/collections/grids/items?bbox=122,40,123,41",
        "/grids",
        "/layers/streets",
    ):
        assert client.get(path).status_code == 200, path


def test_plans_in_memory(make_client, town, monkeypatch):
    """Only so many plans stay in memory; the one asked least recently is read again."""
    client = make_client(town.folder)
    shelf = client.app.state.shelf
    monkeypatch.setattr(shelf._served, "_most", 1)
    for at in ("2026-05-01", "2026-09-01", "2026-05-01"):
        assert client.get("/plans/in-force", params={"at": at}).status_code == 200
        assert len(shelf._served) == 1
