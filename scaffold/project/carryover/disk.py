"""Changing files of a project one by one: whole or not at all, kept by the disk, never through a link."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from scaffold.errors import ScaffoldError
from scaffold.project.place import missing_parents

# What `seen` says of things that are no file; no digest looks like these.
FOLDER, LINK, SPECIAL = "a folder", "a symbolic link", "a special file"


@dataclass(frozen=True, slots=True)
class Step:
    """A file to write (or with content None to delete), where `expected` is what must still be there."""

    path: str
    content: bytes | None
    expected: str | None
    mode: int
    exact: bool  # whether the umask has no say in the mode


def apply(project: Path, token: str, steps: Collection[Step]) -> None:
    """Carry out steps: deletions, then writes. Raises OSError, or ScaffoldError for what is no longer as expected.

    Everything is on the disk under a name of no meaning before the first file changes: a full disk changes nothing.
    """
    parts = [_stage(project, token, number, step) for number, step in enumerate(steps)]
    for step in steps:
        if step.content is None:
            _expect(project, step)
            delete(project / step.path)
    for part, step in zip(parts, steps, strict=True):
        if part is not None:
            _expect(project, step)
            put(part, project, step.path)


def sweep(project: Path, token: str, paths: Iterable[str]) -> None:
    """Remove what `apply` has left under names of no meaning."""
    for folder in folders_above(paths):
        if (project / folder).is_dir():
            for part in (project / folder).glob(f".scaffold-{token}-*"):
                part.unlink()


def put(source: Path, project: Path, path: str) -> None:
    """Rename a file to its place, and make the folders above it; empty folders and a file there go."""
    target = project / path
    if target.is_dir() and not target.is_symlink():
        for folder, _, _ in os.walk(target, topdown=False):
            Path(folder).rmdir()
    for parent in missing_parents(target):
        parent.mkdir()
        sync(parent.parent)
    source.replace(target)
    sync(target.parent)


def bring(source: Path, project: Path, path: str, mode: int, part: str) -> None:
    """Move a file from another folder to its place, which needs no room; by copying (as `part`) between disks."""
    source.chmod(mode)
    try:
        put(source, project, path)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        copy = (project / path).with_name(part)
        write(copy, source.read_bytes(), mode, exact=True)
        put(copy, project, path)


def delete(path: Path) -> None:
    """Delete a file, and have the disk know."""
    path.unlink()
    sync(path.parent)


def prune(project: Path, paths: Iterable[str], keep: Collection[str] = ()) -> None:
    """Remove folders above `paths` that are empty now."""
    for folder in sorted(folders_above(paths) - {".", *keep}, key=lambda folder: -folder.count("/")):
        with suppress(OSError):  # a folder too many is no harm
            (project / folder).rmdir()


def folders_above(paths: Iterable[str]) -> set[str]:
    """Every folder above these paths, the project's own as `.`."""
    return {str(folder) for path in paths for folder in PurePosixPath(path).parents}


def guard(project: Path, path: str) -> None:
    """Refuse, with ScaffoldError, a path that leads through a link or out of the project."""
    parts = PurePosixPath(path).parts
    if path.startswith("/") or ".." in parts or any(part.lower() == ".git" for part in parts):
        raise ScaffoldError(f"{path} leads out of the project", "scaffold writes only inside it")
    for folder in folders_above([path]) - {"."}:
        if (project / folder).is_symlink():
            why = f"writing {path} would follow it, perhaps out of the project"
            raise ScaffoldError(f"{folder} is a symbolic link", why, "put a real folder in its place, and commit that")


def only_holds(project: Path, folder: str, gone: Collection[str]) -> bool:
    """Whether a folder holds only these files, and folders of theirs."""
    inside = (path.relative_to(project).as_posix() for path in (project / folder).rglob("*"))
    return {*inside} <= {*gone, *folders_above(gone)}


def is_file(path: Path) -> bool:
    """Whether a file is there itself, not a link to one."""
    return path.is_file() and not path.is_symlink()


def mode_of(path: Path) -> int | None:
    """A file's mode bits; None where there is no file."""
    return stat.S_IMODE(path.stat().st_mode) if is_file(path) else None


def kind(path: Path) -> str | None:
    """A word for what is at a path, empty for a file; None when nothing is. Links are not followed."""
    try:
        mode = path.lstat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None
    if stat.S_ISREG(mode):
        return ""
    return FOLDER if stat.S_ISDIR(mode) else f"{LINK} to {path.readlink()}" if stat.S_ISLNK(mode) else SPECIAL


def seen(path: Path) -> str | None:
    """What is at a path: the digest of a file, None, or a word for anything else."""
    return digest(path.read_bytes()) if (word := kind(path)) == "" else word


def digest(content: bytes) -> str:
    """What tells one content from another."""
    return hashlib.sha256(content).hexdigest()


def sync(folder: Path) -> None:
    """Have the disk keep what was made, renamed and deleted in a folder."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write(path: Path, content: bytes, mode: int = 0o600, *, exact: bool = False) -> None:
    """Make a file that is not there yet, and have the disk keep it."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode), "wb") as file:  # noqa: PTH123
        file.write(content)
        file.flush()
        if exact:
            os.fchmod(file.fileno(), mode)
        os.fsync(file.fileno())


def _stage(project: Path, token: str, number: int, step: Step) -> Path | None:
    guard(project, step.path)
    if step.content is None:
        return None
    # The folder may have to be made yet, perhaps where a file is now.
    near = next(folder for folder in (project / step.path).parents if folder.is_dir())
    part = near / f".scaffold-{token}-{number}"
    write(part, step.content, step.mode, exact=step.exact)
    return part


def _expect(project: Path, step: Step) -> None:
    guard(project, step.path)
    nothing = (None, FOLDER)  # a folder that is not empty will stay, and fail the run by itself
    if seen(project / step.path) not in (nothing if step.expected in nothing else (step.expected,)):
        why = "it was left as it is now, and everything else is as before"
        raise ScaffoldError(f"{step.path} has changed meanwhile", why, "commit or undo that change, then start again")
