"""Postgres: the embedded server, migrations, sessions under row-level security, and what is stored there."""
