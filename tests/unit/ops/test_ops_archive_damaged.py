"""Archives that are cut, spoiled or followed by something: never taken for whole."""

from __future__ import annotations

import random
import tarfile
from pathlib import Path

import pytest

from ops.errors import OpsError
from ops.sets.archive import Content
from tests.unit.ops.archives import built, damaged, entry, folder, packed, pax, walk


def test_cut_anywhere() -> None:
    data = built(folder("."), entry("a", size=700), pax("b", comment="x"), entry("c", size=512))
    data = data.rstrip(b"\0")
    data += bytes(-len(data) % 512 + 1024)
    assert walk(data) == Content(4, 1212)
    for length in [*range(0, len(data), 512), *random.Random(2).sample(range(len(data)), 50)]:
        assert damaged(data[:length])


def test_cut_between_members_of_a_real_archive(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 512)
    data = packed(tmp_path)
    assert walk(data) == Content(2, 512)
    assert damaged(data[: data.index(b"x" * 512) + 512]) == "it ends too early"


def test_more_after_the_end() -> None:
    data = built(entry("a"))
    assert walk(data + bytes(100_000)) == Content(1, 0)
    assert damaged(data + b"x") == "something follows its end"
    assert damaged(data + built(entry("b"))) == "something follows its end"
    lone = entry("a").tobuf(tarfile.USTAR_FORMAT) + bytes(512)
    assert damaged(lone + entry("b").tobuf(tarfile.USTAR_FORMAT) + bytes(1024)) == "its end marker is not whole"


def test_flipped_bits_of_a_header() -> None:
    data = bytearray(built(entry("a", size=5)))
    for at in random.Random(3).sample(range(500), 60):
        data[at] ^= 1
        with pytest.raises(OpsError):
            walk(bytes(data))
        data[at] ^= 1
    assert walk(bytes(data)) == Content(1, 5)


def test_no_archive() -> None:
    for data in (b"", b"x", b"\x1f\x8b" * 1000, bytes(512)):
        assert damaged(data)
    # Thus is an archive of nothing.
    assert walk(bytes(1024)) == Content(0, 0)
