"""The client of model servers: llama.cpp's own server with a tiny model, and a scripted one for what goes wrong."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.waiting import free_port
from tests.unit.clients.helpers import Place, Remote
from tests.unit.clients.servers import Scripted, model_variables, scripted

Process = Callable[[Place], Remote]
HELLO = [{"role": "user", "content": "hello"}]


@pytest.fixture
def broken() -> Iterator[Scripted]:
    with scripted() as server:
        yield server


def model(tmp_path: Path, environment: dict[str, str], service: str = "llama-cpp") -> Place:
    return Place(tmp_path, (service,), environment)


def near(a: list[float], b: list[float]) -> float:
    """The cosine of two vectors."""
    return sum(x * y for x, y in zip(a, b, strict=True)) / math.hypot(*a) / math.hypot(*b)


def test_a_server_that_is_away_is_found_out_at_once(tmp_path: Path, process: Process) -> None:
    client = process(model(tmp_path, model_variables(f"http://127.0.0.1:{free_port()}/v1")))
    started = time.monotonic()
    for call in ("llama_cpp.check",):
        with pytest.raises(RuntimeError, match="APIConnectionError"):
            client(call)
    with pytest.raises(RuntimeError, match="APIConnectionError"):
        client("llama_cpp.connect().chat", HELLO)
    with pytest.raises(RuntimeError, match="APIConnectionError"):
        client("llama_cpp.connect().embed", ["hello"])
    assert time.monotonic() - started < 20


@pytest.mark.parametrize("service", ["llama-cpp", "ollama"])
def test_what_is_not_linked_is_said(tmp_path: Path, process: Process, service: str) -> None:
    client = process(model(tmp_path, {"OLLAMA_URL": "http://127.0.0.1:1/v1"}, service))
    module = service.replace("-", "_")
    for call, *arguments in (("chat", HELLO), ("embed", ["hello"]), ("embedder",)):
        with pytest.raises(RuntimeError, match=f"LookupError: this service is not linked to {service} for "):
            client(f"{module}.connect().{call}", *arguments)
    with pytest.raises(RuntimeError, match="LookupError: this service is not linked to any model"):
        client(f"{module}.check")


@pytest.mark.parametrize("kind", ["CHAT", "EMBED"])
def test_one_of_two_models_is_enough(tmp_path: Path, process: Process, llama: dict[str, str], kind: str) -> None:
    variables = {name: value for name, value in llama.items() if kind in name}
    client = process(model(tmp_path, variables))
    client("llama_cpp.check")
    with pytest.raises(RuntimeError, match="LookupError"):
        client("llama_cpp.connect().chat" if kind == "EMBED" else "llama_cpp.connect().embed", HELLO)


def test_an_empty_answer_is_none(tmp_path: Path, process: Process, broken: Scripted) -> None:
    client = process(model(tmp_path, model_variables(broken.url)))
    with pytest.raises(RuntimeError, match=r"LookupError: tiny\.gguf has nothing to say"):
        client("llama_cpp.check")
    broken.pieces = ["yes"]
    broken.vectors = [[]]
    with pytest.raises(RuntimeError, match=r"LookupError: tiny\.gguf did not answer every text with a vector"):
        client("llama_cpp.check")
    broken.vectors = [[1.0]]
    client("llama_cpp.check")
    with pytest.raises(RuntimeError, match="LookupError"):
        client("llama_cpp.connect().embed", ["one", "two"])


def test_a_server_that_fails_is_asked_twice_and_no_more(tmp_path: Path, process: Process, broken: Scripted) -> None:
    broken.status = 500
    client = process(model(tmp_path, model_variables(broken.url)))
    with pytest.raises(RuntimeError, match="InternalServerError"):
        client("llama_cpp.connect().embed", ["hello"])
    assert len(broken.requests) == 2


def test_vectors_come_in_the_order_of_the_texts(tmp_path: Path, process: Process, broken: Scripted) -> None:
    client = process(model(tmp_path, model_variables(broken.url)))
    broken.vectors = [[1.0], [2.0], [3.0]]
    assert client("llama_cpp.connect().embed", ["a", "b", "c"]) == [[1.0], [2.0], [3.0]]
    assert client("llama_cpp.connect().embed", []) == []
    assert len(broken.requests) == 1


def test_many_texts_are_embedded_as_each_alone(tmp_path: Path, process: Process, llama: dict[str, str]) -> None:
    client = process(model(tmp_path, llama))
    texts = [f"sentence about {word}" for word in ("trees", "ships", "bread")] + [f"number {n}" for n in range(67)]
    together = client("llama_cpp.connect().embed", texts)
    assert len(together) == 70
    for at in (0, 1, 2, 31, 32, 69):
        alone = client("llama_cpp.connect().embed", [texts[at]])[0]
        assert near(together[at], alone) > 0.999


def test_of_a_text_that_is_too_long_the_first_part_has_to_do(
    tmp_path: Path, process: Process, llama: dict[str, str]
) -> None:
    """It counts in tokens: letters this model does not know are three of them each."""
    client = process(model(tmp_path, llama))
    long, short = "bread " + "\u1700" * 4000, "ships at sea"
    alone = client("llama_cpp.connect().embed", [short])[0]
    vectors = client("llama_cpp.connect().embed", [short, long])
    assert len(vectors) == 2
    assert near(vectors[0], alone) > 0.999
    assert near(vectors[1], client("llama_cpp.connect().embed", ["bread"])[0]) > near(vectors[1], alone)


def test_a_chat_comes_in_pieces_and_options_reach_the_server(
    tmp_path: Path, process: Process, llama: dict[str, str]
) -> None:
    client = process(model(tmp_path, llama))
    pieces = client("llama_cpp.connect().chat", HELLO)
    assert len(pieces) > 3
    assert "".join(pieces).startswith("Tiny test models")
    assert len(client("llama_cpp.connect().chat", HELLO, max_tokens=2)) < len(pieces)


def test_names_of_models(tmp_path: Path, process: Process) -> None:
    """The file's name is what the server knows the model by, without the rest of its address."""
    (tmp_path / "a").mkdir()
    client = process(model(tmp_path / "a", model_variables("http://127.0.0.1:1/v1", "folder/nomic.Q8_0.gguf")))
    assert client("llama_cpp.connect().embedder") == "llama-cpp:nomic.Q8_0.gguf"
    (tmp_path / "b").mkdir()
    variables = {"OLLAMA_URL": "http://127.0.0.1:1/v1", "OLLAMA_EMBED_MODEL": "nomic-embed-text:v1.5"}
    client = process(model(tmp_path / "b", variables, "ollama"))
    assert client("ollama.connect().embedder") == "ollama:nomic-embed-text:v1.5"


def test_ollama_is_asked_for_its_models(tmp_path: Path, process: Process, broken: Scripted) -> None:
    broken.pieces, broken.vectors = ["yes"], [[1.0]]
    variables = {"OLLAMA_URL": broken.url, "OLLAMA_CHAT_MODEL": "llama3.2:1b", "OLLAMA_EMBED_MODEL": "nomic"}
    process(model(tmp_path, variables, "ollama"))("ollama.check")
    assert [request["model"] for request in broken.requests] == ["llama3.2:1b", "nomic"]
