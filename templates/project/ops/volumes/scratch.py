# Managed by scaffold: updates merge this file.
"""Where a plain archive lies between a freeze and its compression.

That is a folder of this machine, or a volume in the engine where that is on another machine.
"""

from __future__ import annotations

import os
import secrets
import shutil
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, cast

from ops import docker
from ops.errors import UNABLE, OpsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from ops.docker import Answer
    from ops.volumes.helper import Helper

PATIENCE = 86400  # seconds
SPARE = 64 << 20  # bytes: tar adds a little to every file
MOUNT = "/ops-scratch"
BLOCK = 512
CHUNK = 1 << 20
TAIL = 256 << 10  # bytes: more than a mark and what tar fills its last record up with
HALF, LIST = ".half", ".list"
# Two tars at once: one takes the folders of a list, the other everything else, and the mark last. Each tells of links
# that it did not find all of, such as one with a name on either side, which both would store as a file of its own.
TWO = """list=$1 rest=$2 half=$3 mark=$4; shift 4
"$@" --check-links -f "$half" --files-from="$list" &
"$@" --check-links -f "$rest" --anchored --no-wildcards --exclude-from="$list" . -C "$0" "$mark"; code=$?
wait $! || exit 2; exit $code"""
NOT_WHOLE = "Missing links"


@dataclass(frozen=True)
class Scratch:
    """Room for plain archives, one for each volume of a group."""

    at: Helper
    folder: Path
    halves: Mapping[str, Sequence[str]]  # folders of each volume that a second tar can take beside the first
    token: str = field(default_factory=lambda: secrets.token_hex(16))

    def begin(self, volume: str) -> bool:
        """Make the file of a plain archive where it is on this machine: it can be read as it grows."""
        if self.at.scratch:
            make(self.path(volume))
        return bool(self.at.scratch)

    def archive(self, volume: str, patience: int) -> Answer:
        """Write the plain archive of a volume; its name in the engine says which."""
        return self.at.run(*self.at.tar(volume, "-f", self.inside(volume)), patience=patience)

    def archive_halves(self, volume: str, patience: int) -> bool:
        """Write it by two tars at once, in two files; false when they have not got all of it."""
        for path in (self.path(volume), self.path(volume, HALF), self.path(volume, LIST), self.mark):
            make(path)
        self.path(volume, LIST).write_text("".join(f"./{name}\n" for name in self.halves[volume]))
        files = [self.inside(volume, LIST), self.inside(volume), self.inside(volume, HALF), self.mark.name]
        tar = self.at.tar(volume, members=())
        answer = self.at.run("sh", "-c", TWO, MOUNT, *files, *tar, patience=patience)
        if answer.code == 0 and NOT_WHOLE not in answer.errors:
            os.truncate(self.path(volume), self.end(volume))
            return True
        self.drop(volume)
        return False

    @contextmanager
    def reading(self, volume: str) -> Iterator[IO[bytes]]:
        """Read a plain archive."""
        if not self.at.scratch:
            with docker.reading(["exec", self.at.id, "cat", self.inside(volume)]) as pipe:
                yield pipe
            return
        with closing(self.open(volume)) as file:
            yield file

    def in_two(self, volume: str) -> bool:
        """Tell whether an archive lies in two halves."""
        return self.path(volume, HALF).exists()

    def open(self, volume: str) -> IO[bytes]:
        """Open one that is on this machine."""
        with ExitStack() as opened:
            file: IO[bytes] = opened.enter_context(self.path(volume).open("rb"))
            if self.in_two(volume):
                file = cast("IO[bytes]", Halves(file, opened.enter_context(self.path(volume, HALF).open("rb"))))
            opened.pop_all()
        return file

    def join(self, volume: str) -> IO[bytes]:
        """Make one archive of two halves, and open it."""
        with self.path(volume).open("ab") as file, self.path(volume, HALF).open("rb") as rest:
            shutil.copyfileobj(rest, file, CHUNK)
        self.path(volume, HALF).unlink()
        return self.open(volume)

    def lying(self, volume: str) -> list[Path]:
        """Return the files that one on this machine lies in, one after the other."""
        return [self.path(volume), *([self.path(volume, HALF)] if self.in_two(volume) else [])]

    def end(self, volume: str) -> int:
        """Return where the members of a first half end, and the mark begins: with a header that is named after it."""
        with self.path(volume).open("rb") as file:
            tail = max(0, file.seek(0, os.SEEK_END) - TAIL)
            file.seek(tail)
            found = file.read().find(self.mark.name.encode())
        if found < 0:
            raise OpsError("an archive has no end", "it was cut while it was written", code=UNABLE)
        return tail + found - (tail + found) % BLOCK

    def drop(self, volume: str) -> None:
        """Remove a plain archive."""
        if self.at.scratch:
            for path in (*(self.path(volume, more) for more in ("", HALF, LIST)), self.mark):
                with suppress(FileNotFoundError):
                    path.unlink()
        else:
            self.at.run("rm", "-f", self.inside(volume))

    @property
    def mark(self) -> Path:
        """Return a file whose name is nobody else's, and short enough to stand whole in a header."""
        return self.folder / f".{self.token}"

    def path(self, volume: str, more: str = "") -> Path:
        """Return where a file for a volume is on this machine."""
        return self.folder / f".scratch-{volume}{more and self.token + more}"

    def inside(self, volume: str, more: str = "") -> str:
        """Return where it is in the helper."""
        return f"{MOUNT}/{self.path(volume, more).name}"


def make(path: Path) -> None:
    """Make a file for the helper here: its root has no right to make one in a folder of another user."""
    path.touch(mode=0o600)
    os.chmod(path, 0o666)  # noqa: PTH101 (its folder is closed to others)


class Halves:
    """Two files as one."""

    def __init__(self, first: IO[bytes], second: IO[bytes]) -> None:
        """Begin at the first one's start."""
        self.first, self.end, self.second = first, first.seek(0, os.SEEK_END), second
        self.seek(0)

    def read(self, size: int) -> bytes:
        """Return the next bytes."""
        piece = self.first.read(min(size, self.end - self.at)) if self.at < self.end else self.second.read(size)
        self.at += len(piece)
        return piece

    def seek(self, at: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place; return where that is."""
        if whence == os.SEEK_END:
            at += self.end + self.second.seek(0, os.SEEK_END)
        self.first.seek(min(at, self.end))
        self.second.seek(max(0, at - self.end))
        self.at = at
        return at

    def close(self) -> None:
        """Close both."""
        self.first.close()
        self.second.close()


@contextmanager
def place(at: Helper, folder: Path, need: int, halves: Mapping[str, Sequence[str]]) -> Iterator[Scratch | None]:
    """Yield room for `need` bytes of plain archives; None where there is not enough of it.

    `halves` names the volumes, and the folders of each that a second tar can take beside the first.
    """
    if at.scratch:
        # The compressed copy lies beside it for a while, and may be as large.
        room = shutil.disk_usage(folder).free > 2 * need + SPARE
    else:
        room = bool(at.spare) and at.free_at(MOUNT) > need + SPARE
    if not room:
        yield None
        return
    scratch = Scratch(at, folder, halves)
    try:
        yield scratch
    finally:
        # A volume beside the engine goes as a whole.
        for volume in halves if at.scratch else ():
            scratch.drop(volume)
