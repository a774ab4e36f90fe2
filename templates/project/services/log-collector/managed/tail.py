# Managed by scaffold: updates merge this file.
"""Reading what applications log from where one left off, while they write, rotate and delete.

The files of a service are numbered by their first line, so a position tells how many lines were deleted unread. A
position is believed only when the bytes before it are those that were read: a volume may have been emptied or restored.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from clients.log_collector import STREAM, numbers

# Bytes that are read at once, more than the longest line has; and bytes that a position is recognised by.
CHUNK = 1024 * 1024
MARK = 256


@dataclass(frozen=True, slots=True)
class Position:
    """How far a service's log was read: the file, the bytes and lines of it that are done, and what they end in."""

    stream: str
    first: int
    offset: int = 0
    lines: int = 0
    mark: str = ""

    @property
    def line(self) -> int:
        """The number of the next line."""
        return self.first + self.lines


@dataclass(frozen=True, slots=True)
class Batch:
    """Lines in a row, the number of the first, and the position behind them.

    `dropped` lines before them were deleted unread. `repeated` says that reading began anew. `more` there may be.
    """

    position: Position | None
    first: int = 0
    lines: tuple[bytes, ...] = ()
    dropped: int = 0
    repeated: bool = False
    more: bool = False


def services(logs: Path) -> list[str]:
    """The services that have logged something."""
    return sorted(path.parent.name for path in logs.glob(f"*/{STREAM}"))


def read(folder: Path, position: Position | None) -> Batch:
    """What comes after `position` in the folder of a service. Raises OSError."""
    stream = _stream(folder)
    if not stream:
        return Batch(position)
    try:
        found = numbers(folder)
        if not found:
            return Batch(position)
        at, dropped, repeated = _start(folder, Position(stream, found[0]), found, position)
        while True:
            # Files are listed before they are read to the end: nothing is appended to one that has a successor.
            following = [number for number in found if number > at.first]
            lines, after = _lines(folder, at, full=bool(following))
            if lines or not following:
                more = bool(lines or following)
                return Batch(after, at.line, lines, dropped, repeated, more)
            dropped += following[0] - after.line
            at = Position(stream, following[0])
    except FileNotFoundError:
        # Deleted since it was listed. The next look tells how many lines that were.
        return Batch(position, more=True)


def _stream(folder: Path) -> str:
    """The number that the folder has had since it was made; empty before it has one."""
    try:
        return (folder / STREAM).read_text(encoding="ascii")
    except FileNotFoundError:
        return ""


def _start(folder: Path, lowest: Position, found: list[int], position: Position | None) -> tuple[Position, int, bool]:
    """Where to go on, how many lines are missing before it, and whether this is the beginning once more."""
    if position is None or position.stream != lowest.stream:
        return lowest, lowest.first, False
    if position.first < lowest.first:
        return lowest, lowest.first - position.line, False
    if position.first in found:
        with (folder / _name(position.first)).open("rb") as file:
            if _mark(file.fileno(), position.offset) == position.mark:
                return position, 0, False
    return lowest, 0, True


def _lines(folder: Path, at: Position, *, full: bool) -> tuple[tuple[bytes, ...], Position]:
    """Whole lines from `at` on, at most a chunk of them, and the position behind them."""
    with (folder / _name(at.first)).open("rb") as file:
        data = os.pread(file.fileno(), CHUNK, at.offset)
        end = data.rfind(b"\n") + 1
        if not end and (full or len(data) == CHUNK):
            # No end will come, or only after more than anybody logs in a line.
            end = len(data)
        if not end:
            return (), at
        offset = at.offset + end
        lines = tuple(data[:end].removesuffix(b"\n").split(b"\n"))
        mark = _mark(file.fileno(), offset)
    return lines, Position(at.stream, at.first, offset, at.lines + data.count(b"\n", 0, end), mark)


def _mark(descriptor: int, offset: int) -> str:
    """What the bytes before an offset are recognised by; nothing at the beginning, or where the file is shorter."""
    size = min(MARK, offset)
    last = os.pread(descriptor, size, offset - size)
    return sha256(last).hexdigest() if last and len(last) == size else ""


def _name(number: int) -> str:
    return f"{number:015d}.log"
