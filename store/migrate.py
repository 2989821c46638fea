"""Append-only migrations: numbered SQL files, each applied once, by one process at a time."""

from __future__ import annotations

import hashlib
from importlib import resources
from typing import NamedTuple

import psycopg
from psycopg import sql

from state.errors import StoreMisconfigured, StoreUnavailable

_VERSION_TABLE = """
    create table if not exists schema_migrations (
        number integer primary key, name text not null, checksum text not null,
        applied_at timestamptz not null default now())"""
_LOCK = 0x466F6F746E6F7465  # "Footnote": one migrating process per database


class Migration(NamedTuple):
    """A numbered SQL file; ``checksum`` is the SHA-256 of its text."""

    number: int
    name: str
    statements: str
    checksum: str


def migrations() -> list[Migration]:
    """Return the migrations this version knows, in order."""
    found = []
    for file in resources.files("store.migrations").iterdir():
        if file.name.endswith(".sql"):
            text = file.read_text(encoding="utf-8")
            checksum = hashlib.sha256(text.encode()).hexdigest()
            found.append(Migration(int(file.name[:4]), file.name.removesuffix(".sql"), text, checksum))
    return sorted(found)


def migrate(owner_conninfo: str, application_role: str, *, connect_timeout: float = 5.0) -> int:
    """Bring the database up to this version's schema and grant it to the application role.

    Safe to run twice and by several processes at once: a session lock lets one in at a time, and a database that is
    already up to date is only read. Returns the number of migrations applied.

    Raises:
        StoreUnavailable: the database cannot be reached.
        StoreMisconfigured: no pgvector, a schema newer than this program, or a migration edited after release.
    """
    try:
        with psycopg.connect(owner_conninfo, autocommit=True, connect_timeout=max(1, int(connect_timeout))) as conn:
            if not _pending(conn):
                return 0
            conn.execute("select pg_advisory_lock(%s)", (_LOCK,))
            conn.execute(_VERSION_TABLE)
            pending = _pending(conn)
            _require_pgvector(conn)
            for migration in pending:
                with conn.transaction():
                    conn.execute(migration.statements.encode())
                    conn.execute(
                        "insert into schema_migrations (number, name, checksum) values (%s, %s, %s)",
                        (migration.number, migration.name, migration.checksum),
                    )
            if pending:
                _grant(conn, application_role)
            return len(pending)
    except psycopg.OperationalError as error:
        raise StoreUnavailable(f"The database cannot be reached for its migrations: {error}") from error
    except psycopg.errors.InsufficientPrivilege as error:
        raise StoreMisconfigured(
            f"The migrations need the owner of the database; set MIGRATION_DATABASE_URL to it: {error}"
        ) from error


def _pending(conn: psycopg.Connection) -> list[Migration]:
    """Return the migrations still to run."""
    row = conn.execute("select to_regclass('schema_migrations')").fetchone()
    known = migrations()
    if row is None or row[0] is None:
        return known
    applied: dict[int, str] = dict(conn.execute("select number, checksum from schema_migrations").fetchall())
    if applied and max(applied) > known[-1].number:
        raise StoreMisconfigured(
            f"The database has schema {max(applied)}, this program knows {known[-1].number}: install a newer Footnote."
        )
    for migration in known:
        if applied.get(migration.number, migration.checksum) != migration.checksum:
            raise StoreMisconfigured(f"Migration {migration.name} differs from the one this database was made with.")
    return [migration for migration in known if migration.number not in applied]


def _require_pgvector(conn: psycopg.Connection) -> None:
    try:
        conn.execute("create extension if not exists vector")
    except psycopg.Error as error:
        raise StoreMisconfigured(f"The database has no pgvector; install pgvector 0.7 or newer: {error}") from error


def _grant(conn: psycopg.Connection, role: str) -> None:
    """Give the application role the rights to use every table under its policies, and nothing more."""
    name = sql.Identifier(role)
    conn.execute(sql.SQL("grant usage on schema public to {}").format(name))
    conn.execute(sql.SQL("grant select, insert, update, delete on all tables in schema public to {}").format(name))
    conn.execute(sql.SQL("revoke insert, update, delete on schema_migrations, embedding_spaces from {}").format(name))
    conn.execute(sql.SQL("revoke insert, delete on tenants from {}").format(name))
    conn.execute(sql.SQL("grant usage on all sequences in schema public to {}").format(name))
    conn.execute(sql.SQL("grant execute on all functions in schema public to {}").format(name))


def ensure_tenant(owner_conninfo: str, name: str) -> None:
    """Make a tenant if there is none of that name."""
    with psycopg.connect(owner_conninfo, autocommit=True) as conn:
        conn.execute("insert into tenants (name) values (%s) on conflict (name) do nothing", (name,))
