# Managed by scaffold: updates merge this file.
"""What a tar holds, without trusting it.

Python's `tarfile` takes the end of the stream for the end of the archive and loses its place after a sparse file with
more than 8 GiB of data, so headers are read here (`header.py`), and strictly: what tar could understand in another way
than we do is refused.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from ops.errors import REFUSED, OpsError
from ops.sets import acls, header
from ops.sets.body import Body
from ops.sets.header import Hostile, Reader, shown

if TYPE_CHECKING:
    import tarfile
    from collections.abc import Callable, Sequence

    from ops.sets.header import Header

__all__ = ["Content", "Hostile", "selection", "walk"]


@dataclass(frozen=True)
class Content:
    """Members, and the logical bytes of regular files: a hole counts, a second hard link does not.

    `acls` tells whether a member has an ACL as an attribute only, which sets of format 1 have twice.
    """

    entries: int
    bytes: int
    acls: bool = False


def walk(
    stream: IO[bytes],
    on_file: Callable[[str, tarfile.TarInfo, IO[bytes]], None] | None = None,
    on_member: Callable[[str, Header], None] | None = None,
) -> Content:
    """Read a plain tar to its very end; Hostile, or OpsError when it is damaged.

    `on_file` gets each regular file: its name without `./`, and its content, as much of it as it wants to read.
    `on_member` gets every member, with its name.
    """
    reader = Reader(stream)
    links = Links()
    entries = size = 0
    inside = False
    # The end marker has to be there.
    for member in iter(lambda: header.read(reader), None):
        name = links.admit(member)
        entries += 1
        inside = bool(acls.noted(member)) or inside
        if on_member:
            on_member(name, member)
        if not member.regular:
            continue
        body = Body(reader, member)
        size += body.size
        if on_file:
            on_file(name, member.info(body.size), io.BufferedReader(body))
        body.finish()
    reader.end()
    return Content(entries, size, acls=inside)


class Links:
    """The symlinks so far: nothing may be written through one, or in its place.

    This is all that is remembered of an archive. A folder that turns into a symlink is not seen as such; what matters
    is that nothing passes through it afterwards.
    """

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.clear = ""  # the last folder that was looked at

    def admit(self, member: Header) -> str:
        """Return the plain name of a member, or refuse it."""
        name = plain(member.name, member)
        self.check(name, member)
        if name in self.names:
            raise Hostile(member.name, "it has the name of a symlink that came before")
        if member.kind == header.HARDLINK:
            target = plain(member.link, member)
            self.check(target, member)
            if target in self.names:
                # Now that is a symlink too.
                self.add(name)
        elif member.kind == header.SYMLINK:
            self.add(name)
        elif not name and member.kind != header.FOLDER:
            raise Hostile(member.name, "it takes the place of the whole volume")
        return name

    def add(self, name: str) -> None:
        """Remember a symlink."""
        if not name:
            raise Hostile(".", "it takes the place of the whole volume")
        self.names.add(name)
        self.clear = ""

    def check(self, name: str, member: Header) -> None:
        """Refuse a name that passes through a symlink."""
        folder = name.rpartition("/")[0]
        if not self.names or folder == self.clear:
            return
        above = folder
        while above:
            if above in self.names:
                raise Hostile(member.name, f"it lies behind the symlink {shown(above)}")
            above = above.rpartition("/")[0]
        self.clear = folder


def plain(name: str, member: Header) -> str:
    """Return a name without `.` and empty parts; one that leads out of the archive is refused."""
    if name.startswith("/"):
        raise Hostile(member.name, f"{shown(name)} is an absolute path")
    parts = [part for part in name.split("/") if part not in {"", "."}]
    if ".." in parts:
        raise Hostile(member.name, f"{shown(name)} leads out of the volume")
    return "/".join(parts)


def selection(paths: Sequence[str]) -> Callable[[str], bool]:
    """Return what tells the members that paths select: these, and all below; without a path, every one."""
    prefixes = tuple(wanted(path) for path in paths)
    if not prefixes or "" in prefixes:
        return lambda _: True

    def selects(name: str) -> bool:
        return simple(name).startswith(prefixes)

    return selects


def wanted(path: str) -> str:
    """Return how the names that a path selects begin."""
    if path.startswith("/") or ".." in path.split("/") or not path:
        fix = "give it as it is inside the volume: --path folder/file"
        raise OpsError(f"`{path}` is no path inside a volume", fix=fix, code=REFUSED, cause="not-found")
    return simple(path)


def simple(name: str) -> str:
    """Return a name in one form, with a slash at its end: `a/b/` for `./a//b`."""
    return "".join(f"{part}/" for part in name.split("/") if part not in {"", "."})
