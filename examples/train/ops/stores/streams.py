# Managed by scaffold: updates merge this file.
"""Streams made of pieces: what a server sends is looked at while it passes on, never held in memory."""

from __future__ import annotations

import io
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

CHUNK = 1 << 18


class Pieces(io.RawIOBase):
    """A stream that hands out what an iterator gives; what the iterator raises, its reader gets."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        """Start with the first piece."""
        super().__init__()
        self.pieces = iter(pieces)
        self.rest = memoryview(b"")

    def readable(self) -> bool:
        """It is for reading."""
        return True

    def readinto(self, target: bytearray | memoryview) -> int:  # type: ignore[override]
        """Hand out the next bytes; none at the end."""
        while not self.rest:
            piece = next(self.pieces, None)
            if piece is None:
                return 0
            self.rest = memoryview(piece)
        count = min(len(target), len(self.rest))
        target[:count], self.rest = self.rest[:count], self.rest[count:]
        return count


def stream(pieces: Iterable[bytes]) -> IO[bytes]:
    """Return pieces as a stream."""
    return io.BufferedReader(Pieces(pieces), CHUNK)


def chunks(source: IO[bytes]) -> Iterator[bytes]:
    """Return a stream as pieces."""
    while chunk := source.read(CHUNK):
        yield chunk


class Last:
    """The first and the last bytes of what passes, for a look at them when all has passed."""

    def __init__(self, size: int) -> None:
        """Keep this many of each."""
        self.size = size
        self.head = b""
        self.tail = b""

    def of(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """Pass pieces on."""
        for piece in pieces:
            if len(self.head) < self.size:
                self.head += piece[: self.size - len(self.head)]
            self.tail = (self.tail + piece[-self.size :])[-self.size :]
            yield piece

    def seen(self, source: IO[bytes]) -> Last:
        """Look at a stream that nobody else reads."""
        for _ in self.of(chunks(source)):
            pass
        return self
