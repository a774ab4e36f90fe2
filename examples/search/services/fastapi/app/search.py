"""Search in what was uploaded."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import StringConstraints

from app.linked import or_503
from clients import documents

pages = APIRouter()

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


@pages.get("/search")
def search(request: Request, q: Words, count: Annotated[int, Query(ge=1, le=50)] = 5) -> dict[str, Any]:
    """Find the pieces of text that are nearest to `q`, `count` of them. `pending` names files not in there yet."""
    with or_503("the documents cannot be searched now"):
        hits = documents.search(q, count)
        pending = documents.pending(request.app.state.uploads)
    return {"sources": [hit._asdict() for hit in hits], "pending": pending}
