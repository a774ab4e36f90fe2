# Managed by scaffold: updates merge this file.
"""What `ops` has to remember on this machine: the lock, and journals of what a killed run left undone.

All of it is in `.ops/`, which keeps itself out of git.
"""

from __future__ import annotations

import json
import secrets
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ops import files
from ops.errors import OpsError

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = ".ops"
# A move is journaled as a restore is: both replace what volumes hold.
QUIESCED, RESTORE = "quiesced.json", "restore.json"


def folder(root: Path) -> Path:
    """Return the folder, made when it is not there."""
    return private(root / FOLDER)


def private(path: Path) -> Path:
    """Make a folder that only its owner reads and that git passes over."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    with suppress(FileExistsError):
        files.write_new(path / ".gitignore", b"*\n", 0o600)
    return path


def load(root: Path, name: str) -> dict[str, Any] | None:
    """Return a journal that a run left, if one did."""
    path = root / FOLDER / name
    try:
        said = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValueError:
        said = None
    if not isinstance(said, dict):
        fix = f"look at `{path}`, see that all services run as they should, then remove it"
        raise OpsError(f"the journal `{FOLDER}/{name}` cannot be read", fix=fix, cause="unfinished")
    return said


def save(root: Path, name: str, document: dict[str, Any]) -> None:
    """Write a journal in one step, before what it tells of happens."""
    files.replace(folder(root) / name, json.dumps(document, indent=1).encode())


def clear(root: Path, name: str) -> None:
    """Remove a journal: all that it told of is done or undone."""
    with suppress(FileNotFoundError):
        (root / FOLDER / name).unlink()
    files.sync_folder(root / FOLDER)


def token() -> str:
    """Return a few letters that nothing else has."""
    return secrets.token_hex(3)
