# Managed by scaffold: updates merge this file.
"""A running server of a store, and programs run inside its container: the client there fits it by definition."""

from __future__ import annotations

from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from ops import docker
from ops.errors import UNABLE, OpsError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

PATIENCE = 3600


@dataclass(frozen=True)
class Server:
    """A container that runs. Scripts are constants; what varies reaches them as arguments, secrets by file."""

    container: str
    service: str

    def ask(self, script: str, *arguments: str, stdin: str = "") -> str:
        """Run a shell script that has to succeed, and return its output."""
        answer = self.attempt(script, *arguments, stdin=stdin)
        if answer.code:
            raise OpsError(f"service `{self.service}` does not answer", answer.last_error(), code=UNABLE, cause="down")
        return answer.output

    def attempt(self, script: str, *arguments: str, stdin: str = "") -> docker.Answer:
        """Run a shell script, whatever comes of it."""
        return docker.run(self.command(script, *arguments), stdin=stdin, patience=PATIENCE)

    def reading(self, script: str, *arguments: str) -> AbstractContextManager[IO[bytes]]:
        """Run a shell script and read its output as it comes; a failure is raised at the end."""
        return docker.reading(self.command(script, *arguments))

    def feeding(self, script: str, *arguments: str) -> AbstractContextManager[IO[bytes]]:
        """Run a shell script and write to its standard input; a failure is raised at the end."""
        return docker.feeding(self.command(script, *arguments))

    def command(self, script: str, *arguments: str) -> list[str]:
        """Return the `docker` command; `sh` gets the arguments as `$1`, `$2` …"""
        return ["exec", "-i", self.container, "sh", "-euc", script, "ops", *arguments]
