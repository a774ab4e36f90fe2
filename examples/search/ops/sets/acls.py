# Managed by scaffold: updates merge this file.
"""Write an archive again with ACLs as GNU tar's `--acls` unpacks them: a copy has them among its attributes only.

What is unpacked with `--acls` gets the ACL that is noted for it, and none from the folder it comes into. To look for
ACLs in that way while a volume stands still would take tar a third more time where files are many and small (measured).
"""

from __future__ import annotations

import struct
import tarfile
from typing import TYPE_CHECKING

from ops.sets import header
from ops.sets.header import BLOCK, Hostile, Reader

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO

    from ops.sets.header import Header

# What an attribute holds: a version, then a kind, rights and a number for each entry (`linux/posix_acl_xattr.h`).
VERSION, ENTRY = struct.pack("<I", 2), struct.Struct("<HHI")
KINDS = {1: "user", 2: "user", 4: "group", 8: "group", 16: "mask", 32: "other"}
NAMED = {2, 8}
ALL = 7  # rights
# The records of an extended header: of an attribute, and of what `--acls` reads.
WHICH = {b"SCHILY.xattr.system.posix_acl_" + each: b"SCHILY.acl." + each for each in (b"access", b"default")}


def rewritten(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield a plain archive with its ACLs in both forms, piece by piece."""
    reader = Reader(stream)
    for member in iter(lambda: header.read(reader), None):
        yield extended({**member.pax, **noted(member)}) + member.block
        yield from reader.pieces(member.stored + -member.stored % BLOCK)
    reader.end()
    yield bytes(2 * BLOCK)


def noted(member: Header) -> dict[bytes, bytes]:
    """Return the ACLs that a member has among its attributes only, as records of an extended header."""
    found = {WHICH[key]: text(value, member) for key, value in member.pax.items() if key in WHICH}
    return {key: value for key, value in found.items() if key not in member.pax}


def text(value: bytes, member: Header) -> bytes:
    """Return an ACL as `getfacl` would, with numbers for names."""
    entries = value[len(VERSION) :]
    if not value.startswith(VERSION) or len(entries) % ENTRY.size:
        raise Hostile(member.name, "its ACL is none")
    lines = []
    for kind, rights, number in ENTRY.iter_unpack(entries):
        if kind not in KINDS or rights > ALL:
            raise Hostile(member.name, "its ACL is none")
        who = str(number) if kind in NAMED else ""
        can = "".join(letter if rights & bit else "-" for letter, bit in (("r", 4), ("w", 2), ("x", 1)))
        lines.append(f"{KINDS[kind]}:{who}:{can}\n")
    return "".join(lines).encode()


def extended(records: dict[bytes, bytes]) -> bytes:
    """Return an extended header with its records, which may be any bytes; nothing where there are none."""
    data = b"".join(map(record, records, records.values()))
    if not data:
        return b""
    info = tarfile.TarInfo("PaxHeader")
    info.type, info.size = header.MORE, len(data)
    return info.tobuf(tarfile.USTAR_FORMAT) + data + bytes(-len(data) % BLOCK)


def record(key: bytes, value: bytes) -> bytes:
    """Return one record: the length, which counts itself, then `KEY=VALUE`."""
    rest = len(b" %s=%s\n" % (key, value))
    length = rest + len(str(rest))
    length = rest + len(str(length))
    return b"%d %s=%s\n" % (length, key, value)
