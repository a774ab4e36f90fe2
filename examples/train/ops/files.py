# Managed by scaffold: updates merge this file.
"""Files that appear whole or not at all, and the lock that keeps two runs apart."""

from __future__ import annotations

import errno
import os
import secrets
import stat
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

UNFINISHED = ".ops-new-"
NO_LINKS = {errno.EPERM, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK}


def create_once(path: Path, content: bytes, mode: int, announce: Callable[[int], None] | None = None) -> bool:
    """Create `path` with `content` unless the name is taken; a reader never sees a part of it.

    `announce` hears the file's mtime in ns just before the name appears.
    """
    unfinished = path.with_name(f"{UNFINISHED}{secrets.token_hex(8)}")
    try:
        made = write_new(unfinished, content, mode)
        if announce:
            announce(made)
        try:
            # A link fails where the name exists; a rename would replace what is there.
            os.link(unfinished, path)
        except FileExistsError:
            return False
        except OSError as error:
            if error.errno not in NO_LINKS:
                raise
            return create_directly(path, content, mode, announce)
    finally:
        with suppress(FileNotFoundError):
            unfinished.unlink()
    sync_folder(path.parent)
    return True


def create_directly(path: Path, content: bytes, mode: int, announce: Callable[[int], None] | None) -> bool:
    """Do the same on a file system without hard links: exclusive, but not in one step."""
    try:
        made = write_new(path, content, mode)
    except FileExistsError:
        return False
    if announce:
        announce(made)
    sync_folder(path.parent)
    return True


def write_new(path: Path, content: bytes, mode: int) -> int:
    """Write a new file, private until it is complete; return its mtime in ns."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        write_all(handle, content)
        os.chmod(path, mode)  # noqa: PTH101 (and the umask must not narrow it)
        os.fsync(handle)
        return os.fstat(handle).st_mtime_ns
    except BaseException:
        path.unlink()
        raise
    finally:
        os.close(handle)


def write_all(handle: int, content: bytes | memoryview) -> None:
    """Write every byte: the system may take a part of them."""
    while content:
        content = content[os.write(handle, content) :]


def append(path: Path, content: bytes) -> None:
    """Add `content` at the end of a file, or leave it as it was."""
    handle = os.open(path, os.O_WRONLY | os.O_APPEND)
    try:
        size = os.fstat(handle).st_size
        try:
            write_all(handle, content)
            os.fsync(handle)
        except BaseException:
            os.ftruncate(handle, size)
            raise
    finally:
        os.close(handle)


def replace(path: Path, content: bytes) -> None:
    """Give a file of ours new content in one step."""
    unfinished = path.with_name(f"{UNFINISHED}{secrets.token_hex(8)}")
    try:
        write_new(unfinished, content, 0o600)
        unfinished.replace(path)
    except BaseException:
        with suppress(FileNotFoundError):
            unfinished.unlink()
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make a new name survive a power cut, where the system can."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def others_may(path: Path) -> int:
    """Return what group and others may do with a file, as mode bits."""
    return stat.S_IMODE(path.stat().st_mode) & 0o077


@contextmanager
def locked(root: Path) -> Iterator[None]:
    """Keep other runs of `ops` out of a project, and clear what a killed one left half done."""
    folder = root / "secrets"
    handle = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if lock(handle):
            for place in (folder, root):
                for unfinished in place.glob(f"{UNFINISHED}*"):
                    unfinished.unlink()
        yield
    finally:
        os.close(handle)


def lock(handle: int) -> bool:
    """Wait for the lock; False where the file system has none (links still keep names unique)."""
    if sys.platform == "win32":
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
    except OSError:
        return False
    return True
