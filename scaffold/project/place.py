"""Putting a rendered project where it belongs, without overwriting a file and without leaving half of one."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from scaffold.errors import CouldNotError, ScaffoldError
from scaffold.project import git

# A repository that was there before may have these of its own; they stay as they are.
THEIRS = ("README.md", "Makefile", "renovate.json5")
# These are lists of lines: what is missing is added.
MERGED = (".gitignore", ".dockerignore")
# Compose would take one of these instead of, or beside, ours.
COMPOSE_FILES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")


class Kind(Enum):
    """What a destination is, which decides how a project gets there."""

    NEW = "a folder of its own"
    NESTED = "a folder inside a bigger repository"
    REPOSITORY = "beside the files of a repository"


@dataclass(frozen=True, slots=True)
class Placement:
    """What will happen to each rendered file, as paths relative to the destination."""

    kind: Kind
    created: list[Path]
    merged: list[Path]
    kept: list[Path]


def kind_of(destination: Path) -> Kind:
    """What `destination` is. Raises ScaffoldError for one that cannot become a project."""
    if destination.exists() and not destination.is_dir():
        raise ScaffoldError(f"{destination} is a file", fix="give the name of a folder")
    if (destination / ".copier-answers.yml").exists():
        raise ScaffoldError(f"{destination} is a project already", "it has a .copier-answers.yml")
    repository = git.toplevel(destination)
    if repository is not None and destination.exists() and repository.samefile(destination):
        return Kind.REPOSITORY
    if destination.exists() and any(destination.iterdir()):
        raise ScaffoldError(
            f"{destination} is not empty and is no git repository",
            "without one, nobody could tell afterwards which files were there before",
            "give another folder, or run `git init` there and commit first",
        )
    return Kind.NESTED if repository is not None else Kind.NEW


def plan(kind: Kind, files: Iterable[Path], destination: Path) -> Placement:
    """Sort rendered files into those to create, to merge as lines, and to leave as they are.

    Raises ScaffoldError, before anything is written, when one would have to be overwritten.
    """
    placement = Placement(kind, [], [], [])
    taken = [Path(name) for name in COMPOSE_FILES if os.path.lexists(destination / name)]
    for file in sorted(files):
        if not os.path.lexists(destination / file):
            placement.created.append(file)
        elif file.as_posix() in MERGED:
            placement.merged.append(file)
        elif file.as_posix() in THEIRS:
            placement.kept.append(file)
        elif file not in taken:
            taken.append(file)
    if taken:
        raise ScaffoldError(
            f"{destination} has files that the project needs to write: {', '.join(map(str, taken))}",
            "scaffold never overwrites a file",
            "move them away first, or give another folder",
        )
    return placement


@contextmanager
def scratch(destination: Path | None) -> Iterator[Path]:
    """A folder for a while: on the destination's file system when there is one, so that moving there is one step.

    Folders above the destination are made, and go again when nothing came into them. Raises OSError.
    """
    made = missing_parents(destination) if destination is not None else []
    folder: Path | None = None
    try:
        for parent in made:
            parent.mkdir(exist_ok=True)
        near = str(destination.parent) if destination is not None else None
        folder = Path(tempfile.mkdtemp(prefix=".scaffold-", dir=near))
        yield folder
    finally:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
        for parent in reversed(made):
            if parent.is_dir() and not any(parent.iterdir()):
                parent.rmdir()


def move(rendered: Path, destination: Path) -> None:
    """Move a whole project to a destination that is absent or empty: all of it, or nothing.

    Both are on one file system. Raises CouldNotError when the destination was taken meanwhile.
    """
    moved: list[Path] = []
    try:
        if not destination.exists():
            rendered.rename(destination)
            return
        # Somebody may stand in the empty folder: it stays, its content comes.
        for child in sorted(rendered.iterdir()):
            target = destination / child.name
            if os.path.lexists(target):
                raise FileExistsError(errno.EEXIST, "it was made meanwhile", str(target))
            child.rename(target)
            moved.append(target)
    except BaseException as error:
        for target in moved:
            target.rename(rendered / target.name)
        if isinstance(error, OSError):
            raise CouldNotError(f"cannot write {destination}", error.strerror or str(error)) from error
        raise


def add(rendered: Path, destination: Path, placement: Placement) -> None:
    """Add files beside those of a repository. When it fails or is interrupted, all of it is taken back.

    Raises CouldNotError when the disk refuses, or a file appeared since the plan was made.
    """
    made: list[Path] = []
    before: dict[Path, bytes] = {}
    try:
        for file in placement.created:
            _make_parents(destination / file, made)
            _create(rendered / file, destination / file, made)
        for file in placement.merged:
            before[file] = (destination / file).read_bytes()
            _add_lines(rendered / file, destination / file, made)
    except BaseException as error:
        _take_back(destination, made, before)
        if isinstance(error, OSError):
            raise CouldNotError(
                f"cannot write {error.filename2 or error.filename or destination}", error.strerror or str(error)
            ) from error
        raise


def _create(source: Path, target: Path, made: list[Path]) -> None:
    """Copy under a name of no meaning, then link: the target is never half there and never replaced."""
    part = _part_of(target, made)
    shutil.copy(source, part)
    os.link(part, target)
    made.append(target)
    part.unlink()


def _part_of(target: Path, made: list[Path]) -> Path:
    part = target.with_name(f".{target.name}.scaffold-part")
    made.append(part)
    return part


def missing_parents(target: Path) -> list[Path]:
    """The folders above `target` that are not there, the outermost first."""
    return [folder for folder in target.parents if not folder.exists()][::-1]


def _make_parents(target: Path, made: list[Path]) -> None:
    for folder in missing_parents(target):
        folder.mkdir()
        made.append(folder)


def _add_lines(source: Path, target: Path, made: list[Path]) -> None:
    """Append the lines that are missing. A lone `*` stays out: it would shut out what is theirs."""
    present = target.read_text(encoding="utf-8")
    have = {line.strip() for line in present.splitlines()}
    lines = [line for line in source.read_text(encoding="utf-8").splitlines() if line.strip() not in have | {"", "*"}]
    joint = "" if not present or present.endswith("\n") else "\n"
    part = _part_of(target, made)
    part.write_text(present + joint + "\n" + "\n".join(lines) + "\n", encoding="utf-8")
    shutil.copymode(target, part)
    part.replace(target)


def _take_back(destination: Path, made: list[Path], before: dict[Path, bytes]) -> None:
    for file, content in before.items():
        (destination / file).write_bytes(content)
    for path in reversed(made):
        if path.is_dir():
            path.rmdir()
        else:
            path.unlink(missing_ok=True)
