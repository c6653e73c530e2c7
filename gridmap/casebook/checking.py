"""Is a casebook what was written? Every hash, every link, every case against its log."""

from collections.abc import Iterable, Iterator
from itertools import groupby, islice

from sqlalchemy import Connection, RowMapping, func, select

from gridmap.casebook.rows import CASE_COLUMNS, read_case, read_entry, sign_entry
from gridmap.casebook.schema import cases, entries
from gridmap.casebook.votes import check_votes
from gridmap.errors import CaseError
from gridmap.incidents.model import Case
from gridmap.incidents.steps import replay

#: Problems that are listed; more are counted.
_MOST = 100


def check_book(connection: Connection) -> list[str]:
    """Return what is wrong, the first hundred; nothing is an empty list."""
    found = list(islice(_find_problems(connection), _MOST + 1))
    return [*found[:_MOST], "…and more"] if len(found) > _MOST else found


def _find_problems(connection: Connection) -> Iterator[str]:
    statement = select(entries).order_by(entries.c.case_id, entries.c.version)
    seen = 0
    with connection.execute(statement, execution_options={"yield_per": 1000}) as rows:
        for number, log in groupby(rows.mappings(), key=lambda row: row["case_id"]):
            seen += 1
            yield from _check_log(connection, number, list(log))
    total = connection.execute(select(func.count()).select_from(cases)).scalar_one()
    if total != seen:
        yield f"{total - seen} cases have no log"
    yield from check_votes(connection)


def _check_log(connection: Connection, number: int, log: list[RowMapping]) -> Iterable[str]:
    previous = ""
    for version, row in enumerate(log, start=1):
        if row["version"] != version:
            return [f"case {number}: entry {version} is missing"]
        if row["previous"] != previous or row["hash"] != sign_entry(dict(row)):
            return [f"case {number}: entry {version} is not what was written"]
        previous = row["hash"]
    found = connection.execute(select(*CASE_COLUMNS).where(cases.c.case_id == number)).first()
    if found is None:
        return [f"case {number} has a log, but is missing"]
    if read_case(found) != _replay(log):
        return [f"case {number} is not what its log leads to"]
    return []


def _replay(log: list[RowMapping]) -> Case | None:
    try:
        return replay([read_entry(row) for row in log])
    except (CaseError, TypeError, ValueError):
        return None
