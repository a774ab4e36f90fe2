"""The servers that a worker's tests share, and places in which the clients reach them."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.unit.clients import servers
from tests.unit.clients.helpers import Place, Remote, remote

Linked = Callable[..., Place]


@pytest.fixture(scope="session")
def chroma(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    with servers.chroma(tmp_path_factory.mktemp("chroma")) as variables:
        yield variables


@pytest.fixture(scope="session")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    with servers.llama(tmp_path_factory.mktemp("llama")) as variables:
        yield variables


@pytest.fixture
def linked(tmp_path: Path, chroma: dict[str, str], llama: dict[str, str]) -> Place:
    """A place with a vector store and a model. Its embedding model has a name, so its collection is its own."""
    model = f"http://models.example/{uuid.uuid4().hex}.gguf"
    return Place(tmp_path, ("chroma", "llama-cpp"), {**chroma, **llama, "LLAMA_CPP_EMBED_MODEL": model})


@pytest.fixture
def process() -> Iterator[Callable[[Place], Remote]]:
    """Start processes that have the clients of a place; none is left at the end."""
    with ExitStack() as stack:
        yield lambda place: stack.enter_context(remote(place))
