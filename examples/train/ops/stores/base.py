# Managed by scaffold: updates merge this file.
"""What a store has to know about itself; each kind overrides what is special about it."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any, Protocol

from ops.stores import versions

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from ops.sets.manifest import File, Item
    from ops.stores.server import Server


class Sink(Protocol):
    """Where a dump goes: each call makes one file of the item."""

    def add(self, role: str, name: str, stream: IO[bytes], about: dict[str, Any] | None = None) -> File:
        """Compress, hash and keep a stream."""


class Source(Protocol):
    """Where a restore reads: the files of one item, as they went in."""

    @property
    def item(self) -> Item:
        """Return the item."""

    def open(self, file: File) -> AbstractContextManager[IO[bytes]]:
        """Yield the plain content; what is damaged is raised at the end of the block."""


class Store:
    """A store that is nothing but files: its volume is copied while no container writes to it."""

    # How its files are copied by default: paused (the store survives a power cut) or stopped (it may not).
    copy = "pause"
    # It has a dump that is taken, and loaded, through its running server.
    dumps = False
    # Its dump becomes files of the empty volume before the server starts (`fill`, `settle`), and is not loaded.
    placed = False
    # A copy taken while its containers write can be restored: only where no file is ever changed in place.
    live = True

    def dump(self, server: Server, sink: Sink, item: Item) -> None:
        """Write a dump; fill `facts` and `counts` of the item."""
        raise NotImplementedError

    def load(self, server: Server, source: Source) -> None:
        """Load a dump into a server that has just been started on an empty volume."""
        raise NotImplementedError

    def fill(self, source: Source, owner: tuple[int, int]) -> AbstractContextManager[IO[bytes]]:
        """Return a tar of what to put into an empty volume instead of loading."""
        raise NotImplementedError

    def settle(self, server: Server) -> None:
        """Put right what `fill` could not know, with a server that has been started on it."""

    def adopt(self, server: Server) -> None:
        """Let the server, running on restored files, take the present password."""

    def counts(self, server: Server) -> dict[str, int] | None:
        """Count what a drill compares, asking a running server."""
        return None

    def peek(self, read: Callable[[str], str], item: Item) -> None:
        """Note facts from small files of a volume that is copied: `read(NAME)` is empty when there is none."""

    def after_copy(self, item: Item, source: Source, scratch: Path) -> None:
        """Look at what was just copied: fill `counts`, raise OpsError when it is not sound."""

    def problems(self, item: Item, source: Source, scratch: Path) -> list[str]:
        """Check stored files more deeply than by hash, with what this machine has; return what is wrong."""
        return []

    def fits(self, item: Item, image: str, ask: Callable[[str], str]) -> str:
        """Say why the present server cannot take an item; empty when it can. `ask(VARIABLE)` is the image's.

        An older version may not open what a newer one of the same image has written.
        """
        same = versions.repository(image) == versions.repository(item.image)
        if same and versions.older(versions.of_image(image, ask), versions.of_image(item.image, ask)):
            return f"it is of `{item.image}`, and `{image}` is older"
        return ""
