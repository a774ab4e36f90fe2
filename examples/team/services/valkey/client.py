"""Valkey, by way of the package for Redis."""

from __future__ import annotations

import uuid
from functools import cache

import redis

from clients import setting


@cache
def connect() -> redis.Redis:
    """One client with its pool of connections; it serves all threads."""
    return redis.Redis(
        host=setting("VALKEY_HOST"),
        password=setting("VALKEY_PASSWORD"),
        decode_responses=True,
        socket_connect_timeout=5,
        socket_timeout=5,
    )


def check() -> None:
    """Write one record, read it back and remove it.

    Raises whatever the driver raises, and LookupError when the record is not there.
    """
    key = f"scaffold_check:{uuid.uuid4().hex}"
    connect().set(key, "1", ex=60)
    if connect().getdel(key) != "1":
        raise LookupError("the record that was just written is not there")
