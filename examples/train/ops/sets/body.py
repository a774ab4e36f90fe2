# Managed by scaffold: updates merge this file.
"""The content of a member of a tar; the holes of a sparse file read as zeros."""

from __future__ import annotations

import io
from array import array
from typing import TYPE_CHECKING

from ops.sets.header import BLOCK, DIGITS, Hostile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ops.sets.header import Header, Reader


class Body(io.RawIOBase):
    """What a member holds, read from the archive as it is asked for."""

    def __init__(self, reader: Reader, member: Header) -> None:
        """Read the map of holes, if there is one."""
        super().__init__()
        self.source = reader
        self.member = member
        self.left = member.stored  # bytes in the archive that are not read yet
        self.at = 0
        self.segment = 0
        # Pairs of offset and size, of what is stored; flat, since a fragmented file has millions.
        self.map = array("Q", (0, member.stored))
        self.size = member.stored
        real = member.real_size
        if real is not None:
            self.size = real
            self.map = self.read_map()

    def read_map(self) -> array[int]:
        """Read where the stored pieces belong: numbers in lines, at the start of the content."""
        numbers = self.numbers()
        pieces = array("Q")
        end = stored = 0
        for _ in range(next(numbers)):
            offset, size = next(numbers), next(numbers)
            if offset < end or offset + size > self.size:
                raise self.bad()
            end = offset + size
            stored += size
            pieces.extend((offset, size))
        # A hole at the end has a piece of no size behind it: without that, tar would make the file shorter.
        if stored != self.left or end != self.size:
            raise self.bad()
        return pieces

    def numbers(self) -> Iterator[int]:
        """Yield the numbers of the map; it fills whole blocks."""
        rest = b""
        while True:
            if self.left < BLOCK:
                raise self.bad()
            self.left -= BLOCK
            *lines, rest = (rest + self.source.take(BLOCK)).split(b"\n")
            for line in lines:
                if not line.isdigit() or len(line) > DIGITS:
                    raise self.bad()
                yield int(line)
            if len(rest) > DIGITS:
                raise self.bad()

    def bad(self) -> Hostile:
        """Say that the map cannot be right."""
        return Hostile(self.member.name, "its holes are not where holes can be")

    def readable(self) -> bool:
        """Say yes: this is asked by what reads it."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill a buffer with stored bytes, or with zeros up to the next of them."""
        size = min(len(buffer), self.size - self.at)
        if size <= 0 or self.left < 0:
            return 0
        while self.segment < len(self.map) and self.at >= self.map[self.segment] + self.map[self.segment + 1]:
            self.segment += 2
        start = self.map[self.segment] if self.segment < len(self.map) else self.size
        if self.at < start:
            size = min(size, start - self.at)
            buffer[:size] = bytes(size)
        else:
            size = min(size, start + self.map[self.segment + 1] - self.at)
            buffer[:size] = self.source.take(size)
            self.left -= size
        self.at += size
        return size

    def finish(self) -> None:
        """Pass over what was not read; after this there is nothing to read."""
        self.at = self.size
        self.source.skip(self.left + -self.member.stored % BLOCK)
        self.left = 0
