"""What is stored and read in each way, and programs that do with it what a test wants."""

from __future__ import annotations

import io
import random
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from ops.errors import OpsError
from ops.sets import codec

PACKED = ["zstd", "gzip"]
CODECS = [*PACKED, "none"]
NOISE = random.Random(5).randbytes(3_000_000)
SAMPLES = [b"", b"x", b"line of text\n" * 200_000, NOISE]


def children() -> list[str]:
    own = Path(f"/proc/self/task/{threading.get_native_id()}/children")
    return own.read_text().split()


def scripted(folder: Path, name: str, script: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def read(path: Path, how: str, through: list[str] | None = None) -> bytes:
    with codec.decoded(path, how, through or []) as stream:
        return stream.read()


def failure(work: Callable[[], object]) -> OpsError:
    with pytest.raises(OpsError) as caught:
        work()
    return caught.value


class Endless(io.RawIOBase):
    """Noise for ever, or until the test gives up."""

    def __init__(self, meanwhile: Callable[[int], None] = lambda _: None) -> None:
        self.given = 0
        self.meanwhile = meanwhile

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        assert self.given < 2_000_000_000
        self.meanwhile(self.given)
        size = min(len(buffer), len(NOISE))
        buffer[:size] = NOISE[:size]
        self.given += size
        return size
