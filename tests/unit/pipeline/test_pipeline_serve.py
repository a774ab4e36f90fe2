"""The model that answers: the newest that can be loaded, switched whole, and never silent for a new one's sake."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from tests.unit.pipeline.helpers import Place


@pytest.fixture
def follow(place: Place, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(place.root / "serve")
    return import_module("managed.follow")


def publish(place: Place, text: str) -> str:
    generations = place.clients("generations")
    work: Path = generations.begin(place.weights)
    (work / "model").write_text(text)
    name: str = generations.publish(place.weights, work, {"result": {"text": text}})
    generations.sweep(place.weights)
    return name


def load(folder: Path) -> str:
    text = (folder / "model").read_text()
    if text == "bad":
        raise ValueError("it is bad")
    return text


def test_before_the_first_model_it_says_what_to_do(place: Place, follow: Any) -> None:
    follower = follow.Follower(place.weights, load, 1)
    follower.look()
    with pytest.raises(LookupError, match=r"there is no model in .* yet; fix: docker compose run --rm train$"):
        follower.current()
    publish(place, "one")
    follower.look()
    assert follower.trouble() == ""
    loaded = follower.current()
    assert (loaded.generation, loaded.model, loaded.about["result"]) == ("generation-00000000", "one", {"text": "one"})


def test_a_model_that_cannot_be_loaded_leaves_the_old_one_in_use(
    place: Place, follow: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    follower = follow.Follower(place.weights, load, 1)
    publish(place, "one")
    follower.look()
    publish(place, "bad")
    follower.look()
    assert follower.current().model == "one"
    assert "cannot be loaded (ValueError: it is bad); fix: docker compose run --rm train --force" in follower.trouble()
    # Tried again after a while: a disk may have been away.
    calls: list[Path] = []

    def again(folder: Path) -> str:
        calls.append(folder)
        return "one again"

    monkeypatch.setattr(follower, "_load", again)
    follower.look()
    assert not calls
    monkeypatch.setattr(follow, "AGAIN", -1.0)
    follower.look()
    assert follower.current().model == "one again"
    publish(place, "two")
    monkeypatch.setattr(follower, "_load", load)
    follower.look()
    assert (follower.current().model, follower.trouble()) == ("two", "")


@pytest.mark.parametrize("content", [None, b"", b'{"generation": "generation-00000009", "sizes": {}}'])
def test_a_damaged_or_emptied_volume_leaves_the_old_one_in_use(
    place: Place, follow: Any, content: bytes | None
) -> None:
    follower = follow.Follower(place.weights, load, 1)
    publish(place, "one")
    follower.look()
    if content is None:
        (place.weights / "CURRENT").unlink()
    else:
        (place.weights / "CURRENT").write_bytes(content)
    follower.look()
    assert follower.current().model == "one"
    assert "; fix: docker compose run --rm train" in follower.trouble()


def test_the_old_model_answers_while_the_new_one_is_loaded(place: Place, follow: Any) -> None:
    loading, go = threading.Event(), threading.Event()

    def slow(folder: Path) -> str:
        text = load(folder)
        if text == "two":
            loading.set()
            assert go.wait(30)
        return text

    follower = follow.Follower(place.weights, slow, 1)
    publish(place, "one")
    follower.look()
    publish(place, "two")
    thread = threading.Thread(target=follower.look)
    thread.start()
    assert loading.wait(30)
    assert (follower.current().model, follower.trouble()) == ("one", "")
    # What it reads stays, whatever is published meanwhile.
    for number in range(5):
        publish(place, str(number))
    assert (place.weights / "generation-00000001").is_dir()
    go.set()
    thread.join()
    assert follower.current().model == "two"
    follower.look()
    assert follower.current().model == "4"


def test_it_loads_each_generation_once(place: Place, follow: Any) -> None:
    calls: list[str] = []

    def counted(folder: Path) -> str:
        calls.append(folder.name)
        return load(folder)

    follower = follow.Follower(place.weights, counted, 1)
    publish(place, "one")
    for _ in range(3):
        follower.look()
    publish(place, "two")
    for _ in range(3):
        follower.look()
    assert calls == ["generation-00000000", "generation-00000001"]


@contextmanager
def answering(status: int, body: bytes) -> Iterator[str]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: Any) -> None: ...

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/health"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("status", "body", "code", "said"),
    [
        (200, b"{}", 0, ""),
        (503, b'{"error": "none; fix: X"}', 1, "none; fix: X\n"),
        (503, b"<html>", 1, "HTTP Error 503: Service Unavailable\n"),
        (500, b"[]", 1, "HTTP Error 500: Internal Server Error\n"),
    ],
)
def test_the_probe_says_what_the_server_says(
    place: Place,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    status: int,
    body: bytes,
    code: int,
    said: str,
) -> None:
    monkeypatch.syspath_prepend(place.root / "serve")
    probe: Any = import_module("managed.probe")
    with answering(status, body) as probe.ADDRESS:
        assert (probe.main(), capsys.readouterr().out) == (code, said)
    if status == 200:
        assert probe.main() == 1
        assert capsys.readouterr().out.startswith("no answer: ")
