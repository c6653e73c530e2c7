"""Where the steps of a draft are kept: an SQLite file, one row a step, never changed afterwards.

A row is on the disk before the editor says that it is saved. Whoever opens a draft holds it: an
editor that was opened before, in another kernel say, is told, is for reading only from then on, and
can take the draft back. Nothing of two people's steps is mixed.
"""

import hashlib
import json
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import shapely

from gridmap.editor.draft import Entry
from gridmap.errors import DraftError, DraftTakenError
from gridmap.plan import Plan

_TABLES = """
CREATE TABLE IF NOT EXISTS drafts (
    draft TEXT PRIMARY KEY, plan TEXT NOT NULL, opened TEXT NOT NULL, holder TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS steps (
    draft TEXT NOT NULL REFERENCES drafts, revision INTEGER NOT NULL, made TEXT NOT NULL,
    made_by TEXT NOT NULL, entry TEXT NOT NULL, PRIMARY KEY (draft, revision));
"""


def identify_plan(plan: Plan) -> str:
    """Return the name of a plan's draft: the same for the same units in the same grids.

    Examples
    --------
    >>> len(identify_plan(plan))  # doctest: +SKIP
    32
    """
    units = plan.units
    digest = hashlib.sha256()
    for column in ("households", "grid_code"):
        digest.update(pd.util.hash_pandas_object(units[column]).to_numpy().tobytes())
    points, rows = shapely.get_coordinates(units.geometry.to_numpy(), return_index=True)
    digest.update(points.tobytes())
    digest.update(rows.tobytes())
    return digest.hexdigest()[:32]


class Journal:
    """The steps of one draft on disk.

    Parameters
    ----------
    path : str or Path
        The file; it is made where it does not exist, and holds the drafts of any plans.
    draft : str
        Which of them, as `identify_plan` names it.
    """

    def __init__(self, path: str | Path, draft: str) -> None:
        self.path, self.draft = Path(path), draft
        self.holder = uuid.uuid4().hex

    def open(self, plan_name: str) -> list[dict[str, Any]]:
        """Take hold of the draft and return its entries, oldest first.

        Raises
        ------
        DraftError
            If the file can't be opened, or is no journal.
        """
        with self._connect() as connection:
            connection.executescript(_TABLES)
            connection.execute(
                "INSERT INTO drafts VALUES (?, ?, ?, ?) "
                "ON CONFLICT (draft) DO UPDATE SET opened = excluded.opened, "
                "holder = excluded.holder",
                (self.draft, plan_name, _now(), self.holder),
            )
            rows = connection.execute(
                "SELECT entry FROM steps WHERE draft = ? ORDER BY revision", (self.draft,)
            )
            return [json.loads(entry) for (entry,) in rows]

    def append(self, revision: int, entry: Entry, *, by: str = "") -> str:
        """Write one entry, and return when that was.

        Raises
        ------
        DraftTakenError
            If the draft was opened somewhere else meanwhile.
        DraftError
            If the file can't be written.
        """
        made, text = _now(), json.dumps(entry, separators=(",", ":"))
        with self._connect() as connection:
            self._check_holder(connection)
            row = (self.draft, revision, made, by, text)
            connection.execute("INSERT INTO steps VALUES (?, ?, ?, ?, ?)", row)
        return made

    def is_held(self) -> bool:
        """Tell whether this editor still holds the draft; nobody else has opened it since.

        Raises
        ------
        DraftError
            If the file can't be read.
        """
        with self._connect() as connection:
            return self._find_holder(connection) == self.holder

    def clear(self) -> None:
        """Forget the steps of this draft.

        Raises
        ------
        DraftError
            As for `append`.
        """
        with self._connect() as connection:
            self._check_holder(connection)
            connection.execute("DELETE FROM steps WHERE draft = ?", (self.draft,))

    def read(self) -> pd.DataFrame:
        """Return the entries as a table, by revision.

        Columns ``made``, ``made_by``, ``do``, ``kind``; ``units`` and ``grids`` count what the step
        concerns.
        """
        query = "SELECT revision, made, made_by, entry FROM steps WHERE draft = ? ORDER BY revision"
        with self._connect() as connection:
            rows = connection.execute(query, (self.draft,)).fetchall()
        table = pd.DataFrame(rows, columns=["revision", "made", "made_by", "entry"])
        entries = [json.loads(entry) for entry in table.pop("entry")]
        table["do"] = [entry["do"] for entry in entries]
        table["kind"] = [entry.get("kind", "") for entry in entries]
        table["units"] = [len(entry.get("units", [])) for entry in entries]
        table["grids"] = [
            len(entry.get("grids") or {*entry.get("before", []), *entry.get("after", [])})
            for entry in entries
        ]
        return table.set_index("revision")

    @contextmanager
    def _connect(self) -> Iterator[sqlite3.Connection]:
        """Open the file for one transaction: all of it is on disk afterwards, or nothing."""
        try:
            with closing(sqlite3.connect(self.path, timeout=5)) as connection, connection:
                yield connection
        except sqlite3.Error as error:
            raise DraftError(
                f"the journal {self.path} can't be used ({error}); give edit_plan another one "
                "with journal="
            ) from error

    def _check_holder(self, connection: sqlite3.Connection) -> None:
        if self._find_holder(connection) != self.holder:
            raise DraftTakenError(
                "the draft was opened in another editor; go on there, or take it back with "
                "editor.take_over()"
            )

    def _find_holder(self, connection: sqlite3.Connection) -> str | None:
        query = "SELECT holder FROM drafts WHERE draft = ?"
        row = connection.execute(query, (self.draft,)).fetchone()
        return None if row is None else str(row[0])


def _now() -> str:
    return datetime.now().astimezone().isoformat(timespec="seconds")
