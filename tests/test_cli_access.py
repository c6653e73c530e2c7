"""The commands for keys and the audit log, and what other commands leave in it."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gridmap.audit import AuditLog
from gridmap.cli import app
from gridmap.days import today_in_china
from gridmap.errors import PlanNotFoundError
from gridmap.keys import KeyStore
from gridmap.store import PlanStore

RUN = CliRunner()


def run(*words: object) -> tuple[int, str]:
    """Run a command and return its exit code and standard output."""
    result = RUN.invoke(app, [str(word) for word in words])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout


def actions(folder: Path) -> list[tuple[str, str, str]]:
    """Return who did what to what, in order."""
    table = AuditLog(folder).entries()
    return list(zip(table["who"], table["action"], table["subject"], strict=True))


def test_a_key_from_the_cradle_to_the_grave(tmp_path: Path) -> None:
    """A key is shown once, opens what it should, is listed without itself, and is revoked."""
    words = ("--name", "指挥中心", "--role", "dispatcher", "--district", "210802", "--by", "王芳")
    code, printed = run("keys", "add", tmp_path, *words)
    text = printed.strip()
    assert code == 0
    found = KeyStore(tmp_path).check(text)
    assert found is not None
    assert (found.name, found.districts) == ("指挥中心", ("210802",))
    _, listed = run("keys", "list", tmp_path)
    assert found.key_id in listed
    assert text[12:] not in listed
    assert run("keys", "revoke", tmp_path, found.key_id, "--by", "王芳")[0] == 0
    assert KeyStore(tmp_path).check(text) is None
    assert actions(tmp_path) == [
        ("王芳", "add key", "指挥中心"),
        ("王芳", "revoke key", found.key_id),
    ]


def test_a_workers_key(tmp_path: Path) -> None:
    """It is made for his number, listed with it, and the log says for whom."""
    words = ("--name", "王芳的手机", "--role", "worker", "--worker", "S0012", "--by", "李工")
    code, printed = run("keys", "add", tmp_path, *words)
    assert code == 0
    found = KeyStore(tmp_path).check(printed.strip())
    assert found is not None
    assert found.worker_id == "S0012"
    assert "S0012" in run("keys", "list", tmp_path)[1]
    assert json.loads(AuditLog(tmp_path).entries()["facts"].iloc[0])["worker"] == "S0012"


def test_no_key_yet(tmp_path: Path) -> None:
    """A store without keys and entries says so, and stays as it is."""
    assert run("keys", "list", tmp_path) == (0, "no key\n")
    assert run("audit", "list", tmp_path) == (0, "no entry\n")
    assert not list(tmp_path.iterdir())


def test_publish_and_export_are_recorded(tmp_path: Path, four_by_two) -> None:
    """Publishing and exporting leave who, what and which file; a refusal leaves that it failed."""
    store = tmp_path / "plans"
    PlanStore(store).keep(four_by_two, "2026")
    assert run("publish", store, "2026", "--by", "王芳")[0] == 0
    out = tmp_path / "out.geojson"
    assert run("export", store, "2026", out, "--public", "--by", "李强")[0] == 0
    with pytest.raises(PlanNotFoundError):
        run("publish", store, "2027", "--by", "王芳")
    recorded = actions(store)
    assert recorded == [
        ("王芳", "publish", "2026"),
        ("李强", "export", "2026"),
        ("王芳", "publish", "2027"),
        ("王芳", "publish", "2027"),
    ]
    facts = [json.loads(text) for text in AuditLog(store).entries()["facts"]]
    assert facts[0]["valid_from"] == today_in_china().isoformat()
    assert facts[1] == {"file": "out.geojson", "public": True, "layer": ""}
    assert facts[3]["failed"] == "PlanNotFoundError"


def test_verify(tmp_path: Path) -> None:
    """A whole log ends with 0 and its head; one that was cut ends with 1 and says where."""
    log, report = AuditLog(tmp_path), tmp_path / "report.json"
    for number in range(3):
        log.append("王芳", "look-up", str(number))
    code, printed = run("audit", "verify", tmp_path, "--json", report)
    head = printed.strip().rsplit(" ", 1)[1]
    assert code == 0
    assert json.loads(report.read_text())["head"] == head
    with log._database.write() as database:
        database.execute("DROP TRIGGER entries_remain")
        database.execute("DELETE FROM entries WHERE seq = 3")
    code, printed = run("audit", "verify", tmp_path)
    assert code == 1
    assert "broken at entry 3" in printed
    assert run("audit", "verify", tmp_path, "--head", head)[0] == 1
    log.close()


def test_export_list_and_prune(tmp_path: Path) -> None:
    """The archive is written and that is recorded; nothing is old enough to be pruned."""
    AuditLog(tmp_path).append("王芳", "look-up", "210802001001001")
    out = tmp_path / "audit.jsonl"
    code, printed = run("audit", "export", tmp_path, out, "--by", "管理员")
    assert (code, printed) == (0, f"2 entries: {out}\n")
    assert len(out.read_text(encoding="utf-8").splitlines()) == 2
    listed = run("audit", "list", tmp_path, "--who", "王芳")[1]
    assert "210802001001001" in listed
    assert "管理员" not in listed
    assert run("audit", "prune", tmp_path, "--by", "管理员") == (0, "0 entries removed\n")


def test_who_is_the_login_by_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without --by the login stands in the log; a user without a name is a number."""
    monkeypatch.setattr("getpass.getuser", lambda: "planner")
    run("keys", "add", tmp_path, "--name", "a", "--role", "viewer")

    def fail() -> str:
        raise OSError("no username")

    monkeypatch.setattr("getpass.getuser", fail)
    run("keys", "add", tmp_path, "--name", "b", "--role", "viewer")
    who = [name for name, *_ in actions(tmp_path)]
    assert who[0] == "planner"
    assert who[1].startswith("user ")
