# Managed by scaffold: updates merge this file.
"""HTTP to a server from inside its own container: no published port is needed, and bash is the only client there.

The key is read in the container and written to the connection by a builtin: it is in no argument list.
"""

from __future__ import annotations

import io
import json
import subprocess
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from ops import docker
from ops.errors import UNABLE, OpsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from http.client import HTTPResponse

    from ops.stores.server import Server

PATIENCE = 6 * 3600  # seconds for one request: a snapshot of much data takes long, a dead server for ever
JSON = "application/json"
# $1 port, $2 name of the key's header, $3 its file, $4 its variable, $5 method and target, $6 length, $7 type. The body
# is sent whole before the answer is read; a server that answers early and closes ends the sending only.
SCRIPT = (
    rf"exec timeout {PATIENCE} bash -euc"
    + r""" '
    key=; if [ -r "$3" ]; then key=$(cat "$3"); elif [ -n "${!4-}" ]; then key=${!4}; fi
    exec 3<>"/dev/tcp/127.0.0.1/$1"
    printf "%s HTTP/1.1\r\nHost: 127.0.0.1:%s\r\nConnection: close\r\nAccept: */*\r\n" "$5" "$1" >&3
    if [ -n "$key" ]; then printf "%s: %s\r\n" "$2" "$key" >&3; fi
    if [ -n "$7" ]; then printf "Content-Type: %s\r\nContent-Length: %s\r\n" "$7" "$6" >&3; fi
    printf "\r\n" >&3
    cat >&3 2>/dev/null || :
    exec </dev/null
    cat <&3
' ops "$@"
"""
)


@dataclass(frozen=True)
class Rest:
    """A server that speaks HTTP on a port of its container."""

    server: Server
    port: int
    header: str  # of the key
    secret: str  # the file in the container that holds the key
    variable: str  # or the variable

    def ask(self, method: str, target: str, document: object = None) -> Any:
        """Send a small request and return the JSON of the answer."""
        content = b"" if document is None else json.dumps(document).encode()
        kind = JSON if document is not None else ""
        with self.sent(method, target, lambda pipe: write(pipe, content), len(content), kind) as body:
            try:
                return json.loads(body.read())
            except ValueError:
                raise self.silent("its answer is not JSON") from None

    @contextmanager
    def sent(
        self, method: str, target: str, send: Callable[[IO[bytes]], None], length: int, kind: str
    ) -> Iterator[IO[bytes]]:
        """Send a request whose body `send` writes, and yield the body of a good answer; a cut one is raised."""
        from http.client import HTTPException, HTTPResponse  # noqa: PLC0415 (a seventh of what `ops` takes to start)

        said = [str(self.port), self.header, self.secret, self.variable, f"{method} {target}", str(length), kind]
        command = self.server.command(SCRIPT, *said)
        with docker.streaming(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            stdin, stdout = process.stdin, process.stdout
            assert stdin is not None
            assert isinstance(stdout, io.BufferedReader)
            # A refusal may come before all is sent: then the answer says why.
            with suppress(BrokenPipeError):
                send(stdin)
                stdin.close()
            try:
                if not stdout.peek(1):
                    raise self.silent(f"nothing came from port {self.port} in its container")
                response = HTTPResponse(Wire(stdout), method=method)  # type: ignore[arg-type]
                response.begin()
                if response.status >= 300:  # noqa: PLR2004
                    raise self.refused(method, target, response)
                yield io.BufferedReader(Body(response), 1 << 20)
            except HTTPException:
                raise self.silent("its answer was cut, or is not HTTP") from None

    def refused(self, method: str, target: str, response: HTTPResponse) -> OpsError:
        """Say what a server thinks of a request."""
        line = response.read(4096).decode("utf-8", "replace")
        with suppress(ValueError, AttributeError, TypeError):
            line = json.loads(line)["status"]["error"]
        why = f"status {response.status} {response.reason}: {' '.join(str(line).split())[:300]}"
        path = target.partition("?")[0]
        return RefusedError(f"service `{self.server.service}` refused {method} {path}", why, response.status)

    def silent(self, why: str) -> OpsError:
        """Say that no whole answer came."""
        return OpsError(f"service `{self.server.service}` does not answer", why, code=UNABLE, cause="down")


class RefusedError(OpsError):
    """An answer with a status that is no success."""

    def __init__(self, what: str, why: str, status: int) -> None:
        """Keep the status: some are expected."""
        super().__init__(what, why, code=UNABLE, cause="down")
        self.status = status


class Wire:
    """What `HTTPResponse` wants of a socket."""

    def __init__(self, stream: IO[bytes]) -> None:
        """Keep the stream that bytes come from."""
        self.stream = stream

    def makefile(self, mode: str) -> IO[bytes]:
        """Return the stream."""
        return self.stream


class Body(io.RawIOBase):
    """The body of an answer: `HTTPResponse` alone says nothing when the connection ends before the length is there."""

    def __init__(self, response: HTTPResponse) -> None:
        """Keep the answer, whose head has been read."""
        super().__init__()
        self.response = response

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read some bytes; none at the end only."""
        count = self.response.readinto(buffer)
        if not count and len(buffer) and self.response.length:
            from http.client import HTTPException  # noqa: PLC0415 (as above)

            raise HTTPException("cut")
        return count


def write(pipe: IO[bytes], content: bytes) -> None:
    """Send a small body."""
    pipe.write(content)
