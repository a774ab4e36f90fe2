"""Runs in a container: answers as servers do, well and badly. `/collections…` answers as Qdrant's documentation says.

It is no Qdrant and stores nothing that Qdrant would: what is tried with it is the way in and out of a container.
"""

import hashlib
import json
import os
import re
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

BLOCK = bytes(range(256)) * 4096
SNAPSHOTS: dict[tuple[str, str], bytes] = {}
COLLECTIONS = {"docs": 3, "odd name/ü": 0}
ALIASES = [{"alias_name": "now", "collection_name": "docs"}]


def seen(secret: str) -> bool:
    """Whether a secret is in the arguments of any process here."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if secret.encode() in path.read_bytes():
                return True
        except OSError:
            pass
    return False


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *arguments: object) -> None:
        pass

    def reply(self, document: object, status: int = 200) -> None:
        self.whole(json.dumps(document).encode(), status)

    def whole(self, content: bytes, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def body(self) -> tuple[str, int, bytes]:
        """The hash and the size of the body, and the body itself unless it is large."""
        left = int(self.headers.get("Content-Length") or 0)
        content = b""
        digest, size = hashlib.sha256(), 0
        while left:
            chunk = self.rfile.read(min(left, 1 << 20))
            left -= len(chunk)
            size += len(chunk)
            digest.update(chunk)
            if size < 64 << 20:
                content += chunk
        return digest.hexdigest(), size, content

    def do_GET(self) -> None:
        name = self.path.partition("?")[0]
        known = {"/big": self.big, "/chunked": self.chunked, "/cut": self.cut, "/cut-chunk": self.cut_chunk}
        if name in known:
            known[name]()
        elif name == "/refused":
            self.reply({"status": {"error": "Must provide an API key"}}, 401)
        elif name == "/garbage":
            self.wfile.write(b"SSH-2.0-not-http\r\n")
        elif name == "/silent":
            self.close_connection = True
        else:
            self.documented("GET", name)

    def do_POST(self) -> None:
        name = self.path.partition("?")[0]
        if name == "/early":
            self.whole(b'{"status": {"error": "too large"}}', 413)
            self.close_connection = True
        elif name == "/echo":
            digest, size, _ = self.body()
            key = self.headers.get("api-key") or ""
            self.reply({"sha256": digest, "size": size, "key": key, "seen": bool(key) and seen(key)})
        else:
            self.documented("POST", name)

    def do_DELETE(self) -> None:
        self.documented("DELETE", self.path.partition("?")[0])

    def big(self) -> None:
        count = int(os.environ["BLOCKS"])
        self.send_response(200)
        self.send_header("Content-Length", str(count * len(BLOCK)))
        self.end_headers()
        for _ in range(count):
            self.wfile.write(BLOCK)

    def chunked(self) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for size in (1, 70000, 3):
            self.wfile.write(b"%x;x=y\r\n%s\r\n" % (size, BLOCK[:size]))
        self.wfile.write(b"0\r\nTrailer: t\r\n\r\n")

    def cut(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(2 * len(BLOCK)))
        self.end_headers()
        self.wfile.write(BLOCK)
        self.close_connection = True

    def cut_chunk(self) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.write(b"%x\r\n%s\r\n" % (1000, BLOCK[:1000]))
        self.close_connection = True

    def documented(self, method: str, name: str) -> None:
        _, _, content = self.body()
        parts = [unquote(part) for part in name.strip("/").split("/")]
        result = self.found(method, parts, content)
        if isinstance(result, bytes):
            self.whole(result)
        elif result is None:
            self.reply({"status": {"error": "Not found"}}, 404)
        else:
            self.reply({"result": result, "status": "ok", "version": "1.19.2"} if parts != [""] else result)

    def found(self, method: str, parts: list[str], content: bytes) -> Any:
        if parts == [""]:
            return {"title": "qdrant", "version": "1.19.2"}
        if parts == ["cluster"]:
            return {"status": "disabled"}
        if parts == ["aliases"]:
            return {"aliases": ALIASES}
        if parts == ["collections"]:
            return {"collections": [{"name": name} for name in COLLECTIONS]}
        if parts == ["collections", "aliases"]:
            ALIASES.extend(action["create_alias"] for action in json.loads(content)["actions"])
            return True
        if parts[0] == "collections":
            return self.collection(method, parts[1], parts[2:], content)
        return None

    def collection(self, method: str, name: str, rest: list[str], content: bytes) -> Any:
        if rest == ["points", "count"]:
            return {"count": COLLECTIONS[name]}
        if rest == ["snapshots"] and method == "POST":
            made = json.dumps({"collection": name, "points": COLLECTIONS[name]}).encode()
            SNAPSHOTS[name, "one.snapshot"] = made
            return {"name": "one.snapshot", "size": len(made), "checksum": hashlib.sha256(made).hexdigest()}
        if rest == ["snapshots", "upload"]:
            head = b"Content-Type: " + self.headers["Content-Type"].encode() + b"\r\n\r\n"
            form: Any = BytesParser().parsebytes(head + content)
            part = form.get_payload()[0]
            made = part.get_payload(decode=True)
            given = re.search("checksum=([0-9a-f]{64})", self.path)
            assert given
            if "priority=snapshot" not in self.path or hashlib.sha256(made).hexdigest() != given[1]:
                return None
            COLLECTIONS[name] = json.loads(made)["points"]
            SNAPSHOTS[name, part.get_filename()] = made
            return True
        if rest[0] == "snapshots" and method == "GET":
            return SNAPSHOTS.get((name, rest[1]))
        if rest[0] == "snapshots" and method == "DELETE":
            return True if SNAPSHOTS.pop((name, rest[1]), None) else None
        if rest == ["left"]:
            return {"snapshots": len(SNAPSHOTS)}
        return None


ThreadingHTTPServer(("127.0.0.1", 6333), Handler).serve_forever()
