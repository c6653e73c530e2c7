"""Keys for the grid workers of an office, all in one go: made, handed out, and revoked.

The roster of a plan, or a list, says who there is; who has a key that opens something gets no
other. The keys stand in one file, and there is no key that does not: the file gets its name, whole,
before the first of them opens anything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from gridmap.audit import AuditLog
from gridmap.days import today_in_china
from gridmap.errors import KeyRefusedError, StaffError
from gridmap.files import write_secret
from gridmap.keys import KeyStore, Role
from gridmap.reading.lists import read_list
from gridmap.rosters import write_sheet
from gridmap.staff.workers import WORKER_COLUMNS
from gridmap.tables import list_some
from gridmap.words import check_language

#: Column of a list -> the names that it is recognised by, best first. A running number (序号) is
#: nobody's.
KEY_COLUMNS: dict[str, tuple[str, ...]] = {
    "worker_id": tuple(name for name in WORKER_COLUMNS["worker_id"] if name != "序号"),
    "name": WORKER_COLUMNS["name"],
}


def list_key_holders(tables: Mapping[str, pd.DataFrame], *, on: date) -> dict[str, str]:
    """List the workers of a plan's roster who may need a key: those who are there, or will come.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        ``workers`` and ``staffing``, as far as they are kept (`gridmap.PlanStore.staff`).
    on : date
        The day. Whose last day is before it has left.

    Returns
    -------
    dict
        Number of the worker -> name, "" where only the staffing has him.
    """
    people: dict[str, str] = {}
    for name in ("workers", "staffing"):
        if name in tables:
            table = tables[name].reset_index()
            rows = table[table["ends"].isna() | (table["ends"] >= pd.Timestamp(on))]
            names = rows["name"] if name == "workers" else [""] * len(rows)
            for worker_id, called in zip(rows["worker_id"], names, strict=True):
                people.setdefault(str(worker_id), str(called))
    people.pop("", None)
    return people


def read_key_holders(
    path: str | Path, roster: Mapping[str, str], *, sheet: str | None = None
) -> dict[str, str]:
    """Read who is to have a key from a list.

    Parameters
    ----------
    path : str or Path
        CSV (UTF-8 or GBK) or a workbook, with a column 网格员编号, 工号 … (`KEY_COLUMNS`).
    roster : mapping of str to str
        Number -> name of the workers that are known: the roster's name counts before the list's.
    sheet : str, optional
        The sheet of the workbook.

    Returns
    -------
    dict
        Number of the worker -> name, in the order of the list; who stands there twice, once.

    Raises
    ------
    TableError
        If the file can't be read or has no such column.
    StaffError
        If a row names nobody, or there is none.
    """
    rows = read_list(path, KEY_COLUMNS, ("worker_id",), sheet=sheet)
    bare = rows.index[rows["worker_id"] == ""]
    if len(bare):
        raise StaffError(f"{Path(path).name}: no worker's number in {list_some(bare)}")
    if rows.empty:
        raise StaffError(f"{Path(path).name}: no rows; list the workers who are to have a key")
    names = rows.get("name", pd.Series("", rows.index))
    people: dict[str, str] = {}
    for worker_id, name in zip(rows["worker_id"], names, strict=True):
        people.setdefault(str(worker_id), roster.get(str(worker_id)) or str(name))
    return people


def add_worker_keys(
    folder: str | Path,
    people: Mapping[str, str],
    path: str | Path,
    *,
    by: str,
    districts: Sequence[str] = (),
    expires: date | None = None,
    lang: str = "zh",
    today: date | None = None,
) -> list[str]:
    """Make a key for each worker who has none that opens something, and write them into a file.

    All or nothing: without the whole file there is no key, and without the keys no file. Where
    everybody has one, nothing is written. Each addition is in the audit log.

    Parameters
    ----------
    folder : path
        Of the `gridmap.PlanStore`.
    people : mapping of str to str
        Number of the worker -> name.
    path : path
        ``.csv``, which a spreadsheet opens as it is: number, name, key. Only its owner may read
        it; a file that is there already is not written over.
    by : str
        Who makes them.
    districts, expires
        As `gridmap.KeyStore.add` has them, of every key.
    lang : {"zh", "en"}
        Language of the header.
    today : date, optional
        The day on which a key must open something; China's by default.

    Returns
    -------
    list of str
        The workers who got a key.

    Raises
    ------
    KeyRefusedError
        If the file's name is no ``.csv``, a number or name can't be that of a key, or as
        `gridmap.KeyStore.add` has it.
    FileExistsError
        If there is such a file.
    StoreError
        If the keys or the audit log can't be written.
    """
    check_language(lang)
    path = Path(path)
    if path.suffix.lower() != ".csv":
        raise KeyRefusedError(f"{path.name} ends in {path.suffix or 'nothing'}; use .csv")
    with (
        closing(KeyStore(folder)) as keys,
        closing(AuditLog(folder)) as log,
        ExitStack() as watched,
        ExitStack() as undo,
    ):

        def hand_over(made: Mapping[str, str]) -> None:
            if not made:
                return
            with write_secret(path) as draft:
                for worker_id in made:
                    facts = {**given, "worker": worker_id}
                    name = people[worker_id] or worker_id
                    watched.enter_context(log.watch(by, "add key", name, facts=facts))
                _write_keys(made, people, draft, lang)
            undo.callback(path.unlink)

        given = {"role": Role.WORKER.word, "districts": list(districts)}
        options: dict[str, Any] = {"districts": districts, "expires": expires, "by": by}
        made = keys.add_for_workers(people, **options, hand_over=hand_over, today=today)
        undo.pop_all()
    return list(made)


def list_left_keys(
    folder: str | Path, roster: Mapping[str, str], *, today: date | None = None
) -> pd.DataFrame:
    """List the keys that still open something for workers who are not in the roster.

    Parameters
    ----------
    folder : path
        Of the `gridmap.PlanStore`.
    roster : mapping of str to str
        Number -> name of those who are there (`list_key_holders`).
    today : date, optional
        The day on which a key opens something; China's by default.

    Returns
    -------
    DataFrame
        The rows of `gridmap.KeyStore.keys` that they are.

    Raises
    ------
    StaffError
        If the roster is empty: that nobody is there is no reason to revoke every key.
    """
    if not roster:
        raise StaffError("the roster names nobody, so nobody is known to have left; keep one first")
    with closing(KeyStore(folder)) as keys:
        table = keys.keys()
    day = (today or today_in_china()).isoformat()
    opens = (table["revoked_at"] == "") & ((table["expires"] == "") | (table["expires"] >= day))
    left = (table["worker_id"] != "") & ~table["worker_id"].isin(list(roster))
    return table[opens & left]


def revoke_left_keys(
    folder: str | Path, roster: Mapping[str, str], *, by: str, today: date | None = None
) -> pd.DataFrame:
    """Revoke the keys that `list_left_keys` lists, and return them; each is in the audit log.

    Parameters
    ----------
    folder, roster, today
        As `list_left_keys` takes them.
    by : str
        Who revokes them.

    Raises
    ------
    StaffError
        As `list_left_keys`.
    StoreError
        If the keys or the audit log can't be written; those before are revoked then.
    """
    left = list_left_keys(folder, roster, today=today)
    with closing(KeyStore(folder)) as keys, closing(AuditLog(folder)) as log:
        for key_id in left.index:
            with log.watch(by, "revoke key", key_id):
                keys.revoke(key_id, by=by)
    return left


def _write_keys(made: Mapping[str, str], people: Mapping[str, str], path: Path, lang: str) -> None:
    columns = {
        "worker_id": list(made),
        "worker": [people[worker_id] for worker_id in made],
        "worker_key": list(made.values()),
    }
    write_sheet(pd.DataFrame(columns), path, lang)
