"""mongodump: the databases of a server as an archive."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from bson import json_util  # type: ignore[import-not-found]
from pymongo import MongoClient  # type: ignore[import-not-found]

from . import archive
from .common import FLAG, VERSION, Failed, Options, Usage, connect, log, one, plural, run

# The real one dumps these when they are named, and else leaves them out.
OWN_DATABASES = ("config", "local")
BATCH = 100


def main() -> int:
    """The program: its exit code."""
    return run("mongodump", {"oplog": FLAG}, dump)


def dump(options: Options) -> None:
    """Write the archive that the options ask for."""
    _check(options)
    try:
        client = connect(options)
    except Failed as error:
        raise Failed(f"can't create session: {error}") from error
    collections = _collections(client, options)
    if not collections and "collection" in options:
        # Of all that can go wrong, this does not fail. As in the real one.
        log(f"namespace with DB {one(options, 'db')} and collection {one(options, 'collection')} does not exist")
        return
    with _output(options) as (out, place):
        header = {
            "concurrent_collections": int(one(options, "numParallelCollections", "4")),
            "version": "0.1",
            "server_version": client.server_info()["version"],
            "tool_version": VERSION,
        }
        archive.write_prelude(out, header, [_prelude(client, *each) for each in collections])
        if "oplog" in options:
            _refuse_oplog(client)
        for database, info in collections:
            _dump_collection(client[database][info["name"]], out, place)


def _check(options: Options) -> None:
    if "archive" not in options:
        raise Failed("bad option: this stand-in only knows --archive")
    if "collection" in options and "db" not in options:
        raise Failed("bad option: cannot dump a collection without a specified database")
    if "oplog" in options and "db" in options:
        raise Failed("bad option: --oplog mode only supported on full dumps")
    if not one(options, "numParallelCollections", "4").isdigit():
        raise Usage("numParallelCollections must be positive")


def _collections(client: MongoClient, options: Options) -> Sequence[tuple[str, dict[str, Any]]]:
    databases = [one(options, "db")] if "db" in options else client.list_database_names()
    wanted = one(options, "collection")
    return [
        (database, info)
        for database in databases
        if "db" in options or database not in OWN_DATABASES
        for info in client[database].list_collections()
        if (info["name"] == wanted if wanted else not _is_system(database, info["name"]))
    ]


def _is_system(database: str, name: str) -> bool:
    if database == "admin":
        return name == "system.keys"
    return name.startswith("system.") and name != "system.js"


def _prelude(client: MongoClient, database: str, info: dict[str, Any]) -> dict[str, Any]:
    if info["type"] != "collection":
        raise Failed(f"this stand-in does not dump a {info['type']}: {database}.{info['name']}")
    metadata = {
        **({"options": info["options"]} if info["options"] else {}),
        "indexes": list(client[database][info["name"]].list_indexes()),
        "uuid": bytes(info["info"]["uuid"]).hex(),
        "collectionName": info["name"],
        "type": info["type"],
    }
    text = json_util.dumps(metadata, json_options=json_util.CANONICAL_JSON_OPTIONS)
    return {"db": database, "collection": info["name"], "metadata": text, "size": 0, "type": info["type"]}


@contextmanager
def _output(options: Options) -> Iterator[tuple[IO[bytes], str]]:
    path = one(options, "archive")
    if path == "-":
        # Not Python's own: what that fails to write at the end would be known too late.
        with open(sys.stdout.fileno(), "wb", closefd=False) as out:
            yield out, "archive on stdout"
    else:
        with Path(path).open("wb") as out:
            yield out, f"archive '{path}'"


def _refuse_oplog(client: MongoClient) -> None:
    if "hosts" in client.admin.command("hello"):
        raise Failed("this stand-in does not dump an oplog")
    # What the real one finds out, and when: the archive has begun.
    raise Failed("error getting oplog start: error getting recent oplog entry: mongo: no documents in result")


def _dump_collection(collection: Any, out: IO[bytes], place: str) -> None:
    log(f"writing {collection.full_name} to {place}")
    batches = collection.find_raw_batches(batch_size=BATCH)
    count = archive.write_collection(out, collection.database.name, collection.name, batches)
    log(f"done dumping {collection.full_name} ({plural(count, 'document')})")
