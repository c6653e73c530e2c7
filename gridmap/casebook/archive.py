"""Backup and restore: one file with every table and photo, the same for both databases.

::

    cases.zip
      cases.sqlite     every row, as a casebook of SQLite
      photos/          the files, as they are stored

So a backup of PostgreSQL can be opened on a laptop, and a casebook can move from one to the other.
"""

import shutil
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Connection, Engine, func, insert, select, text

from gridmap.casebook.checking import check_book
from gridmap.casebook.database import begin_writing, open_engine
from gridmap.casebook.schema import cases, metadata
from gridmap.errors import CasebookError
from gridmap.files import write_whole

_ROWS, _PHOTOS = "cases.sqlite", "photos"
_CHUNK = 2000


def back_up(engine: Engine, photos: Path | None, path: str | Path) -> dict[str, int]:
    """Write every row and photo, as they are at one moment; return how many rows each table has.

    Cases may be written meanwhile: they are in the next backup.
    """
    with write_whole(path) as draft, TemporaryDirectory() as folder:
        copy = open_engine(Path(folder) / _ROWS)
        counts = _copy_all(engine, copy)
        with copy.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        copy.dispose()
        with zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            archive.write(Path(folder) / _ROWS, _ROWS)
            files = sorted(photos.glob("*/*.jpg")) if photos else []
            for file in files:
                archive.write(file, f"{_PHOTOS}/{file.parent.name}/{file.name}", zipfile.ZIP_STORED)
    return {**counts, "files": len(files)}


def restore(path: str | Path, engine: Engine, photos: Path | None) -> dict[str, int]:
    """Read a backup into an empty casebook; return how many rows each table has.

    Raises
    ------
    CasebookError
        If the file is no backup, is damaged, or the casebook holds cases. Nothing is written then.
    """
    with TemporaryDirectory() as folder:
        archive = _open_archive(path)
        with archive:
            names = [name for name in archive.namelist() if _is_photo(name)]
            archive.extract(_ROWS, folder)
            if names and photos is None:
                raise CasebookError(f"{path} holds photos: name a folder for them")
            copy = open_engine(Path(folder) / _ROWS)
            _check_copy(copy, path)
            counts = _copy_all(copy, engine)
            copy.dispose()
            for name in names:
                _take_photo(archive, name, photos or Path(folder))
    return {**counts, "files": len(names)}


def _copy_all(source: Engine, target: Engine) -> dict[str, int]:
    """Copy every row from one snapshot into one transaction."""
    with source.connect() as reading, begin_writing(target) as writing:
        if source.dialect.name == "postgresql":
            reading.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        if writing.execute(select(func.count()).select_from(cases)).scalar_one():
            raise CasebookError("the casebook to be written to holds cases: name an empty one")
        counts = {
            table.name: _copy_table(reading, writing, table.name)
            for table in metadata.sorted_tables
        }
        _continue_numbers(writing)
    return counts


def _copy_table(reading: Connection, writing: Connection, name: str) -> int:
    table, count = metadata.tables[name], 0
    with reading.execute(select(table), execution_options={"yield_per": _CHUNK}) as rows:
        for part in rows.mappings().partitions(_CHUNK):
            writing.execute(insert(table), [dict(row) for row in part])
            count += len(part)
    return count


def _continue_numbers(connection: Connection) -> None:
    """Let PostgreSQL number new cases behind those that were copied; SQLite does so by itself."""
    if connection.dialect.name == "postgresql":
        last = "SELECT setval(pg_get_serial_sequence('cases', 'case_id'), max(case_id)) FROM cases"
        connection.execute(text(f"{last} HAVING max(case_id) IS NOT NULL"))


def _open_archive(path: str | Path) -> zipfile.ZipFile:
    try:
        archive = zipfile.ZipFile(path)
    except zipfile.BadZipFile as error:
        raise CasebookError(f"{path} is no backup of a casebook") from error
    damaged = archive.testzip()
    if damaged or _ROWS not in archive.namelist():
        archive.close()
        raise CasebookError(f"{path} is damaged: {damaged or 'no ' + _ROWS}")
    return archive


def _check_copy(copy: Engine, path: str | Path) -> None:
    with copy.connect() as connection:
        problems = check_book(connection)
    if problems:
        copy.dispose()
        raise CasebookError(f"{path} is not what was written: {'; '.join(problems[:5])}")


def _is_photo(name: str) -> bool:
    """Say whether a member is a photo where one belongs: two signs, then 64 and .jpg."""
    parts = Path(name).parts
    if len(parts) != 3 or parts[0] != _PHOTOS or Path(name).suffix != ".jpg":
        return False
    stem = Path(name).stem
    return parts[1] == stem[:2] and len(stem) == 64 and not set(stem) - set("0123456789abcdef")


def _take_photo(archive: zipfile.ZipFile, name: str, photos: Path) -> None:
    target = photos.joinpath(*Path(name).parts[1:])
    target.parent.mkdir(parents=True, exist_ok=True)
    with write_whole(target) as draft, archive.open(name) as source, draft.open("wb") as file:
        shutil.copyfileobj(source, file)
