# Managed by scaffold: updates merge this file.
"""Chroma."""

from __future__ import annotations

import random
import uuid
from functools import cache

import chromadb
import httpx
from chromadb.api import ClientAPI
from chromadb.api.models.Collection import Collection
from chromadb.api.types import QueryResult
from chromadb.config import Settings
from chromadb.errors import InternalError, NotFoundError

from clients import setting
from clients.texts import Hit

# Records in one request, and in one page of an answer: for too many at once its database has no room.
BATCH = 64
PAGE = 1000
TRIES = 5


@cache
def connect() -> ClientAPI:
    """One client for all threads. Raises httpx.HTTPError when the server does not answer."""
    host, port = setting("CHROMA_HOST"), int(setting("CHROMA_PORT"))
    # The library waits for ever, also for a server that hangs: ask first, then give it a limit.
    httpx.get(f"http://{host}:{port}/api/v2/heartbeat", timeout=5).raise_for_status()
    client = chromadb.HttpClient(host, port, settings=Settings(anonymized_telemetry=False))
    client._server._session.timeout = httpx.Timeout(60, connect=5)
    return client


def check() -> None:
    """Write one vector, find it and remove it.

    Raises whatever the library raises, and LookupError when the vector is not found.
    """
    records = _made("scaffold_check")
    key, vector = uuid.uuid4().hex, [random.gauss() for _ in range(8)]
    records.add(ids=[key], embeddings=[vector])
    try:
        if records.query(query_embeddings=[vector], n_results=1, include=[])["ids"] != [[key]]:
            raise LookupError("the vector that was just written is not found")
    finally:
        records.delete(ids=[key])


def put(
    collection: str, source: str, version: str, pieces: list[str], vectors: list[list[float]], *, start: int = 0
) -> None:
    """Keep pieces of a document with their vectors, in place of those that are at the same positions.

    The first piece is at position `start`. Position 0 is written last, and what counts is the `version` there: with ""
    the document is known and not complete, until its first piece is put again.
    """
    records = _made(collection)
    for at in reversed(range(0, len(pieces), BATCH)):
        texts = pieces[at : at + BATCH]
        positions = range(start + at, start + at + len(texts))
        records.upsert(
            ids=[_id(source, position) for position in positions],
            documents=texts,
            embeddings=vectors[at : at + BATCH],
            metadatas=[{"source": source, "position": position, "version": version} for position in positions],
        )


def nearest(collection: str, vector: list[float], count: int) -> list[Hit]:
    """The `count` pieces that are nearest to `vector`, or fewer, best first; none when there is no such collection."""
    records = _existing(collection)
    if records is None:
        return []
    found = _queried(records, vector, count)
    rows = zip(found["metadatas"][0], found["documents"][0], found["distances"][0], strict=True)
    # The distance is 0 in the same direction. A record that is just being removed may have nothing but that left.
    return [Hit(about["source"], text, 1 - distance) for about, text, distance in rows if about]


def versions(collection: str) -> dict[str, str]:
    """Every document and the version it is here in, "" while it is not complete."""
    records = _existing(collection)
    if records is None:
        return {}
    found: dict[str, str] = {}
    start = 0
    while page := records.get(where={"position": 0}, include=["metadatas"], limit=PAGE, offset=start)["metadatas"]:
        found.update({about["source"]: about["version"] for about in page})
        start += PAGE
    return found


def remove(collection: str, source: str) -> None:
    """Remove a document, if it is there."""
    records = _existing(collection)
    if records is not None:
        records.delete(where={"source": source})


def _queried(records: Collection, vector: list[float], count: int) -> QueryResult:
    """The answer to a query. Chroma fails over a record that is removed while it looks for it; asked again, not."""
    for _ in range(TRIES - 1):
        try:
            return records.query(query_embeddings=[vector], n_results=count)
        except InternalError as error:
            if "finding id" not in str(error):
                raise
    return records.query(query_embeddings=[vector], n_results=count)


def _made(collection: str) -> Collection:
    """The collection, made when it is missing. Vectors come from outside, so it needs no model of its own."""
    return connect().get_or_create_collection(
        collection, configuration={"hnsw": {"space": "cosine"}}, embedding_function=None
    )


def _existing(collection: str) -> Collection | None:
    try:
        return connect().get_collection(collection, embedding_function=None)
    except NotFoundError:
        return None


def _id(source: str, position: int) -> str:
    """The same for the same piece, so that putting it again replaces it."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{source}#{position}"))
