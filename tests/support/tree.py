"""Comparing folders."""

from __future__ import annotations

from pathlib import Path


def files(folder: Path, *, without: tuple[str, ...] = (".git",)) -> dict[str, bytes]:
    """Every file below `folder` by its path, with an executable bit as part of its content."""
    found = {}
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if path.is_file() and relative.parts[0] not in without and "__pycache__" not in relative.parts:
            found[relative.as_posix()] = (b"+x " if path.stat().st_mode & 0o100 else b"") + path.read_bytes()
    return found
