# Managed by scaffold: updates merge this file.
"""Is what is stored what went in? By hash at once; deeply by unpacking every stream and looking at what is in it."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path
from typing import IO, TYPE_CHECKING

from ops import stores
from ops.errors import OpsError
from ops.progress import say
from ops.sets import archive, codec, private
from ops.sets.take import ROLE
from ops.sets.writer import ItemSource

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ops.errors import Problem
    from ops.sets.folder import Found
    from ops.sets.manifest import File, Item

    Contents = dict[str, archive.Content]  # of each volume that was archived


def stored(found: Found, items: Sequence[Item]) -> list[Problem]:
    """Compare every stored file with its size and hash."""
    problems = []
    secrets = private.file_of(found.manifest)
    for file in [*(file for item in items for file in item.files), *([secrets] if secrets else [])]:
        say(f"checking {file.path}")
        try:
            same = inside(found.path, file) and codec.digest(found.path / file.path) == (file.size, file.sha256)
        except FileNotFoundError:
            problems.append(wrong(found, file, "it is missing"))
            continue
        if not same:
            problems.append(wrong(found, file, "its size or its hash is another"))
    return problems


def inside(folder: Path, file: File) -> bool:
    """Tell whether a file's path stays in its set, and is a plain file."""
    path = folder / file.path
    return path.resolve() == folder.resolve() / file.path and path.resolve().is_relative_to(folder.resolve())


def wrong(found: Found, file: File, why: str) -> Problem:
    """Say that a stored file is not what was stored."""
    fix = "take another set: python3 ops list"
    return OpsError(f"`{file.path}` of set `{found.path.name}` is damaged", why, fix, cause="damaged").problem


def deeply(found: Found, items: Sequence[Item], decrypt: Sequence[str] = ()) -> tuple[list[Problem], Contents]:
    """Unpack every stream, compare it with what went in, and have each store look at it."""
    problems: list[Problem] = []
    contents: Contents = {}
    for item in items:
        source = ItemSource(found.path, item, decrypt)
        try:
            for file in item.files:
                content = unpacked(source, file)
                if content is not None:
                    contents[item.volume] = content
            with tempfile.TemporaryDirectory(prefix="ops-") as scratch:
                said = stores.of(item.backup).problems(item, source, Path(scratch))
        except OpsError as error:
            problems.append(error.problem)
            continue
        problems += [OpsError(each, f"in set `{found.path.name}`", cause="damaged").problem for each in said]
    return problems, contents


def examine(found: Found, items: Sequence[Item], decrypt: Sequence[str] = ()) -> Contents:
    """Read a whole set before anything is touched; raise what is wrong, return what its archives hold."""
    problems = stored(found, items)
    contents: Contents = {}
    if not problems:
        problems, contents = deeply(found, items, decrypt)
    if problems:
        first = problems[0]
        raise OpsError(first.what, first.why, first.fix, cause=first.cause)
    return contents


def unpacked(source: ItemSource, file: File) -> archive.Content | None:
    """Read a file to its end; return what an archive holds."""
    say(f"unpacking {file.path}")
    with source.open(file) as stream:
        hashing = Hashing(stream)
        # A walk ends where the archive does; the rest of the stream counts as well.
        content = archive.walk(hashing) if file.role == ROLE else None  # type: ignore[arg-type]
        while hashing.read(codec.CHUNK):
            pass
    if (hashing.count, hashing.digest.hexdigest()) != (file.plain_size, file.plain_sha256):
        raise OpsError(f"`{file.path}` is damaged", "what comes out is not what went in", cause="damaged")
    return content


class Hashing:
    """A stream that is hashed as it is read."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.stream = stream
        self.digest = hashlib.sha256()
        self.count = 0

    def read(self, size: int = -1) -> bytes:
        """Read and hash."""
        piece = self.stream.read(size)
        self.digest.update(piece)
        self.count += len(piece)
        return piece
