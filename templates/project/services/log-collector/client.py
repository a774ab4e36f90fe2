"""Logs: each record is a line of JSON, in files of bounded size on a volume that the log collector reads.

A service has a folder there, and each of its files is named by the number of its first line, counted from the very
first: a name is never used again. All processes of a service, in all its containers, append to the newest file and hold
a lock while they do. A file that is full is made read-only; then the oldest is deleted and the next begins.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import re
import socket
import stat
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from clients import setting

# Holds a number that is made anew with the folder, and is what the lock is on.
STREAM = ".stream"
FILE = re.compile(r"(\d{15})\.log")

# Characters of a message that are kept, and of a traceback: the smallest file has room for both.
LONGEST = 32 * 1024
MEGABYTE = 1024 * 1024
HOST = socket.gethostname()
# Seconds between two complaints that nothing can be written.
PATIENCE = 60.0

_handler: Handler | None = None


def connect(service: str) -> Handler:
    """Have everything that this process logs written to the files of `service` as well. Once is enough.

    Raises LookupError and ValueError when the settings are missing or make no sense; a volume that cannot be written
    is no reason for an application not to start.
    """
    global _handler  # noqa: PLW0603 - a process has one
    if _handler is None:
        _handler = Handler(Files(_folder(service), _number("LOG_FILE_MB", 1) * MEGABYTE, _number("LOG_FILES", 2)))
        root = logging.getLogger()
        if not root.handlers:
            # What Python prints without any handler it prints no more once there is one.
            logging.basicConfig(format="%(levelname)s %(name)s: %(message)s")
        if root.level == logging.WARNING:
            root.setLevel(logging.INFO)
        for logger in [root, *_apart()]:
            logger.addHandler(_handler)
    return _handler


def _folder(service: str) -> Path:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", service):
        raise ValueError(f"{service!r} is no name of a service")
    return Path(setting("LOG_DIR")) / service


def _number(name: str, least: int) -> int:
    value = setting(name)
    if not value.isdecimal() or int(value) < least:
        raise ValueError(f"{name} is {value!r}: give a whole number, {least} or more")
    return int(value)


def _apart() -> list[logging.Logger]:
    """Loggers whose records the root does not get, such as gunicorn's and uvicorn's of requests."""
    known = logging.getLogger().manager.loggerDict.values()
    return [each for each in known if isinstance(each, logging.Logger) and not each.propagate]


def check() -> None:
    """Write one record and read it back.

    Raises OSError, and LookupError when the record is not there or this application was never told to log here.
    """
    if _handler is None:
        raise LookupError("this application does not log to the collector: call clients.log_as(SERVICE) as it starts")
    record = logging.makeLogRecord({"name": __name__, "levelno": logging.INFO, "levelname": "INFO", "msg": "check"})
    said = line(record)
    if _handler.put(said) != said:
        raise LookupError("the record that was just written is not there")


class Handler(logging.Handler):
    """Writes records to files. What cannot be written is counted, and said: in the container's output, then there."""

    def __init__(self, files: Files) -> None:
        super().__init__()
        self._files = files
        self._lost = 0
        self._complained = -PATIENCE

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record. Nothing is raised: what is logged about goes on."""
        try:
            self._files.write(line(record))
            if self._lost:
                self._files.write(line(self._complaint("", lost=self._lost)))
                self._lost = 0
        except Exception as error:
            self._lost += 1
            if time.monotonic() - self._complained >= PATIENCE:
                self._complained = time.monotonic()
                sys.stderr.write(f"{self._complaint(str(error)).getMessage()}\n")

    def put(self, said: bytes) -> bytes:
        """Write a line, and return what the file then has in its place."""
        self.acquire()
        try:
            return self._files.write(said)
        finally:
            self.release()

    def _complaint(self, why: str, **facts: int) -> logging.LogRecord:
        text = f"{self._lost} lines of log could not be written{f', the last one: {why}' if why else ''}"
        return logging.makeLogRecord(
            {"name": __name__, "levelno": logging.ERROR, "levelname": "ERROR", "msg": text, **facts}
        )


def line(record: logging.LogRecord) -> bytes:
    """A record as a line of JSON."""
    said: dict[str, Any] = {
        "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds"),
        "level": record.levelname,
        "logger": record.name[:LONGEST],
        "host": HOST,
        "process": record.process,
        "message": _message(record)[:LONGEST],
    }
    if record.exc_info and record.exc_info[0]:
        # The end of a traceback says what happened.
        said["exception"] = logging.Formatter().formatException(record.exc_info)[-LONGEST:]
    if lost := getattr(record, "lost", None):
        said["lost"] = lost
    return json.dumps(said, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # whatever formatting a stranger's arguments comes to
        return f"{record.msg!r} % {record.args!r}"


class Files:
    """The files of one service: `count` of them at the most, none longer than `size` bytes."""

    def __init__(self, folder: Path, size: int, count: int) -> None:
        self._folder = folder
        self._size = size
        self._count = count
        self._lock = self._file = -1
        self._first = self._depth = 0
        # A lock that parent and child have in common keeps neither of them out.
        os.register_at_fork(after_in_child=self._close)

    def write(self, line: bytes) -> bytes:
        """Append a line, and return what the file has in its place. Raises OSError, and then nothing was appended."""
        with self._locked():
            at = self._room(len(line))
            left = line
            try:
                while left:
                    left = left[os.write(self._file, left) :]
            except OSError:
                os.ftruncate(self._file, at)
                raise
            return os.pread(self._file, len(line), at)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        while True:
            if self._lock < 0:
                self._folder.mkdir(parents=True, exist_ok=True)
                self._lock = os.open(self._folder / STREAM, os.O_RDWR | os.O_CREAT, 0o644)
            fcntl.flock(self._lock, fcntl.LOCK_EX)
            if os.fstat(self._lock).st_nlink:
                break
            # Somebody emptied the folder: what we have open nobody else has.
            self._close()
        # What a signal's handler logs in the middle of this must not give the lock away.
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
            if not self._depth:
                fcntl.flock(self._lock, fcntl.LOCK_UN)

    def _room(self, length: int) -> int:
        """Have a file open that takes so many bytes more. Returns where they go."""
        if self._file >= 0:
            about = os.fstat(self._file)
            if not about.st_nlink or not about.st_mode & stat.S_IWUSR:
                self._file = _closed(self._file)
        if self._file < 0:
            self._open()
        at = os.fstat(self._file).st_size
        if at and os.pread(self._file, 1, at - 1) != b"\n":
            # A process was killed while it wrote this line.
            at += os.write(self._file, b"\n")
        if at and at + length > self._size:
            self._next()
            at = 0
        return at

    def _open(self) -> None:
        """Open the newest file, or begin the first."""
        if not os.fstat(self._lock).st_size:
            os.write(self._lock, uuid.uuid4().hex.encode())
        found = numbers(self._folder)
        if not found:
            self._begin(0)
            return
        self._first = found[-1]
        path = self._path(self._first)
        if path.stat().st_mode & stat.S_IWUSR:
            self._file = os.open(path, os.O_RDWR | os.O_APPEND)
        else:
            # Whoever filled it was killed before the next one was there.
            self._file = os.open(path, os.O_RDONLY)
            self._next()

    def _next(self) -> None:
        first, at = self._first, 0
        while chunk := os.pread(self._file, MEGABYTE, at):
            at += len(chunk)
            first += chunk.count(b"\n")
        os.fchmod(self._file, 0o444)
        self._file = _closed(self._file)
        self._begin(first)

    def _begin(self, first: int) -> None:
        for number in numbers(self._folder)[: 1 - self._count]:
            self._path(number).unlink(missing_ok=True)
        self._file = os.open(self._path(first), os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
        self._first = first

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:015d}.log"

    def _close(self) -> None:
        self._file, self._lock = _closed(self._file), _closed(self._lock)


def _closed(descriptor: int) -> int:
    if descriptor >= 0:
        os.close(descriptor)
    return -1


def numbers(folder: Path) -> list[int]:
    """The files of a service by their numbers, the oldest first."""
    return sorted(int(match[1]) for name in os.listdir(folder) if (match := FILE.fullmatch(name)))  # noqa: PTH208
