"""Who serves a grid: a public contact, and a card for the office that the public never gets."""

from datetime import date

import pandas as pd
import pytest
from pydantic import ValidationError

from api.internal_models import InternalGrid
from api.models import GridContact
from gridmap.audit import AuditLog
from gridmap.staff.branches import form_branches
from gridmap.staff.contacts import match_communities
from gridmap.staff.duties import list_tasks
from gridmap.staff.members import make_members
from gridmap.store import PlanStore
from gridmap.tables import STAFFING, WORKERS

DAY = date(2026, 5, 1)


def make_workers() -> pd.DataFrame:
    """Return two workers."""
    frame = pd.DataFrame(
        {
            "name": ["王芳", "李强"],
            "kind": "community",
            "community_id": "",
            "party": ["full", ""],
            "skills": "",
            "phone": ["0417-1234567", ""],
            "capacity": 300,
            "limit": 500,
            "days": 5.0,
            "home_unit": "",
            "person": ["w1", "w2"],
            "starts": pd.Series([None, None], dtype="datetime64[s]"),
            "ends": pd.Series([None, None], dtype="datetime64[s]"),
        },
        index=pd.Index(["w1", "w2"], name=WORKERS.index, dtype="str"),
    )
    return frame.set_index(pd.Index(["w1", "w2"], dtype="str", name="worker_id"))


def make_staffing(code: str) -> pd.DataFrame:
    """Return a staffing of one grid: w1 until June, w2 from June on and deputy before."""
    days = {
        "starts": ["2026-01-01", "2026-06-01", "2026-01-01"],
        "ends": ["2026-05-31", None, "2026-05-31"],
    }
    rows = pd.DataFrame(
        {
            "grid_code": code,
            "worker_id": ["w1", "w2", "w2"],
            "role": ["primary", "primary", "deputy"],
            **{name: pd.to_datetime(given).astype("datetime64[s]") for name, given in days.items()},
            "households": 300,
            "load": 300,
            "walk": 100.0,
            "way": "streets",
            "binding": "nearest",
            "rival": "",
            "rival_walk": 0.0,
            "extra": 0.0,
            "reason": "",
        }
    )
    return rows[list(STAFFING.columns)]


@pytest.fixture(scope="module")
def staffed(town, tmp_path_factory):
    """Keep and publish spring with a staffing, branches and a liaison."""
    store = PlanStore(tmp_path_factory.mktemp("staffed"))
    store.keep(town.spring, "spring")
    store.publish("spring", date(2026, 3, 1), by="王芳", today=date(2026, 3, 1))
    code = town.spring.grids.index[0]
    community = town.spring.grids.at[code, "community_id"]
    liaisons = pd.DataFrame(
        [[community, "供电", "客户经理", "赵敏", "95598"], ["elsewhere", "供水", "", "钱进", ""]],
        columns=["community_id", "department", "post", "name", "phone"],
    )
    tables = {"workers": make_workers(), "staffing": make_staffing(code), "liaisons": liaisons}
    members = make_members(town.spring)
    tables |= form_branches(town.spring, members).tables
    contacts = pd.DataFrame(
        {"kind": ["leader", "unit"], "name": ["街道书记", "图书馆"], "scope": "", "points": 1},
        index=pd.Index(["L1", "U1"], name="contact_id"),
    )
    matches = match_communities(town.spring, contacts).assign(target_id=[community, "elsewhere"])
    tables |= {"contacts": contacts, "contact_matches": matches}
    store.keep_staff("spring", tables, date(2026, 3, 1), by="王芳", today=date(2026, 3, 1))
    return store.folder, code


def test_public_contact(make_client, staffed):
    """A grid by its code has the display name and the office phone, and nothing more."""
    folder, code = staffed
    answer = make_client(folder).get(f"/grids/{code}")
    assert answer.json()["contact"] == {"worker": "王芳", "office_phone": "0417-1234567"}
    for word in ("w1", "李强", "党支部", "赵敏", "members", "secretary", "街道书记"):
        assert word not in answer.text
    assert "contact" not in make_client(folder).get("/grids").text


def test_contact_follows_the_day(make_client, staffed):
    """After a hand-over the next worker is told, under another entity tag."""
    folder, code = staffed
    client = make_client(folder)
    before = client.get(f"/grids/{code}")
    after = client.get(f"/grids/{code}", params={"at": "2026-07-01"})
    assert after.json()["contact"] == {"worker": "李强", "office_phone": ""}
    assert before.headers["etag"] != after.headers["etag"]
    held = {"If-None-Match": before.headers["etag"]}
    assert client.get(f"/grids/{code}", headers=held).status_code == 304


def test_no_contact_where_nobody_is_kept(make_client, staffed, town):
    """Another grid, and a store without staff, answer as before."""
    folder, _ = staffed
    other = town.spring.grids.index[1]
    assert "contact" not in make_client(folder).get(f"/grids/{other}").json()
    assert "contact" not in make_client(town.folder).get(f"/grids/{other}").json()


def test_internal_card(make_client, staffed, bearer):
    """The office is told worker, deputies, branches and the liaisons of the community."""
    folder, code = staffed
    headers = bearer(folder, "viewer")
    answer = make_client(folder).get(f"/internal/grids/{code}", headers=headers)
    assert answer.headers["cache-control"] == "no-store"
    card = InternalGrid.model_validate_json(answer.content)
    assert card.worker is not None
    assert (card.worker.worker_id, card.worker.name) == ("w1", "王芳")
    assert [one.name for one in card.deputies] == ["李强"]
    assert card.others == []
    assert [one.department for one in card.liaisons] == ["供电"]
    assert [(one.kind, one.name) for one in card.contacts] == [("leader", "街道书记")]
    assert card.branches[0].name.endswith("党支部")
    assert card.branches[0].members is None or card.branches[0].members >= 3


def test_internal_card_of_a_shared_grid(make_client, staffed, bearer):
    """Who has the other share is told too."""
    folder, _ = staffed
    store = PlanStore(folder)
    code = store.load("spring").grids.index[2]
    rows = make_staffing(code).iloc[:2].assign(starts=pd.Timestamp(2026, 1, 1), ends=pd.NaT)
    rows = rows.astype({"starts": "datetime64[s]", "ends": "datetime64[s]"})
    store.keep_staff("spring", {"staffing": rows}, DAY, by="王芳", today=DAY)
    headers = bearer(folder, "viewer")
    answer = make_client(folder).get(f"/internal/grids/{code}", headers=headers)
    card = InternalGrid.model_validate_json(answer.content)
    assert card.worker is not None
    assert {card.worker.name, *(one.name for one in card.others)} == {"王芳", "李强"}


def test_internal_problems(make_client, staffed, bearer):
    """What is no code, and no grid of the plan, are problems as under /grids."""
    folder, code = staffed
    client, headers = make_client(folder), bearer(folder, "viewer")
    assert client.get("/internal/grids/1", headers=headers).json()["code"] == "bad-code"
    unknown = client.get(f"/internal/grids/{code[:-3]}998", headers=headers)
    assert (unknown.status_code, unknown.json()["code"]) == (404, "unknown-grid")


def test_types_do_not_mix():
    """The public type refuses anything but its two members."""
    with pytest.raises(ValidationError):
        GridContact(worker="王芳", office_phone="", worker_id="w1")


def test_kept_later_is_seen_at_once(make_client, staffed, town):
    """What is kept while the service runs counts from the next request on."""
    folder, _ = staffed
    code = town.spring.grids.index[1]
    client = make_client(folder)
    assert "contact" not in client.get(f"/grids/{code}").json()
    tables = {"workers": make_workers(), "staffing": make_staffing(code)}
    PlanStore(folder).keep_staff("spring", tables, DAY, by="王芳", today=DAY)
    assert client.get(f"/grids/{code}").json()["contact"]["worker"] == "王芳"


@pytest.fixture(scope="module")
def visited(town, tmp_path_factory):
    """Keep tasks and a log of visits: half of the first grid's households on 2 March."""
    store = PlanStore(tmp_path_factory.mktemp("visited"))
    store.keep(town.spring, "spring")
    store.publish("spring", date(2026, 3, 1), by="王芳", today=date(2026, 3, 1))
    code, homes = town.spring.grids.index[0], int(town.spring.grids["households"].iloc[0])
    rows = pd.DataFrame(
        {
            "day": pd.to_datetime(["2026-03-02", "2026-03-07"]).astype("datetime64[s]"),
            "grid_code": code,
            "worker_id": "w1",
            "visits": [homes, 1],
            "households": [homes // 2 + 1, 1],
        }
    )
    shops = pd.DataFrame({"shops": [4]}, [town.spring.units["building_id"].max()])
    tables = {
        "workers": make_workers(),
        "staffing": make_staffing(code),
        "visits": rows.astype({"grid_code": "str", "worker_id": "str"}),
        "tasks": list_tasks(town.spring, features=shops),
    }
    store.keep_staff("spring", tables, date(2026, 3, 1), by="王芳", today=date(2026, 3, 1))
    return store.folder, code, homes


def test_tasks_of_a_grid(make_client, visited, bearer):
    """Ten duties; households always; only with a key, and on record."""
    folder, code, homes = visited
    client = make_client(folder)
    assert client.get(f"/internal/grids/{code}/tasks").status_code == 401
    answer = client.get(f"/internal/grids/{code}/tasks", headers=bearer(folder, "viewer"))
    assert answer.headers["cache-control"] == "no-store"
    told = answer.json()
    assert [duty["duty_id"] for duty in told["duties"]] == list(range(1, 11))
    first = told["duties"][0]["tasks"][0]
    assert (first["subject"], first["amount"]) == ("households", homes)
    assert told["worker"] == "王芳"
    last = AuditLog(folder).entries().iloc[-1]
    assert (last["action"], last["subject"]) == ("look-at-tasks", code)


def test_who_falls_behind(make_client, visited, bearer, town):
    """Day 5 of 10: the grid that was visited is on pace, all others are behind, the worst first."""
    folder, code, homes = visited
    client, headers = make_client(folder), bearer(folder, "viewer")
    asked = {"from": "2026-03-01", "to": "2026-03-10", "at": "2026-03-05"}
    told = client.get("/internal/visits", params=asked, headers=headers).json()
    assert (told["expected"], told["visited"]) == (50.0, homes // 2 + 1)
    assert told["households"] == town.spring.grids["households"].sum()
    mine = told["grids"][-1]
    assert (mine["code"], mine["behind"], mine["worker"]) == (code, False, "王芳")
    assert (mine["visits"], mine["last"]) == (homes, "2026-03-02")
    assert told["behind"] == len(told["grids"]) - 1 == len(town.spring.grids) - 1
    late = [row["short"] for row in told["grids"][:-1]]
    assert late == sorted(late, reverse=True)
    few = client.get("/internal/visits", params={**asked, "behind": True}, headers=headers).json()
    assert len(few["grids"]) == told["behind"]
    home = town.spring.grids.at[code, "community_id"]
    own = client.get("/internal/visits", params={**asked, "community": home}, headers=headers)
    assert {row["community"] for row in own.json()["grids"]} == {mine["community"]}


def test_visits_keep_to_the_district(make_client, visited, bearer):
    """A key of another district is told of no grid; a round that ends first is refused."""
    folder, _, _ = visited
    client = make_client(folder)
    asked = {"from": "2026-03-01", "to": "2026-03-10"}
    far = bearer(folder, "viewer", districts=["999"])
    none = client.get("/internal/visits", params=asked, headers=far).json()
    assert (none["grids"], none["households"], none["coverage"]) == ([], 0, None)
    headers = bearer(folder, "viewer")
    wrong = {"from": "2026-03-10", "to": "2026-03-01"}
    answer = client.get("/internal/visits", params=wrong, headers=headers)
    assert "before it starts" in answer.json()["detail"]
    assert client.get("/internal/visits", headers=headers).status_code == 422
