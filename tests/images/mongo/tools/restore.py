"""mongorestore: what an archive holds, back into a server."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from bson import json_util  # type: ignore[import-not-found]
from bson.raw_bson import RawBSONDocument  # type: ignore[import-not-found]
from pymongo import MongoClient  # type: ignore[import-not-found]
from pymongo.errors import BulkWriteError  # type: ignore[import-not-found]

from . import archive
from .archive import ArchiveError
from .common import FLAG, VALUE, Failed, Options, Refused, connect, log, one, run

BATCH, BATCH_BYTES = 1000, 16 * 1024 * 1024
# Without --stopOnError the real one goes on after these: a duplicate, a document that does not pass validation.
IGNORED = {11000, 121}
USERS = "admin.system.users"

KNOWN = {"drop": FLAG, "dryRun": FLAG, "nsExclude": VALUE, "nsInclude": VALUE, "oplogReplay": FLAG, "stopOnError": FLAG}


def main() -> int:
    """The program: its exit code. As in the real one, the last line is the count, not the reason of a failure."""
    begun: list[Restore] = []
    code = run("mongorestore", KNOWN, lambda options: restore(options, begun))
    for work in begun:
        log(f"{work.done} document(s) restored successfully. {work.failures} document(s) failed to restore.")
    return code


def restore(options: Options, begun: list[Restore]) -> None:
    """Put back what the options ask for; the work is noted once it has begun."""
    if "archive" not in options:
        raise Failed("this stand-in only knows --archive")
    try:
        client = connect(options)
    except Failed as error:
        raise Refused(f"error connecting to host: {error}") from error
    begun.append(Restore(client, options))
    with _input(options) as stream:
        begun[0].run(stream)


@contextmanager
def _input(options: Options) -> Iterator[IO[bytes]]:
    path = one(options, "archive")
    if path == "-":
        yield sys.stdin.buffer
    else:
        with Path(path).open("rb") as stream:
            yield stream


def _matcher(patterns: Sequence[str]) -> Callable[[str], bool]:
    """Whether one of these matches a whole namespace: `*` stands for anything, a backslash takes that away."""
    expressions = [
        re.compile("".join(".*" if part == "*" else re.escape(part[-1]) for part in re.findall(r"\\.|.", pattern)))
        for pattern in patterns
    ]
    return lambda name: any(expression.fullmatch(name) for expression in expressions)


@dataclass
class Collection:
    """One collection on its way: what is read and not yet written, and how far it is."""

    metadata: dict[str, Any]
    wanted: bool
    opened: bool = False
    closed: bool = False
    total: int = 0
    size: int = 0
    waiting: list[bytes] = field(default_factory=list)

    @property
    def name(self) -> str:
        return f"{self.metadata['db']}.{self.metadata['collection']}"


class Restore:
    """One run: the collections of an archive, and the documents that were written so far."""

    def __init__(self, client: MongoClient, options: Options) -> None:
        self.client = client
        self.drop = "drop" in options
        self.dry = "dryRun" in options
        self.stop_on_error = "stopOnError" in options
        self.oplog = "oplogReplay" in options
        path = one(options, "archive")
        self.place = "archive on stdin" if path == "-" else f"archive '{path}'"
        self.done = self.failures = 0
        self.included = _matcher(_included(options))
        self.excluded = _matcher(options.get("nsExclude", []))

    def run(self, stream: IO[bytes]) -> None:
        _, prelude = archive.read_prelude(stream)
        log("preparing collections to restore from")
        collections = {each.name: each for each in map(self._collection, prelude)}
        if self.oplog:
            raise Failed("no oplog file to replay; make sure you run mongodump with --oplog")
        if self.dry:
            # As in the real one: the rest of the archive is not read, so nothing is known about it.
            log("dry run completed")
            return
        for header, body in archive.read_blocks(stream):
            self._block(collections, header, body)
        for collection in collections.values():
            if collection.opened and not collection.closed:
                raise ArchiveError(f"archive finished but contained files were unfinished ([{collection.name}])")
            if not collection.closed:
                raise ArchiveError(f"archive finished before all collections were seen ({collection.name})")
        self._finish([each for each in collections.values() if each.wanted])

    def _collection(self, metadata: dict[str, Any]) -> Collection:
        collection = Collection(metadata, wanted=True)
        collection.wanted = self.included(collection.name) and not self.excluded(collection.name)
        return collection

    def _block(self, collections: dict[str, Collection], header: dict[str, Any], body: Iterator[bytes]) -> None:
        collection = collections.get(f"{header['db']}.{header['collection']}")
        if collection is None:
            raise Failed(f"no intent for collection in archive: {header['db']}.{header['collection']}")
        if collection.closed:
            raise ArchiveError("error demultiplexing archive; namespace header for already opened namespace")
        if not collection.opened:
            collection.opened = True
            self._open(collection)
        for document in body:
            if header["EOF"]:
                raise ArchiveError("error demultiplexing archive; collection data without a collection header")
            self._take(collection, document)
        if header["EOF"]:
            self._close(collection, header["CRC"])

    def _open(self, collection: Collection) -> None:
        if not collection.wanted or collection.name == USERS:
            return
        database, name = self.client[collection.metadata["db"]], collection.metadata["collection"]
        exists = name in database.list_collection_names()
        if exists and not self.drop:
            log(f"restoring to existing collection {collection.name} without dropping")
        elif exists and name.startswith("system."):
            log(f"cannot drop system collection {collection.name}, skipping")
        elif exists:
            log(f"dropping collection {collection.name} before restoring")
            database.drop_collection(name)
            exists = False
        if not exists:
            database.command({"create": name, **_metadata(collection).get("options", {})})
        log(f"restoring {collection.name} from {self.place}")

    def _take(self, collection: Collection, document: bytes) -> None:
        if not collection.wanted:
            return
        collection.total = archive.checksum(document, collection.total)
        collection.waiting.append(document)
        collection.size += len(document)
        # Users wait for the end: the real one caches them, and merges them after everything else.
        full = len(collection.waiting) >= BATCH or collection.size >= BATCH_BYTES
        if full and collection.name != USERS:
            self._write(collection)

    def _close(self, collection: Collection, expected: int) -> None:
        collection.closed = True
        if not collection.wanted:
            return
        total = archive.signed(collection.total)
        if total != expected:
            raise ArchiveError(f"CRC mismatch for namespace {collection.name}, {total}!={expected}")
        if collection.name != USERS:
            self._write(collection)
            log(f"finished restoring {collection.name}")

    def _write(self, collection: Collection) -> None:
        documents = [RawBSONDocument(document) for document in collection.waiting]
        collection.waiting, collection.size = [], 0
        if not documents:
            return
        target = self.client[collection.metadata["db"]][collection.metadata["collection"]]
        try:
            target.insert_many(documents, ordered=False)
            self.done += len(documents)
        except BulkWriteError as error:
            self._count(collection, error.details)

    def _count(self, collection: Collection, details: dict[str, Any]) -> None:
        errors = details["writeErrors"]
        self.done += details["nInserted"]
        self.failures += len(errors)
        fatal = [each for each in errors if self.stop_on_error or each["code"] not in IGNORED]
        for each in fatal or errors:
            log(f"continuing through error: {each['errmsg']}" if not fatal else each["errmsg"])
        if fatal:
            raise Failed(f"{collection.name}: error restoring from {self.place}: {fatal[0]['errmsg']}")

    def _finish(self, collections: Sequence[Collection]) -> None:
        for collection in collections:
            if collection.name == USERS:
                self._merge_users([RawBSONDocument(document) for document in collection.waiting])
            else:
                self._index(collection)

    def _index(self, collection: Collection) -> None:
        indexes = [
            _without_version(index) for index in _metadata(collection)["indexes"] if list(index["key"]) != ["_id"]
        ]
        if not indexes:
            log(f"no indexes to restore for collection {collection.name}")
            return
        log(f"restoring indexes for collection {collection.name} from metadata")
        self.client[collection.metadata["db"]].command(
            {"createIndexes": collection.metadata["collection"], "indexes": indexes, "ignoreUnknownIndexOptions": True}
        )

    def _merge_users(self, users: Sequence[Any]) -> None:
        """With --drop, users that the archive does not have go, and others get its passwords: the real one's merge."""
        log(f"restoring users from {self.place}")
        target = self.client.admin["system.users"]
        if self.drop:
            target.delete_many({"_id": {"$nin": [user["_id"] for user in users]}})
        for user in users:
            if self.drop or target.find_one({"_id": user["_id"]}) is None:
                target.replace_one({"_id": user["_id"]}, user, upsert=True)


def _included(options: Options) -> Sequence[str]:
    patterns = list(options.get("nsInclude", []))
    if "collection" in options and "db" not in options:
        raise Failed("cannot restore a collection without a specified database")
    if "db" in options:
        database = re.sub(r"[*\\]", r"\\\g<0>", one(options, "db"))
        patterns.append(f"{database}.{one(options, 'collection', '*')}")
    return patterns or ["*"]


def _metadata(collection: Collection) -> dict[str, Any]:
    metadata: dict[str, Any] = json_util.loads(collection.metadata["metadata"])
    return metadata


def _without_version(index: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in index.items() if key != "v"}
