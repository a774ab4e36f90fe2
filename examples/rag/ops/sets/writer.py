# Managed by scaffold: updates merge this file.
"""A set that is being written: every stream that goes in is compressed, hashed twice and synced."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO, TYPE_CHECKING, Any

from ops.sets import codec, crypt
from ops.sets.manifest import File

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from ops.sets.manifest import Item


@dataclass(frozen=True)
class Writer:
    """The folder of a set that is not complete, and what its files pass through."""

    folder: Path
    codec: str
    filters: Sequence[str] = ()  # an encrypting command, or none

    def sink(self, item: Item) -> ItemSink:
        """Return where the files of one volume go."""
        (self.folder / item.volume).mkdir(mode=0o700, exist_ok=True)
        return ItemSink(self, item)


@dataclass(frozen=True)
class ItemSink:
    """Where the files of one volume go."""

    writer: Writer
    item: Item

    def add(
        self, role: str, name: str, stream: IO[bytes], about: dict[str, Any] | None = None, lying: Sequence[Path] = ()
    ) -> File:
        """Keep a stream as a file of the item; `lying` are files that hold all of it, if there are any."""
        into = self.writer
        suffix = codec.SUFFIX[into.codec] + (crypt.SUFFIX if into.filters else "")
        path = PurePosixPath(self.item.volume, name + suffix)
        stored = codec.encode(stream, into.folder / path, into.codec, into.filters, lying=lying)
        file = File(
            str(path), role, into.codec, stored.size, stored.sha256, stored.plain_size, stored.plain_sha256,
            encrypted=bool(into.filters), about=about or {},
        )  # fmt: skip
        self.item.files.append(file)
        return file

    def adopt(self, role: str, name: str, lying: Path, sum: codec.Sum) -> File:
        """Keep a whole, synced file of the set's own disk as it is: nothing is written twice."""
        path = PurePosixPath(self.item.volume, name + codec.SUFFIX[codec.NONE])
        lying.chmod(0o600)
        lying.rename(self.writer.folder / path)
        digest = sum.hash.hexdigest()
        file = File(str(path), role, codec.NONE, sum.size, digest, sum.size, digest)
        self.item.files.append(file)
        return file


@dataclass(frozen=True)
class ItemSource:
    """Where the files of one volume come from."""

    folder: Path
    item: Item
    filters: Sequence[str] = ()  # the decrypting command

    @contextmanager
    def open(self, file: File) -> Iterator[IO[bytes]]:
        """Yield the plain content of a file of the set."""
        through = self.filters if file.encrypted else ()
        with codec.decoded(self.folder / file.path, file.codec, through) as stream:
            yield stream
