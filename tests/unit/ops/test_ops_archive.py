"""Archives: what GNU tar writes is read whole, by each Python, however little is read at a time."""

from __future__ import annotations

import io
import os
import random
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import IO

import pytest

from ops.errors import REFUSED, OpsError
from ops.sets import archive
from ops.sets.archive import Content
from tests.support.programs import needed
from tests.unit.ops.archives import packed, read, walk
from tests.unit.ops.helpers import OPS, PEAK, PYTHONS, python_id

ODD = [b"new\nline", b"latin-\xe9", b"tab\there", b"a=b", b" space ", b"-dash", b"n" * 255, "ümläut".encode(), b"\\x41"]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Make what a volume can hold."""
    root = tmp_path / "tree"
    (root / "sub" / ("deep" * 40) / ("er" * 100)).mkdir(parents=True)
    for name in ODD:
        Path(os.fsdecode(os.fsencode(root) + b"/" + name)).write_bytes(name)
    (root / "sub" / ("deep" * 40) / ("er" * 100) / "file").write_bytes(b"d" * 1000)
    (root / "empty").touch()
    os.link(root / "empty", root / "sub" / "linked")
    (root / "sub" / "dangling").symlink_to("/nowhere/" + "x" * 200)
    os.link(root / "sub" / "dangling", root / "sub" / "linked-link", follow_symlinks=False)
    os.mkfifo(root / "fifo")
    with (root / "holes").open("wb") as file:
        for at in (0, 5 << 20, 9 << 20):
            file.seek(at)
            file.write(b"data" * 5000)
        file.truncate(64 << 20)
    with (root / "all-hole").open("wb") as file:
        file.truncate(3 << 20)
    with (root / ("long" * 50)).open("wb") as file:
        file.seek(1 << 20)
        file.write(b"end")
    if sys.platform == "linux":
        os.setxattr(root / "empty", "user.binary", bytes(range(256)) + b"\n9 path=/etc/x\n")
    subprocess.run([needed("setfacl"), "-m", "u:1234:rwx", root / "empty"], check=True)
    return root


def contents(root: Path) -> dict[str, bytes]:
    return {
        os.path.relpath(path, root): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and not path.is_symlink()
    }


def test_real_archive(tree: Path) -> None:
    data = packed(tree)
    assert b"GNU.sparse.major=1" in data
    assert b"SCHILY.xattr.user.binary" in data
    found, expected = read(data), contents(tree)
    # Of two hard links, the archive holds one as a link.
    links = {"empty", "sub/linked"} - found.keys()
    assert len(links) == 1
    assert found == {name: content for name, content in expected.items() if name not in links}
    entries = sum(1 for _ in tree.rglob("*")) + 1
    assert walk(data) == Content(entries, sum(map(len, found.values())), acls=True)


def test_same_as_python(tree: Path) -> None:
    data = packed(tree)
    with tarfile.open(fileobj=io.BytesIO(data), errors="surrogateescape") as tar:
        theirs = {os.path.normpath(each.name): each for each in tar if each.isreg()}
    ours: dict[str, tarfile.TarInfo] = {}
    archive.walk(io.BytesIO(data), lambda name, info, _: ours.update({name: info}))
    assert ours.keys() == theirs.keys()
    for name, info in ours.items():
        them = theirs[name]
        assert (info.size, info.mode, info.uid, info.gid) == (them.size, them.mode, them.uid, them.gid)
        assert info.mtime == them.mtime


def test_reads_in_pieces(tree: Path) -> None:
    """A callback may read as little as it wants, and nothing afterwards."""
    kept: list[IO[bytes]] = []

    def some(name: str, info: tarfile.TarInfo, stream: IO[bytes]) -> None:
        stream.read(random.Random(name.encode("utf-8", "replace")).randrange(max(1, info.size)))
        kept.append(stream)

    data = packed(tree)
    assert archive.walk(io.BytesIO(data), some) == walk(data)
    for stream in kept:
        stream.read1() if isinstance(stream, io.BufferedReader) else None  # what was buffered
        assert stream.read() == b""


def test_stream_that_gives_little_at_a_time(tree: Path) -> None:
    data = packed(tree)

    class Slow(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            return super().read(min(size or 0, 100))

    assert archive.walk(Slow(data)) == walk(data)


@pytest.mark.parametrize("python", PYTHONS, ids=python_id)
def test_many_members_with_flat_memory(python: str) -> None:
    """In a process of its own: what counts is the peak."""
    script = f"""
import io, sys, tarfile
sys.path.insert(0, {str(OPS.parent)!r}); sys.dont_write_bytecode = True
from ops.sets import archive
{PEAK}
class Many:
    def __init__(self, count):
        self.left = count
        self.rest = b""
    def read(self, size):
        while len(self.rest) < size and self.left >= 0:
            header = tarfile.TarInfo("./folder-%d/%s" % (self.left % 1000, "x" * 70 + str(self.left)))
            self.rest += header.tobuf(tarfile.USTAR_FORMAT) if self.left else bytes(1024)
            self.left -= 1
        piece, self.rest = self.rest[:size], self.rest[size:]
        return piece

archive.walk(Many(2000))
before = peak()
print(archive.walk(Many(40_000)).entries, peak() - before)
"""
    done = subprocess.run([python, "-c", script], capture_output=True, text=True, check=True)
    entries, grown = map(int, done.stdout.split())
    assert entries == 40_000
    assert grown < 2 << 10


@pytest.mark.parametrize("python", PYTHONS, ids=python_id)
def test_each_python(tree: Path, tmp_path: Path, python: str) -> None:
    (tmp_path / "a.tar").write_bytes(packed(tree))
    script = f"""
import sys
sys.path.insert(0, {str(OPS.parent)!r}); sys.dont_write_bytecode = True
from ops.sets import archive
total = [0]
def count(name, info, stream):
    total[0] += len(stream.read())
with open({str(tmp_path / "a.tar")!r}, "rb") as file:
    content = archive.walk(file, count)
assert content.bytes == total[0]
print(content.entries, content.bytes)
"""
    done = subprocess.run([python, "-c", script], capture_output=True, text=True, check=True)
    expected = walk(packed(tree))
    assert done.stdout.split() == [str(expected.entries), str(expected.bytes)]


@pytest.mark.parametrize(
    ("paths", "yes", "no"),
    [
        (["a/b"], ["a/b", "./a/b", "a/b/", "a/b/c", "./a//b/./c"], ["a", "a/bc", "a/bc/d", "b", "x/a/b", ""]),
        (["./a/", "c"], ["a", "a/x", "c"], ["b", "ac", "ca"]),
        ([], ["a", "b/c"], []),
        (["."], ["a", "b/c"], []),
        (["a b\n"], ["a b\n/c"], ["a b"]),
    ],
)
def test_selection(paths: list[str], yes: list[str], no: list[str]) -> None:
    selects = archive.selection(paths)
    assert [name for name in yes if not selects(name)] == []
    assert [name for name in no if selects(name)] == []


@pytest.mark.parametrize("path", ["/a", "..", "a/../b", "../a", ""])
def test_selection_outside(path: str) -> None:
    with pytest.raises(OpsError) as caught:
        archive.selection(["a", path])
    assert caught.value.code == REFUSED
