"""The index of one plan: a SQLite file that any number of processes read.

Names that many entries share (a community, a compound) are kept once, in a full-text table of
character pairs, sounds and letters; what has a number hangs on them by that number. So a fuzzy
question looks at some thousand names, not at every building.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from itertools import chain
from pathlib import Path
from threading import local
from typing import TYPE_CHECKING, Any

from gridmap.files import write_whole
from gridmap.search.entries import CODED, Entry, list_entries
from gridmap.search.spelling import list_letters, make_tokens, write_key

if TYPE_CHECKING:
    from gridmap.plan import Plan

#: Version of the layout; a file of another one is written anew.
FORMAT = 3
#: In place of a number: what has a name as its own, and no number.
OWN = "="
_LAYOUT = """
CREATE TABLE about (format INTEGER, fingerprint TEXT);
CREATE TABLE part (id INTEGER PRIMARY KEY, name TEXT NOT NULL, key TEXT NOT NULL);
CREATE TABLE spelled (letters TEXT, part INTEGER, PRIMARY KEY (letters, part)) WITHOUT ROWID;
CREATE VIRTUAL TABLE tokens USING fts5(
    grams, content='', prefix='2', tokenize="unicode61 remove_diacritics 0"
);
CREATE TABLE entry (
    id INTEGER PRIMARY KEY, kind TEXT, code TEXT, name TEXT, address TEXT, lon REAL, lat REAL,
    parts TEXT, number TEXT, grid TEXT, grid_name TEXT, community TEXT, street TEXT,
    community_code TEXT, households INTEGER
);
CREATE TABLE link (
    part INTEGER, number TEXT, entry INTEGER, PRIMARY KEY (part, number, entry)
) WITHOUT ROWID;
CREATE TABLE code (key TEXT, back INTEGER, entry INTEGER, PRIMARY KEY (back, key, entry))
WITHOUT ROWID;
CREATE INDEX part_key ON part (key);
CREATE INDEX entry_number ON entry (number) WHERE number <> '';
"""
_COLUMNS = ", ".join(f"entry.{name}" for name in Entry.__dataclass_fields__)
#: Between the parts of an entry; in no text that a person wrote.
_BETWEEN = "\x1f"


def write_index(plan: Plan, path: str | Path, *, fingerprint: str) -> None:
    """Write the index of a plan; the file is whole or not there.

    Parameters
    ----------
    plan : Plan
        The plan.
    path : path
        The file; one that is there already is replaced, and goes on answering whoever has it open.
    fingerprint : str
        Of the plan as kept, by which `is_current` knows the file.
    """
    with write_whole(path) as draft:
        fill_index(plan, draft, fingerprint=fingerprint)


def fill_index(plan: Plan, path: Path, *, fingerprint: str) -> None:
    """Write the index of a plan into a new file, which nobody reads yet."""
    entries = list_entries(plan)
    numbers: dict[str, int] = {}
    for name in chain.from_iterable(entry.parts for entry in entries):
        numbers.setdefault(name, len(numbers) + 1)
    with closing(sqlite3.connect(path)) as database:
        database.executescript(_LAYOUT)
        with database:
            database.execute("INSERT INTO about VALUES (?, ?)", (FORMAT, fingerprint))
            _write_parts(database, numbers)
            _write_entries(database, entries, numbers)
            database.execute("INSERT INTO tokens (tokens) VALUES ('optimize')")


def is_current(path: str | Path, fingerprint: str) -> bool:
    """Tell whether a file is the index of the plan with a fingerprint, in this layout."""
    if not Path(path).exists():
        return False
    try:
        with closing(_connect(Path(path))) as database:
            return database.execute("SELECT * FROM about").fetchall() == [(FORMAT, fingerprint)]
    except sqlite3.DatabaseError:
        return False


class SearchIndex:
    """The index of a plan, open for reading; threads may share it.

    Parameters
    ----------
    path : path
        A file of `write_index`.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        self._of_thread = local()

    def find_parts(self, tokens: Sequence[str], most: int) -> list[tuple[int, str]]:
        """Return the names that share most and rarest tokens, the best first; one may be begun."""
        if not tokens:
            return []
        question = " OR ".join(f'"{token}"' for token in tokens) + "*" * (len(tokens) == 1)
        rows = self._read(
            "SELECT part.id, part.name FROM (SELECT rowid, rank FROM tokens WHERE tokens MATCH ? "
            "ORDER BY rank LIMIT ?) AS best JOIN part ON part.id = best.rowid ORDER BY best.rank",
            (question, most),
        )
        return [(int(number), str(name)) for number, name in rows]

    def find_named(self, keys: Sequence[str]) -> list[tuple[int, str]]:
        """Return the names that have one of some keys (`gridmap.search.spelling.write_key`)."""
        rows = self._read(f"SELECT id, key FROM part WHERE key IN ({_marks(keys)})", keys)  # noqa: S608
        return [(int(number), str(key)) for number, key in rows]

    def find_spelled(self, letters: str) -> list[tuple[int, str]]:
        """Return the names that are typed so in pinyin, in full or by their initials."""
        rows = self._read(
            "SELECT part.id, part.name FROM spelled JOIN part ON part.id = spelled.part "
            "WHERE letters = ?",
            (letters,),
        )
        return [(int(number), str(name)) for number, name in rows]

    def find_linked(self, parts: Sequence[int], numbers: Sequence[str], most: int) -> list[Entry]:
        """Return the entries with one of some numbers on any of some names; on most of them first.

        `OWN` among the numbers stands for what has a name as its own.
        """
        wanted = f"part IN ({_marks(parts)}) AND number IN ({_marks(numbers)})"
        best = (
            f"SELECT entry FROM link WHERE {wanted} "  # noqa: S608
            "GROUP BY entry ORDER BY COUNT(*) DESC LIMIT ?"
        )
        return self._find_entries(f"id IN ({best})", (*parts, *numbers, most), most)

    def find_numbered(self, numbers: Sequence[str], most: int) -> list[Entry]:
        """Return the entries with one of some numbers, anywhere."""
        return self._find_entries(f"number IN ({_marks(numbers)})", numbers, most)

    def find_members(self, part: int, most: int) -> list[Entry]:
        """Return what hangs on a name, whatever its number."""
        return self._find_entries("id IN (SELECT entry FROM link WHERE part = ?)", (part,), most)

    def find_codes(self, digits: str, most: int) -> list[Entry]:
        """Return the entries whose code begins or ends with some characters."""
        ends = []
        for back, key in enumerate((digits, digits[::-1])):
            ends += [back, key, f"{key}\U0010ffff"]
        wanted = "back = ? AND key BETWEEN ? AND ?"
        return self._find_entries(
            f"id IN (SELECT entry FROM code WHERE {wanted} UNION "  # noqa: S608
            f"SELECT entry FROM code WHERE {wanted})",
            ends,
            most,
        )

    def _find_entries(self, condition: str, values: Sequence[Any], most: int) -> list[Entry]:
        rows = self._read(
            f"SELECT {_COLUMNS} FROM entry WHERE {condition} ORDER BY id LIMIT ?",  # noqa: S608
            (*values, most),
        )
        return [_read_entry(row) for row in rows]

    def _read(self, question: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        if not hasattr(self._of_thread, "database"):
            self._of_thread.database = _connect(self._path)
        return self._of_thread.database.execute(question, values).fetchall()


def _read_entry(row: Sequence[Any]) -> Entry:
    """Make an entry of a row; its parts are one text there."""
    names = list(Entry.__dataclass_fields__)
    values = dict(zip(names, row, strict=True))
    return Entry(**{**values, "parts": tuple(values["parts"].split(_BETWEEN))})


def _connect(path: Path) -> sqlite3.Connection:
    """Open a file that nobody changes: without locks, its pages shared by all processes."""
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True, check_same_thread=False
    )


def _marks(values: Sequence[Any]) -> str:
    return ", ".join("?" * len(values))


def _write_parts(database: sqlite3.Connection, numbers: Mapping[str, int]) -> None:
    database.executemany(
        "INSERT INTO part VALUES (?, ?, ?)",
        ((number, name, write_key(name)) for name, number in numbers.items()),
    )
    database.executemany(
        "INSERT INTO spelled VALUES (?, ?)",
        ((form, number) for name, number in numbers.items() for form in list_letters(name)),
    )
    database.executemany(
        "INSERT INTO tokens (rowid, grams) VALUES (?, ?)",
        ((number, " ".join(make_tokens(name))) for name, number in numbers.items()),
    )


def _write_entries(
    database: sqlite3.Connection, entries: Sequence[Entry], numbers: Mapping[str, int]
) -> None:
    rows = (
        (
            at,
            *(
                _BETWEEN.join(value) if name == "parts" else value
                for name, value in vars(entry).items()
            ),
        )
        for at, entry in enumerate(entries)
    )
    columns = len(Entry.__dataclass_fields__) + 1
    database.executemany(f"INSERT INTO entry VALUES ({_marks(range(columns))})", rows)  # noqa: S608
    links = (
        (numbers[name], entry.number, at)
        for at, entry in enumerate(entries)
        for name in entry.parts
    )
    own = (
        (numbers[entry.parts[-1]], OWN, at) for at, entry in enumerate(entries) if not entry.number
    )
    database.executemany("INSERT INTO link VALUES (?, ?, ?)", chain(links, own))
    codes = (
        (key, back, at)
        for at, entry in enumerate(entries)
        if entry.kind in CODED
        for back, key in enumerate((entry.code.upper(), entry.code.upper()[::-1]))
    )
    database.executemany("INSERT INTO code VALUES (?, ?, ?)", codes)
