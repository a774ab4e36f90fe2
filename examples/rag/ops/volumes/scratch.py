# Managed by scaffold: updates merge this file.
"""Where a plain archive lies between a freeze and its compression.

That is a folder of this machine, or a volume in the engine where that is on another machine.
"""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from ops import docker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ops.docker import Answer
    from ops.volumes.helper import Helper

PATIENCE = 86400  # seconds
SPARE = 64 << 20  # bytes: tar adds a little to every file
MOUNT = "/ops-scratch"


@dataclass(frozen=True)
class Scratch:
    """Room for plain archives, one for each volume of a group."""

    at: Helper
    folder: Path

    def begin(self, volume: str) -> Path | None:
        """Make the file of a plain archive where it is on this machine: it can be read as it grows."""
        if not self.at.scratch:
            return None
        # Made here: the helper's root has no right to make files in a folder of another user.
        path = self.path(volume)
        path.touch(mode=0o600)
        os.chmod(path, 0o666)  # noqa: PTH101 (its folder is closed to others)
        return path

    def archive(self, volume: str, patience: int) -> Answer:
        """Write the plain archive of a volume; its name in the engine says which."""
        return self.at.run(*self.at.tar(volume, "-f", f"{MOUNT}/{self.name(volume)}"), patience=patience)

    @contextmanager
    def reading(self, volume: str) -> Iterator[IO[bytes]]:
        """Read a plain archive."""
        if self.at.scratch:
            with self.path(volume).open("rb") as file:
                yield file
        else:
            with docker.reading(["exec", self.at.id, "cat", f"{MOUNT}/{self.name(volume)}"]) as pipe:
                yield pipe

    def drop(self, volume: str) -> None:
        """Remove a plain archive."""
        if self.at.scratch:
            with suppress(FileNotFoundError):
                self.path(volume).unlink()
        else:
            self.at.run("rm", "-f", f"{MOUNT}/{self.name(volume)}")

    def name(self, volume: str) -> str:
        """Return the file name of a plain archive."""
        return f".scratch-{volume}"

    def path(self, volume: str) -> Path:
        """Return where it is on this machine."""
        return self.folder / self.name(volume)


@contextmanager
def place(at: Helper, folder: Path, need: int, volumes: list[str]) -> Iterator[Scratch | None]:
    """Yield room for `need` bytes of plain archives; None where there is not enough of it."""
    if at.scratch:
        # The compressed copy lies beside it for a while, and may be as large.
        room = shutil.disk_usage(folder).free > 2 * need + SPARE
    else:
        room = bool(at.spare) and at.free_at(MOUNT) > need + SPARE
    if not room:
        yield None
        return
    scratch = Scratch(at, folder)
    try:
        yield scratch
    finally:
        for volume in volumes:
            scratch.drop(volume)
