# Managed by scaffold: updates merge this file.
"""Write an archive again with ACLs as GNU tar's `--acls` unpacks them: a copy has them among its attributes only.

What is unpacked with `--acls` gets the ACL that is noted for it, and none from the folder it comes into. To look for
ACLs in that way while a volume stands still would take tar a third more time where files are many and small (measured).
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from ops.sets import header
from ops.sets.header import BLOCK, CHUNK, Hostile, Reader

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


class Rewritten:
    """A plain archive with its ACLs in both forms; `read` returns a piece of any size."""

    def __init__(self, stream: IO[bytes]) -> None:
        """Read from a plain archive."""
        self.pieces = rewritten(Reader(stream))

    def read(self, _size: int = -1) -> bytes:
        """Return the next piece; nothing at the end."""
        return next(self.pieces, b"")


def rewritten(reader: Reader) -> Iterator[bytes]:
    """Yield an archive piece by piece."""
    for member in iter(lambda: header.read(reader), None):
        yield extended({**member.pax, **noted(member)}) + member.block
        left = member.stored + -member.stored % BLOCK
        while left:
            piece = reader.take(min(left, CHUNK))
            left -= len(piece)
            yield piece
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
    """Return an extended header with its records; nothing where there are none."""
    data = b"".join(map(record, records, records.values()))
    if not data:
        return b""
    block = bytearray(BLOCK)
    block[0:9], block[100:107], block[108:115], block[116:123] = b"PaxHeader", b"0000600", b"0000000", b"0000000"
    block[124:135], block[136:147], block[148:156] = b"%011o" % len(data), b"0" * 11, b" " * 8
    block[156:157], block[257:265] = header.MORE, header.POSIX + b"00"
    block[148:155] = b"%06o\0" % sum(block)
    return bytes(block) + data + bytes(-len(data) % BLOCK)


def record(key: bytes, value: bytes) -> bytes:
    """Return one record: the length, which counts itself, then `KEY=VALUE`."""
    rest = len(b" %s=%s\n" % (key, value))
    length = rest + len(str(rest))
    length = rest + len(str(length))
    return b"%d %s=%s\n" % (length, key, value)
