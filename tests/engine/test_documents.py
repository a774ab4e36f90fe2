"""Questions about uploaded documents, over a vector database and a model server, or over the FAISS worker's index."""

from __future__ import annotations

import urllib.request
from typing import Any

import pytest

from tests.engine.conftest import Make
from tests.engine.test_presets import pull
from tests.support.running import Project, until

pytestmark = pytest.mark.engine

DOCUMENTS = {
    "bread.txt": "Sourdough needs flour, water and salt, and the dough a night of rest before baking.",
    "engine.txt": "The piston moves up and down in the cylinder and turns the crankshaft of the engine.",
    "tides.txt": "The moon pulls at the sea, and twice a day the tide rises and falls along the coast.",
}
QUESTIONS = {
    "How long does sourdough dough rest before baking?": "bread.txt",
    "What turns the crankshaft of an engine?": "engine.txt",
    "Why does the tide rise along the coast?": "tides.txt",
}
RAG = ["flask", "postgres", "chroma", "llama-cpp"]


def ask(project: Project, question: str) -> dict[str, Any]:
    status, answer = project.post("/ask", {"question": question})
    assert status == 200, answer
    said: dict[str, Any] = answer
    return said


def started(make: Make, services: list[str]) -> Project:
    project = make(services=services)
    project.init()
    pull(project)
    project.up()
    return project


def answers_are_drawn_from_the_right_document(project: Project) -> None:
    until(lambda: ask(project, "anything")["pending"] == [])
    for question, source in QUESTIONS.items():
        said = ask(project, question)
        assert said["sources"][0]["source"] == source, said
        assert said["sources"][0]["text"] == DOCUMENTS[source]
        assert said["answer"].strip()


@pytest.mark.parametrize("services", [RAG, ["fastapi", "chroma", "llama-cpp"], ["flask", "faiss-worker", "llama-cpp"]])
def test_the_answers_source_is_the_document_and_stays_so(make: Make, services: list[str]) -> None:
    project = started(make, services)
    assert ask(project, "What is known?")["sources"] == []
    for name, text in DOCUMENTS.items():
        assert project.upload(name, text.encode())[0] == 201
    assert project.upload("picture.bin", bytes(range(256)))[0] == 201
    answers_are_drawn_from_the_right_document(project)
    project.compose("down")
    project.up("--force-recreate")
    answers_are_drawn_from_the_right_document(project)

    # Without its model server it says so, and is itself again when that is back.
    project.compose("stop", "llama-cpp", "llama-cpp-embed")
    status, said = project.post("/ask", {"question": "What turns the crankshaft?"})
    assert (status, "error" in said) == (503, True)
    assert project.get("/health")[0] == 200
    project.up()
    answers_are_drawn_from_the_right_document(project)


def test_another_embedding_model_reads_everything_again(make: Make) -> None:
    """Vectors of two models are never compared: the new one gets a collection of its own."""
    project = started(make, ["flask", "chroma", "llama-cpp"])
    for name, text in DOCUMENTS.items():
        project.upload(name, text.encode())
    answers_are_drawn_from_the_right_document(project)
    collections = "from clients import chroma; print(sorted(c.name for c in chroma.connect().list_collections()))"
    before = project.in_app(collections)
    env = (project.folder / ".env").read_text()
    move = "cp /models/embed.gguf /models/another.gguf"
    project.compose("run", "--rm", "--entrypoint", "sh", "llama-cpp-pull", "-c", move)
    (project.folder / ".env").write_text(env.replace("embed.gguf", "another.gguf"))
    project.up()
    answers_are_drawn_from_the_right_document(project)
    assert project.in_app(collections) != before


def test_chat_is_streamed(make: Make) -> None:
    project = started(make, ["fastapi", "llama-cpp"])
    body = b'{"messages": [{"role": "user", "content": "Say hello."}]}'
    request = urllib.request.Request(project.address("/chat"), body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        lines = [line.decode().strip() for line in answer]
    events = [line for line in lines if line.startswith("data: ")]
    assert len(events) > 3, "piece by piece"
    assert events[-1] == "data: [DONE]"
    assert project.get("/search?q=x")[0] == 404, "there is nothing to search in"
