"""The history of the schema; `env.py` is what Alembic runs."""
