# Managed by scaffold: updates merge this file.
"""A volume that one service writes and others read, in states that are whole: generations.

Each is a folder, `generation-00000007`, which never changes once it has its name. The file CURRENT names the one that
counts, and is replaced whole. A new one is written under a hidden name, forced to disk, given its name, and only then
does CURRENT change to it: a power cut or a kill at any moment leaves what was there, and rests that the next writer
removes. Readers need neither the writer nor the right to write.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

CURRENT = "CURRENT"
GENERATION = re.compile(r"generation-(\d{8})")
# Begins the names of folders and files that are being written.
BUILDING, SWITCHING = ".building-", ".CURRENT-"

# Generations that stay, the one in use among them: a reader that is about to open one finds it.
KEPT = 3

# How often CURRENT is read again when the generation it named was removed before it could be opened.
ATTEMPTS = 5


class Missing(LookupError):
    """There is no generation yet."""


class Damaged(LookupError):
    """CURRENT, or the generation that it names, is not as it was written."""


class Pointer(NamedTuple):
    """What CURRENT says, and which file said it."""

    generation: str
    sizes: dict[str, int]  # bytes of each file of the generation
    identity: tuple[int, int]
    about: dict[str, Any]  # all that CURRENT says

    def check(self, store: Path) -> None:
        """Raise OSError or Damaged when the generation is not there as it was written."""
        for name, size in self.sizes.items():
            if (store / self.generation / name).stat().st_size != size:
                raise Damaged(f"{name} is not as long as it was written")


def pointer(store: Path) -> Pointer:
    """Read CURRENT. Raises Missing when there is none yet, and Damaged when it cannot be understood."""
    try:
        with (store / CURRENT).open("rb") as file:
            about = os.fstat(file.fileno())
            said = json.loads(file.read())
        name, sizes = said["generation"], {str(key): int(size) for key, size in said["sizes"].items()}
    except FileNotFoundError:
        raise Missing(f"there is no {CURRENT} in {store} yet") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Damaged(f"{store / CURRENT} is damaged") from None
    if not isinstance(name, str) or not GENERATION.fullmatch(name):
        raise Damaged(f"{store / CURRENT} names no generation")
    return Pointer(name, sizes, (about.st_ino, about.st_mtime_ns), said)


@contextmanager
def held(store: Path) -> Iterator[Pointer]:
    """The generation that CURRENT names, checked. No writer on this machine removes it before the block ends.

    Raises what `pointer` raises, and Damaged when the generation is not there as it was written.
    """
    now, folder = _opened(store)
    try:
        try:
            now.check(store)
        except FileNotFoundError as error:
            raise Damaged(f"{error.filename} is not there") from None
        yield now
    finally:
        os.close(folder)


def _opened(store: Path) -> tuple[Pointer, int]:
    """What CURRENT says, and the folder of that generation, open and locked against removal."""
    for _ in range(ATTEMPTS):
        now = pointer(store)
        folder = _locked(store / now.generation, fcntl.LOCK_SH)
        if folder is not None:
            return now, folder
        # Removed since CURRENT was read? Then that names another by now.
        if pointer(store) == now:
            raise Damaged(f"{now.generation} is not there")
    raise Damaged(f"what is in {store} changes faster than it can be opened")


def _locked(folder: Path, how: int) -> int | None:
    """Open and lock a folder; None when it is not there, or somebody's lock is in the way.

    Locks need no right to write, and the kernel takes them back however the process ends.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
        # It may have been removed between the two.
        if os.fstat(descriptor).st_ino == folder.stat().st_ino:
            return descriptor
    except (BlockingIOError, FileNotFoundError):
        pass
    os.close(descriptor)
    return None


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


def begin(store: Path) -> Path:
    """Make the hidden folder in which the next generation is put together. Call this and `publish` with the lock."""
    return Path(tempfile.mkdtemp(prefix=BUILDING, dir=store))


def publish(store: Path, work: Path, about: Mapping[str, Any]) -> str:
    """Give the folder `work` its name, and make CURRENT say it, with `about` beside it. Returns the name."""
    sizes = _settle(work)
    name = f"generation-{max(_generations(store), default=-1) + 1:08d}"
    work.rename(store / name)
    sync(store)
    with tempfile.NamedTemporaryFile("w", dir=store, prefix=SWITCHING, suffix=".tmp", delete=False) as file:
        json.dump({"generation": name, **about, "sizes": sizes}, file)
        file.flush()
        Path(file.name).chmod(0o644)
        os.fsync(file.fileno())
    Path(file.name).replace(store / CURRENT)
    sync(store)
    return name


def _settle(work: Path) -> dict[str, int]:
    """Let everybody read what is in a folder, and force it to disk. Returns the bytes of each file."""
    sizes = {}
    for folder, folders, files in os.walk(work, topdown=False):
        for path in (Path(folder, name) for name in [*folders, *files]):
            if path.is_symlink() or not (path.is_dir() or path.is_file()):
                raise OSError(f"{path.relative_to(work)} is no ordinary file: a generation has nothing else in it")
        for path in (Path(folder, name) for name in files):
            path.chmod(0o644)
            sync(path)
            sizes[path.relative_to(work).as_posix()] = path.stat().st_size
        Path(folder).chmod(0o755)
        sync(Path(folder))
    return sizes


def sync(path: Path) -> None:
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
    """Remove what an interrupted writer left, and the generations that are older than the ones that stay.

    One that a reader on this machine holds stays until the next time.
    """
    for path in [*store.glob(f"{BUILDING}*"), *store.glob(f"{SWITCHING}*")]:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    found = _generations(store)
    try:
        now = pointer(store).generation
        # What comes after it has a name that CURRENT never said: its writer was killed in between.
        known = [path for path in found.values() if path.name <= now]
    except LookupError:
        known = list(found.values())
    for path in found.values():
        if path not in known[-KEPT:]:
            _discard(path)


def _discard(folder: Path) -> None:
    descriptor = _locked(folder, fcntl.LOCK_EX)
    if descriptor is not None:
        try:
            shutil.rmtree(folder)
        finally:
            os.close(descriptor)
