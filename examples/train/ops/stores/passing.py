# Managed by scaffold: updates merge this file.
"""A dump on its way from a server or to one: what breaks off never counts, and why it did is said."""

from __future__ import annotations

from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from ops import docker
from ops.errors import UNABLE, OpsError
from ops.volumes.helper import copy_into

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ops.stores.server import Server
    from ops.stores.streams import Last


@contextmanager
def dumping(server: Server, script: str, *arguments: str) -> Iterator[IO[bytes]]:
    """Run a program that dumps and yield its output."""
    try:
        with server.reading(script, *arguments) as raw:
            yield raw
    except docker.CommandError as error:
        raise broken(server, error.said.last_error()) from None


def ended(server: Server, last: Last, whole: Callable[[bytes], object]) -> None:
    """See that a dump ends as one, once its program has: that one knows better why it does not."""
    if not whole(last.tail):
        raise broken(server, "what came of it has no end")


def broken(server: Server, why: str) -> OpsError:
    """Say that a dump is none."""
    return OpsError(f"the dump of service `{server.service}` broke off", why, code=UNABLE, cause="down")


def loading(server: Server, stream: IO[bytes], script: str, *arguments: str) -> None:
    """Send a stream to a program that loads it."""
    try:
        with server.feeding(script, *arguments) as pipe:
            copy_into(pipe, stream)
    except docker.CommandError as error:
        what = f"service `{server.service}` cannot load its dump"
        raise OpsError(what, error.said.last_error(), code=UNABLE) from None
