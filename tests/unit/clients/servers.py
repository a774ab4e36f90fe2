"""The servers behind the clients: real ones, as the stand-in images have them, and one that misbehaves on demand."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.support.models import tiny_model
from tests.support.waiting import free_port, until
from tests.unit.clients.helpers import answers, running, server_files

CHROMA = """
import sys
sys.path.insert(0, sys.argv[1])
import chromadb_rust_bindings
chromadb_rust_bindings.cli(["chroma", "run", "--host", "127.0.0.1", "--port", sys.argv[2], "--path", sys.argv[3]])
"""

LLAMA = """
import signal, sys
sys.path.insert(0, sys.argv[1])
import xllamacpp
parameters = xllamacpp.CommonParams()
parameters.hostname, parameters.port, parameters.model.path = "127.0.0.1", int(sys.argv[2]), sys.argv[3]
parameters.embedding, parameters.pooling_type = True, xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
parameters.n_ctx, parameters.n_batch, parameters.n_ubatch = 8192, 2048, 2048
# As in the Compose file. With more, this build mixes up the vectors of one request.
parameters.n_parallel = 1
parameters.cpuparams.n_threads = 1
server = xllamacpp.Server(parameters)
signal.pause()
"""


@contextmanager
def chroma(folder: Path) -> Iterator[dict[str, str]]:
    """Run Chroma; the variables with which a client finds it."""
    port = free_port()
    command = [sys.executable, "-c", CHROMA, str(server_files("chroma")), str(port), str(folder / "data")]
    with running(command, folder / "log", cwd=folder):
        until(lambda: answers(port, "/api/v2/heartbeat"), "Chroma", log=folder / "log")
        yield {"CHROMA_HOST": "127.0.0.1", "CHROMA_PORT": str(port)}


@contextmanager
def llama(folder: Path) -> Iterator[dict[str, str]]:
    """Run llama.cpp's server with a tiny model that chats and embeds."""
    port = free_port()
    (folder / "tiny.gguf").write_bytes(tiny_model())
    command = [sys.executable, "-c", LLAMA, str(server_files("llama-cpp")), str(port), str(folder / "tiny.gguf")]
    with running(command, folder / "log", cwd=folder):
        until(lambda: answers(port, "/health"), "llama.cpp", log=folder / "log")
        yield model_variables(f"http://127.0.0.1:{port}/v1")


@contextmanager
def seaweedfs(folder: Path) -> Iterator[dict[str, str]]:
    """Run SeaweedFS with one pair of keys."""
    ports = {name: free_port() for name in ("s3", "master", "volume", "filer")}
    options = ["-dir=.", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", *(f"-{name}.port={ports[name]}" for name in ports)]
    options += [f"-{name}.port.grpc={free_port()}" for name in ports]
    options += ["-webdav=false", "-admin.ui=false", "-s3.port.iceberg=0", "-s3.port.lance=0", "-master.telemetry=false"]
    keys = {"AWS_ACCESS_KEY_ID": "access", "AWS_SECRET_ACCESS_KEY": "a long secret"}
    with running([str(server_files("seaweedfs") / "weed"), "mini", *options], folder / "log", cwd=folder, env=keys):
        until(lambda: answers(ports["s3"], "/healthz"), "SeaweedFS", log=folder / "log")
        yield {
            "S3_ENDPOINT_URL": f"http://127.0.0.1:{ports['s3']}",
            "S3_ACCESS_KEY": keys["AWS_ACCESS_KEY_ID"],
            "S3_SECRET_KEY": keys["AWS_SECRET_ACCESS_KEY"],
            "S3_BUCKET": "app",
        }


def model_variables(url: str, model: str = "tiny.gguf") -> dict[str, str]:
    address = f"http://models.example/{model}?download=true"
    return {
        f"LLAMA_CPP_{kind}_{part}": url if part == "URL" else address
        for kind in ("CHAT", "EMBED")
        for part in ("URL", "MODEL")
    }


class Scripted:
    """A server with OpenAI's endpoints that says what a real one cannot be made to say.

    `pieces` is what it answers to a chat, `pause` seconds apart; None among them breaks the connection.
    `gone` is set when a reader went away before the end.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.forget()

    def forget(self) -> None:
        self.pieces: list[str | None] = []
        self.pause = 0.0
        self.vectors: list[list[float]] = []
        self.status = 200
        self.requests: list[Any] = []
        self.gone = threading.Event()


class Scripts(BaseHTTPRequestHandler):
    server: Listener
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        script = self.server.script
        sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        script.requests.append(sent)
        self.close_connection = True
        self.send_response(script.status)
        # A stream that ends without its last chunk has broken off.
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        try:
            for piece in self.stream(script) if sent.get("stream") else [self.whole(script, sent)]:
                if piece is None:
                    return
                self.chunk(piece)
            self.chunk("")
        except OSError:
            script.gone.set()

    def chunk(self, text: str) -> None:
        self.wfile.write(f"{len(text.encode()):x}\r\n{text}\r\n".encode())

    def stream(self, script: Scripted) -> Iterator[str | None]:
        for piece in script.pieces:
            delta = {"choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": None}]}
            yield None if piece is None else f"data: {json.dumps(delta)}\n\n"
            time.sleep(script.pause)
        yield 'data: {"choices": [], "usage": null}\n\ndata: [DONE]\n\n'

    def whole(self, script: Scripted, sent: dict[str, Any]) -> str:
        if "input" in sent:
            # The protocol leaves the order free.
            return json.dumps(
                {"data": [{"embedding": row, "index": at} for at, row in enumerate(script.vectors)][::-1]}
            )
        choice = {"index": 0, "message": {"content": "".join(map(str, script.pieces))}, "finish_reason": "stop"}
        return json.dumps({"choices": [choice]})

    def log_message(self, format: str, *args: object) -> None:
        pass


class Listener(ThreadingHTTPServer):
    script: Scripted


@contextmanager
def scripted() -> Iterator[Scripted]:
    """Run such a server."""
    listener = Listener(("127.0.0.1", 0), Scripts)
    listener.script = Scripted(f"http://127.0.0.1:{listener.server_port}/v1")
    thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield listener.script
    finally:
        listener.shutdown()
        listener.server_close()
        thread.join()
