"""The schema: made by migrations from nothing, the same as what the code believes."""

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, inspect, text

from gridmap.casebook.book import Casebook
from gridmap.casebook.database import migrate, open_engine, read_url
from gridmap.casebook.schema import APPEND_ONLY, metadata
from gridmap.errors import CasebookError
from gridmap.incidents.desk import Desk


def test_migrations_lead_to_the_models(book: Casebook) -> None:
    """Table for table, column for column, index for index, type for type."""
    with book.engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True}
        )
        assert compare_metadata(context, metadata) == []


def test_every_table_is_made_and_opening_again_changes_nothing(
    book: Casebook, where: str | Path, desk: Desk
) -> None:
    """The tables and Alembic's own; a second opening runs no migration."""
    expected = {*metadata.tables, "alembic_version"}
    assert set(inspect(book.engine).get_table_names()) == expected
    with Casebook(where, desk) as again:
        assert set(inspect(again.engine).get_table_names()) == expected


def test_each_log_is_guarded(book: Casebook) -> None:
    """Every append-only table has its triggers."""
    source = "sqlite_master WHERE type = 'trigger'"
    if book.engine.dialect.name == "postgresql":
        source = "information_schema.triggers"
    name = "tbl_name" if book.engine.dialect.name == "sqlite" else "event_object_table"
    with book.engine.connect() as connection:
        guarded = set(connection.execute(text(f"SELECT {name} FROM {source}")).scalars())
    assert guarded == set(APPEND_ONLY)


def test_a_casebook_of_a_later_version_is_left_alone(book: Casebook, where: str | Path) -> None:
    """An older program refuses it rather than guess."""
    with book.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(CasebookError, match=r"can't open the casebook.*9999"):
        open_engine(where)


def test_sqlite_waits_for_the_disk(tmp_path: Path, desk: Desk) -> None:
    """Write-ahead log, full synchronisation, foreign keys, and what is erased is overwritten."""
    with Casebook(tmp_path / "cases.sqlite", desk) as book, book.engine.connect() as connection:
        values = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "secure_delete")
        }
    assert values == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "secure_delete": 1,
    }


def test_migrating_twice_at_once_is_harmless(where: str | Path) -> None:
    """As when four workers of a service start together."""
    engine = create_engine(read_url(where))
    migrate(engine)
    migrate(engine)
    engine.dispose()
