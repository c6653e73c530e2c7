"""Cases for citizens and the office: who sees what, who may do what, and who wins."""

import json
import shutil
import threading
from datetime import UTC, date, datetime

import pandas as pd
import pytest

from gridmap.audit import AuditLog
from gridmap.casebook.database import open_engine
from gridmap.casebook.schema import receipts
from gridmap.incidents.model import STAGE_NAMES
from gridmap.store import PlanStore
from tests.api.test_access import problem_of
from tests.api.test_staff import make_staffing, make_workers
from tests.incidents.town import METRE, NE, NW, SE, SOUTH, SW, WEST
from tests.postgres import run_server

TODAY = date(2026, 5, 1)
OTHER = "other-worker"
#: Must never be in a public answer.
NAME, PHONE, WORDS = "哨兵甲", "13900001111", "哨兵描述:三楼漏水"


@pytest.fixture
def office(published, tmp_path, make_client):
    """Serve the small town, without limits on how often."""
    folder = shutil.copytree(published, tmp_path / "town")
    return folder, make_client(folder, rate=0, key_rate=0, stream_seconds=0.1, today=lambda: TODAY)


@pytest.fixture
def client(office):
    """Return the town's client."""
    return office[1]


@pytest.fixture
def key_of(office, bearer):
    """Return a function that makes headers of a role, for districts if given."""

    def make(role, *districts):
        return (
            bearer(office[0], role, districts=list(districts))
            if districts
            else bearer(office[0], role)
        )

    return make


def tell(east=50.0, north=50.0, category="供水", **more):
    """Return a report so many metres into the town, with a reporter to be kept secret."""
    place = {"lon": WEST + east * METRE, "lat": SOUTH + north * METRE}
    return {
        "category": category,
        "location": place,
        "description": WORDS,
        "reporter": {"name": NAME, "phone": PHONE},
        **more,
    }


def report(client, headers=None, **told):
    """Open a case; return what was answered."""
    answer = client.post("/cases", json=tell(**told), headers=headers or {})
    assert answer.status_code == 201, answer.text
    return answer.json()


def do(client, headers, case_id, action, version, **told):
    """Do a step for the office."""
    body = {"action": action, "version": version, **told}
    return client.post(f"/internal/cases/{case_id}/steps", json=body, headers=headers)


def test_categories(client):
    """Every category has both names, a department and rising hours."""
    rows = client.get("/categories").json()
    water = next(row for row in rows if row["name"] == "供水")
    assert (water["english"], water["department"], water["clock"]) == ("Water", "供水", "wall")
    assert water["hours"] == {"inspect": 3, "resolve": 24, "answer": 36, "accept": 48}


def test_open(client):
    """A report has its grid and times at once, and a receipt; nothing of the reporter."""
    case = report(client)
    assert (case["grid_code"], case["stage"], case["standing"]) == (SW, "found", "open")
    assert len(case["receipt"]) == 32
    span = datetime.fromisoformat(case["next_due"]) - datetime.fromisoformat(case["reported_at"])
    assert span.total_seconds() == 3 * 3600
    assert case["flag"] == ""


@pytest.mark.parametrize(
    ("told", "code"),
    [
        ({"category": "没有"}, "bad-case"),
        ({"location": {}}, "bad-case"),
        ({"location": {"lon": 118.5}}, "bad-case"),
        ({"location": {"lon": 500, "lat": 0}}, "bad-position"),
        ({"location": {"lon": 1, "lat": 1, "datum": "mars"}}, "bad-position"),
        ({"description": "a\0b"}, "bad-parameter"),
        ({"description": "水" * 2001}, "bad-parameter"),
        ({"reporter": {"id": "1"}}, "bad-parameter"),
    ],
)
def test_bad_reports(client, key_of, told, code):
    """A report that can't be taken says why, and opens nothing."""
    answer = client.post("/cases", json=tell(**told))
    assert problem_of(answer) == (422, code)
    assert client.get("/internal/cases", headers=key_of("viewer")).json()["total"] == 0


def test_sources(client, key_of):
    """What the office took in another way needs a dispatcher's key; a citizen's report none."""
    body = tell(source="hotline")
    assert problem_of(client.post("/cases", json=body)) == (401, "key-needed")
    assert problem_of(client.post("/cases", json=body, headers=key_of("viewer")))[0] == 403
    case = report(client, key_of("dispatcher"), source="hotline")
    dossier = client.get(f"/internal/cases/{case['case_id']}", headers=key_of("viewer")).json()
    assert (dossier["case"]["source"], dossier["log"][0]["role"]) == ("hotline", "community")


def test_same_key_same_case(client):
    """A repeated request gives the case again and a receipt that works; another body is refused."""
    headers = {"Idempotency-Key": "0123456789"}
    first, again = report(client, headers), report(client, headers)
    assert first["case_id"] == again["case_id"]
    for told in (first, again):
        assert client.get(f"/cases/receipt/{told['receipt']}").status_code == 200
    other = client.post("/cases", json=tell(category="燃气"), headers=headers)
    assert problem_of(other) == (409, "conflict")
    assert (
        problem_of(client.post("/cases", json=tell(), headers={"Idempotency-Key": "1"}))[0] == 422
    )
    assert report(client)["case_id"] == first["case_id"] + 1


def test_keys_are_each_callers_own(client, key_of):
    """Two callers who use the same idempotency key do not meet."""
    once = {"Idempotency-Key": "0123456789"}
    cases = [report(client, {**once, **headers}) for headers in ({}, key_of("dispatcher"))]
    assert cases[0]["case_id"] != cases[1]["case_id"]


def test_receipts_are_hashed_and_unguessable(office, client):
    """The casebook holds no receipt, and a receipt that nobody was given opens nothing."""
    tokens = {report(client)["receipt"] for _ in range(3)}
    assert len(tokens) == 3
    kept = b"".join(path.read_bytes() for path in office[0].glob("cases.sqlite*"))
    assert not [token for token in tokens if token.encode() in kept]
    engine = open_engine(office[0] / "cases.sqlite")
    with engine.connect() as connection:
        hashes = connection.execute(receipts.select()).all()
    engine.dispose()
    assert {len(row.hash) for row in hashes} == {64}
    wrong = next(iter(tokens))[:-1] + "!"
    assert problem_of(client.get(f"/cases/receipt/{wrong}")) == (404, "no-such-case")


def test_a_case_from_report_to_acceptance(client, key_of):
    """The reporter follows the case by the receipt and accepts what was answered."""
    case, office = report(client), key_of("dispatcher")
    number, receipt = case["case_id"], f"/cases/receipt/{case['receipt']}"
    assert client.get(receipt).json()["actions"] == ["withdraw", "move", "photo"]
    for version, action in enumerate(("inspect", "resolve", "answer"), start=1):
        answer = do(client, office, number, action, version, note="已办")
        assert answer.status_code == 200, answer.text
    told = client.get(receipt).json()
    assert (told["stage"], told["actions"]) == ("answered", ["accept", "return", "photo"])
    done = client.post(receipt + "/steps", json={"action": "accept"})
    assert (done.json()["stage"], done.json()["standing"]) == ("accepted", "closed")
    assert set(done.json()["stages"]) == set(STAGE_NAMES)
    late = client.post(receipt + "/steps", json={"action": "withdraw"})
    assert problem_of(late) == (409, "not-possible")


def test_a_reporter_withdraws_only_what_was_found(client, key_of):
    """After the inspection the office alone may withdraw."""
    first, second = report(client), report(client)
    steps = [f"/cases/receipt/{case['receipt']}/steps" for case in (first, second)]
    assert client.post(steps[0], json={"action": "withdraw"}).json()["standing"] == "withdrawn"
    do(client, key_of("dispatcher"), second["case_id"], "inspect", 1)
    refused = client.post(steps[1], json={"action": "withdraw"})
    assert problem_of(refused) == (403, "not-your-step")


def test_conflict_tells_the_state(client, key_of):
    """Who acts on an old version is refused, and told how the case stands."""
    number, office = report(client)["case_id"], key_of("dispatcher")
    do(client, office, number, "inspect", 1)
    late = do(client, office, number, "note", 1, note="晚了")
    assert problem_of(late) == (409, "conflict")
    assert (late.json()["current"]["version"], late.json()["current"]["stage"]) == (2, "inspected")


def test_of_two_at_once_one_wins(client, key_of):
    """Two dispatchers take the same step of one version: one does it, the other is told."""
    number, office = report(client)["case_id"], key_of("dispatcher")
    start, answers = threading.Barrier(2), []

    def act():
        start.wait()
        answers.append(do(client, office, number, "inspect", 1).status_code)

    threads = [threading.Thread(target=act) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [200, 409]
    dossier = client.get(f"/internal/cases/{number}", headers=office).json()
    assert [entry["action"] for entry in dossier["log"]] == ["open", "inspect"]


def test_a_step_sent_twice_is_done_once(client, key_of):
    """With its key a step that is repeated gives the first answer, though the version moved on."""
    number = report(client)["case_id"]
    headers = {**key_of("dispatcher"), "Idempotency-Key": "abcdefgh"}
    first, again = (do(client, headers, number, "inspect", 1) for _ in range(2))
    assert (first.status_code, again.json()) == (200, first.json())


@pytest.mark.parametrize(
    ("role", "part", "status"),
    [
        ("viewer", "worker", 403),
        ("dispatcher", "worker", 200),
        ("dispatcher", "community", 200),
        ("dispatcher", "street", 200),
        ("dispatcher", "district", 403),
        ("planner", "district", 200),
        ("admin", "district", 200),
    ],
)
def test_as_whom_a_key_acts(client, key_of, role, part, status):
    """A dispatcher's key acts below the district, a planner's for the district too."""
    number = report(client)["case_id"]
    answer = do(client, key_of(role), number, "note", 1, role=part, note="记")
    assert answer.status_code == status, answer.text
    dossier = client.get(f"/internal/cases/{number}", headers=key_of(role)).json()
    assert (part in dossier["actions"]) == (status == 200)


def test_a_department_is_whistled_and_answers(client, key_of):
    """Called departments are in the dossier, and the desk records what they answer."""
    number, office = report(client)["case_id"], key_of("dispatcher")
    do(client, office, number, "whistle", 1, departments=["供水", "燃气"])
    parts = {"role": "department", "department": "供水"}
    answer = do(client, office, number, "reply", 2, note="修好了", **parts)
    assert answer.status_code == 200, answer.text
    calls = client.get(f"/internal/cases/{number}", headers=office).json()["whistles"]
    assert [(call["department"], call["state"]) for call in calls] == [
        ("供水", "answered"),
        ("燃气", "called"),
    ]
    nobody = do(client, office, number, "note", 3, role="department", note="?")
    assert problem_of(nobody) == (422, "bad-case")


def test_worker_numbers(client, key_of):
    """A step in a grid worker's name needs one who serves a grid."""
    number = report(client)["case_id"]
    answer = do(client, key_of("dispatcher"), number, "inspect", 1, role="worker", worker_id="K99")
    assert problem_of(answer) == (422, "bad-case")


@pytest.fixture
def staffed(office, four_by_two, bearer):
    """Let w1 serve the grid of the reports, and return his key and the key of another worker."""
    folder, client = office
    code = report(client)["grid_code"]
    tables = {"workers": make_workers(), "staffing": make_staffing(code)}
    PlanStore(folder).keep_staff("plan", tables, TODAY, by="王芳", today=TODAY)
    return [bearer(folder, "worker", worker_id=number) for number in ("w1", "w2")]


def test_a_workers_key_is_for_his_cases(client, key_of, staffed):
    """He sees them, takes their next step as himself and adds photos; another worker does not.

    Who reported a case, lists, figures and exports are not for him.
    """
    mine, others = staffed
    number = report(client)["case_id"]
    assert client.get("/internal/key", headers=mine).json() == {
        "name": "the worker", "role": "worker", "districts": [], "worker_id": "w1",
    }  # fmt: skip
    [case] = client.get("/internal/workers/w1/cases", headers=mine).json()["cases"]
    assert case["case_id"] == number
    assert problem_of(client.get("/internal/workers/w2/cases", headers=mine)) == (403, OTHER)
    dossier = client.get(f"/internal/cases/{number}", headers=mine).json()
    assert list(dossier["actions"]) == ["worker"]
    done = do(client, mine, number, "inspect", 1)
    assert done.status_code == 200, done.text
    for told, code in (({"role": "community"}, "not-allowed"), ({"worker_id": "w2"}, OTHER)):
        assert problem_of(do(client, mine, number, "note", 2, note="?", **told)) == (403, code)
    photos = f"/cases/{number}/photos"
    assert client.post(photos, content=picture(), headers=mine).status_code == 201
    assert client.get(f"{photos}/1", headers=mine).status_code == 200
    log = client.get(f"/internal/cases/{number}", headers=key_of("viewer")).json()["log"]
    assert [(one["role"], one["actor"]) for one in log[1:]] == [("worker", "w1")] * 2
    for answer in (
        client.get(f"/internal/cases/{number}", headers=others),
        do(client, others, number, "resolve", 3),
        client.post(photos, content=picture(), headers=others),
        client.get(f"{photos}/1", headers=others),
    ):
        assert problem_of(answer) == (403, OTHER)
    for path in ("cases", "cases.csv", "figures", "screen", f"cases/{number}/reporter"):
        answer = client.get(f"/internal/{path}", headers=mine)
        assert problem_of(answer) == (403, "not-allowed")


@pytest.fixture
def sharers(office, bearer):
    """Let w1 and w2 share the grid of the reports, w2 serve the next one alone; return their keys.

    The second share's row comes last, and that of a vacant third one after it.
    """
    folder = office[0]
    both = [make_staffing(SW).iloc[[0]].assign(worker_id=who) for who in ("w1", "w2", "")]
    rows = [*both, make_staffing(SE).iloc[[0]].assign(worker_id="w2")]
    tables = {"workers": make_workers(), "staffing": pd.concat(rows, ignore_index=True)}
    PlanStore(folder).keep_staff("plan", tables, TODAY, by="王芳", today=TODAY)
    return {who: bearer(folder, "worker", worker_id=who) for who in ("w1", "w2")}


def test_who_shares_a_grid_has_its_cases(client, key_of, sharers):
    """Both see and step the cases of the grid they share; a grid of one alone stays his."""
    shared, alone = (report(client, east=east)["case_id"] for east in (50, 250))

    def find(path, headers):
        answer = client.get(f"/internal/{path}", headers=headers)
        assert answer.status_code == 200, answer.text
        return {case["case_id"] for case in answer.json()["cases"]}

    assert find("workers/w1/cases", sharers["w1"]) == {shared}
    assert find("workers/w2/cases", sharers["w2"]) == {shared, alone}
    for who, numbers in (("w1", {shared}), ("w2", {shared, alone})):
        assert find(f"workers/{who}/cases", key_of("viewer")) == numbers
        assert find(f"cases?worker={who}", key_of("viewer")) == numbers
    for version, who in enumerate(sharers, start=1):
        answer = do(client, sharers[who], shared, "note", version, note="看过了")
        assert answer.status_code == 200, answer.text
        assert client.get(f"/internal/cases/{shared}", headers=sharers[who]).status_code == 200
    log = client.get(f"/internal/cases/{shared}", headers=key_of("viewer")).json()["log"]
    assert [one["actor"] for one in log[1:]] == ["w1", "w2"]
    photos = f"/cases/{shared}/photos"
    assert client.post(photos, content=picture(), headers=sharers["w1"]).status_code == 201
    answer = client.get(f"/internal/cases/{alone}", headers=sharers["w1"])
    assert problem_of(answer) == (403, OTHER)
    assert problem_of(do(client, sharers["w1"], alone, "note", 1, note="?")) == (403, OTHER)


def test_a_worker_reports_in_his_own_name(client, key_of, staffed):
    """What he finds on his way is his report; what reached the desk by phone is not."""
    number = report(client, staffed[0], source="worker")["case_id"]
    log = client.get(f"/internal/cases/{number}", headers=key_of("viewer")).json()["log"]
    assert (log[0]["role"], log[0]["actor"]) == ("worker", "w1")
    answer = client.post("/cases", json=tell(source="hotline"), headers=staffed[0])
    assert problem_of(answer) == (403, "not-allowed")
    body = client.get("/openapi.json").json()["components"]["schemas"]["ReportBody"]
    assert "worker needs a grid worker's key" in body["properties"]["source"]["description"]


def test_duplicates_are_those_that_a_key_may_see(office, client, key_of, bearer):
    """Of cases side by side a worker is told his own, and a key for districts what lies in them."""
    folder = office[0]
    rows = [
        make_staffing(code).iloc[[0]].assign(worker_id=w) for code, w in ((SW, "w1"), (SE, "w2"))
    ]
    tables = {"workers": make_workers(), "staffing": pd.concat(rows, ignore_index=True)}
    PlanStore(folder).keep_staff("plan", tables, TODAY, by="王芳", today=TODAY)
    places = ((190, 90), (195, 90), (190, 110), (210, 90))
    told = [report(client, east=east, north=north) for east, north in places]
    assert [case["grid_code"] for case in told] == [SW, SW, NW, SE]
    own, same, north, east = (case["case_id"] for case in told)

    def find(number, headers):
        dossier = client.get(f"/internal/cases/{number}", headers=headers)
        assert dossier.status_code == 200, dossier.text
        return {one["case_id"] for one in dossier.json()["duplicates"]}

    assert find(own, key_of("viewer")) == {same, north, east}
    assert find(own, key_of("viewer", SW[:12])) == {same, north}
    assert find(own, bearer(folder, "worker", worker_id="w1")) == {same}
    assert find(east, bearer(folder, "worker", worker_id="w2", districts=[SE[:12]])) == set()


def test_lists(client, key_of):
    """Filters, order by time left, pages, and the search for words."""
    viewer, office = key_of("viewer"), key_of("dispatcher")
    cases = [
        report(client, east=50 + 100 * n, category=name)["case_id"]
        for n, name in enumerate(("供水", "燃气", "供水"))
    ]
    do(client, office, cases[0], "inspect", 1)

    def find(**query):
        answer = client.get("/internal/cases", params=query, headers=viewer)
        assert answer.status_code == 200, answer.text
        return [case["case_id"] for case in answer.json()["cases"]]

    assert find() == [cases[1], cases[2], cases[0]]  # the inspected one has the most time
    assert find(order="latest") == cases[::-1]
    assert find(stage="inspected") == [cases[0]]
    assert find(category="燃气") == [cases[1]]
    assert find(department="燃气") == [cases[1]]
    assert find(text="三楼", limit=2) == cases[1:]
    assert find(text="三楼", limit=2, offset=2) == [cases[0]]
    assert find(text="五楼") == find(overdue=True) == find(flagged=True) == []
    assert find(standing="closed") == []
    assert find(grid=SW[:9]) == [cases[1], cases[2], cases[0]]
    assert find(grid="99") == []
    assert client.get("/internal/cases", params={"stage": "x"}, headers=viewer).status_code == 422


def test_districts(client, key_of):
    """A key of a community sees, exports, follows and steps its own cases alone."""
    own, other = report(client)["case_id"], report(client, east=250)["case_id"]
    headers = key_of("planner", SW[:12])
    listed = client.get("/internal/cases", headers=headers).json()
    assert [case["case_id"] for case in listed["cases"]] == [own]
    screen = client.get("/internal/screen", headers=headers).json()
    assert [row[0] for row in screen["cases"]] == [own]
    assert (screen["opened"], [one["case_id"] for one in screen["urgent"]]) == (1, [own])
    assert f"\n{other}," not in client.get("/internal/cases.csv", headers=headers).text
    assert client.get("/internal/figures", headers=headers).json()["cases"] == 1
    for path in ("", "/reporter"):
        assert client.get(f"/internal/cases/{own}{path}", headers=headers).status_code == 200
        answer = client.get(f"/internal/cases/{other}{path}", headers=headers)
        assert problem_of(answer) == (403, "other-district")
    assert problem_of(do(client, headers, other, "inspect", 1)) == (403, "other-district")
    assert problem_of(client.get(f"/cases/{other}/photos/1", headers=headers))[0] == 403


def test_a_case_in_no_grid_is_the_citys(client, key_of):
    """An address that is not found is flagged; only keys without districts see such a case."""
    case = report(client, location={"address": "不存在路999号"})
    assert (case["grid_code"], case["flag"]) == ("", "the address was not found: place the pin")
    path = f"/internal/cases/{case['case_id']}"
    assert client.get(path, headers=key_of("viewer", SW[:6])).status_code == 403
    assert client.get(path, headers=key_of("viewer")).status_code == 200


def test_reporters_are_looked_at_on_record(office, client, key_of):
    """Who reported is for dispatchers; each look is in the audit log, with the case's number."""
    number = report(client)["case_id"]
    path = f"/internal/cases/{number}/reporter"
    assert client.get(path, headers=key_of("viewer")).status_code == 403
    assert client.get(path, headers=key_of("dispatcher")).json()["phone"] == PHONE
    assert client.get(path, headers=key_of("dispatcher")).json()["name"] == NAME
    looks = AuditLog(office[0]).entries(action="look-at-reporter")
    assert looks["subject"].tolist() == [str(number)] * 2
    quiet = report(client, reporter={})["case_id"]
    answer = client.get(f"/internal/cases/{quiet}/reporter", headers=key_of("dispatcher"))
    assert problem_of(answer) == (404, "no-reporter")


def test_similar(client):
    """A repeat is told by distance and age; not by number, words or place."""
    report(client)
    near = client.post("/cases/similar", json=tell(east=70)).json()["cases"]
    assert [(case["metres"], case["stage"]) for case in near] == [(20, "found")]
    assert set(near[0]) == {"category", "stage", "standing", "metres", "hours"}
    assert client.post("/cases/similar", json=tell(east=150)).json()["cases"] == []
    other = client.post("/cases/similar", json=tell(category="燃气"))
    assert other.json()["cases"] == []


def test_map_hides_small_counts(client):
    """Below the least count the public learns that there is something, not how much."""
    least = client.get("/cases/map").json()["min_cell"]
    for number in range(least):
        counts = client.get("/cases/map").json()["counts"]
        expected = [] if number == 0 else [{"grid_code": SW, "category": "供水", "cases": None}]
        assert counts == expected
        report(client)
    assert client.get("/cases/map").json()["counts"][0]["cases"] == least


def test_duties_and_worker_lists(client, key_of):
    """A worker's list is his alone; what is due is told by level."""
    headers = key_of("viewer")
    report(client)
    assert client.get("/internal/cases/due", headers=headers).json() == []
    assert client.get("/internal/workers/K1/cases", headers=headers).json()["total"] == 0
    assert client.get("/internal/cases/due?level=city", headers=headers).status_code == 422


def test_figures(client, key_of):
    """Rates, loads and dispatch in one answer; days limit it, and a group is one of a few."""
    headers = key_of("viewer")
    for north in (50, 150):
        report(client, north=north)
    told = client.get("/internal/figures", params={"by": "grid_code"}, headers=headers).json()
    assert told["cases"] == 2
    assert {row["grid_code"] for row in told["on_time"]} == {SW, NW}
    assert told["dispatch"]["first_right"] == 1
    assert told["hot_spots"]["type"] == "FeatureCollection"
    assert told["loads"][0]["open"] == 2
    past = client.get("/internal/figures", params={"until": "2020-01-01"}, headers=headers).json()
    assert (past["cases"], past["dispatch"]["first_right"]) == (0, None)
    assert client.get("/internal/figures?by=phone", headers=headers).status_code == 422


def test_csv(client, key_of):
    """The table is for dispatchers, for Excel, and has no reporter."""
    report(client)
    assert client.get("/internal/cases.csv", headers=key_of("viewer")).status_code == 403
    answer = client.get("/internal/cases.csv", headers=key_of("dispatcher"))
    assert answer.headers["content-type"].startswith("text/csv")
    assert WORDS in answer.text
    assert PHONE not in answer.text
    assert NAME not in answer.text


def picture(size=(40, 30)):
    """Return a small photo."""
    import io

    from PIL import Image

    out = io.BytesIO()
    Image.new("RGB", size, "teal").save(out, "PNG")
    return out.getvalue()


def test_photos(client, key_of):
    """The reporter adds photos by his receipt, the office by key; it alone sees them."""
    case, other = report(client), report(client)
    path = f"/cases/{case['case_id']}/photos"
    own = {"X-Receipt": case["receipt"]}
    assert client.post(path, content=picture(), headers=own).json()["photos"] == 1
    form = {"photo": ("x.exe", picture((20, 20)), "application/x-msdownload")}
    assert client.post(path, files=form, headers=key_of("dispatcher")).json()["photos"] == 2
    assert problem_of(client.post(path, content=b"MZ", headers=own)) == (422, "bad-photo")
    assert problem_of(client.post(path, files={}, data={"a": "b"}, headers=own))[0] == 422
    wrong = client.post(path, content=picture(), headers={"X-Receipt": other["receipt"]})
    assert problem_of(wrong) == (403, "other-case")
    assert problem_of(client.post(path, content=picture())) == (401, "key-needed")
    assert problem_of(client.get(path + "/1", headers=own)) == (401, "key-needed")
    answer = client.get(path + "/1", headers=key_of("dispatcher"))
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.content[:2] == b"\xff\xd8"
    assert problem_of(client.get(path + "/3", headers=key_of("dispatcher"))) == (
        404,
        "no-such-photo",
    )


def test_nothing_secret_in_public(client, key_of):
    """No public answer has a reporter's name or phone, or the words of a report."""
    case = report(
        client,
        location={"lon": WEST + 50 * METRE, "lat": SOUTH + 50 * METRE, "address": "哨兵路8号"},
    )
    receipt = f"/cases/receipt/{case['receipt']}"
    do(client, key_of("dispatcher"), case["case_id"], "note", 1, note="哨兵批注")
    schema = client.get("/openapi.json").json()
    asked = [("get", receipt), ("post", receipt + "/steps"), ("post", "/cases/similar")]
    asked += [
        (method, path.replace("{case_id}", str(case["case_id"])))
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
        if operation["x-role"] == "public" and "{receipt}" not in path
    ]
    bodies = {receipt + "/steps": {"action": "move", "location": tell()["location"]}}
    for method, path in asked:
        body = bodies.get(path, tell()) if method == "post" else None
        text = client.request(method, path, json=body).text
        for secret in (NAME, PHONE, "哨兵"):
            assert secret not in text, (method, path)


def test_addresses_and_points_that_disagree(client, key_of):
    """Every place of a case is in its history; moving the pin locates it again."""
    case = report(client)
    steps = f"/cases/receipt/{case['receipt']}/steps"
    moved = client.post(steps, json={"action": "move", "location": tell(east=250)["location"]})
    assert moved.json()["grid_code"] == SE
    dossier = client.get(f"/internal/cases/{case['case_id']}", headers=key_of("viewer")).json()
    assert dossier["log"][1]["facts"]["before"]["grid_code"] == SW
    assert problem_of(client.post(steps, json={"action": "move"})) == (422, "bad-case")


def read_events(text):
    """Return id, name and data of each event of a stream."""
    events = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
        if "event" in fields:
            events.append((int(fields["id"]), fields["event"], json.loads(fields["data"])))
    return events


def test_stream(client, key_of):
    """From a screen's version on every change is told once, and a client resumes where it was."""
    headers = key_of("viewer")
    before = report(client)["case_id"]
    version = client.get("/internal/screen", headers=headers).json()["version"]
    opened = report(client, north=150)["case_id"]
    do(client, key_of("dispatcher"), opened, "inspect", 1)
    answer = client.get("/internal/cases/stream", params={"since": version}, headers=headers)
    assert answer.headers["content-type"].startswith("text/event-stream")
    events = read_events(answer.text)
    told = [(name, data["case_id"], data["version"]) for _, name, data in events]
    assert told[-2:] == [("opened", opened, 1), ("stepped", opened, 2)]
    assert len(set(told)) == len(told)
    assert told[:-2] in ([], [("opened", before, 1)])  # the last seconds are told again
    assert events[-1][2]["row"][4:7:2] == ["inspected", NW]
    ids = [number for number, _, _ in events]
    assert ids == sorted(ids)
    resumed = client.get(
        "/internal/cases/stream", headers={**headers, "Last-Event-ID": str(ids[-1])}
    )
    assert ("stepped", opened, 2) in [
        (name, data["case_id"], data["version"]) for _, name, data in read_events(resumed.text)
    ]
    later = client.get(
        "/internal/cases/stream", headers={**headers, "Last-Event-ID": str(ids[-1] + 60_000)}
    )
    assert read_events(later.text) == []


def test_stream_across_processes(office, make_client, bearer):
    """What one service writes, another one over the same folder tells."""
    folder, client = office
    other = make_client(folder, stream_seconds=0.1, today=lambda: TODAY)
    headers = bearer(folder, "viewer")
    version = other.get("/internal/screen", headers=headers).json()["version"]
    number = report(client, east=250, north=150)["case_id"]
    stream = other.get("/internal/cases/stream", params={"since": version}, headers=headers)
    [(_, name, data)] = read_events(stream.text)
    assert (name, data["row"][0], data["row"][6]) == ("opened", number, NE)


def test_breaches_are_told(office, client, key_of):
    """A clock that runs out is an event of its own, and counts as overdue on the screen."""
    number = report(client)["case_id"]
    due = int(datetime.now(UTC).timestamp() * 1000) - 500
    engine = open_engine(office[0] / "cases.sqlite")
    with engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE cases SET next_due = {due}")
    engine.dispose()
    headers = key_of("viewer")
    events = read_events(
        client.get("/internal/cases/stream", params={"since": due}, headers=headers).text
    )
    assert ("breached", number) in [(name, data["case_id"]) for _, name, data in events]
    [total] = client.get("/internal/screen", headers=headers).json()["totals"]
    assert (total["overdue"], total["fine"]) == (1, 0)


def test_a_new_plan_counts_from_the_next_report(office, client, four_by_two):
    """A publication while the service runs gives the next case its grid from the new plan."""
    from gridmap.edit import merge_grids

    assert report(client)["grid_code"] == SW
    store = PlanStore(office[0])
    merged = merge_grids(four_by_two, [SW, NW])
    store.keep(merged, "merged")
    store.publish("merged", TODAY, by="王芳", today=TODAY)
    codes = {report(client, north=north)["grid_code"] for north in (50, 150)}
    assert len(codes) == 1


def test_postgresql_by_url(published, tmp_path, make_client):
    """A casebook named by URL is used, and none is made beside the plans."""
    folder = shutil.copytree(published, tmp_path / "town")
    with run_server() as server:
        client = make_client(folder, cases=server, today=lambda: TODAY)
        case = report(client)
        assert client.get(f"/cases/receipt/{case['receipt']}").json()["grid_code"] == SW
        client.app.state.bookcase.close()
    assert not (folder / "cases.sqlite").exists()
