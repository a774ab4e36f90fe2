"""Single containers, for tests of an image and not of a project."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from tests.support import waiting


@dataclass(frozen=True, slots=True)
class Container:
    """One that runs until the end of the block, and goes with its volumes."""

    name: str

    @classmethod
    def start(cls, image: str, *arguments: str, ready: Sequence[str]) -> Self:
        """Run it, until the command `ready` succeeds in it."""
        container = cls(f"st-{uuid.uuid4().hex[:10]}")
        command = ["docker", "run", "--detach", "--name", container.name, *arguments, image]
        subprocess.run(command, capture_output=True, check=True)
        try:
            waiting.until(lambda: container.run(*ready).returncode == 0, f"{image} to be ready", pause=0.5)
        except AssertionError:
            container.remove()
            raise
        return container

    def run(self, *command: str, give: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        """Run a command in it, with `give` as its standard input."""
        return subprocess.run(
            ["docker", "exec", "--interactive", self.name, *command], input=give, capture_output=True, check=False
        )

    def remove(self) -> None:
        subprocess.run(["docker", "rm", "--force", "--volumes", self.name], capture_output=True, check=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()
