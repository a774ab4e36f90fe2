# Managed by scaffold: updates merge this file.
"""A set as one tar, for a pipe or a file."""

from __future__ import annotations

import os
import sys
import tarfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ops import state
from ops.errors import OpsError
from ops.sets import folder as folders

if TYPE_CHECKING:
    from ops.project import Project

STDOUT = "-"


def folder(this: Project) -> Path:
    """Return where a set waits that goes into a pipe or a file; nothing stays there."""
    return state.folder(this.root) / "export" / this.name


def refuse_terminal(output: str | None) -> None:
    """Refuse to send an archive to a screen."""
    if output == STDOUT and sys.stdout.isatty():
        raise OpsError("a set does not go to a terminal", fix="python3 ops backup -o - > set.tar, or | ssh …")


def write(path: Path, output: str) -> None:
    """Send a set away and remove it here; the manifest is its last member."""
    try:
        if output == STDOUT:
            with tarfile.open(fileobj=sys.stdout.buffer, mode="w|", format=tarfile.PAX_FORMAT) as tar:
                add(tar, path)
            sys.stdout.flush()
        else:
            into(path, Path(output).expanduser())
    finally:
        folders.discard(path)


def into(path: Path, file: Path) -> None:
    """Write a tar that gets its name when it is whole; one that is there is never replaced."""
    partial = file.with_name(f".{file.name}.partial")
    try:
        with partial.open("xb") as handle:
            with tarfile.open(fileobj=handle, mode="w|", format=tarfile.PAX_FORMAT) as tar:
                add(tar, path)
            handle.flush()
            os.fsync(handle.fileno())
        os.link(partial, file)
    except FileExistsError as error:
        raise OpsError(
            f"`{error.filename2 or error.filename}` exists", fix="give another name", cause="not-empty"
        ) from None
    finally:
        with suppress(FileNotFoundError):
            partial.unlink()


def add(tar: tarfile.TarFile, path: Path) -> None:
    """Add the files of a set, in an order that shows a cut: the manifest comes last."""
    found = sorted(each for each in path.rglob("*") if each.is_file())
    for each in sorted(found, key=lambda one: one.parent == path):
        tar.add(each, arcname=str(Path(path.name) / each.relative_to(path)), recursive=False)
