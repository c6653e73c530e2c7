"""Who may ask what: keys in headers, roles, districts, and the record of it."""

from datetime import date

import pytest

from api.access import PUBLIC, Caller, Role
from gridmap.audit import AuditLog
from gridmap.keys import KeyStore
from gridmap.store import PlanStore

TODAY = date(2026, 5, 1)


@pytest.fixture
def office(tmp_path, four_by_two):
    """Publish a small plan in a store of its own; return the folder and a grid's code."""
    store = PlanStore(tmp_path)
    store.keep(four_by_two, "plan")
    store.publish("plan", TODAY, by="王芳", today=TODAY)
    return tmp_path, four_by_two.grids.index[0]


def problem_of(response):
    """Return status and code of a problem."""
    assert response.headers["content-type"] == "application/problem+json"
    return response.status_code, response.json()["code"]


def test_no_key_to_begin_with(make_client, office):
    """A new store opens nothing internal: without a key 401, and the answer says how to send it."""
    folder, code = office
    answer = make_client(folder).get(f"/internal/grids/{code}")
    assert problem_of(answer) == (401, "key-needed")
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert "Authorization: Bearer" in answer.json()["detail"]
    assert not (folder / "keys.sqlite").exists()


@pytest.mark.parametrize("form", ["Bearer {}", "bearer {}", "Bearer  {} "])
def test_bearer(make_client, office, form):
    """A key is read from Authorization, whatever the case of the scheme."""
    folder, code = office
    text = KeyStore(folder).add("office", "viewer", by="test")
    headers = {"Authorization": form.format(text)}
    answer = make_client(folder).get(f"/internal/grids/{code}", headers=headers)
    assert answer.status_code == 200


def test_key_header(make_client, office):
    """A key is also read from X-API-Key."""
    folder, code = office
    text = KeyStore(folder).add("office", "viewer", by="test")
    headers = {"X-API-Key": text}
    assert make_client(folder).get(f"/internal/grids/{code}", headers=headers).status_code == 200


@pytest.mark.parametrize("path", ["/internal/grids/{}", "/grids/{}", "/nothing"])
@pytest.mark.parametrize("key", ["x", "gm_00000000_" + "A" * 43, "gm_" * 1000, "é"])
def test_wrong_key(make_client, office, path, key):
    """A wrong key is refused on every address, public ones too: who sends one wants to know."""
    folder, code = office
    headers = {"X-API-Key": key.encode()}
    answer = make_client(folder).get(path.format(code), headers=headers)
    assert problem_of(answer) == (401, "bad-key")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_another_scheme_is_no_key(make_client, office):
    """What a proxy wants for itself (Basic) is not taken for a key."""
    folder, code = office
    headers = {"Authorization": "Basic eDp5"}
    client = make_client(folder)
    assert client.get("/grids", headers=headers).status_code == 200
    assert problem_of(client.get(f"/internal/grids/{code}", headers=headers))[1] == "key-needed"


def test_revoked_at_once(make_client, office, bearer):
    """A key that is revoked while the service runs opens nothing from the next request on."""
    folder, code = office
    headers = bearer(folder, "viewer")
    client = make_client(folder)
    assert client.get(f"/internal/grids/{code}", headers=headers).status_code == 200
    [key_id] = KeyStore(folder).keys().index
    KeyStore(folder).revoke(key_id, by="test")
    answer = client.get(f"/internal/grids/{code}", headers=headers)
    assert problem_of(answer) == (401, "bad-key")


def test_districts(make_client, office, bearer):
    """A key answers for its own districts, and a code elsewhere is 403 and not recorded."""
    folder, code = office
    client = make_client(folder)
    inside, outside = (
        client.get(
            f"/internal/grids/{code}", headers=bearer(folder, "dispatcher", districts=districts)
        )
        for districts in ([code[:6], "99"], ["99"])
    )
    assert inside.status_code == 200
    assert problem_of(outside) == (403, "other-district")
    assert len(AuditLog(folder).entries(action="look-up")) == 1


def test_look_up_is_recorded(make_client, office, bearer):
    """An internal answer leaves who, key, role, what and which grid; a public one nothing."""
    folder, code = office
    client, headers = make_client(folder), bearer(folder, "viewer")
    client.get(f"/grids/{code}", headers=headers)
    assert AuditLog(folder).entries().empty
    client.get(f"/internal/grids/{code}", headers=headers)
    [entry] = AuditLog(folder).entries().to_dict("records")
    assert (entry["who"], entry["role"]) == ("the viewer", "viewer")
    assert (entry["action"], entry["subject"]) == ("look-up", code)
    assert entry["key_id"] == headers["Authorization"].split("_")[1]
    assert AuditLog(folder).verify().whole


def test_no_record_no_answer(make_client, office, bearer):
    """Where the audit log can't be written, the look-up is refused and tells nothing."""
    folder, code = office
    client, headers = make_client(folder), bearer(folder, "viewer")
    (folder / "audit.sqlite").write_bytes(b"this is no database" * 100)
    answer = client.get(f"/internal/grids/{code}", headers=headers)
    assert problem_of(answer) == (503, "store-unavailable")


def test_described(client):
    """The OpenAPI document says of each operation which role it needs and how keys are sent."""
    schema = client.get("/openapi.json").json()
    internal = schema["paths"]["/internal/grids/{code}"]["get"]
    assert internal["x-role"] == "viewer"
    assert internal["security"] == [{"bearer": []}, {"key": []}]
    assert {"401", "403"} <= set(internal["responses"])
    public = schema["paths"]["/locate"]["get"]
    assert public["x-role"] == "public"
    assert {} in public["security"]
    assert set(schema["components"]["securitySchemes"]) == {"bearer", "key"}


def test_callers():
    """Roles are in order; districts are beginnings of codes; no district is everywhere."""
    assert Role.PUBLIC < Role.VIEWER < Role.DISPATCHER < Role.PLANNER < Role.ADMIN
    words = ["public", "worker", "viewer", "dispatcher", "planner", "admin"]
    assert [role.word for role in Role] == words
    caller = Caller("x", "1", Role.VIEWER, ("210802", "2109"))
    assert caller.covers("210802001001001")
    assert caller.covers("210911001001001")
    assert not caller.covers("210803001001001")
    assert PUBLIC.covers("210803001001001")
