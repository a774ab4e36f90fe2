# Managed by scaffold: updates merge this file.
"""What is in a volume, told by one walk through it: how much, a device, where it could be cut in two."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

BLOCK = 512  # bytes, of those that a file system counts in
CHUNK = 1 << 16
DEVICE, FOLDER, LINKED = b"x", b"d", b"l"
# Below so many entries a second tar takes longer to start than it saves.
WORTH_CUTTING = 10_000
# What tar takes as it stands, from a list of what to take and of what to leave out.
PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


@dataclass(frozen=True)
class Survey:
    """`bytes` on the disk: holes take nothing. `device` is the path of the first device file."""

    bytes: int = 0
    device: str = ""
    half: tuple[str, ...] = ()  # folders at its top that hold about half of its entries, if it can be cut there


def command(root: str) -> list[str]:
    """Return the walk. A device ends it; of folders it tells the depth and the path, of hard links the inode."""
    device = ["(", "-type", "b", "-o", "-type", "c", ")", "-printf", "x%P", "-quit"]
    folder = ["-type", "d", "-printf", "d%b %d %P\\0"]
    linked = ["-links", "+1", "-printf", "l%b %i\\0"]
    return ["find", root, "-ignore_readdir_race", *device, "-o", *folder, "-o", *linked, "-o", "-printf", "%b\\0"]


def read(stream: IO[bytes]) -> Survey:
    """Read what the walk says."""
    blocks = entries = 0
    seen: set[bytes] = set()
    folders: dict[str, int] = {}  # at the top, and the entries up to the next
    top = ""
    for record in records(stream):
        if record.startswith(DEVICE):
            return Survey(device=record[1:].decode("utf-8", "replace"))
        entries += 1
        if record.startswith(FOLDER):
            used, depth, path = record[1:].split(b" ", 2)
            top = path.decode("utf-8", "replace") if depth == b"1" else top
        elif record.startswith(LINKED):
            used, inode = record[1:].split(b" ")
            used = b"0" if inode in seen else used
            seen.add(inode)
        else:
            used = record
        blocks += int(used)
        folders[top] = folders.get(top, 0) + 1
    # Two tars would take a file for two whose names are on both sides of the cut.
    return Survey(blocks * BLOCK, half=() if seen else half(folders, entries))


def half(folders: dict[str, int], entries: int) -> tuple[str, ...]:
    """Return folders with about half of the entries, the largest first; none where a cut is not worth it."""
    chosen: list[str] = []
    held = 0
    for name, count in sorted(folders.items(), key=lambda each: -each[1]):
        if PLAIN.fullmatch(name) and held + count <= entries * 0.6:
            chosen.append(name)
            held += count
        if held >= entries * 0.45:
            break
    worth = entries >= WORTH_CUTTING and held >= entries * 0.25
    return tuple(chosen) if worth else ()


def records(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield what a walk says of each entry; what a device ended has no end of its own."""
    rest = b""
    for chunk in iter(lambda: stream.read(CHUNK), b""):
        *whole, rest = (rest + chunk).split(b"\0")
        yield from whole
    if rest:
        yield rest
