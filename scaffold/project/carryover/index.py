"""What git holds of one folder of a repository: its commit, its index, and where the folder is."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from scaffold.project import git

# No hook of anybody's runs, and a power cut loses neither the stages nor what they name (where git is 2.36 or newer).
_SETTINGS = {**git.HARDENED, "core.fsync": "loose-object,index"}


class Stage(NamedTuple):
    """An index entry of a path: stage 0, or 1 base, 2 ours, 3 theirs."""

    number: int
    mode: str
    blob: str


def ask(*arguments: str, folder: Path, stdin: bytes = b"", environment: Mapping[str, str] | None = None) -> bytes:
    """What git prints. Raises CouldNotError."""
    settings = {**git.settings(_SETTINGS), **(environment or {})}
    return git.ask(*arguments, folder=folder, stdin=stdin, environment=settings)


def listed(*arguments: str, folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Paths, relative to `folder`, and the words before each, of a git command that lists them."""
    for line in ask(*arguments, folder=folder).split(b"\0")[:-1]:
        facts, _, name = line.partition(b"\t")
        yield os.fsdecode(name), facts.decode().split()


def head(folder: Path) -> str:
    """The commit that is checked out. Raises CouldNotError when there is none."""
    return ask("rev-parse", "HEAD", folder=folder).decode().strip()


def prefix_of(folder: Path) -> str:
    """Where `folder` is in its repository: empty, or with a slash at the end."""
    return os.fsdecode(ask("rev-parse", "--show-prefix", folder=folder)[:-1])


def read(folder: Path) -> dict[str, tuple[Stage, ...]]:
    """The index entries of every path below `folder`, relative to it."""
    found: dict[str, tuple[Stage, ...]] = {}
    for path, (mode, blob, number) in listed("ls-files", "--stage", "-z", folder=folder):
        found[path] = (*found.get(path, ()), Stage(int(number), mode, blob))
    return found


def write(folder: Path, entries: Mapping[str, tuple[Stage, ...]], head: str) -> None:
    """Give paths these index entries, in one step. Raises CouldNotError."""
    # A path has stage 0 or the others, and is a file or a folder: what was there goes first, of every path.
    prefix, zero = prefix_of(folder), "0" * len(head)
    lines = [os.fsencode(f"0 {zero}\t{prefix}{path}\0") for path in entries]
    for path, stages in entries.items():
        lines += [os.fsencode(f"{mode} {blob} {number}\t{prefix}{path}\0") for number, mode, blob in stages]
    ask("update-index", "-z", "--index-info", folder=folder, stdin=b"".join(lines))
