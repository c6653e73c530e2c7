"""What is kept and what is not: erasure, votes, checks, exports, backups."""

from datetime import timedelta
from pathlib import Path

import openpyxl
import pytest
from sqlalchemy import text, update

from gridmap.casebook.book import Casebook
from gridmap.casebook.schema import cases, reporters
from gridmap.errors import CasebookError, CaseError, ConflictError, RoleError
from gridmap.incidents.desk import Desk
from gridmap.incidents.model import Reporter
from tests.casebook.test_photos import draw
from tests.incidents.town import (
    CITIZEN,
    COMMUNITY,
    DISTRICT,
    NE,
    SATURDAY,
    STREET,
    SW,
    WATER,
    WORKER,
    report,
    step,
)

ZHANG = Reporter("张三", "13800000000")


def close(book: Casebook, number: int) -> None:
    """Take a case round the loop."""
    steps = [("inspect", WORKER), ("resolve", WATER), ("answer", COMMUNITY), ("accept", STREET)]
    for hour, (action, actor) in enumerate(steps, 1):
        book.step(number, step(action, actor, hour))


def test_a_reporter_is_erased_on_request(book: Casebook) -> None:
    """By the district only; the log says that it was done, and the case stays."""
    number = book.open(report(reporter=ZHANG), CITIZEN).case_id
    with pytest.raises(RoleError, match="erase"):
        book.erase(number, WORKER)
    assert book.reporter(number) == ZHANG  # the refusal erased nothing
    book.erase(number, DISTRICT)
    assert book.reporter(number) is None
    assert dict(book.log(number)[-1].facts) == {"photos": [], "reporter": 1}
    assert book.check() == []
    with pytest.raises(CaseError, match="verb of its own: erase"):
        book.step(number, step("erase", DISTRICT))


def test_reporters_are_erased_in_time(book: Casebook) -> None:
    """180 days after the end, not a moment before; open cases keep theirs; keys go, too."""
    ended = book.open(report(reporter=ZHANG), CITIZEN, key="k").case_id
    still = book.open(report(reporter=ZHANG), CITIZEN).case_id
    close(book, ended)
    last = book.read(ended).updated_at + timedelta(days=180)
    assert book.erase_old(last - timedelta(seconds=1), DISTRICT) == []
    assert list(book.erase_old(last, DISTRICT)) == [ended]
    assert book.reporter(ended) is None and book.reporter(still) == ZHANG
    assert list(book.erase_old(last, DISTRICT)) == []
    book.erase_old(last + timedelta(days=99_999), DISTRICT)
    assert book.open(report(reporter=ZHANG), CITIZEN, key="k").case_id not in (ended, still)


def test_a_vote_a_device_and_day(book: Casebook) -> None:
    """Twice on Saturday is refused, on Sunday it counts; the device is not in the table."""
    book.vote("K1", "device-0001", 5, at=SATURDAY)
    with pytest.raises(ConflictError, match="voted on 2022-12-10"):
        book.vote("K2", "device-0001", 5, at=SATURDAY + timedelta(hours=14))
    book.vote("K1", "device-0001", 4, at=SATURDAY + timedelta(hours=15))  # Sunday in China
    book.vote("K2", "device-0002", 1, at=SATURDAY)
    assert book.tables()["votes"]["score"].tolist() == [5, 4, 1]
    with book.engine.connect() as connection:
        stored = connection.execute(text("SELECT * FROM votes")).all()
    assert "device-0001" not in repr(stored) and len({row.device for row in stored}) == 3
    with pytest.raises(CaseError, match="no worker 'K9'"):
        book.vote("K9", "device-0003", 5)
    with pytest.raises(CaseError, match="from 1 to 5"):
        book.vote("K1", "device-0003", 6)
    with pytest.raises(CaseError, match="8 signs"):
        book.vote("K1", "x", 5)


def test_tampering_shows(book: Casebook) -> None:
    """Whoever gets past the triggers is found by the chains."""
    number = book.open(report(), CITIZEN).case_id
    book.step(number, step("inspect", WORKER))
    for day in range(3):
        book.vote("K1", "device-0001", 5, at=SATURDAY + timedelta(days=day))
    assert book.check() == []
    with book.engine.begin() as connection:
        connection.execute(update(cases).values(stage="accepted"))
    assert book.check() == [f"case {number} is not what its log leads to"]
    _disarm(book)
    with book.engine.begin() as connection:
        connection.execute(update(cases).values(stage="inspected"))
        connection.execute(text("UPDATE entries SET note = 'x' WHERE version = 1"))
        connection.execute(text("UPDATE votes SET score = 1 WHERE number = 2"))
    assert book.check() == [
        f"case {number}: entry 1 is not what was written",
        "vote 2 is not what was cast",
    ]
    with book.engine.begin() as connection:
        connection.execute(text("DELETE FROM entries WHERE version = 1"))
        connection.execute(text("DELETE FROM votes WHERE number = 2"))
    assert book.check() == [f"case {number}: entry 1 is missing", "vote 2 is missing"]
    with book.engine.begin() as connection:
        connection.execute(text("DELETE FROM entries"))
    assert "1 cases have no log" in book.check()


def _disarm(book: Casebook) -> None:
    """Drop the triggers, as somebody with the database's password could."""
    with book.engine.begin() as connection:
        for name in ("entries", "votes"):
            if book.engine.dialect.name == "sqlite":
                for verb in ("update", "delete"):
                    connection.execute(text(f"DROP TRIGGER {name}_no_{verb}"))
            else:
                connection.execute(text(f"DROP TRIGGER {name}_only_grows ON {name}"))


@pytest.mark.parametrize("name", ["cases.csv", "cases.xlsx"])
def test_an_export_has_no_reporter_and_is_read_again(
    book: Casebook, tmp_path: Path, name: str
) -> None:
    """Chinese headers, the city's time, codes as text; importing it opens the same places."""
    book.open(report(reporter=ZHANG, description="=1+1 漏水"), CITIZEN)
    done = book.open(report(350, 150), CITIZEN).case_id
    close(book, done)
    assert book.export(tmp_path / name) == 2
    content = _read(tmp_path / name)
    assert "张三" not in content and "13800000000" not in content
    assert SW in content and "2022-12-10 09:00:00" in content and "验收" in content
    again = book.import_list(tmp_path / name, DISTRICT)
    assert [case.grid_code for case in again] == [SW, NE]
    assert again[0].reported_at == SATURDAY and again[0].description == "=1+1 漏水"
    assert list(book.import_list(tmp_path / name, DISTRICT)) == list(again)
    assert len(book.find()) == 4
    book.export(tmp_path / f"english-{name}", lang="en")
    assert "Inspect by" in _read(tmp_path / f"english-{name}")


def _read(path: Path) -> str:
    if path.suffix == ".csv":
        return path.read_text("utf-8-sig")
    rows = openpyxl.load_workbook(path).active.iter_rows(values_only=True)  # type: ignore[union-attr]
    return repr(list(rows))


def test_a_list_with_wrong_rows_is_refused_whole(book: Casebook, tmp_path: Path) -> None:
    """Every row that is wrong is named with what is wrong; no case is opened."""
    path = tmp_path / "台账.csv"
    path.write_text(
        "类别,经度,纬度,描述,上报时间,电话\n"
        "供水,118.5135,0.0005,漏水,2026-03-01 09:30,138\n"
        "钓鱼,118.5135,0.0005,,,\n"
        "供水,东,0.0005,,,\n"
        "供水,,,,,\n"
        "供水,118.5135,0.0005,,昨天,\n",
        encoding="gb18030",
    )
    with pytest.raises(CaseError) as caught:
        book.import_list(path, DISTRICT)
    said = str(caught.value)
    for words in ("no category '钓鱼'", "'东' is no number", "no location", "'昨天' is no time"):
        assert words in said
    assert book.find() == []
    path.write_text("\n".join(path.read_text("gb18030").splitlines()[:2]), encoding="gb18030")
    [case] = book.import_list(path, DISTRICT)
    assert case.reported_at.isoformat() == "2026-03-01T01:30:00+00:00"
    assert book.reporter(case.case_id) == Reporter("", "138")


def test_a_backup_is_everything_and_comes_back(book: Casebook, desk: Desk, tmp_path: Path) -> None:
    """Into an empty casebook of either kind: cases, logs, reporters, photos, votes, numbers."""
    number = book.open(report(reporter=ZHANG), CITIZEN, key="k").case_id
    book.step(number, step("whistle", WORKER, departments=("供水",)))
    book.add_photo(number, draw(), CITIZEN)
    book.vote("K1", "device-0001", 5, at=SATURDAY)
    counts = book.back_up(tmp_path / "backup.zip")
    assert (counts["cases"], counts["entries"], counts["files"]) == (1, 3, 1)
    with Casebook(tmp_path / "other.sqlite", desk) as other:
        assert other.restore(tmp_path / "backup.zip") == counts
        assert other.read(number) == book.read(number) and other.log(number) == book.log(number)
        assert other.reporter(number) == ZHANG and other.check() == []
        assert other.photo_path(number, other.photos_of(number)[0].sha256).exists()
        assert other.open(report(reporter=ZHANG), CITIZEN, key="k").version == 1
        assert other.open(report(), CITIZEN).case_id == number + 1
        with pytest.raises(CasebookError, match="name an empty one"):
            other.restore(tmp_path / "backup.zip")
        other.back_up(tmp_path / "second.zip")
    if book.engine.dialect.name == "postgresql":
        with book.engine.begin() as connection:
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))
        with Casebook(
            book.engine.url.render_as_string(hide_password=False), desk, photos=tmp_path / "p"
        ) as back:
            back.restore(tmp_path / "second.zip")
            assert back.check() == [] and back.open(report(), CITIZEN).case_id == number + 2


def test_a_damaged_backup_is_refused(book: Casebook, desk: Desk, tmp_path: Path) -> None:
    """No backup, a flipped byte, a changed row: nothing is written."""
    book.open(report(), CITIZEN)
    path = tmp_path / "backup.zip"
    book.back_up(path)
    with Casebook(tmp_path / "other.sqlite", desk) as other:
        (tmp_path / "text.zip").write_text("no archive")
        with pytest.raises(CasebookError, match="no backup"):
            other.restore(tmp_path / "text.zip")
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        (tmp_path / "flipped.zip").write_bytes(data)
        with pytest.raises(CasebookError, match=r"damaged|no backup"):
            other.restore(tmp_path / "flipped.zip")
        with book.engine.begin() as connection:
            connection.execute(update(cases).values(stage="accepted"))
        book.back_up(path)
        with pytest.raises(CasebookError, match="not what its log leads to"):
            other.restore(path)
        assert other.find() == []


def test_reporters_are_in_one_table_only(book: Casebook, tmp_path: Path) -> None:
    """After the erasure no byte of them is left in the tables, figures or exports."""
    number = book.open(report(reporter=ZHANG), CITIZEN).case_id
    tables = book.tables()
    assert all("张三" not in frame.to_csv() for frame in tables.values())
    book.erase(number, DISTRICT)
    with book.engine.connect() as connection:
        assert connection.execute(reporters.select()).all() == []
