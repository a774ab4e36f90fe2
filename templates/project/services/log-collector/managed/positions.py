# Managed by scaffold: updates merge this file.
"""How far the log of each service was read, on a volume: after a restart nothing is repeated that was noted here."""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO

from managed.tail import Position

FILE = "positions.json"


def reader_lock(folder: Path) -> BinaryIO | None:
    """Take the right to read on, or return None when another collector has it.

    It lasts as long as the file that is returned stays open: the kernel takes it back however the process ends.
    """
    file = (folder / ".lock").open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file


def load(folder: Path) -> dict[str, Position]:
    """Positions by service. Raises ValueError when the file is no such thing, and OSError."""
    try:
        text = (folder / FILE).read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    try:
        return {service: Position(**said) for service, said in json.loads(text).items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(f"{folder / FILE} is damaged; delete it, and what is still there is read once more") from error


def save(folder: Path, positions: dict[str, Position]) -> None:
    """Replace the file: a crash leaves the old one or the new one."""
    text = json.dumps({service: asdict(position) for service, position in positions.items()})
    new = folder / f".{FILE}.new"
    with new.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(folder / FILE)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
