"""Open311 GeoReport v2: both forms, over the same cases, and nothing of who reported."""

import shutil
from datetime import date, datetime
from xml.etree import ElementTree

import pytest

from gridmap.audit import AuditLog
from tests.api.conftest import TestClient
from tests.api.test_cases import NAME, PHONE, WORDS, do, tell
from tests.incidents.town import METRE, SOUTH, SW, WEST

BASE = "/open311/v2"
#: Every member of a request that GeoReport v2 names.
MEMBERS = [
    *("service_request_id", "status", "status_notes", "service_name", "service_code"),
    *("description", "agency_responsible", "service_notice", "requested_datetime"),
    *("updated_datetime", "expected_datetime", "address", "address_id", "zipcode", "lat", "long"),
    "media_url",
]


@pytest.fixture
def serve(published, tmp_path, make_client):
    """Return a function that serves the town; reports need no key unless it is said."""
    folder = shutil.copytree(published, tmp_path / "town")

    def make(**options):
        options = {"rate": 0, "key_rate": 0, "open311_public": True, **options}
        return make_client(folder, **options, today=lambda: date(2026, 5, 1))

    make.folder = folder
    return make


def post(client, form="json", east=50, **told):
    """Report water, as an app does."""
    place = {"lat": SOUTH + 50 * METRE, "long": WEST + east * METRE}
    person = {"first_name": NAME, "phone": PHONE, "description": WORDS}
    body = {"service_code": "供水", **place, **person, **told}
    return client.post(f"{BASE}/requests.{form}", data=body)


def read_xml(answer):
    """Return the root of an answer that says it is XML in UTF-8."""
    assert answer.headers["content-type"] == "text/xml; charset=utf-8"
    assert answer.text.startswith("<?xml version='1.0' encoding='utf-8'?>")
    return ElementTree.fromstring(answer.content)


def test_discovery(serve):
    """It says where it is and in which forms."""
    client = serve()
    told = client.get(f"{BASE}/discovery.json").json()
    assert told["endpoints"][0]["url"] == "http://testserver/open311/v2"
    root = read_xml(client.get(f"{BASE}/discovery.xml"))
    assert root.tag == "discovery"
    assert root.findtext("endpoints/endpoint/specification").endswith("GeoReport_v2")
    assert len(root.findall("endpoints/endpoint/formats/format")) == 2


def test_services(serve):
    """Categories are services; a definition tells the hours and asks for nothing."""
    client = serve()
    rows = client.get(f"{BASE}/services.json").json()
    water = next(row for row in rows if row["service_code"] == "供水")
    assert (water["group"], water["type"], water["metadata"]) == ("供水", "realtime", True)
    root = read_xml(client.get(f"{BASE}/services.xml"))
    assert root.tag == "services"
    assert [one.findtext("service_code") for one in root.findall("service")] == [
        row["service_code"] for row in rows
    ]
    definition = client.get(f"{BASE}/services/供水.json").json()
    assert definition["attributes"][0]["variable"] is False
    assert "inspect 3 h" in definition["attributes"][0]["description"]
    root = read_xml(client.get(f"{BASE}/services/供水.xml"))
    assert root.tag == "service_definition"
    assert root.findtext("attributes/attribute/variable") == "false"


@pytest.mark.parametrize("form", ["json", "xml"])
def test_report_and_read(serve, bearer, form):
    """What is posted is a case as any other; keys see its grid, everybody else its community."""
    client = serve()
    answer = post(client, form)
    assert answer.status_code == 201
    if form == "json":
        [told] = answer.json()
    else:
        root = read_xml(answer)
        assert root.tag == "service_requests"
        told = {child.tag: child.text for child in root.find("request")}
    number = told["service_request_id"]
    viewer = bearer(serve.folder, "viewer")
    path = f"{BASE}/requests/{number}.{form}"
    for headers, area in (({}, SW[:12]), (viewer, SW)):
        answer = client.get(path, headers=headers)
        if form == "json":
            [row] = answer.json()
        else:
            row = {child.tag: child.text for child in read_xml(answer).find("request")}
        assert list(row) == MEMBERS
        assert (row["status"], row["status_notes"]) == ("open", "发现")
        assert (row["agency_responsible"], row["address_id"]) == (f"供水 {area}", area)
        assert row["lat"] is row["long"] is row["media_url"] is row["description"] is None
        times = [
            datetime.fromisoformat(row[name])
            for name in ("requested_datetime", "expected_datetime")
        ]
        assert (times[1] - times[0]).total_seconds() == 48 * 3600
    case = client.get(f"/internal/cases/{number}", headers=viewer).json()["case"]
    assert (case["source"], case["grid_code"], case["description"]) == ("open311", SW, WORDS)


def test_token_is_the_receipt(serve):
    """The token leads to the number, and works as a receipt."""
    client = serve()
    [told] = post(client).json()
    [found] = client.get(f"{BASE}/tokens/{told['token']}.json").json()
    assert found == {key: told[key] for key in ("service_request_id", "token")}
    assert client.get(f"/cases/receipt/{told['token']}").json()["stage"] == "found"
    assert client.get(f"{BASE}/tokens/nothing.json").status_code == 404


def test_lists(serve, bearer):
    """By status, service, time and number; pages; the latest first."""
    client = serve()
    numbers = [post(client).json()[0]["service_request_id"] for _ in range(3)]
    numbers.append(post(client, service_code="燃气").json()[0]["service_request_id"])
    office = bearer(serve.folder, "dispatcher")
    do(client, office, int(numbers[0]), "withdraw", 1, note="误报")

    def find(**query):
        rows = client.get(f"{BASE}/requests.json", params=query).json()
        return [row["service_request_id"] for row in rows]

    assert find() == numbers[::-1]
    assert find(status="closed") == [numbers[0]]
    assert find(status="open") == numbers[:0:-1]
    assert find(status="open,closed", service_code="燃气") == [numbers[3]]
    assert find(service_request_id=f"{numbers[1]},99,x,{numbers[2]}") == numbers[1:3]
    assert find(page_size=3) + find(page_size=3, page=2) == numbers[::-1]
    assert find(start_date="2020-01-01T00:00:00Z", end_date="2020-02-01T00:00:00Z") == []


def test_keys(serve, bearer):
    """Reports need a key unless the setting says otherwise; it travels as api_key, too."""
    client = serve(open311_public=False)
    refused = post(client)
    assert (refused.status_code, refused.json()[0]["code"]) == (403, 403)
    key = bearer(serve.folder, "viewer")["Authorization"].removeprefix("Bearer ")
    assert post(client, api_key=key).status_code == 201
    assert post(client, api_key=key[:-1] + "!").status_code == 403
    [row] = client.get(f"{BASE}/requests.json", params={"api_key": key}).json()
    assert row["address_id"] == SW


def test_guessing_keys_locks_out(serve, bearer):
    """Wrong ones count as those in a header do: then none from this address is looked at."""
    client = serve(open311_public=False, wrong_keys=2, lock_seconds=60)
    key = bearer(serve.folder, "viewer")["Authorization"].removeprefix("Bearer ")
    guesses = [f"gm_{number:08x}_" + "A" * 43 for number in range(2)]
    assert [post(client, api_key=guess).status_code for guess in guesses] == [403, 403]
    assert post(client, api_key=key).status_code == 429
    assert client.get("/health", headers={"X-API-Key": key}).status_code == 429
    assert len(AuditLog(serve.folder).entries(action="lockout")) == 1


@pytest.mark.parametrize("form", ["json", "xml"])
@pytest.mark.parametrize("way", ["address", "header", "api_key", "locked out"])
def test_haste_is_told_when_to_come_back(serve, bearer, form, way):
    """Whichever way a limit is met: 429, the seconds to wait, and GeoReport's own form."""
    slow = {"key_rate": 0.1, "key_burst": 1, "wrong_keys": 1, "lock_seconds": 60}
    client = serve(rate=0.1 * (way == "address"), burst=1, **slow)
    headers = bearer(serve.folder, "viewer")
    key = headers["Authorization"].removeprefix("Bearer ")
    query = {"locked out": f"?api_key={key[:-1]}!", "api_key": f"?api_key={key}"}.get(way, "")
    headers = headers if way == "header" else {}
    path = f"{BASE}/requests.{form}{query}"
    first = 403 if way == "locked out" else 200
    assert client.get(path, headers=headers).status_code == first
    answer = client.get(path, headers=headers)
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    if form == "json":
        assert [told["code"] for told in answer.json()] == [429]
    else:
        assert read_xml(answer).findtext("error/code") == "429"


def test_other_refusals_keep_their_form_and_their_headers(serve, bearer):
    """Too long a body and a method that is none; a wrong key is asked for no other header."""
    client = serve()
    long = post(client, description="长" * 20_000)
    assert (long.status_code, [told["code"] for told in long.json()]) == (413, [413])
    method = client.put(f"{BASE}/services.json")
    assert (method.status_code, method.headers["Allow"]) == (405, "GET, HEAD")
    wrong = client.get(f"{BASE}/services.json", headers={"X-API-Key": "x"})
    assert (wrong.status_code, [told["code"] for told in wrong.json()]) == (403, [403])
    assert "www-authenticate" not in wrong.headers


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/requests/99", None, 404),
        ("GET", "/requests/x", None, 404),
        ("GET", "/services/没有", None, 404),
        ("GET", "/services.json?jurisdiction_id=elsewhere", None, 404),
        ("GET", "/requests.json?status=lost", None, 400),
        ("GET", "/requests.json?start_date=yesterday", None, 400),
        ("POST", "/requests", {"service_code": "没有", "lat": 0, "long": 1}, 400),
        ("POST", "/requests", {"service_code": "供水"}, 400),
        ("POST", "/requests", {"lat": 0, "long": 1}, 400),
        ("POST", "/requests", {"service_code": "供水", "lat": 0, "long": "x"}, 400),
        ("POST", "/requests", {"service_code": "供水", "lat": 99, "long": 999}, 400),
    ],
)
def test_errors(serve, method, path, body, status):
    """What is wrong is told as GeoReport tells it, in the form that was asked for."""
    client = serve(jurisdiction="town")
    head, mark, query = path.removesuffix(".json").replace(".json?", "?").partition("?")
    for form in ("json", "xml"):
        answer = client.request(method, f"{BASE}{head}.{form}{mark}{query}", data=body)
        assert answer.status_code == status, answer.text
        if form == "json":
            [told] = answer.json()
        else:
            root = read_xml(answer)
            assert root.tag == "errors"
            told = {child.tag: child.text for child in root.find("error")}
        assert str(told["code"]) == str(status)
        assert told["description"]


def test_nothing_secret(serve):
    """No answer has a name, a phone, words or a position."""
    client = serve()
    post(client)
    client.post("/cases", json=tell())
    for path in ("/requests", "/requests/1", "/requests/2"):
        for form in ("json", "xml"):
            text = client.get(f"{BASE}{path}.{form}").text
            for secret in (NAME, PHONE, "哨兵", "118.51"):
                assert secret not in text, path


def test_errors_behind_a_mount(serve):
    """Where a server puts the service under a path, Open311's clients still get its own errors."""
    mounted = TestClient(serve().app, root_path="/town/")
    for path in ("/town/open311/v2/nothing.json", "/open311/v2/nothing.json"):
        response = mounted.get(path)
        assert response.status_code == 404
        assert [error["code"] for error in response.json()] == [404]
    assert mounted.get("/town/nothing").json()["code"] == "not-found"
