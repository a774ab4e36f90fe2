# Managed by scaffold: updates merge this file.
"""PostgreSQL."""

from __future__ import annotations

import threading
import uuid

import psycopg

from clients import setting

_prepared = threading.Event()


def connect() -> psycopg.Connection:
    """A new connection to the project's database; the caller closes it.

    Where the server has pgvector, its extension is there from the first connection on.
    """
    connection = psycopg.connect(
        host=setting("POSTGRES_HOST"),
        user=setting("POSTGRES_USER"),
        password=setting("POSTGRES_PASSWORD"),
        dbname=setting("POSTGRES_DB"),
        connect_timeout=5,
    )
    _prepare(connection)
    return connection


def check() -> None:
    """Write one record, read it back and remove it.

    Raises whatever the driver raises, and LookupError when the record is not there.
    """
    key = uuid.uuid4().hex
    with connect() as connection:
        _lock(connection)
        connection.execute("CREATE TABLE IF NOT EXISTS scaffold_check (key text PRIMARY KEY)")
        connection.execute("INSERT INTO scaffold_check VALUES (%s)", [key])
        row = connection.execute("DELETE FROM scaffold_check WHERE key = %s RETURNING key", [key]).fetchone()
    if row != (key,):
        raise LookupError("the record that was just written is not there")


def _lock(connection: psycopg.Connection) -> None:
    """Keep others out until the transaction ends: IF NOT EXISTS alone fails when two come at once."""
    connection.execute("SELECT pg_advisory_xact_lock(7165001)")


def _prepare(connection: psycopg.Connection) -> None:
    """Make the vector extension, once a process. An init script would miss a database that is older than the choice."""
    if _prepared.is_set():
        return
    _lock(connection)
    if connection.execute("SELECT 1 FROM pg_available_extensions WHERE name = 'vector'").fetchone():
        connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
    connection.commit()
    _prepared.set()
