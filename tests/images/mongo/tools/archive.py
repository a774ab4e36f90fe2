"""The layout of an archive, as MongoDB's own tools have it: common/archive/spec.md in their sources.

The magic number, a header, one document of metadata for each collection, a terminator; then blocks, each a header, any
number of documents and a terminator. A header that says EOF ends its collection and holds the sum over its documents.
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Iterable, Iterator
from typing import IO, Any

import bson  # type: ignore[import-not-found]

MAGIC = struct.pack("<I", 0x8199E26D)
TERMINATOR = b"\xff\xff\xff\xff"
SMALLEST, LARGEST = 5, 16 * 1024 * 1024 + 16 * 1024

Document = dict[str, Any]

# The same sum as Go's crc64 with the ECMA table, and 100 times as fast as one in Python.
_crc64 = ctypes.CDLL("liblzma.so.5").lzma_crc64
_crc64.restype = ctypes.c_uint64
_crc64.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint64]


class ArchiveError(Exception):
    """An archive that is none, is cut off, or holds other bytes than were written."""


def checksum(data: bytes, begun: int = 0) -> int:
    """The sum over what it was `begun` with and these bytes."""
    total: int = _crc64(data, len(data), begun)
    return total


def signed(total: int) -> int:
    """As BSON stores it: it has no unsigned numbers."""
    return total - (1 << 64) if total >> 63 else total


def documents(batch: bytes) -> Iterator[bytes]:
    """The documents that lie one after another in these bytes."""
    at = 0
    while at < len(batch):
        (length,) = struct.unpack_from("<i", batch, at)
        yield batch[at : at + length]
        at += length


def write_prelude(out: IO[bytes], header: Document, collections: Iterable[Document]) -> None:
    """What an archive begins with."""
    out.write(MAGIC + bson.encode(header))
    for collection in collections:
        out.write(bson.encode(collection))
    out.write(TERMINATOR)


def write_collection(out: IO[bytes], database: str, name: str, batches: Iterable[bytes]) -> int:
    """One collection as one block and its end; how many documents those were."""
    total = count = 0
    out.write(_header(database, name))
    for batch in batches:
        out.write(batch)
        total = checksum(batch, total)
        count += sum(1 for _ in documents(batch))
    out.write(TERMINATOR + _header(database, name, eof=True, crc=signed(total)) + TERMINATOR)
    return count


def _header(database: str, name: str, *, eof: bool = False, crc: int = 0) -> bytes:
    encoded: bytes = bson.encode({"db": database, "collection": name, "EOF": eof, "CRC": bson.Int64(crc)})
    return encoded


def read_prelude(stream: IO[bytes]) -> tuple[Document, list[Document]]:
    """The header, and the metadata of each collection."""
    magic = stream.read(len(MAGIC))
    if len(magic) < len(MAGIC):
        raise ArchiveError("I/O failure reading beginning of archive: unexpected EOF")
    if magic != MAGIC:
        raise ArchiveError("stream or file does not appear to be a mongodump archive")
    block = next(read_blocks(stream), None)
    if block is None:
        raise ArchiveError("EOF")
    header, body = block
    return header, [bson.decode(document) for document in body]


def read_blocks(stream: IO[bytes]) -> Iterator[tuple[Document, Iterator[bytes]]]:
    """Each block's header and its documents, which have to be read before the next block is asked for."""
    while True:
        header = _read_document(stream, may_end=True)
        if header is None:
            return
        if header == TERMINATOR:
            raise _corrupt("consecutive terminators / headerless blocks are not allowed")
        yield bson.decode(header), _read_body(stream)


def _read_body(stream: IO[bytes]) -> Iterator[bytes]:
    while True:
        document = _read_document(stream)
        if document is None or document == TERMINATOR:
            return
        yield document


def _read_document(stream: IO[bytes], *, may_end: bool = False) -> bytes | None:
    start = stream.read(4)
    if may_end and not start:
        return None
    if len(start) < 4:
        raise _corrupt("I/O error reading length or terminator ( unexpected EOF )")
    if start == TERMINATOR:
        return start
    (length,) = struct.unpack("<i", start)
    if not SMALLEST <= length <= LARGEST:
        raise _corrupt(f"{length} is neither a valid bson length nor a archive terminator")
    rest = stream.read(length - 4)
    if len(rest) < length - 4:
        raise _corrupt("read bson ( unexpected EOF )")
    if rest[-1] != 0:
        raise _corrupt(f"bson (size: {length}, byte: {rest[-1]}) doesn't end with a null byte")
    return start + rest


def _corrupt(what: str) -> ArchiveError:
    return ArchiveError(f"corruption found in archive; {what}")
