"""Qdrant."""

from __future__ import annotations

import random
import uuid
from functools import cache

from qdrant_client import QdrantClient, models

from clients import setting
from clients.texts import Hit

# Records in one request, and in one page of an answer.
BATCH = 64
PAGE = 1000


@cache
def connect() -> QdrantClient:
    """One client for all threads."""
    # As a header the key is not warned about: it goes to a neighbour, over the project's own network.
    headers = {"api-key": setting("QDRANT_API_KEY")}
    return QdrantClient(setting("QDRANT_URL"), headers=headers, timeout=30, check_compatibility=False)


def check() -> None:
    """Write one vector, find it and remove it.

    Raises whatever the library raises, and LookupError when the vector is not found.
    """
    key, vector = str(uuid.uuid4()), [random.gauss() for _ in range(8)]
    _make("scaffold_check", len(vector))
    connect().upsert("scaffold_check", [models.PointStruct(id=key, vector=vector)])
    try:
        found = connect().query_points("scaffold_check", vector, limit=1).points
        if [point.id for point in found] != [key]:
            raise LookupError("the vector that was just written is not found")
    finally:
        connect().delete("scaffold_check", [key])


def put(
    collection: str, source: str, version: str, pieces: list[str], vectors: list[list[float]], *, start: int = 0
) -> None:
    """Keep pieces of a document with their vectors, in place of those that are at the same positions.

    The first piece is at position `start`. Position 0 is written last, and what counts is the `version` there: with ""
    the document is known and not complete, until its first piece is put again.
    """
    if not pieces:
        return
    _make(collection, len(vectors[0]))
    points = [
        models.PointStruct(
            id=_id(source, position),
            vector=vector,
            payload={"source": source, "position": position, "version": version, "text": text},
        )
        for position, (text, vector) in enumerate(zip(pieces, vectors, strict=True), start)
    ]
    for at in reversed(range(0, len(points), BATCH)):
        connect().upsert(collection, points[at : at + BATCH])


def nearest(collection: str, vector: list[float], count: int) -> list[Hit]:
    """The `count` pieces that are nearest to `vector`, or fewer, best first; none when there is no such collection."""
    if not connect().collection_exists(collection):
        return []
    found = connect().query_points(collection, vector, limit=count).points
    return [Hit(point.payload["source"], point.payload["text"], point.score) for point in found]


def versions(collection: str) -> dict[str, str]:
    """Every document and the version it is here in, "" while it is not complete."""
    if not connect().collection_exists(collection):
        return {}
    found: dict[str, str] = {}
    page = None
    while True:
        firsts, page = connect().scroll(
            collection, _where("position", 0), limit=PAGE, offset=page, with_payload=["source", "version"]
        )
        found.update({point.payload["source"]: point.payload["version"] for point in firsts})
        if page is None:
            return found


def remove(collection: str, source: str) -> None:
    """Remove a document, if it is there."""
    if connect().collection_exists(collection):
        connect().delete(collection, _where("source", source))


def _make(collection: str, dimension: int) -> None:
    """Make the collection when it is missing. Another process may be first: then it is there, and that is enough."""
    if connect().collection_exists(collection):
        return
    vectors = models.VectorParams(size=dimension, distance=models.Distance.COSINE)
    try:
        connect().create_collection(collection, vectors)
    except Exception:
        if not connect().collection_exists(collection):
            raise
    # What is asked for, so that no answer needs a look at every record.
    connect().create_payload_index(collection, "source", models.PayloadSchemaType.KEYWORD)
    connect().create_payload_index(collection, "position", models.PayloadSchemaType.INTEGER)


def _where(field: str, value: str | int) -> models.Filter:
    return models.Filter(must=[models.FieldCondition(key=field, match=models.MatchValue(value=value))])


def _id(source: str, position: int) -> str:
    """The same for the same piece, so that putting it again replaces it."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{source}#{position}"))
