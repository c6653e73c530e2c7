"""Alembic's entry: run the migrations on the connection that the casebook holds open."""

from alembic import context

from gridmap.casebook.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
