# Managed by scaffold: updates merge this file.
"""How a generation of the FAISS index becomes the one in use, and how only one process makes any.

It is written under a hidden name, opened once to see that it can be, forced to disk, given its name, and only then does
CURRENT change to it. A power cut or a kill at any moment leaves what was there, and rests that the next pass removes.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import sqlite3
import tempfile
from pathlib import Path
from typing import Any, BinaryIO

from clients.faiss_worker import CURRENT, FORMAT, GENERATION, Generation, pointer

# Generations that stay, the one in use among them: a reader that is about to open one finds it.
KEPT = 3


def writer_lock(store: Path) -> BinaryIO | None:
    """Take the right to write in `store`, or return None when another process has it.

    It lasts as long as the file that is returned stays open: the kernel takes it back however the process ends.
    """
    file = (store / ".lock").open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file


def publish(store: Path, work: Path, about: dict[str, Any]) -> str:
    """Give the folder `work` its name, and make CURRENT say it. Returns the name."""
    try:
        # faiss does not say when the disk was full for its last bytes.
        Generation(work)
    except (RuntimeError, LookupError, sqlite3.Error) as error:
        raise OSError(f"what was written cannot be read; the disk may be full: {error}") from error
    sizes = {}
    for path in work.iterdir():
        path.chmod(0o644)
        _sync(path)
        sizes[path.name] = path.stat().st_size
    work.chmod(0o755)
    _sync(work)
    name = f"generation-{max(_generations(store), default=-1) + 1:08d}"
    work.rename(store / name)
    _sync(store)
    with tempfile.NamedTemporaryFile("w", dir=store, prefix=".CURRENT-", suffix=".tmp", delete=False) as file:
        json.dump({"generation": name, "format": FORMAT, **about, "sizes": sizes}, file)
        file.flush()
        Path(file.name).chmod(0o644)
        os.fsync(file.fileno())
    Path(file.name).replace(store / CURRENT)
    _sync(store)
    return name


def _sync(path: Path) -> None:
    """Force a file or a folder to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _generations(store: Path) -> dict[int, Path]:
    """Every generation by its number, the oldest first."""
    named = [(GENERATION.fullmatch(path.name), path) for path in store.iterdir()]
    return dict(sorted((int(match[1]), path) for match, path in named if match))


def sweep(store: Path) -> None:
    """Remove what an interrupted pass left, and the generations that are older than the ones that stay."""
    for path in [*store.glob(".building-*"), *store.glob(".CURRENT-*")]:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    found = _generations(store)
    try:
        now = pointer(store).generation
        # What comes after it has a name that CURRENT never said: its pass was killed in between.
        known = [path for path in found.values() if path.name <= now]
    except LookupError:
        known = list(found.values())
    for path in found.values():
        if path not in known[-KEPT:]:
            shutil.rmtree(path)
