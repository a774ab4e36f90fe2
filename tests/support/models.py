"""A tiny model, and a server on this machine from which containers can download it."""

from __future__ import annotations

import hashlib
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.support.engine import cached_folder, host_address, run
from tests.support.images import IMAGES

SCRIPT = IMAGES / "llama-cpp" / "tiny_gguf.py"


def tiny_model(kind: str = "") -> bytes:
    """A GGUF file that chats and embeds; see its script, also for the `kind`."""
    digest = hashlib.sha256(SCRIPT.read_bytes()).hexdigest()[:16]

    def make(folder: Path) -> None:
        run([sys.executable, SCRIPT, folder / "tiny.gguf", kind])

    return (cached_folder(f"tiny-gguf-{kind}{digest}", make) / "tiny.gguf").read_bytes()


class Downloads:
    """Files by name, and how the last requests for them began. `cut` ends each answer after so many bytes."""

    def __init__(self) -> None:
        self.address = ""
        self.files: dict[str, bytes] = {}
        self.ranges: list[str] = []
        self.cut: int | None = None

    def url(self, name: str) -> str:
        return f"{self.address}/{name}"


@contextmanager
def serve() -> Iterator[Downloads]:
    """Serve downloads to containers, with ranges, until the end of the block."""
    gateway = host_address()
    downloads = Downloads()
    server = ThreadingHTTPServer((gateway, 0), partial(_Handler, downloads))
    downloads.address = f"http://{gateway}:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield downloads
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    def __init__(self, downloads: Downloads, *args: Any) -> None:
        self.downloads = downloads
        super().__init__(*args)

    def do_GET(self) -> None:
        content = self.downloads.files.get(self.path.strip("/").partition("?")[0])
        if content is None:
            self.send_error(404)
            return
        wanted = self.headers.get("Range", "")
        self.downloads.ranges.append(wanted)
        match = re.fullmatch(r"bytes=(\d+)-", wanted)
        start = int(match[1]) if match else 0
        if start >= len(content):
            self.send_error(416)
            return
        self.send_response(206 if match else 200)
        self.send_header("Content-Length", str(len(content) - start))
        if match:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.end_headers()
        self.wfile.write(content[start:][: self.downloads.cut])

    def log_message(self, format: str, *args: object) -> None:
        pass
