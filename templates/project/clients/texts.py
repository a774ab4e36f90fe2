# Managed by scaffold: updates merge this file.
"""Texts out of uploaded files, in pieces that an index can hold."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

# Characters. A piece fits the 512 tokens that small embedding models take; neighbours share a sentence or two.
PIECE = 1000
OVERLAP = 150


class Hit(NamedTuple):
    """A piece of text that was found, and how near it is: 1 is the same direction, 0 has nothing in common."""

    source: str
    text: str
    score: float


def files(folder: Path) -> dict[str, Path]:
    """Every file below `folder` by its name there. Hidden ones, which are still being written, are left out."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if not any(part.startswith(".") for part in name.parts) and _is_file(path):
            found[name.as_posix()] = path
    return found


def _is_file(path: Path) -> bool:
    """Whether it is a file, as far as may be known: a folder may be listed and yet not entered."""
    try:
        return path.is_file()
    except PermissionError:
        return False


def version(path: Path) -> str:
    """Changes whenever the file does. Raises FileNotFoundError when it has gone meanwhile."""
    about = path.stat()
    return f"{about.st_size}-{about.st_mtime_ns}"


def pieces(path: Path) -> Iterator[str]:
    """The text of a UTF-8 file, piece by piece, never more than one in memory.

    Of any other file it makes what it can: callers ask `is_text` first.
    """
    kept = ""
    with path.open(encoding="utf-8", errors="replace") as file:
        while new := file.read(PIECE - len(kept)):
            piece = kept + new
            if piece.strip():
                yield piece
            kept = piece[-OVERLAP:] if len(piece) == PIECE else ""


def is_text(path: Path) -> bool:
    """Whether a file is UTF-8 text throughout."""
    try:
        with path.open(encoding="utf-8") as file:
            while block := file.read(1024 * 1024):
                if "\0" in block:
                    return False
    except UnicodeDecodeError:
        return False
    return True
