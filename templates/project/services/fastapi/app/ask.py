"""Answers from what was uploaded."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel

from app.linked import or_503
from app.search import Words
from clients import documents

pages = APIRouter()


class Question(BaseModel):
    question: Words


@pages.post("/ask")
def ask(request: Request, sent: Question) -> dict[str, Any]:
    """Answer `question`, and name the pieces of text the answer is drawn from; without any, it says so.

    `pending` names the files that are not in there yet.
    """
    with or_503("the documents cannot be searched now"):
        pieces, hits = documents.answer(sent.question)
        pending = documents.pending(request.app.state.uploads)
    with or_503("the model gives no answer now"):
        answer = "".join(pieces)
    return {"answer": answer, "sources": [hit._asdict() for hit in hits], "pending": pending}
