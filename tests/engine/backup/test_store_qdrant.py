"""HTTP into a container and out again, as the store of Qdrant uses it. No Qdrant runs here: see `http_server.py`."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pytest

from ops.errors import OpsError
from ops.sets.manifest import File, Item
from ops.stores.qdrant import Qdrant, connect
from ops.stores.rest import RefusedError, Rest
from ops.stores.server import Server

pytestmark = pytest.mark.engine

IMAGE = "python:3.13.15-slim-trixie"
SERVER = Path(__file__).with_name("http_server.py")
BLOCK = bytes(range(256)) * 4096
KEY = "k-5f0e1d%s \"'$x"


@pytest.fixture(scope="module")
def server(docker: dict[str, str]) -> Iterator[Server]:
    """A container with an HTTP server, a key in a file, and bash."""
    name = f"st-http-{uuid.uuid4().hex[:8]}"
    command = ["docker", "run", "--detach", "--pull", "never", "--network", "none", "--name", name]
    command += ["--env", "BLOCKS=300", "--env", "ITS_KEY=from the environment", "--entrypoint", "python3", IMAGE, "-c"]
    subprocess.run([*command, SERVER.read_text()], env={**os.environ, **docker}, check=True, capture_output=True)
    try:
        write = "mkdir -p /run/secrets && cat > /run/secrets/qdrant_api_key"
        put = ["docker", "exec", "-i", name, "sh", "-c", write]
        subprocess.run(put, input=KEY.encode() + b"\n", check=True)
        wait = "for i in $(seq 50); do (exec 3<>/dev/tcp/127.0.0.1/6333) 2>/dev/null && exit; sleep 0.2; done; exit 1"
        subprocess.run(["docker", "exec", name, "bash", "-c", wait], check=True)
        yield Server(name, "qdrant")
    finally:
        subprocess.run(["docker", "rm", "--force", "--volumes", name], check=False, capture_output=True)


@pytest.fixture
def rest(server: Server) -> Rest:
    return connect(server)


def nothing(pipe: IO[bytes]) -> None:
    """A request without a body."""


def read(rest: Rest, target: str) -> bytes:
    with rest.sent("GET", target, nothing, 0, "") as body:
        return body.read()


def test_the_key_arrives_and_is_in_no_argument_list(rest: Rest) -> None:
    said = rest.ask("POST", "/echo", {"text": "ü" * 1000})
    assert said["key"] == KEY
    assert said["seen"] is False
    assert said["size"] > 1000


def test_the_key_may_be_in_the_environment_or_nowhere(server: Server) -> None:
    assert Rest(server, 6333, "api-key", "/none", "ITS_KEY").ask("POST", "/echo", {})["key"] == "from the environment"
    assert Rest(server, 6333, "api-key", "/none", "NO_KEY").ask("POST", "/echo", {})["key"] == ""


def test_a_large_answer_streams_whole(rest: Rest) -> None:
    digest, size = hashlib.sha256(), 0
    with rest.sent("GET", "/big", nothing, 0, "") as body:
        while chunk := body.read(1 << 20):
            digest.update(chunk)
            size += len(chunk)
    assert size == 300 * len(BLOCK)
    assert digest.hexdigest() == hashlib.sha256(BLOCK * 300).hexdigest()


def test_a_chunked_answer(rest: Rest) -> None:
    assert read(rest, "/chunked") == BLOCK[:1] + BLOCK[:70000] + BLOCK[:3]


def test_a_large_body_streams_whole(rest: Rest) -> None:
    def send(pipe: IO[bytes]) -> None:
        for _ in range(200):
            pipe.write(BLOCK)

    with rest.sent("POST", "/echo", send, 200 * len(BLOCK), "application/octet-stream") as body:
        said = body.read()
    assert hashlib.sha256(BLOCK * 200).hexdigest().encode() in said


@pytest.mark.parametrize("target", ["/cut", "/cut-chunk", "/garbage", "/silent"])
def test_an_answer_that_is_not_whole_is_an_error(rest: Rest, target: str) -> None:
    with pytest.raises(OpsError) as caught:
        read(rest, target)
    assert (caught.value.problem.cause, caught.value.code) == ("down", 3)


def test_a_refusal_says_why(rest: Rest) -> None:
    with pytest.raises(RefusedError) as caught:
        rest.ask("GET", "/refused")
    assert caught.value.status == 401
    assert caught.value.problem.what == "service `qdrant` refused GET /refused"
    assert caught.value.problem.why == "status 401 Unauthorized: Must provide an API key"


def test_a_refusal_before_the_body_was_sent_says_why(rest: Rest) -> None:
    def send(pipe: IO[bytes]) -> None:
        for _ in range(200):
            pipe.write(BLOCK)

    with pytest.raises(OpsError) as caught, rest.sent("POST", "/early", send, 200 * len(BLOCK), "x/y"):
        pass
    assert caught.value.problem.why == "status 413 Request Entity Too Large: too large"


@pytest.mark.parametrize("where", ["port", "container"])
def test_nobody_there(server: Server, where: str) -> None:
    rest = connect(Server("st-no-such-container", "qdrant") if where == "container" else server)
    if where == "port":
        rest = Rest(server, 6399, rest.header, rest.secret, rest.variable)
    with pytest.raises(OpsError) as caught:
        rest.ask("GET", "/")
    assert caught.value.problem.cause == "down"


class Kept:
    """Files of an item, in memory."""

    def __init__(self) -> None:
        self.item = Item("qdrant_data", "st_qdrant_data")
        self.content: dict[str, bytes] = {}

    def add(self, role: str, name: str, stream: IO[bytes], about: dict[str, Any] | None = None) -> File:
        content = self.content[name] = stream.read()
        digest = hashlib.sha256(content).hexdigest()
        self.item.files.append(File(name, role, "none", len(content), digest, len(content), digest, about=about or {}))
        return self.item.files[-1]

    @contextmanager
    def open(self, file: File) -> Iterator[IO[bytes]]:
        yield io.BytesIO(self.content[file.path])


def test_the_conversation_is_the_documented_one(server: Server, rest: Rest) -> None:
    kept = Kept()
    Qdrant().dump(server, kept, kept.item)
    assert kept.item.counts == {"docs": 3, "odd name/ü": 0} == Qdrant().counts(server)
    assert kept.item.facts == {
        "version": "1.19.2",
        "aliases": [{"alias_name": "now", "collection_name": "docs"}],
    }
    assert "unproven" in kept.item.warnings[0]
    assert rest.ask("GET", "/collections/docs/left")["result"] == {"snapshots": 0}
    Qdrant().load(server, kept)
    assert Qdrant().counts(server) == kept.item.counts
    assert len(rest.ask("GET", "/aliases")["result"]["aliases"]) == 2
    assert rest.ask("GET", "/collections/docs/left")["result"] == {"snapshots": 0}


def test_a_snapshot_does_not_stay_when_it_cannot_be_kept(server: Server, rest: Rest) -> None:
    class Full(Kept):
        def add(self, role: str, name: str, stream: IO[bytes], about: dict[str, Any] | None = None) -> File:
            raise OpsError("the disk is full", cause="no-space")

    full = Full()
    with pytest.raises(OpsError, match="the disk is full"):
        Qdrant().dump(server, full, full.item)
    assert rest.ask("GET", "/collections/docs/left")["result"] == {"snapshots": 0}


def test_snapshots_of_another_version_are_not_loaded(server: Server) -> None:
    kept = Kept()
    kept.item.facts["version"] = "1.18.4"
    with pytest.raises(OpsError) as caught:
        Qdrant().load(server, kept)
    assert caught.value.problem.cause == "wrong-version"
