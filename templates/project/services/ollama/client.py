"""Ollama."""

from __future__ import annotations

import os
from functools import cache

from clients import setting
from clients.model_server import Endpoint, ModelServer


@cache
def connect() -> ModelServer:
    """The server, with the models that this service is linked to: for chat, for embeddings, or both."""
    return ModelServer("ollama", _endpoint("CHAT"), _endpoint("EMBED"))


def check() -> None:
    """A round trip to each model. Raises LookupError for an empty answer, and what the library raises."""
    connect().check()


def _endpoint(kind: str) -> Endpoint | None:
    model = os.environ.get(f"OLLAMA_{kind}_MODEL")
    return Endpoint(setting("OLLAMA_URL"), model) if model else None
