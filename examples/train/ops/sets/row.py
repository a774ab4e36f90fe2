# Managed by scaffold: updates merge this file.
"""Programs in a row, each reading what the one before it writes."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import tempfile
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from ops.errors import UNABLE, OpsError

if sys.platform == "linux":
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Sequence

PIPE = 1 << 20  # bytes; what Linux lets everyone have
SET_PIPE_SIZE = 1031  # `fcntl.F_SETPIPE_SZ`, which Python names since 3.10
# `pigz` takes options from these too, and could then write something else than we asked for.
OPTIONS = {"GZIP", "PIGZ"}


@dataclass(frozen=True)
class Stage:
    """A running program; its complaint goes to a file, since a full pipe would stop it."""

    name: str
    process: subprocess.Popen[bytes]
    errors: IO[bytes]

    def said(self) -> str:
        """Return the first line of its complaint (`age` ends with an advice), or how it ended."""
        self.errors.seek(0)
        lines = self.errors.read(1 << 16).decode("utf-8", "replace").strip().splitlines()
        code = self.process.returncode
        how = f"ended with exit code {code}" if code >= 0 else f"was killed by signal {-code}"
        return lines[0].strip() if lines else f"`{self.name}` {how}"

    def early(self) -> str:
        """Say that it did not take everything."""
        return f"`{self.name}` ended before it had read everything"


class Row:
    """A row of running programs; they are gone when its context ends.

    `start` is what the first reads, and is taken over. `output` is what the last writes, and the caller's to close:
    with no program at all, that is `start`.
    """

    def __init__(self, commands: Sequence[Sequence[str]], start: io.FileIO) -> None:
        """Start every program, or none."""
        self.output = start
        self.stages: list[Stage] = []
        try:
            for command in commands:
                self.add(command)
        except BaseException:
            self.output.close()
            self.end()
            raise

    def add(self, command: Sequence[str]) -> None:
        """Start one more program behind the others."""
        with ExitStack() as mess:
            reading, writing = pipe()
            mess.callback(reading.close)
            with writing:
                errors = mess.enter_context(tempfile.TemporaryFile())
                process = start(command, self.output, writing, errors)
            mess.pop_all()
        # The program has its own; ours would keep it from hearing that its neighbour is gone.
        self.output.close()
        self.output = reading
        self.stages.append(Stage(named(command), process, errors))

    def __enter__(self) -> Row:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def kill(self) -> None:
        """Stop what still runs."""
        for stage in self.stages:
            stage.process.kill()

    def end(self) -> None:
        """Stop what still runs, and leave nothing of it."""
        self.kill()
        for stage in self.stages:
            stage.process.wait()
            stage.errors.close()

    def complaint(self) -> str:
        """Wait for every program; return what the first one that failed said, or nothing."""
        failed = [stage for stage in self.stages if stage.process.wait()]
        for stage in failed:
            # One that could not write any more is a consequence of another.
            if stage.process.returncode != -signal.SIGPIPE:
                return stage.said()
        if not failed:
            return ""
        behind = self.stages[self.stages.index(failed[-1]) + 1 :]
        return behind[0].early() if behind else failed[-1].said()


def start(command: Sequence[str], reading: io.FileIO, writing: io.FileIO, errors: IO[bytes]) -> subprocess.Popen[bytes]:
    """Start a program; OpsError when there is none of that name."""
    environment = {key: value for key, value in os.environ.items() if key not in OPTIONS}
    try:
        return subprocess.Popen(list(command), stdin=reading, stdout=writing, stderr=errors, env=environment)
    except (FileNotFoundError, PermissionError):
        name = named(command)
        fix = f"install `{name}` on this machine, or put it on PATH"
        raise OpsError(f"there is no `{name}` command", fix=fix, code=UNABLE, cause="missing-tool") from None


def named(command: Sequence[str]) -> str:
    """Return the name of a program, whatever starts it."""
    return Path(command[1 if command[0] == "nice" else 0]).name


def pipe() -> tuple[io.FileIO, io.FileIO]:
    """Return both ends of a pipe that takes large pieces, where the system lets it."""
    reading, writing = os.pipe()
    if sys.platform == "linux":
        with suppress(OSError):
            fcntl.fcntl(writing, SET_PIPE_SIZE, PIPE)
    return io.FileIO(reading, "rb"), io.FileIO(writing, "wb")
