"""/internal/locate and /internal/search: for dispatchers, in their districts, recorded."""

import json
from datetime import date

import pytest

from api.internal_models import InternalOwner, InternalSearch
from gridmap.audit import AuditLog
from gridmap.datum import from_wgs84
from gridmap.store import PlanStore
from tests.api.test_staff import make_staffing, make_workers

DAY = date(2026, 3, 1)


@pytest.fixture(scope="module")
def desk(town, tmp_path_factory):
    """Publish spring with a worker for its first grid; return folder, plan and that grid."""
    store = PlanStore(tmp_path_factory.mktemp("desk"))
    store.keep(town.spring, "spring")
    store.publish("spring", DAY, by="王芳", today=DAY)
    code = town.spring.grids.index[0]
    tables = {"workers": make_workers(), "staffing": make_staffing(code)}
    store.keep_staff("spring", tables, DAY, by="王芳", today=DAY)
    return store.folder, town.spring, code


def inside(plan, code):
    """Return a place in a grid."""
    point = plan.grids.loc[[code]].representative_point().to_crs("EPSG:4326").iloc[0]
    return {"lon": round(point.x, 7), "lat": round(point.y, 7)}


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_owner_with_its_worker(make_client, desk, bearer, method):
    """A dispatcher learns the grid as /locate tells it, and whom to send."""
    folder, plan, code = desk
    client, place = make_client(folder), inside(plan, code)
    said = {"params": place} if method == "GET" else {"json": place}
    answer = client.request(
        method, "/internal/locate", **said, headers=bearer(folder, "dispatcher")
    )
    assert answer.headers["cache-control"] == "no-store"
    owner = InternalOwner.model_validate_json(answer.content)
    public = client.get("/locate", params=place).json()
    assert (owner.grid.code, owner.grid.name) == (code, public["name"])
    for name in ("match", "border_m", "distance_m", "community", "street"):
        assert getattr(owner, name) == public[name]
    assert (owner.worker.name, owner.worker.phone) == ("王芳", "0417-1234567")
    assert [one.name for one in owner.deputies] == ["李强"]


def test_datum_beside_the_body(make_client, desk, bearer):
    """The datum of a body may stand in the query; one that differs is refused."""
    folder, plan, code = desk
    client, key, place = make_client(folder), bearer(folder, "dispatcher"), inside(plan, code)
    lon, lat = (float(one) for one in from_wgs84(place["lon"], place["lat"], "bd09"))

    def ask(**said):
        params = {"datum": "bd09"}
        body = {"lon": lon, "lat": lat, **said}
        return client.post("/internal/locate", params=params, json=body, headers=key)

    assert ask().json()["grid"]["code"] == code
    refused = ask(datum="gcj02")
    assert (refused.status_code, refused.json()["code"]) == (422, "bad-position")


def test_nobody(make_client, desk, bearer):
    """A place in no grid has nobody, and a hint."""
    folder, *_ = desk
    answer = make_client(folder).get(
        "/internal/locate", params={"lon": 0, "lat": 0}, headers=bearer(folder, "dispatcher")
    )
    owner = InternalOwner.model_validate_json(answer.content)
    assert (owner.grid, owner.worker, owner.match, owner.branches) == (None, None, "none", [])
    assert owner.hint.startswith("No grid within")


def test_search_with_households(make_client, desk, bearer):
    """A dispatcher's search finds what the public's does, with households and whom to call."""
    folder, plan, code = desk
    client, headers = make_client(folder), bearer(folder, "dispatcher")
    name = plan.grids.at[code, "name"]
    posted = client.post("/internal/search", json={"q": name}, headers=headers)
    got = client.get("/internal/search", params={"q": name}, headers=headers)
    assert posted.json() == got.json()
    best, *_ = InternalSearch.model_validate_json(got.content).results
    assert (best.code, best.worker, best.phone) == (code, "王芳", "0417-1234567")
    assert best.households == plan.grids.at[code, "households"]
    public = client.get("/search", params={"q": name}).json()["results"]
    assert [row["code"] for row in got.json()["results"]] == [row["code"] for row in public]
    assert not set(public[0]) & {"households", "worker", "phone"}


@pytest.mark.parametrize("path", ["/internal/locate?lon=122&lat=40", "/internal/search?q=x"])
def test_roles(make_client, desk, bearer, path):
    """The public and viewers are refused, and nothing is recorded for them."""
    folder, *_ = desk
    client = make_client(folder)
    before = len(AuditLog(folder).entries())
    assert client.get(path).json()["code"] == "key-needed"
    assert client.get(path, headers=bearer(folder, "viewer")).json()["code"] == "not-allowed"
    assert len(AuditLog(folder).entries()) == before


def test_districts(make_client, desk, bearer):
    """Elsewhere a place is refused, and a search finds only streets and offices."""
    folder, plan, code = desk
    client, headers = make_client(folder), bearer(folder, "dispatcher", districts=["99"])
    refused = client.get("/internal/locate", params=inside(plan, code), headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (403, "other-district")
    name = plan.grids.at[code, "name"]
    rows = client.get("/internal/search", params={"q": name}, headers=headers).json()["results"]
    assert {row["kind"] for row in rows} <= {"street", "office"}
    here = bearer(folder, "dispatcher", districts=[code[:6]])
    rows = client.get("/internal/search", params={"q": name}, headers=here).json()["results"]
    assert rows[0]["code"] == code


def test_record_without_the_place(make_client, desk, bearer):
    """The record says who and which grid; neither the place nor the words are in it."""
    folder, plan, code = desk
    client, headers = make_client(folder), bearer(folder, "dispatcher")
    place, words = inside(plan, code), plan.grids.at[code, "name"]
    client.get("/internal/locate", params=place, headers=headers)
    client.get("/internal/search", params={"q": words}, headers=headers)
    located, searched = AuditLog(folder).entries().to_dict("records")[-2:]
    assert (located["action"], located["subject"], located["role"]) == (
        *("locate", code),
        "dispatcher",
    )
    assert (searched["action"], searched["subject"]) == ("search", "")
    assert code in searched["facts"]
    text = json.dumps([located, searched], default=str, ensure_ascii=False)
    for secret in (str(place["lon"]), str(place["lat"]), words):
        assert secret not in text
