"""Open, step, read: on both databases, by many at once, more than once."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, text, update
from sqlalchemy.exc import DBAPIError

from gridmap.casebook.book import Casebook
from gridmap.casebook.database import open_engine
from gridmap.casebook.ledger import Opening, open_cases
from gridmap.casebook.lists import CaseQuery
from gridmap.casebook.schema import APPEND_ONLY, entries
from gridmap.errors import CasebookError, CaseError, CaseNotFoundError, ConflictError, StepError
from gridmap.incidents.desk import Desk
from gridmap.incidents.model import Actor, Reporter
from gridmap.incidents.steps import open_case
from tests.incidents.town import CITIZEN, NE, SATURDAY, STREET, SW, WATER, WORKER, report, step


def test_what_was_opened_is_read(book: Casebook) -> None:
    """The case, its log, its reporter apart from both."""
    told = report(reporter=Reporter("张三", "13800000000"), description="漏水")
    case = book.open(told, CITIZEN)
    assert book.read(case.case_id) == case == book.read_at(case.case_id, 1)
    [entry] = book.log(case.case_id)
    assert (entry.action, entry.actor) == ("open", CITIZEN)
    assert book.reporter(case.case_id) == Reporter("张三", "13800000000")
    assert "张三" not in repr(entry) + repr(case)
    assert book.reporter(book.open(report(), CITIZEN).case_id) is None


def test_steps_are_kept_with_their_whistles(book: Casebook) -> None:
    """A refusal in the middle; what is read is what the log leads to, at every version."""
    number = book.open(report(190, 50), CITIZEN).case_id
    seen = [book.read(number)]
    for hour, wanted in enumerate(
        [
            step("whistle", WORKER, 1, departments=("供水", "公安")),
            step("refuse", WATER, 2, reason="jurisdiction", note="属地不符"),
            step("arrive", WATER, 3),
            step("inspect", WATER, 4),
            step("suspend", STREET, 5),
            step("resume", STREET, 6),
        ]
    ):
        seen.append(book.step(number, wanted, version=hour + 1))
    assert [call.state for call in book.whistles(number)] == ["refused", "called", "arrived"]
    assert [book.read_at(number, one.version) for one in seen] == seen
    assert book.read(number) == seen[-1]


def test_a_case_that_is_not_there(book: Casebook) -> None:
    """Every way to it says so."""
    for ask in (book.read, book.log, book.reporter, lambda number: book.read_at(number, 1)):
        with pytest.raises(CaseNotFoundError, match="7"):
            ask(7)
    with pytest.raises(CaseNotFoundError, match="no case 7"):
        book.step(7, step("inspect", WORKER))
    number = book.open(report(), CITIZEN).case_id
    with pytest.raises(CaseNotFoundError, match="no case 99"):
        book.step(number, step("merge", WORKER, duplicate_of=99))


def test_a_key_gives_the_same_answer_once(book: Casebook) -> None:
    """A repeated report is one case, a repeated step one entry; another use is refused."""
    first = book.open(report(), CITIZEN, key="k1")
    assert book.open(report(), CITIZEN, key="k1") == first
    done = book.step(first.case_id, step("inspect", WORKER), key="k2")
    book.step(first.case_id, step("resolve", WATER, 2))
    assert book.step(first.case_id, step("inspect", WORKER), key="k2") == done
    assert book.open(report(), CITIZEN, key="k1") == first  # as it was answered then
    assert len(book.find()) == 1 and len(book.log(first.case_id)) == 3
    with pytest.raises(ConflictError, match="'k1' was used for something else"):
        book.open(report(51, 50), CITIZEN, key="k1")
    with pytest.raises(ConflictError, match="'k1'"):
        book.step(first.case_id, step("answer", WORKER, 3), key="k1")


def test_a_refused_step_leaves_nothing(book: Casebook) -> None:
    """Neither an entry nor its key: the key can be used for what was meant."""
    case = book.open(report(), CITIZEN)
    with pytest.raises(StepError):
        book.step(case.case_id, step("resolve", WATER), key="k")
    assert book.read(case.case_id) == case and len(book.log(case.case_id)) == 1
    assert book.step(case.case_id, step("inspect", WORKER), key="k").stage == "inspected"


def test_a_moment_that_is_not_yet_is_refused(book: Casebook) -> None:
    """A wrong clock would leave no room for the next step; five minutes are forgiven."""
    ahead = datetime.now(UTC) + timedelta(hours=1)
    with pytest.raises(CaseError, match="lies ahead"):
        book.open(report(reported_at=ahead), CITIZEN)
    with pytest.raises(CaseError, match="lies ahead"):
        book.open_many([report(reported_at=ahead)], CITIZEN)
    case = book.open(report(reported_at=ahead - timedelta(minutes=58)), CITIZEN)
    with pytest.raises(CaseError, match="lies ahead"):
        book.step(case.case_id, step("inspect", WORKER, at=ahead))


def test_the_slower_of_two_gets_a_conflict(book: Casebook) -> None:
    """Both saw version 1: one step counts, the other is told what happened."""
    number = book.open(report(), CITIZEN).case_id
    book.step(number, step("inspect", WORKER), version=1)
    with pytest.raises(ConflictError, match=r"at version 2 \(inspected, open\), not 1: read it"):
        book.step(number, step("withdraw", STREET), version=1)


def test_many_at_once_and_one_wins(where: str | Path, desk: Desk) -> None:
    """Eight threads of two casebooks step the same version: one entry, seven conflicts."""
    with Casebook(where, desk) as one, Casebook(where, desk) as other:
        number = one.open(report(), CITIZEN).case_id
        start = threading.Barrier(8)

        def try_it(worker: int) -> str:
            start.wait()
            book = (one, other)[worker % 2]
            try:
                book.step(number, step("inspect", WORKER, note=f"{worker}"), version=1)
            except ConflictError:
                return "conflict"
            return "done"

        with ThreadPoolExecutor(8) as pool:
            answers = sorted(pool.map(try_it, range(8)))
        assert answers == ["conflict"] * 7 + ["done"]
        assert len(one.log(number)) == 2


def test_the_same_key_at_once_is_one_case(where: str | Path, desk: Desk) -> None:
    """A phone that sends twice, to two processes at the same moment."""
    with Casebook(where, desk) as one, Casebook(where, desk) as other:
        start = threading.Barrier(6)

        def send(number: int) -> int:
            start.wait()
            return (one, other)[number % 2].open(report(), CITIZEN, key="tap").case_id

        with ThreadPoolExecutor(6) as pool:
            assert len(set(pool.map(send, range(6)))) == 1
        assert len(one.find()) == 1


def test_writes_at_once_each_succeed_or_fail_alone(book: Casebook) -> None:
    """One in three is impossible; the others are written all the same."""
    number = book.open(report(), CITIZEN).case_id

    def write(turn: int) -> str:
        try:
            if turn % 3:
                book.open(report(), CITIZEN)
            else:
                book.step(number, step("accept", STREET))
        except StepError:
            return "refused"
        return "written"

    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(write, range(30)))
    assert (answers.count("refused"), answers.count("written")) == (10, 20)
    assert len(book.find()) == 21


def test_many_reports_are_all_or_none(book: Casebook) -> None:
    """One unknown category, and no case is opened; the key makes a repeat harmless."""
    with pytest.raises(CaseError, match="no category"):
        book.open_many([report(), report(category="钓鱼")], CITIZEN)
    assert book.find() == []
    reports = [report(), report(350, 150)]
    first = book.open_many(reports, CITIZEN, key="list")
    assert book.open_many(reports, CITIZEN, key="list") == first == book.find(order="due")
    assert [case.grid_code for case in first] == [SW, NE]


def test_the_log_only_grows(book: Casebook) -> None:
    """The database itself refuses to change or remove what was written."""
    book.open(report(), CITIZEN)
    for statement in (
        update(entries).values(note="anders"),
        entries.delete(),
        *(text(f"DELETE FROM {name}") for name in APPEND_ONLY if name == "entries"),
    ):
        with pytest.raises(DBAPIError, match="only grows"), book.engine.begin() as connection:
            connection.execute(statement)
    row = {**_row(book), "case_id": 1, "version": 1}
    with pytest.raises(DBAPIError), book.engine.begin() as connection:
        connection.execute(insert(entries), row)


def _row(book: Casebook) -> dict[str, object]:
    with book.engine.connect() as connection:
        return dict(connection.execute(entries.select()).mappings().one())


def test_lists_put_the_nearest_breach_first(book: Casebook) -> None:
    """Paused cases last; filters by grid, district, worker, department, stage, place, time."""
    first = book.open(report(50, 50), CITIZEN)
    later = book.open(report(350, 150, "供电"), CITIZEN)
    book.step(first.case_id, step("inspect", WORKER))
    paused = book.open(report(60, 60), CITIZEN)
    book.step(paused.case_id, step("suspend", STREET))
    numbers = [later.case_id, first.case_id, paused.case_id]

    def find(**asked: object) -> list[int]:
        return [case.case_id for case in book.find(CaseQuery(**asked))]  # type: ignore[arg-type]

    assert find() == numbers
    assert find(grid_code=NE) == find(worker_id="K4") == [later.case_id]
    assert find(grid_code="210802") == numbers and find(grid_code="2108%") == []
    assert find(standings=("suspended",)) == [paused.case_id]
    assert find(stages=("inspected",)) == [first.case_id]
    assert find(department="供电", categories=("供电",)) == [later.case_id]
    assert find(box=(118.516, 0, 119, 1)) == [later.case_id]
    assert find(reported_to=SATURDAY) == [] and len(find(reported_from=SATURDAY)) == 3
    assert find(overdue_at=later.due_inspect) == []
    assert find(updated_from=first.updated_at, flagged=True) == []
    book.step(first.case_id, step("whistle", WORKER, 2, departments=("公安",)))
    assert find(department="公安") == [first.case_id]
    assert [case.case_id for case in book.find(order="latest", limit=1)] == [paused.case_id]
    assert [case.case_id for case in book.find(offset=1, limit=1)] == [first.case_id]
    with pytest.raises(CaseError, match="choose due or latest"):
        book.find(order="name")


def test_counts_are_hidden_from_the_public(book: Casebook) -> None:
    """Six and one: the one is None outside the house."""
    book.open_many([report()] * 6 + [report(350, 150)], CITIZEN)
    assert book.count(["grid_code"]) == {SW: 6, NE: 1}
    assert book.count_public(["grid_code"]) == {SW: 6, NE: None}
    assert book.count(["category", "stage"]) == {("供水", "found"): 7}
    with pytest.raises(CaseError, match="can't count by worker_id"):
        book.count(["worker_id"])


def test_similar_cases_are_suggested(book: Casebook) -> None:
    """The same category within 50 m and 72 h, the nearest first; not the withdrawn."""
    near = book.open(report(60, 50), CITIZEN)
    nearer = book.open(report(52, 50), CITIZEN)
    book.open(report(50, 50, "供电"), CITIZEN)
    book.open(report(150, 50), CITIZEN)
    gone = book.open(report(50, 51), CITIZEN)
    book.step(gone.case_id, step("withdraw", STREET))
    found = book.similar(report(50, 50))
    assert [(case.case_id, round(metres)) for case, metres in found] == [
        (nearer.case_id, 2),
        (near.case_id, 10),
    ]
    late = report(50, 50, reported_at=SATURDAY.replace(day=13, hour=10))
    assert book.similar(late) == []


def test_due_notices_of_a_casebook(book: Casebook) -> None:
    """Open cases only, the reminder included; the longest breach first."""
    case = book.open(report(), CITIZEN)
    hour = case.due_inspect.replace(minute=0)
    assert book.due(hour.replace(hour=hour.hour - 2)) == []
    [notice] = book.due(hour.replace(hour=hour.hour - 1))
    assert (notice.kind, notice.case_id) == ("reminder", case.case_id)
    [notice] = book.due(hour.replace(hour=hour.hour + 2))
    assert (notice.kind, notice.level) == ("breach", "community")
    book.step(case.case_id, step("withdraw", STREET))
    assert book.due(hour.replace(hour=23)) == []


def test_a_database_that_can_not_be_opened_says_why(tmp_path: Path) -> None:
    """A folder that is not there, a file that is no database, another kind of database."""
    with pytest.raises(CasebookError, match="no folder"):
        open_engine(tmp_path / "no" / "cases.sqlite")
    (tmp_path / "text.sqlite").write_text("not a database, but long enough to look like one" * 99)
    with pytest.raises(CasebookError, match="can't open the casebook"):
        open_engine(tmp_path / "text.sqlite")
    with pytest.raises(CasebookError, match="no casebook on mysql"):
        open_engine("mysql://u@h/db")


def test_one_bad_row_among_many_at_once_fails_alone(book: Casebook) -> None:
    """What the database refuses of one phone costs the others nothing."""
    start = threading.Barrier(8)

    def send(number: int) -> str:
        start.wait()
        actor = Actor("reporter", "\x00" if number == 3 else "p")  # PostgreSQL takes no NUL
        try:
            book.open(report(), actor, key=f"k{number}")
        except (DBAPIError, ValueError):
            return "refused"
        return "kept"

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(send, range(8)))
    refused = 0 if book.engine.dialect.name == "sqlite" else 1
    assert answers.count("refused") == refused and len(book.find()) == 8 - refused


def test_twins_in_one_group_are_one_case(book: Casebook) -> None:
    """The same key twice among those who wait, and once for something else."""
    openings = [
        Opening(open_case(told, CITIZEN, book.rules, book.desk), None, "k", request)
        for told, request in ((report(), "a"), (report(), "a"), (report(51, 50), "b"))
    ]
    first, twin, misuse = book.writer.write(lambda pen: open_cases(pen, openings))
    assert first == twin and isinstance(misuse, ConflictError)
    assert len(book.find()) == 1


def test_similar_cases_are_found_through_the_index(book: Casebook) -> None:
    """A strip of latitude of one category is read, never the whole table."""
    statement = (
        "SELECT case_id FROM cases WHERE category = '供水' AND lat BETWEEN 40.1 AND 40.2 "
        "AND lon BETWEEN 122 AND 123"
    )
    explain = "EXPLAIN QUERY PLAN" if book.engine.dialect.name == "sqlite" else "EXPLAIN"
    with book.engine.connect() as connection:
        if book.engine.dialect.name == "postgresql":  # an empty table is read whole otherwise
            connection.execute(text("SET enable_seqscan = off"))
        plan = " ".join(str(row) for row in connection.execute(text(f"{explain} {statement}")))
    assert "ix_cases_category_lat" in plan
