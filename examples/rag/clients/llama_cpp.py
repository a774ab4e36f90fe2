# Managed by scaffold: updates merge this file.
"""llama.cpp, a server for each of its two models."""

from __future__ import annotations

import os
from functools import cache

from clients.model_server import Endpoint, ModelServer


@cache
def connect() -> ModelServer:
    """The servers that this service is linked to: for chat, for embeddings, or both."""
    return ModelServer("llama-cpp", _endpoint("CHAT"), _endpoint("EMBED"))


def check() -> None:
    """A round trip to each model. Raises LookupError for an empty answer, and what the library raises."""
    connect().check()


def _endpoint(kind: str) -> Endpoint | None:
    """Where a model is served. The setting has the address of its file: the model's name is what that ends in."""
    url, file = (os.environ.get(f"LLAMA_CPP_{kind}_{part}") for part in ("URL", "MODEL"))
    return Endpoint(url, file.partition("?")[0].rpartition("/")[2]) if url and file else None
