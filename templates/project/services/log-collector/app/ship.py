"""Where logs go: to this container's output, or by POST to an address. Change it as you like."""

from __future__ import annotations

import json
import sys
import urllib.request
from collections.abc import Iterable
from contextlib import suppress
from http.client import HTTPException

from clients import setting

# Seconds that an address has for an answer.
TIMEOUT = 30


def dressed(service: str, number: int, raw: bytes) -> bytes:
    """A line as it is shipped: with its service and its number, by which one that comes twice is known."""
    own = {"source": service, "line": number}
    try:
        record = json.loads(raw)
    except ValueError:
        record = None
    if not isinstance(record, dict):
        # Half a line of a process that was killed, or what an application wrote in its own way.
        return json.dumps({"message": raw.decode("utf-8", "backslashreplace"), **own}, ensure_ascii=False).encode()
    return json.dumps({**record, **own}, ensure_ascii=False).encode("utf-8", "backslashreplace")


def ship(lines: Iterable[bytes]) -> None:
    """Hand lines on. When this returns they count as delivered; when it raises OSError they are tried again."""
    body = b"".join(line + b"\n" for line in lines)
    if not body:
        return
    if url := setting("LOG_SHIP_URL"):
        post(url, body)
    else:
        sys.stdout.buffer.write(body)
        sys.stdout.buffer.flush()


class Unmoved(urllib.request.HTTPRedirectHandler):
    """Follows no redirection: it would be followed without the lines, and answered well."""

    def redirect_request(self, *_: object) -> None:
        """Refuse."""


def post(url: str, body: bytes) -> None:
    """Send lines to an address that answers 2xx when it has them. Raises OSError."""
    headers = {"Content-Type": "application/x-ndjson"}
    with suppress(LookupError):
        headers["Authorization"] = f"Bearer {setting('LOG_SHIP_TOKEN')}"
    request = urllib.request.Request(url, body, headers)
    try:
        with urllib.request.build_opener(Unmoved).open(request, timeout=TIMEOUT) as answer:
            answer.read()
    except HTTPException as error:
        raise OSError(f"no answer of HTTP: {error!r}") from error
