"""The first schema."""

import sqlalchemy as sa
from alembic import op

from gridmap.casebook.migrations.guards import guard_table

revision = "0001"
down_revision = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_MOMENT = sa.BigInteger()


def upgrade() -> None:
    """Make the tables; entries and votes only grow."""
    _make_cases()
    _make_keys()
    _make_votes()
    _make_entries()
    _make_photos()
    _make_reporters()
    _make_whistles()
    for name in ("entries", "votes"):
        guard_table(name)


def _make_cases() -> None:
    op.create_table(
        "cases",
        sa.Column("case_id", _NUMBER, autoincrement=True, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(length=20), nullable=False),
        sa.Column("category", sa.String(length=80), nullable=False),
        sa.Column("department", sa.String(length=80), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("stage", sa.String(length=20), nullable=False),
        sa.Column("standing", sa.String(length=20), nullable=False),
        sa.Column("lon", sa.Float()),
        sa.Column("lat", sa.Float()),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("grid_code", sa.String(length=20), nullable=False),
        sa.Column("match", sa.String(length=20), nullable=False),
        sa.Column("border", sa.Float()),
        sa.Column("distance", sa.Float()),
        sa.Column("runner_up", sa.String(length=20), nullable=False),
        sa.Column("community_id", sa.String(length=80), nullable=False),
        sa.Column("worker_id", sa.String(length=80), nullable=False),
        sa.Column("flag", sa.Text(), nullable=False),
        sa.Column("plan", sa.String(length=200), nullable=False),
        sa.Column("reported_at", _MOMENT, nullable=False),
        sa.Column("updated_at", _MOMENT, nullable=False),
        sa.Column("due_inspect", _MOMENT, nullable=False),
        sa.Column("due_resolve", _MOMENT, nullable=False),
        sa.Column("due_answer", _MOMENT, nullable=False),
        sa.Column("due_accept", _MOMENT, nullable=False),
        sa.Column("done_inspect", _MOMENT),
        sa.Column("done_resolve", _MOMENT),
        sa.Column("done_answer", _MOMENT),
        sa.Column("done_accept", _MOMENT),
        sa.Column("suspended_at", _MOMENT),
        sa.Column("duplicate_of", sa.BigInteger()),
        sa.Column("hops", sa.Integer(), nullable=False),
        sa.Column("next_due", _MOMENT),
        sa.PrimaryKeyConstraint("case_id", name="pk_cases"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_cases_category_lat", "cases", ["category", "lat"])
    op.create_index("ix_cases_grid_code", "cases", ["grid_code", "standing"])
    op.create_index("ix_cases_next_due", "cases", ["next_due"])
    op.create_index("ix_cases_reported_at", "cases", ["reported_at"])
    op.create_index("ix_cases_updated_at", "cases", ["updated_at"])
    op.create_index("ix_cases_worker_id", "cases", ["worker_id", "standing"])


def _make_keys() -> None:
    op.create_table(
        "keys",
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("request", sa.String(length=64), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_keys"),
    )
    op.create_index("ix_keys_at", "keys", ["at"])


def _make_votes() -> None:
    op.create_table(
        "votes",
        sa.Column("number", _NUMBER, autoincrement=False, nullable=False),
        sa.Column("worker_id", sa.String(length=80), nullable=False),
        sa.Column("device", sa.String(length=64), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("previous", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_votes"),
        sa.UniqueConstraint("device", "day", name="uq_votes_device_day"),
    )
    op.create_index("ix_votes_worker_id", "votes", ["worker_id"])


def _make_entries() -> None:
    op.create_table(
        "entries",
        sa.Column("case_id", _NUMBER, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("recorded_at", _MOMENT, nullable=False),
        sa.Column("action", sa.String(length=20), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("department", sa.String(length=80), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("changes", sa.Text(), nullable=False),
        sa.Column("previous", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.case_id"], name="fk_entries_case_id"),
        sa.PrimaryKeyConstraint("case_id", "version", name="pk_entries"),
    )
    op.create_index("ix_entries_actor", "entries", ["actor"])
    op.create_index("ix_entries_recorded_at", "entries", ["recorded_at"])


def _make_photos() -> None:
    op.create_table(
        "photos",
        sa.Column("case_id", _NUMBER, nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("added_at", _MOMENT, nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("hint_lon", sa.Float()),
        sa.Column("hint_lat", sa.Float()),
        sa.ForeignKeyConstraint(["case_id"], ["cases.case_id"], name="fk_photos_case_id"),
        sa.PrimaryKeyConstraint("case_id", "sha256", name="pk_photos"),
    )


def _make_reporters() -> None:
    op.create_table(
        "reporters",
        sa.Column("case_id", _NUMBER, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.case_id"], name="fk_reporters_case_id"),
        sa.PrimaryKeyConstraint("case_id", name="pk_reporters"),
    )


def _make_whistles() -> None:
    op.create_table(
        "whistles",
        sa.Column("case_id", _NUMBER, nullable=False),
        sa.Column("hop", sa.Integer(), nullable=False),
        sa.Column("department", sa.String(length=80), nullable=False),
        sa.Column("grid_code", sa.String(length=20), nullable=False),
        sa.Column("community_id", sa.String(length=80), nullable=False),
        sa.Column("post", sa.String(length=200), nullable=False),
        sa.Column("liaison", sa.String(length=200), nullable=False),
        sa.Column("phone", sa.String(length=80), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("called_at", _MOMENT, nullable=False),
        sa.Column("arrived_at", _MOMENT),
        sa.Column("answered_at", _MOMENT),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.case_id"], name="fk_whistles_case_id"),
        sa.PrimaryKeyConstraint("case_id", "hop", name="pk_whistles"),
    )
    op.create_index("ix_whistles_department", "whistles", ["department", "state"])
