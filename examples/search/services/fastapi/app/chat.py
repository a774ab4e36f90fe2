"""Conversations with the model of this project."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import closing
from itertools import chain, islice
from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from app.linked import or_503
from clients import provider

pages = APIRouter()


class Message(BaseModel):
    role: Literal["system", "user", "assistant"]
    content: str


class Conversation(BaseModel):
    messages: Annotated[list[Message], Field(min_length=1)]


def _answer(conversation: Conversation) -> Iterator[Iterator[str]]:
    """The answer, in pieces. When the reader goes away it is closed: then the model stops, too."""
    with or_503("the model gives no answer now"):
        pieces = provider("chat").connect().chat([message.model_dump() for message in conversation.messages])
        # Until the first piece is there, a failure still has a status of its own.
        first = list(islice(pieces, 1))
    with closing(pieces):
        yield chain(first, pieces)


@pages.post("/chat")
def chat(answer: Annotated[Iterator[str], Depends(_answer)]) -> StreamingResponse:
    """Answer as server-sent events: `data: {"text": …}` for each piece, then `data: [DONE]`."""
    # Nothing in between is to keep pieces back.
    headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
    return StreamingResponse(_events(answer), media_type="text/event-stream", headers=headers)


def _events(answer: Iterator[str]) -> Iterator[str]:
    try:
        for piece in answer:
            yield f"data: {json.dumps({'text': piece})}\n\n"
    except Exception as error:
        logging.getLogger(__name__).exception("the answer broke off")
        yield f"event: error\ndata: {json.dumps({'error': type(error).__name__})}\n\n"
    else:
        yield "data: [DONE]\n\n"
