# Managed by scaffold: updates merge this file.
"""How a generation of the FAISS index becomes the one in use, and how only one process makes any.

It is opened once to see that it can be; the rest is what every volume that is kept in generations has in common.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from clients import generations
from clients.faiss_worker import FORMAT, Generation
from clients.generations import sweep, writer_lock

__all__ = ["publish", "sweep", "writer_lock"]


def publish(store: Path, work: Path, about: dict[str, Any]) -> str:
    """Give the folder `work` its name, and make CURRENT say it. Returns the name."""
    try:
        # faiss does not say when the disk was full for its last bytes.
        Generation(work)
    except (RuntimeError, LookupError, sqlite3.Error) as error:
        raise OSError(f"what was written cannot be read; the disk may be full: {error}") from error
    return generations.publish(store, work, {"format": FORMAT, **about})
