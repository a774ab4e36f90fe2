# Managed by scaffold: updates merge this file.
"""Whether two trees are the same: every entry, whose it is, its mode and time, and every byte of its files.

It is worked out where the trees are, in a helper; what comes here is a line for each entry, in any order. Sockets are
not looked at: they are a running program's.
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from ops import docker
from ops.beside import beside
from ops.volumes import survey

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ops.volumes.helper import Helper

WHOLE = 1 << 256
FILE = ["-type", "f"]
# A folder's size is its file system's affair, a link's mode is none.
LOOKS = (
    "(", "-type", "d", "-printf", r"d %m %U %G %T@ %P\0", ")", "-o",
    "(", "-type", "f", "-printf", r"f %s %m %U %G %T@ %P\0", ")", "-o",
    "(", "-type", "l", "-printf", r"l %U %G %T@ %P -> %l\0", ")", "-o",
    "-printf", r"%y %m %U %G %T@ %P\0",
)  # fmt: skip


@dataclass(frozen=True)
class Digest:
    """What a tree comes to. Of files with several names, `linked` are the names beyond the first in this tree."""

    entries: int
    bytes: int
    linked: int
    looks: int  # names, owners, modes and times
    content: int

    def differs(self, other: Digest) -> str:
        """Say in what two trees differ; empty when they are the same."""
        if (self.entries, self.bytes) != (other.entries, other.bytes):
            return (
                f"{self.entries} entries of {self.bytes} bytes are {other.entries} of {other.bytes} bytes in the copy"
            )
        if self.content != other.content:
            return "a file has another content in the copy"
        if self.linked != other.linked:
            return "files that are one under several names are several in the copy"
        return "" if self.looks == other.looks else "an owner, a mode or a time is another one in the copy"


def of(at: Helper, path: str) -> Digest:
    """Read a tree."""
    with beside(partial(content_of, at, path)) as content, beside(partial(linked, at, path)) as links:
        entries = length = looks = 0
        for line in records(at, path, [*LOOKS]):
            entries += 1
            looks = (looks + number(line)) % WHOLE
            if line.startswith(b"f "):
                length += int(line.split(b" ", 2)[1])
        return Digest(entries, length, links(), looks, content())


def content_of(at: Helper, path: str) -> int:
    """Return what all bytes of a tree's files come to."""
    content = 0
    for line in records(at, path, [*FILE, "-exec", "sha256sum", "--zero", "--", "{}", "+"]):
        digest, _, name = line.partition(b"  ")
        content = (content + number(digest + name[len(os.fsencode(path)) :])) % WHOLE
    return content


def linked(at: Helper, path: str) -> int:
    """Count the names of files beyond their first; one outside of this tree is no name here."""
    names = list(records(at, path, [*FILE, "-links", "+1", "-printf", r"%D:%i\0"]))
    return len(names) - len(set(names))


def stamp(at: Helper, path: str) -> int:
    """Return what is another number as soon as anything in a tree was written to: the kernel's own times say so."""
    return sum(number(line) for line in records(at, path, ["-printf", r"%i %C@ %s %P\0"])) % WHOLE


def number(line: bytes) -> int:
    """Return a record as a number: sums of them do not depend on an order."""
    return int.from_bytes(hashlib.sha256(line).digest(), "big")


def records(at: Helper, path: str, action: Sequence[str]) -> Iterator[bytes]:
    """Yield what `find` says of each entry of a tree; `lost+found` belongs to the file system."""
    root = re.sub(r"([\\*?\[])", r"\\\1", path)
    find = ["find", path, "-path", f"{root}/lost+found", "-prune", "-o", "!", "-type", "s", "(", *action, ")"]
    with docker.reading(["exec", at.id, *find]) as pipe:
        yield from survey.records(pipe)
