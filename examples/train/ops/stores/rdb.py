# Managed by scaffold: updates merge this file.
"""The data folder of a Redis or Valkey server, made from a snapshot."""

from __future__ import annotations

import re
import tarfile
import time
from typing import IO, TYPE_CHECKING, Any

from ops.errors import UNABLE, OpsError
from ops.stores import versions
from ops.stores.streams import chunks

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*")


def folder(plain: IO[bytes], size: int, facts: dict[str, Any], owner: tuple[int, int]) -> Iterator[bytes]:
    """Return a tar of a data folder: the snapshot, and an append-only file that begins with it.

    The second is the first under another name: a server replaces either, and never changes it.
    """
    where = "".join(f"{part}/" for part in str(facts.get("folder", "")).split("/") if NAME.fullmatch(part))
    snapshot = where + named(facts, "dbfilename", "dump.rdb")
    name = named(facts, "appendfilename", "appendonly.aof")
    parts = where.split("/")[:-1]
    for depth in range(len(parts)):
        yield member("/".join(parts[: depth + 1]), owner, tarfile.DIRTYPE)
    yield member(snapshot, owner, tarfile.REGTYPE, size)
    yield from exactly(plain, size)
    yield b"\0" * (-size % tarfile.BLOCKSIZE)
    if facts.get("server") == "redis" and versions.number(str(facts.get("version", ""))) < (7,):
        # One file then; newer servers take it over.
        yield member(where + name, owner, tarfile.LNKTYPE, link=snapshot)
    else:
        kept = where + named(facts, "appenddirname", "appendonlydir")
        listed = f"file {name}.1.base.rdb seq 1 type b\nfile {name}.1.incr.aof seq 1 type i\n".encode()
        yield member(kept, owner, tarfile.DIRTYPE)
        yield member(f"{kept}/{name}.1.base.rdb", owner, tarfile.LNKTYPE, link=snapshot)
        yield member(f"{kept}/{name}.1.incr.aof", owner, tarfile.REGTYPE)
        yield member(f"{kept}/{name}.manifest", owner, tarfile.REGTYPE, len(listed))
        yield listed + b"\0" * (-len(listed) % tarfile.BLOCKSIZE)
    yield b"\0" * 2 * tarfile.BLOCKSIZE


def named(facts: dict[str, Any], key: str, usual: str) -> str:
    """Return a name that the server was told; a set may come from anywhere, so no other than a plain one."""
    name = str(facts.get(key, usual))
    return name if NAME.fullmatch(name) else usual


def member(name: str, owner: tuple[int, int], kind: bytes, size: int = 0, link: str = "") -> bytes:
    """Return the header of a file in a tar."""
    info = tarfile.TarInfo(name)
    info.type, info.size, info.linkname = kind, size, link
    info.uid, info.gid = owner
    info.mode = 0o700 if kind == tarfile.DIRTYPE else 0o600
    info.mtime = int(time.time())
    return info.tobuf(tarfile.PAX_FORMAT)


def exactly(plain: IO[bytes], size: int) -> Iterator[bytes]:
    """Pass on a stream that has to be of a size: in a tar, all behind it hangs on that."""
    left = size
    for piece in chunks(plain):
        left -= len(piece)
        if left < 0:
            break
        yield piece
    if left:
        raise OpsError("`dump.rdb` is not of the size it was", code=UNABLE, cause="damaged")
