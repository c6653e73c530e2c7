"""Tables of staff are kept beside a plan: by day, whole or not at all, and never changed."""

import hashlib
import os
import signal
import sqlite3
import subprocess
import sys
from datetime import date

import geopandas as gpd
import pandas as pd
import pytest

from gridmap import staff_store
from gridmap.databases import open_database
from gridmap.errors import PlanDamagedError, PlanNotFoundError, StoreError, TableError
from gridmap.staff import assign_workers, make_workers
from gridmap.staff.branches import Branches, form_branches
from gridmap.staff_store import STAFF_TABLES
from gridmap.store import PlanStore
from gridmap.tables import CONTACTS, GROUPS, LIAISONS, MEMBERS, STAFFING, VISITS, check_table

MARCH, APRIL, MAY = date(2026, 3, 1), date(2026, 4, 1), date(2026, 5, 1)


@pytest.fixture
def store(tmp_path, four_by_two) -> PlanStore:
    """Return a store with a kept plan."""
    store = PlanStore(tmp_path / "plans")
    store.keep(four_by_two, "spring")
    return store


def members(count: int) -> pd.DataFrame:
    """Return the members of one building."""
    index = pd.Index(["b0"], dtype="str", name=MEMBERS.index)
    return pd.DataFrame({"full": [count], "probationary": [0]}, index)


def liaisons(post: str) -> pd.DataFrame:
    """Return one liaison."""
    return pd.DataFrame([["c", "供电", post, "", ""]], columns=list(LIAISONS.columns)).astype("str")


def visits(code: str, *counts: int) -> pd.DataFrame:
    """Return a log of one grid, a row a day."""
    days = pd.date_range("2026-03-01", periods=len(counts)).astype("datetime64[s]")
    frame = pd.DataFrame({"day": days, "grid_code": code, "worker_id": "", "visits": counts})
    frame = frame.astype({"grid_code": "str", "worker_id": "str", "visits": "int64"})
    return frame.assign(households=frame["visits"])[list(VISITS.columns)]


def test_by_day(store):
    """Each table counts from its first day until the next one of its name."""
    store.keep_staff("spring", {"members": members(3)}, MARCH, by="王芳", today=MARCH)
    store.keep_staff("spring", {"liaisons": liaisons("甲")}, APRIL, by="王芳", today=MARCH)
    store.keep_staff("spring", {"members": members(9)}, MAY, by="王芳", today=MARCH)
    assert store.staff("spring", date(2026, 2, 28)) == {}
    assert list(store.staff("spring", MARCH)) == ["members"]
    april = store.staff("spring", APRIL)
    pd.testing.assert_frame_equal(april["members"], members(3))
    pd.testing.assert_frame_equal(april["liaisons"], liaisons("甲"))
    assert store.staff("spring", MAY)["members"]["full"].tolist() == [9]


def test_history_grows(store):
    """A correction for the same day counts, and both stay in the record."""
    for count in (3, 4):
        store.keep_staff(
            "spring", {"members": members(count)}, MARCH, by="b", why=f"{count}", today=MARCH
        )
    assert store.staff("spring", MARCH)["members"]["full"].tolist() == [4]
    records = store.staff_records("spring")
    assert records["why"].tolist() == ["3", "4"]
    assert records["rows"].tolist() == [1, 1]
    assert store.staff_stamp("spring") == 2


def test_the_plan_stays_as_it_was(store):
    """Neither the plan's file nor its fingerprint changes."""
    path = store.folder / "spring.gpkg"
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    store.keep_staff("spring", {"members": members(3)}, MARCH, by="b", today=MARCH)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == before
    assert store.plans().at["spring", "fingerprint"] == before
    assert store.load("spring").name == "四乘二"


def test_an_old_store_has_none(store):
    """A store that never kept any answers with nothing, and makes no file."""
    assert store.staff("spring", MARCH) == {}
    assert store.staff_stamp("spring") == 0
    assert store.staff_records("spring").empty
    assert not (store.folder / "staff.sqlite").exists()
    with pytest.raises(PlanNotFoundError):
        store.staff("autumn", MARCH)


def test_the_past_stays(store):
    """What counted on a day that is over is not changed; a first table may begin there."""
    store.keep_staff("spring", {"members": members(3)}, MARCH, by="b", today=MAY)
    with pytest.raises(StoreError, match="before today"):
        store.keep_staff("spring", {"members": members(4)}, APRIL, by="b", today=MAY)
    assert store.staff("spring", MAY)["members"]["full"].tolist() == [3]


def test_all_or_none(store):
    """If one table of a call is refused, none of them is kept."""
    bad = members(3).astype({"full": "float64"})
    with pytest.raises(TableError, match="full"):
        tables = {"liaisons": liaisons("甲"), "members": bad}
        store.keep_staff("spring", tables, MARCH, by="b", today=MARCH)
    assert store.staff("spring", MARCH) == {}


def test_refused(store, four_by_two):
    """Unknown names, grids of other plans, nobody's name and no table are refused."""
    code = four_by_two.grids.index[0]
    keep = store.keep_staff
    with pytest.raises(StoreError, match="no table 'cats'"):
        keep("spring", {"cats": members(3)}, MARCH, by="b", today=MARCH)
    with pytest.raises(StoreError, match="grids 9 are not in the plan"):
        keep("spring", {"visits": visits("9", 1)}, MARCH, by="b", today=MARCH)
    with pytest.raises(StoreError, match="by is empty"):
        keep("spring", {"visits": visits(code, 1)}, MARCH, by=" ", today=MARCH)
    with pytest.raises(StoreError, match="no table to keep"):
        keep("spring", {}, MARCH, by="b", today=MARCH)
    with pytest.raises(PlanNotFoundError):
        keep("autumn", {"visits": visits(code, 1)}, MARCH, by="b", today=MARCH)


def test_a_log_only_grows(store, four_by_two):
    """A log may be kept longer at any time, and never shorter or other than it was."""
    code = four_by_two.grids.index[0]
    for counts in ((1,), (1, 2)):
        store.keep_staff("spring", {"visits": visits(code, *counts)}, MARCH, by="b", today=MAY)
    for counts in ((1,), (1, 3, 4)):
        with pytest.raises(StoreError, match="only grows"):
            store.keep_staff("spring", {"visits": visits(code, *counts)}, MARCH, by="b", today=MAY)
    assert store.staff("spring", MAY)["visits"]["visits"].tolist() == [1, 2]


def test_positions_come_back(store):
    """A table with points keeps them and their CRS."""
    contacts = gpd.GeoDataFrame(
        {"kind": ["unit"], "name": ["市图书馆"], "scope": [""], "points": [1]},
        index=pd.Index(["K1"], dtype="str", name=CONTACTS.index),
        geometry=gpd.points_from_xy([1.0], [2.0]),
        crs=4550,
    )
    store.keep_staff("spring", {"contacts": contacts}, MARCH, by="b", today=MARCH)
    kept = store.staff("spring", MARCH)["contacts"]
    assert kept.crs == contacts.crs
    assert kept.geometry.to_wkb().tolist() == contacts.geometry.to_wkb().tolist()


def test_records_can_not_be_changed(store):
    """The file itself refuses changes; bytes that were changed around it are found."""
    store.keep_staff("spring", {"members": members(3)}, MARCH, by="b", today=MARCH)
    database = sqlite3.connect(store.folder / "staff.sqlite")
    for sentence in ("UPDATE records SET why = 'x'", "DELETE FROM records"):
        with pytest.raises(sqlite3.IntegrityError, match="never"):
            database.execute(sentence)
    database.execute("DROP TRIGGER records_stay")
    database.execute("UPDATE records SET body = x'00'")
    database.commit()
    database.close()
    with pytest.raises(PlanDamagedError, match="record 1"):
        store.staff("spring", MARCH)


def test_a_file_that_is_none(store):
    """A damaged file is an error that names it."""
    (store.folder / "staff.sqlite").write_bytes(b"not a database, certainly not" * 50)
    with pytest.raises(StoreError, match="restore it from a backup"):
        store.staff("spring", MARCH)


@pytest.mark.skipif(os.name == "nt", reason="needs SIGKILL")
def test_a_killed_process_leaves_the_old_state(store):
    """A process killed inside of the transaction leaves what was there, and the file works on."""
    store.keep_staff("spring", {"members": members(3)}, MARCH, by="b", today=MARCH)
    path = store.folder / "staff.sqlite"
    code = (
        "import os, signal, sqlite3, sys\n"
        "base = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "base.execute('BEGIN IMMEDIATE')\n"
        "base.execute('INSERT INTO records SELECT id + 1, plan, fingerprint, name, valid_from, "
        "kept_at, kept_by, why, size, types, sha256, body FROM records')\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert len(store.staff_records("spring")) == 1
    store.keep_staff("spring", {"members": members(5)}, MARCH, by="b", today=MARCH)
    assert store.staff("spring", MARCH)["members"]["full"].tolist() == [5]


def test_registered_tables_have_their_own_names():
    """The registry is by the tables' names."""
    assert all(name == table.name for name, table in STAFF_TABLES.items())


def test_tables_of_an_older_contract_come_back(store, four_by_two):
    """Groups of before they had places and reasons, and a staffing of before shares, still load."""
    counts = pd.DataFrame({"full": [30], "probationary": [0]}, pd.Index(["b0"], name=MEMBERS.index))
    branches = form_branches(four_by_two, counts)
    assert len(branches.groups)
    people = make_workers(four_by_two)
    staffing = assign_workers(four_by_two, people, on=MARCH)
    columns = ["name", "kind", "branch_id", "full", "probationary"]
    row = staffing.index == 0
    old = {**branches.tables, "groups": branches.groups[columns]}
    old["staffing"] = staffing.assign(binding=staffing["binding"].mask(row, "too_large"))
    folder = store.folder
    with open_database(folder / "staff.sqlite") as database:
        database.executescript(staff_store._LAYOUT)
        entry = staff_store.Entry("spring", "", MARCH, "王芳")
        for name, table in old.items():
            staff_store._add_record(database, entry, name, table)
        database.commit()
    kept = store.staff("spring", MARCH)
    again = Branches.from_tables(kept)
    check_table(again.groups, GROUPS)
    meeting = branches.branches["grid_code"].reindex(again.groups["branch_id"])
    assert again.groups["grid_code"].tolist() == meeting.tolist()
    assert (again.groups["community_id"] != "").all()
    assert set(again.groups["reason"]) == {""}
    check_table(kept["staffing"], STAFFING)
    assert kept["staffing"].loc[0, "binding"] == "nobody"
    alone = staff_store._fill_columns({"groups": old["groups"]})["groups"]
    check_table(alone, GROUPS)
    store.keep_staff("spring", again.tables, MAY, by="王芳", today=MARCH)
