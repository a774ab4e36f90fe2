# Managed by scaffold: updates merge this file.
"""Read the headers of a tar, as GNU tar and Python write them in the POSIX format, and refuse all others."""

from __future__ import annotations

import re
import tarfile
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING

from ops.errors import REFUSED, UNABLE, OpsError

if TYPE_CHECKING:
    from collections.abc import Iterator

BLOCK = 512
CHUNK = 1 << 20
ZEROS = bytes(BLOCK)
LIMIT = 8 << 20  # bytes of extended headers: far more than a file system lets a file have
LARGEST = (1 << 63) - 1
DIGITS = len(str(LARGEST))
REGULAR, HARDLINK, SYMLINK, FOLDER, FIFO = b"0", b"1", b"2", b"5", b"6"
KINDS = {REGULAR, HARDLINK, SYMLINK, FOLDER, FIFO}
DEVICES = {b"3": "a character device", b"4": "a block device"}
MORE, MORE_FOR_ALL, LONG_NAME, LONG_LINK = b"x", b"g", b"L", b"K"
POSIX, GNU = b"ustar\x00", b"ustar "
OCTAL = re.compile(rb"[ \x00]*([0-7]*)[ \x00]*")
# What GNU tar understands of its own keywords. The others, such as folder lists, make it do more than unpack.
MAJOR, MINOR, REAL_NAME, REAL_SIZE = (b"GNU.sparse." + each for each in (b"major", b"minor", b"name", b"realsize"))
SPARSE = {MAJOR, MINOR, REAL_NAME, REAL_SIZE}
FOR_ONE = {b"path", b"linkpath", b"size"}


class Hostile(OpsError):
    """An archive holds something that no backup of ours would."""

    def __init__(self, name: str, why: str) -> None:
        """Name the member and what is wrong with it."""
        what = f"the archive holds {shown(name)}"
        super().__init__(what, why, "do not restore it; other sets: python3 ops list", REFUSED, "hostile")


def cut(why: str) -> OpsError:
    """Say that an archive is not whole."""
    return OpsError("the archive is damaged", why, "other sets: python3 ops list", UNABLE, "damaged")


def shown(name: str) -> str:
    """Return a name as it may be printed: what moves the cursor, or is no text, is written out."""
    safe = "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in name)
    return f"`{safe}`"


class Reader:
    """A stream that is read by counted bytes."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.stream = stream

    def take(self, size: int) -> bytes:
        """Return exactly so many bytes."""
        data = self.stream.read(size)
        while len(data) < size:
            more = self.stream.read(size - len(data))
            if not more:
                raise cut("it ends too early")
            data += more
        return data

    def pieces(self, size: int) -> Iterator[bytes]:
        """Yield so many bytes, piece by piece."""
        while size:
            piece = self.take(min(size, CHUNK))
            size -= len(piece)
            yield piece

    def skip(self, size: int) -> None:
        """Pass over so many bytes."""
        for _ in self.pieces(size):
            pass

    def end(self) -> None:
        """Read the rest, which is nothing but padding."""
        for piece in iter(lambda: self.stream.read(CHUNK), b""):
            if piece.count(0) != len(piece):
                raise cut("something follows its end")


@dataclass(frozen=True)
class Header:
    """A member: the raw block and what extended headers say, which wins."""

    block: bytes
    kind: bytes
    name: str
    link: str
    stored: int  # bytes in the archive
    pax: dict[bytes, bytes] = field(default_factory=dict)

    @property
    def regular(self) -> bool:
        """Tell whether it is a file with content."""
        return self.kind == REGULAR

    @property
    def real_size(self) -> int | None:
        """Return the size of a file with holes; None for one that is stored as it is."""
        if MAJOR not in self.pax:
            return None
        return decimal(self.pax[REAL_SIZE], self.name)

    def info(self, size: int) -> tarfile.TarInfo:
        """Return it in Python's own form."""
        info = tarfile.TarInfo(self.name)
        info.size = size
        info.mode, info.uid, info.gid, mtime = (
            number(self.block[start:end], self.name) for start, end in ((100, 108), (108, 116), (116, 124), (136, 148))
        )
        info.pax_headers = {text(key): text(value) for key, value in self.pax.items()}
        info.uid = int(info.pax_headers.get("uid", info.uid))
        info.gid = int(info.pax_headers.get("gid", info.gid))
        info.mtime = float(info.pax_headers.get("mtime", mtime))
        return info


def read(reader: Reader) -> Header | None:
    """Return the next member; None at the end marker, without which an archive is not whole."""
    pax: dict[bytes, bytes] = {}
    while True:
        block = reader.take(BLOCK)
        if block == ZEROS:
            if reader.take(BLOCK) != ZEROS or pax:
                raise cut("its end marker is not whole")
            return None
        kind, size = checked(block)
        if kind not in {MORE, MORE_FOR_ALL, LONG_NAME, LONG_LINK}:
            return member(block, kind, size, pax)
        extend(pax, kind, content(reader, size, block))


def checked(block: bytes) -> tuple[bytes, int]:
    """Return the kind and the size that a header has."""
    name = text(until_nul(block[:100]))
    noted = OCTAL.fullmatch(block[148:156])
    # Eight spaces stand for the sum itself.
    if noted is None or int(noted.group(1) or b"0", 8) != sum(block) - sum(block[148:156]) + 8 * 32:
        raise cut("a header has a wrong checksum")
    if block[257:263] not in {POSIX, GNU}:
        raise Hostile(name, "its header has a format that no backup of ours has")
    kind = block[156:157]
    return REGULAR if kind == b"\x00" else kind, number(block[124:136], name)


def content(reader: Reader, size: int, block: bytes) -> bytes:
    """Return what an extended header holds."""
    if size > LIMIT:
        raise Hostile(text(until_nul(block[:100])), f"its extended header has {size} bytes")
    data = reader.take(size)
    reader.skip(-size % BLOCK)
    return data


def extend(pax: dict[bytes, bytes], kind: bytes, data: bytes) -> None:
    """Add what an extended header says to what is known of the next member."""
    if kind in {LONG_NAME, LONG_LINK}:
        found = {b"path" if kind == LONG_NAME else b"linkpath": data.rstrip(b"\x00")}
    else:
        found = records(data)
    if kind == MORE_FOR_ALL:
        if any(key in FOR_ONE or key.startswith(b"GNU.") for key in found):
            raise Hostile("a header for all members", "it gives all of them the same name or size")
        return
    twice = pax.keys() & found.keys()
    if twice:
        raise Hostile(text(data[:100]), f"its headers say {shown(text(twice.pop()))} twice")
    pax.update(found)


def records(data: bytes) -> dict[bytes, bytes]:
    """Read the records of an extended header: `LENGTH KEY=VALUE` and a line end each."""
    found: dict[bytes, bytes] = {}
    at = 0
    while at < len(data):
        space = data.find(b" ", at, at + 12)
        length = data[at:space] if space > at else b""
        end = at + (int(length) if length.isdigit() else 0)
        key, equals, value = data[space + 1 : end - 1].partition(b"=")
        if not space < end <= len(data) or data[end - 1 : end] != b"\n" or not key or not equals or key in found:
            raise Hostile(text(data[at : at + 100]), "its extended header is not well formed")
        if key.startswith(b"GNU.") and key not in SPARSE:
            raise Hostile(text(data[at : at + 100]), "its extended header wants what no backup of ours does")
        found[key] = value
        at = end
    return found


def member(block: bytes, kind: bytes, size: int, pax: dict[bytes, bytes]) -> Header:
    """Put a member together; what could be understood in two ways is refused."""
    short = until_nul(block[:100])
    if block[257:263] == POSIX and block[345:346] != b"\x00":
        short = until_nul(block[345:500]) + b"/" + short
    name = pax.get(REAL_NAME, pax.get(b"path", short))
    link = pax.get(b"linkpath", until_nul(block[157:257]))
    if b"size" in pax:
        size = decimal(pax[b"size"], text(name))
    made = Header(block, kind, text(name), text(link), size, pax)
    why = wrong(made, name, link)
    if why:
        raise Hostile(made.name, why)
    return made


def wrong(made: Header, name: bytes, link: bytes) -> str:
    """Say what is wrong with a member, if anything is."""
    if made.kind in DEVICES:
        return f"it is {DEVICES[made.kind]}"
    if made.kind not in KINDS:
        return f"it is of a kind that no backup of ours has: {made.kind!r}"
    if not name or b"\x00" in name or b"\x00" in link:
        return "its name is no name"
    if made.regular and name.endswith(b"/"):
        return "it is a file with the name of a folder"
    if made.stored and not made.regular:
        return "it has content and is no file"
    sparse = {key: value for key, value in made.pax.items() if key in SPARSE}
    if sparse and (len(sparse) < len(SPARSE) or sparse[MAJOR] + sparse[MINOR] != b"10" or not made.regular):
        return "its holes are noted in a way that no backup of ours does"
    return ""


def until_nul(raw: bytes) -> bytes:
    """Return a field up to its end."""
    return raw.partition(b"\x00")[0]


def text(raw: bytes) -> str:
    """Return a name as Python has it; one that is no UTF-8 is kept byte by byte."""
    return raw.decode("utf-8", "surrogateescape")


def number(raw: bytes, name: str) -> int:
    """Read a number of a header: octal, or binary where that is too short."""
    if raw[:1] == b"\x80":
        value = int.from_bytes(raw[1:], "big")
    else:
        match = OCTAL.fullmatch(raw)
        if match is None:
            raise Hostile(name, "its header has a number that is none")
        value = int(match.group(1) or b"0", 8)
    if value > LARGEST:
        raise Hostile(name, "its header has a number that is too large")
    return value


def decimal(raw: bytes, name: str) -> int:
    """Read a number of an extended header."""
    if not raw.isdigit() or len(raw) > DIGITS or int(raw) > LARGEST:
        raise Hostile(name, "its extended header has a number that is none")
    return int(raw)
