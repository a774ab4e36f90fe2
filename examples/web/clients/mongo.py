# Managed by scaffold: updates merge this file.
"""MongoDB."""

from __future__ import annotations

import uuid
from functools import cache
from typing import Any

from pymongo import MongoClient
from pymongo.database import Database

from clients import setting


@cache
def connect() -> Database[dict[str, Any]]:
    """The project's database. One client serves all threads; make it after forking, not before."""
    client: MongoClient[dict[str, Any]] = MongoClient(
        host=setting("MONGO_HOST"),
        username=setting("MONGO_USERNAME"),
        password=setting("MONGO_PASSWORD"),
        authSource="admin",
        serverSelectionTimeoutMS=5000,
    )
    return client[setting("MONGO_DATABASE")]


def check() -> None:
    """Write one record, read it back and remove it.

    Raises whatever the driver raises, and LookupError when the record is not there.
    """
    records = connect()["scaffold_check"]
    key = uuid.uuid4().hex
    records.insert_one({"_id": key})
    try:
        if records.find_one({"_id": key}) is None:
            raise LookupError("the record that was just written is not there")
    finally:
        records.delete_one({"_id": key})
