# Managed by scaffold: updates merge this file.
"""How each kind of store is backed up and restored: found by the word under `backup:` in `x-scaffold`."""

from __future__ import annotations

from ops.stores.base import Store
from ops.stores.files import S3, Chroma, Faiss, Files, Unknown
from ops.stores.mongo import Mongo
from ops.stores.mysql import MariaDB, MySQL
from ops.stores.postgres import Postgres
from ops.stores.qdrant import Qdrant
from ops.stores.redis import Redis
from ops.stores.sqlite import SQLite

NONE = "none"
STORES: dict[str, Store] = {
    "files": Files(),
    "sqlite": SQLite(),
    "faiss": Faiss(),
    "chroma": Chroma(),
    "s3": S3(),
    "postgres-dump": Postgres(),
    "mongo-dump": Mongo(),
    "mariadb-dump": MariaDB(),
    "mysql-dump": MySQL(),
    "redis-rdb": Redis(),
    "qdrant-snapshot": Qdrant(),
}


def of(backup: str) -> Store:
    """Return the store for a word; one that nobody described is handled with the most care."""
    return STORES.get(backup, UNKNOWN)


UNKNOWN = Unknown()
