# Managed by scaffold: updates merge this file.
"""How a file of a set is written and read: compressed, maybe encrypted, and hashed on both sides."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import sys
import threading
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from ops import files
from ops.errors import UNABLE, OpsError
from ops.sets.row import Row, pipe

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

NONE = "none"
SUFFIX = {"zstd": ".zst", "gzip": ".gz", NONE: ""}
CHUNK = 1 << 20
BEHIND = 8 << 20  # bytes
THREADS = 8  # more only take memory: one core hashes as fast as eight compress


@dataclass(frozen=True)
class Stored:
    """A file that was written. Sizes in bytes, hashes are SHA-256 in hex."""

    size: int
    sha256: str
    plain_size: int
    plain_sha256: str


class Sum:
    """The size and the hash of what went by."""

    def __init__(self) -> None:
        self.size = 0
        self.hash = hashlib.sha256()

    def add(self, piece: memoryview) -> None:
        """Count one more piece."""
        self.size += len(piece)
        self.hash.update(piece)


class Sink(threading.Thread):
    """The other half of the work: hash and write what comes out, while more goes in."""

    def __init__(self, stream: io.FileIO, handle: int) -> None:
        super().__init__(name="ops-sink", daemon=True)
        self.stream = stream
        self.handle = handle
        self.sum = Sum()
        self.told = 0  # bytes
        self.error: BaseException | None = None

    def run(self) -> None:
        """Take everything; when that fails, the writer hears it by its pipe."""
        try:
            with self.stream:
                for piece in pieces(self.stream):
                    self.sum.add(piece)
                    files.write_all(self.handle, piece)
                    self.told = write_behind(self.handle, self.told, self.sum.size)
        except BaseException as error:  # raised by the one who waits
            self.error = error


def write_behind(handle: int, told: int, size: int) -> int:
    """Have the disk begin with what is written, and not keep it in memory: nobody reads it soon.

    Return up to where the system was told so; `told` is the last answer.
    """
    if size - told < BEHIND or not hasattr(os, "posix_fadvise"):
        return told
    os.posix_fadvise(handle, told, size - told, os.POSIX_FADV_DONTNEED)
    return size


def available() -> str:
    """Return the best codec here; gzip is always possible."""
    return "zstd" if shutil.which("zstd") else "gzip"


def encode(
    source: IO[bytes], path: Path, codec: str, through: Sequence[str] = (), *, lying: Sequence[Path] = ()
) -> Stored:
    """Write a stream to a new file. What fails leaves no file, no process and no thread.

    `lying` are files that hold all of the stream, one after the other: who compresses can read them without us in
    between. Of several only zstd makes one stream.
    """
    if codec == NONE or (len(lying) > 1 and codec != "zstd"):
        lying = ()
    commands = [*packing(codec, lying if len(lying) > 1 else ()), *([through] if through else [])]
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        try:
            stored = pour(source, handle, commands, path.name, lying)
            os.fsync(handle)
        finally:
            os.close(handle)
    except BaseException:
        with suppress(FileNotFoundError):
            path.unlink()
        raise
    return stored


def pour(source: IO[bytes], handle: int, commands: Sequence[Sequence[str]], name: str, lying: Sequence[Path]) -> Stored:
    """Send a stream through a row of programs into an open file."""
    with ExitStack() as ends:
        # Several files are named on the command line.
        reading, writing = (io.FileIO(lying[0] if len(lying) == 1 else os.devnull), None) if lying else pipe()
        # With one file instead of a pipe, its position tells how much of it was read.
        place = ends.enter_context(io.FileIO(os.dup(reading.fileno()))) if len(lying) == 1 else None
        if writing:
            ends.enter_context(writing)  # of a row that cannot be started
        row = ends.enter_context(Row(commands, reading))
        sink = Sink(row.output, handle)
        sink.start()
        try:
            plain = feed(source, writing)
            sink.join()
        except BaseException:
            row.kill()
            raise
        finally:
            sink.join()
        if sink.error:
            raise sink.error
        complaint = row.complaint()
        if complaint or plain is None or (place and place.tell() != plain.size):
            raise OpsError(f"`{name}` could not be written", complaint or row.stages[0].early(), code=UNABLE)
    return Stored(sink.sum.size, sink.sum.hash.hexdigest(), plain.size, plain.hash.hexdigest())


def feed(source: IO[bytes], target: io.FileIO | None) -> Sum | None:
    """Count a whole stream, and send it down a pipe, if any, which is closed; None when its other end is gone."""
    plain = Sum()
    with target or nullcontext():
        for piece in pieces(source):
            plain.add(piece)
            if target is None:
                continue
            try:
                files.write_all(target.fileno(), piece)
            except BrokenPipeError:
                return None
    return plain


@contextmanager
def decoded(path: Path, codec: str, through: Sequence[str] = ()) -> Iterator[IO[bytes]]:
    """Yield what went into a file. Once all of it was read, damage that a program found is raised.

    A reader may stop early. One that fails because the content ended early hears of the damage instead.
    """
    commands = [*([through] if through else []), *unpacking(codec)]
    with Row(commands, opened(path)) as row, io.BufferedReader(row.output, CHUNK) as stream:
        try:
            yield stream
        except Exception as error:
            if ended(stream):
                judge(row, path, bool(through), error)
            raise
        if ended(stream):
            judge(row, path, bool(through))


def opened(path: Path) -> io.FileIO:
    """Open a file of a set."""
    try:
        return io.FileIO(path, "rb")
    except FileNotFoundError:
        raise OpsError(f"`{path}` is missing", code=UNABLE, cause="damaged") from None


def ended(stream: io.BufferedReader[io.FileIO]) -> bool:
    """Tell whether a stream was read to its end; one that its reader closed was not."""
    return not stream.closed and not stream.peek(1)


def judge(row: Row, path: Path, encrypted: bool, reason: Exception | None = None) -> None:
    """Raise what the programs found wrong with a file."""
    complaint = row.complaint()
    if complaint:
        # `age` calls what opens a file an identity. Without the right one, nothing is known of the file.
        locked = encrypted and "identit" in complaint
        what = f"`{path}` cannot be decrypted" if locked else f"`{path}` is damaged"
        cause = "missing-secret" if locked else "damaged"
        raise OpsError(what, complaint, code=UNABLE, cause=cause) from reason


def digest(path: Path) -> tuple[int, str]:
    """Return the size and the SHA-256 of a file."""
    total = Sum()
    with io.FileIO(path, "rb") as file:
        for piece in pieces(file):
            total.add(piece)
    return total.size, total.hash.hexdigest()


def pieces(stream: IO[bytes] | io.FileIO) -> Iterator[memoryview]:
    """Yield a stream piece by piece, each only good until the next: they share one buffer."""
    readinto = getattr(stream, "readinto", None)
    if readinto is None:
        for piece in iter(lambda: stream.read(CHUNK), b""):
            yield memoryview(piece)
        return
    view = memoryview(bytearray(CHUNK))
    while got := readinto(view):
        yield view[:got]


def packing(codec: str, paths: Sequence[Path] = ()) -> list[list[str]]:
    """Return the command that compresses its input, or zstd's for files as one stream; none for a plain copy."""
    if codec == NONE:
        return []
    # After everything else that wants the processors: what is being copied meanwhile stands still, others have work.
    nice = ["nice"] if shutil.which("nice") else []
    if codec == "zstd":
        named = ["--", *map(str, paths)] if paths else []
        return [[*nice, "zstd", "-1", f"-T{min(THREADS, os.cpu_count() or 1)}", "-q", "-c", *named]]
    return [[*nice, *(["pigz", "-1"] if shutil.which("pigz") else gz())]]


def unpacking(codec: str) -> list[list[str]]:
    """Return the command that unpacks; none for a plain copy."""
    if codec == NONE:
        return []
    return [["zstd", "-d", "-q", "-c"] if codec == "zstd" else gz("-d")]


def gz(*options: str) -> list[str]:
    """Return the command for our own gzip."""
    return [sys.executable, "-I", "-S", str(Path(__file__).with_name("gz.py")), *options]
