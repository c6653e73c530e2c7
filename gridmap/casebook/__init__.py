"""Where cases are kept: SQLite by default, PostgreSQL by URL, one schema."""
