"""Webhooks and their deliveries."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_MOMENT = sa.BigInteger()


def upgrade() -> None:
    """Make the tables of webhooks."""
    op.create_table(
        "hooks",
        sa.Column("hook_id", _NUMBER, autoincrement=True, nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("secret", sa.String(length=200), nullable=False),
        sa.Column("actions", sa.Text(), nullable=False),
        sa.Column("added_at", _MOMENT, nullable=False),
        sa.Column("read_to", _MOMENT, nullable=False),
        sa.Column("leased_to", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("hook_id", name="pk_hooks"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "deliveries",
        sa.Column("number", _NUMBER, autoincrement=True, nullable=False),
        sa.Column("hook_id", _NUMBER, nullable=False),
        sa.Column("case_id", _NUMBER, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("next_at", _MOMENT, nullable=False),
        sa.Column("done_at", _MOMENT),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["hook_id"], ["hooks.hook_id"], name="fk_deliveries_hook_id"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.case_id"], name="fk_deliveries_case_id"),
        sa.PrimaryKeyConstraint("number", name="pk_deliveries"),
        sa.UniqueConstraint(
            "hook_id", "case_id", "version", name="uq_deliveries_hook_id_case_id_version"
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_deliveries_hook_id", "deliveries", ["hook_id", "state", "number"])
