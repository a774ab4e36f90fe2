"""Search, answers and conversations through both web applications, over HTTP."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.support.waiting import free_port, until
from tests.unit.clients.helpers import APPS, Answer, Place, Site
from tests.unit.clients.servers import Scripted, model_variables, scripted

BREAD = "Knead flour, water, salt and yeast. Let the dough rise overnight, then bake it in a hot oven."
SHIPS = "A sailing vessel needs masts, rigging and a keel. The captain steers by compass through the storm."
HELLO = {"messages": [{"role": "user", "content": "hello"}]}


@pytest.fixture(scope="module", params=APPS)
def site(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    chroma: dict[str, str],
    llama: dict[str, str],
) -> Iterator[Site]:
    """An application with a vector store and a model, before anything was uploaded."""
    variables = {**chroma, **llama, "LLAMA_CPP_EMBED_MODEL": f"{uuid.uuid4().hex}.gguf"}
    with Place(tmp_path_factory.mktemp("linked"), ("chroma", "llama-cpp"), variables).serve(request.param) as site:
        yield site


@pytest.fixture(params=APPS)
def away(request: pytest.FixtureRequest, tmp_path: Path, chroma: dict[str, str]) -> Iterator[Site]:
    """An application whose model server is not there."""
    variables = chroma | model_variables(f"http://127.0.0.1:{free_port()}/v1", f"{uuid.uuid4().hex}.gguf")
    with Place(tmp_path, ("chroma", "llama-cpp"), variables).serve(request.param) as site:
        yield site


@pytest.fixture(scope="module")
def shared_chatting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, Scripted]]:
    with scripted() as script:
        place = Place(tmp_path_factory.mktemp("chatting"), ("llama-cpp",), model_variables(script.url))
        with place.serve("fastapi") as site:
            yield site, script


@pytest.fixture
def script(shared_chatting: tuple[Site, Scripted]) -> Scripted:
    script = shared_chatting[1]
    script.forget()
    return script


@pytest.fixture
def chatting(shared_chatting: tuple[Site, Scripted]) -> Site:
    """FastAPI with a model server that says what it is told to."""
    return shared_chatting[0]


def indexed(site: Site) -> None:
    until(lambda: site.get("/search?q=anything").json.get("pending") == [], "the uploads to be indexed", log=site.log)


def sources(answer: Answer) -> list[str]:
    assert answer.status == 200, answer.body
    return [hit["source"] for hit in answer.json["sources"]]


@pytest.mark.parametrize(
    "sent", [{}, {"question": ""}, {"question": " \n"}, {"question": 7}, {"question": None}, [], "words", None]
)
def test_a_question_that_is_none_is_refused(site: Site, sent: Any) -> None:
    answer = site.post("/ask", sent)
    assert answer.status == 400
    assert "question" in answer.json["error"] or "body" in answer.json["error"]


@pytest.mark.parametrize("sent", [b"", b"{", b'{"question": "words"'])
def test_what_is_no_json_is_refused(site: Site, sent: bytes) -> None:
    assert site.send("POST", "/ask", sent, {"Content-Type": "application/json"}).status == 400


@pytest.mark.parametrize("query", ["", "?q=", "?q=+", "?q=a&count=0", "?q=a&count=51", "?q=a&count=x", "?q=a&count="])
def test_a_search_that_is_none_is_refused(site: Site, query: str) -> None:
    answer = site.get(f"/search{query}")
    assert answer.status == 400
    assert answer.json["error"]


def test_with_nothing_uploaded_it_says_so(site: Site) -> None:
    answer = site.post("/ask", {"question": "What is it about?"})
    assert answer.status == 200
    assert answer.json == {"answer": "Nothing was found in the uploaded documents.", "sources": [], "pending": []}
    assert site.get("/search?q=anything").json == {"sources": [], "pending": []}


def test_what_is_uploaded_can_be_asked_about(site: Site) -> None:
    """And is found by every process of the application, whichever of them put it in."""
    assert site.upload("bread.txt", BREAD.encode()).status == 201
    assert site.upload("ships.txt", SHIPS.encode()).status == 201
    assert site.upload("picture.png", b"\x89PNG\x00").status == 201
    indexed(site)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: site.post("/ask", {"question": "Which captain steers a vessel?"}), range(16)))
    for answer in answers:
        assert sources(answer) == ["ships.txt", "bread.txt"]
        assert answer.json["answer"].startswith("Tiny test models")
        assert answer.json["pending"] == []
        best = answer.json["sources"][0]
        assert best["text"] == SHIPS
        assert 0 < best["score"] <= 1
    assert sources(site.get("/search?q=flour+and+yeast")) == ["bread.txt", "ships.txt"]
    assert sources(site.get("/search?q=flour+and+yeast&count=1")) == ["bread.txt"]
    (site.log.parent / "uploads" / "ships.txt").unlink()
    # An upload makes it look; without one it does twice a minute.
    assert site.upload("more.txt", b"a third document").status == 201
    indexed(site)
    assert "ships.txt" not in sources(site.get("/search?q=captain"))


def test_checks_at_once(site: Site) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: site.get("/links"), range(16)))
    for answer in answers:
        assert (answer.status, answer.json) == (200, {"chroma": {"ok": True}, "llama_cpp": {"ok": True}})


def test_what_is_away_is_named_and_nothing_secret_is_told(away: Site) -> None:
    links = away.get("/links")
    assert (links.status, links.json) == (
        503,
        {"chroma": {"ok": True}, "llama_cpp": {"ok": False, "error": "APIConnectionError"}},
    )
    assert away.get("/health").status == 200
    assert away.upload("a.txt", b"alpha").status == 201, "uploads go on"
    for answer in (away.get("/search?q=alpha"), away.post("/ask", {"question": "alpha"})):
        assert answer.status == 503
        assert answer.json == {"error": "the documents cannot be searched now (APIConnectionError)"}
    chat = away.post("/chat", HELLO)
    assert chat.status in (404, 503), "Flask has no such page"
    assert chat.status == 404 or chat.json == {"error": "the model gives no answer now (APIConnectionError)"}
    until(lambda: "next try in" in away.log.read_text(), "the thread to say what it waits for")


@pytest.mark.parametrize("app", APPS)
def test_a_store_or_a_chat_model_that_is_away(
    tmp_path: Path, chroma: dict[str, str], llama: dict[str, str], app: str
) -> None:
    dead = str(free_port())
    (tmp_path / "store").mkdir()
    with Place(tmp_path / "store", ("chroma", "llama-cpp"), {**chroma, **llama, "CHROMA_PORT": dead}).serve(
        app
    ) as site:
        answer = site.post("/ask", {"question": "alpha"})
        assert (answer.status, answer.json["error"]) == (503, "the documents cannot be searched now (ConnectError)")
    (tmp_path / "chat").mkdir()
    variables = {**chroma, **llama, "LLAMA_CPP_EMBED_MODEL": f"{uuid.uuid4().hex}.gguf"}
    variables["LLAMA_CPP_CHAT_URL"] = f"http://127.0.0.1:{dead}/v1"
    with Place(tmp_path / "chat", ("chroma", "llama-cpp"), variables).serve(app) as site:
        site.upload("a.txt", b"alpha")
        indexed(site)
        assert sources(site.get("/search?q=alpha")) == ["a.txt"]
        answer = site.post("/ask", {"question": "alpha"})
        assert (answer.status, answer.json["error"]) == (503, "the model gives no answer now (APIConnectionError)")


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"messages": []},
        {"messages": "hello"},
        {"messages": [{"role": "user"}]},
        {"messages": [{"role": "nobody", "content": "hello"}]},
        {"messages": [{"role": "user", "content": 7}]},
    ],
)
def test_a_conversation_that_is_none_is_refused(chatting: Site, script: Scripted, sent: Any) -> None:
    assert chatting.post("/chat", sent).status == 400
    assert script.requests == []


def test_a_chat_comes_as_it_is_made(chatting: Site, script: Scripted) -> None:
    script.pieces, script.pause = ["one ", "two\n", "drei ü"], 0.3
    arrived, said = [], []
    with chatting.stream("/chat", HELLO) as lines:
        for line in lines:
            if line.strip():
                arrived.append(time.monotonic())
                said.append(line.decode().strip())
    texts = [json.loads(line.removeprefix("data: "))["text"] for line in said[:-1]]
    assert texts == ["one ", "two\n", "drei ü"]
    assert said[-1] == "data: [DONE]"
    assert arrived[2] - arrived[0] > 0.5
    assert script.requests[0]["messages"] == HELLO["messages"]


@pytest.mark.parametrize(("pieces", "status"), [([], 200), ([], 500)])
def test_a_chat_without_a_word(chatting: Site, script: Scripted, pieces: list[str | None], status: int) -> None:
    script.pieces, script.status = pieces, status
    answer = chatting.post("/chat", HELLO)
    if status == 200:
        assert (answer.status, answer.body) == (200, b"data: [DONE]\n\n")
        assert answer.headers["content-type"].startswith("text/event-stream")
    else:
        assert (answer.status, answer.json) == (503, {"error": "the model gives no answer now (InternalServerError)"})


def test_a_chat_that_breaks_off_says_so(chatting: Site, script: Scripted) -> None:
    script.pieces = ["one ", None]
    answer = chatting.post("/chat", HELLO)
    events = answer.body.decode().split("\n\n")
    assert events[0] == 'data: {"text": "one "}'
    assert events[1].startswith("event: error\ndata: ")
    assert "[DONE]" not in answer.body.decode()


def test_a_reader_who_goes_away_stops_the_model(chatting: Site, script: Scripted) -> None:
    script.pieces, script.pause = ["word "] * 2000, 0.01
    with chatting.stream("/chat", HELLO) as lines:
        assert lines.readline().startswith(b"data: ")
    assert script.gone.wait(10)
    assert chatting.get("/health").status == 200


def test_with_a_model_alone_there_is_no_search(chatting: Site) -> None:
    assert chatting.get("/search?q=words").status == 404
    assert chatting.post("/ask", {"question": "words"}).status == 404
