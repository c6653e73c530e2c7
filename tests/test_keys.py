"""Keys: shown once, kept hashed, for a role, districts and days."""

import re
import sqlite3
from contextlib import closing
from datetime import date

import pytest

from gridmap.errors import KeyRefusedError, StoreError
from gridmap.keys import KeyStore, Role

TODAY = date(2026, 5, 1)


@pytest.fixture
def keys(tmp_path):
    """Return the keys of a new store."""
    store = KeyStore(tmp_path)
    yield store
    store.close()


def test_a_key_opens_what_it_was_made_for(keys):
    """A key is found again by itself alone, with its role and districts."""
    text = keys.add("指挥中心", "dispatcher", districts=["210802", "2109"], by="admin")
    found = keys.check(text)
    assert found is not None
    assert (found.name, found.role) == ("指挥中心", Role.DISPATCHER)
    assert found.districts == ("210802", "2109")
    assert keys.check(text[:-1] + ("A" if text[-1] != "A" else "B")) is None
    assert keys.check("") is None


def test_a_workers_key_names_him(keys):
    """His number comes back with the key and stands in the list; others have none."""
    text = keys.add("网格员王芳", "worker", worker_id="S0012", by="admin")
    found = keys.check(text)
    assert (found.role, found.worker_id) == (Role.WORKER, "S0012")
    assert keys.check(keys.add("x", "admin", by="y")).worker_id == ""
    assert list(keys.keys()["worker_id"]) == ["S0012", ""]
    assert Role.PUBLIC < Role.WORKER < Role.VIEWER


def test_keys_of_before_are_read(keys, tmp_path):
    """A file that an earlier version made, without the table of workers, opens what it did."""
    text = keys.add("x", "viewer", by="y")
    keys.close()
    with closing(sqlite3.connect(tmp_path / "keys.sqlite")) as database:
        database.execute("DROP TABLE workers")
        database.commit()
    assert keys.check(text).role == Role.VIEWER
    assert keys.check(keys.add("z", "worker", worker_id="S1", by="y")).worker_id == "S1"


def test_the_key_itself_is_nowhere(keys, tmp_path):
    """It has 256 random bits, no two are alike, and no file of the store holds its secret."""
    texts = {keys.add("x", "admin", by="y") for _ in range(20)}
    assert len(texts) == 20
    assert all(re.fullmatch(r"gm_[0-9a-f]{8}_[\w-]{43}", text) for text in texts)
    written = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    for text in texts:
        assert text[12:].encode() not in written
        assert text[3:11].encode() in written


def test_last_day(keys):
    """A key opens on its last day and not on the day after."""
    text = keys.add("x", "viewer", expires=TODAY, by="y")
    assert keys.check(text, today=TODAY) is not None
    assert keys.check(text, today=date(2026, 5, 2)) is None


def test_revoked_everywhere(keys, tmp_path):
    """What one process revokes opens nothing in another; the list says by whom and since when."""
    text = keys.add("x", "viewer", by="y")
    assert keys.check(text) is not None
    other = KeyStore(tmp_path)
    other.revoke(text[3:11], by="chief")
    other.close()
    assert keys.check(text) is None
    row = keys.keys().loc[text[3:11]]
    assert row["revoked_by"] == "chief"
    assert row["revoked_at"]


def test_list(keys):
    """Every key is listed in the order in which it was made; no column is a secret."""
    assert keys.keys().empty
    keys.add("b", "viewer", by="y", expires=TODAY)
    keys.add("a", "admin", by="y", districts=["21"])
    table = keys.keys()
    assert list(table["name"]) == ["b", "a"]
    assert list(table["expires"]) == ["2026-05-01", ""]
    assert list(table["districts"]) == ["", "21"]
    assert "sha256" not in table.columns


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"role": "public"}, "dispatcher"),
        ({"role": "root"}, "'root'"),
        ({"role": "worker"}, "worker is ''"),
        ({"worker_id": "S0012"}, "'S0012' with the role viewer"),
        ({"name": " "}, "name"),
        ({"name": "two\nlines"}, "name"),
        ({"by": ""}, "by"),
        ({"districts": ["21'--"]}, "21'--"),
        ({"districts": ["1"]}, "'1'"),
    ],
)
def test_refused(keys, options, word):
    """What is no role, name or district is named, and no key is made."""
    with pytest.raises(KeyRefusedError, match=word):
        keys.add(**{"name": "x", "role": "viewer", "by": "y", **options})
    assert keys.keys().empty


def test_revoke_what_is_not_there(keys):
    """An unknown key and one that was revoked before are refused with what to do."""
    text = keys.add("x", "viewer", by="y")
    keys.revoke(text[3:11], by="y")
    with pytest.raises(KeyRefusedError, match="before"):
        keys.revoke(text[3:11], by="y")
    with pytest.raises(KeyRefusedError, match="not there"):
        keys.revoke("ffffffff", by="y")


def test_rows_are_never_removed(keys):
    """The file itself refuses to lose a key, so that the log's key ids stay explained."""
    keys.add("x", "viewer", by="y")
    with (
        pytest.raises(StoreError, match="never removed"),
        keys._database.write() as database,
    ):
        database.execute("DELETE FROM keys")
    assert len(keys.keys()) == 1


def test_restored_file(keys, tmp_path):
    """A file that is put back from a backup counts, not the one that was open."""
    text = keys.add("x", "viewer", by="y")
    assert keys.check(text) is not None
    for path in tmp_path.glob("keys.sqlite*"):
        path.unlink()
    assert keys.check(text) is None
    assert keys.keys().empty
