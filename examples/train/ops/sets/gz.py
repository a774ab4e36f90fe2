# Managed by scaffold: updates merge this file.
"""Compress or unpack gzip from standard input to standard output: a program for where no other one is installed.

It imports nothing of `ops`, so that it starts fast. Unlike `gzip` it takes what follows the end for damage.
"""

from __future__ import annotations

import signal
import sys
import zlib
from typing import IO

CHUNK = 1 << 20
GZIP = 31  # the largest window, in gzip's frame
LEVEL = 1


def pack(source: IO[bytes], target: IO[bytes]) -> None:
    """Compress everything."""
    packer = zlib.compressobj(LEVEL, zlib.DEFLATED, GZIP)
    for piece in iter(lambda: source.read(CHUNK), b""):
        target.write(packer.compress(piece))
    target.write(packer.flush())


def unpack(source: IO[bytes], target: IO[bytes]) -> None:
    """Unpack one member, piece by piece: a small one may hold much."""
    opener = zlib.decompressobj(GZIP)
    while not opener.eof:
        piece = opener.unconsumed_tail or source.read(CHUNK)
        if not piece:
            sys.exit("unexpected end of file")
        target.write(opener.decompress(piece, CHUNK))
    if opener.unused_data or source.read(1):
        sys.exit("something follows its end")


def main() -> None:
    """Do what the one argument says."""
    # A reader that is gone is no failure of ours: end as other programs do.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    work = unpack if sys.argv[1:] == ["-d"] else pack
    try:
        work(sys.stdin.buffer, sys.stdout.buffer)
        sys.stdout.buffer.flush()
    except zlib.error as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
