"""Where cases are kept: every test runs on SQLite and on PostgreSQL."""
