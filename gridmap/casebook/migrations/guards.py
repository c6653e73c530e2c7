"""Triggers that refuse to change or remove a row of an append-only table."""

from alembic import op


def guard_table(name: str) -> None:
    """Refuse UPDATE and DELETE on a table, and TRUNCATE where the database has it."""
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {name}_no_{verb.lower()} BEFORE {verb} ON {name} "
                f"BEGIN SELECT RAISE(ABORT, '{name} only grows'); END"
            )
        return
    op.execute(
        f"CREATE FUNCTION {name}_only_grows() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{name} only grows'; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {name}_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON {name} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {name}_only_grows()"
    )
