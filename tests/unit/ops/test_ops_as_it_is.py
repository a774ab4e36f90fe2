"""An archive that compression would not make smaller becomes the stored file itself; every other is compressed."""

from __future__ import annotations

import hashlib
import os
import stat
import threading
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

MIB = 1 << 20
NOISE = os.urandom(MIB)


@pytest.fixture(autouse=True)
def closer_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sixteen MiB are enough to tell then."""
    monkeypatch.setattr("ops.sets.samples.EVERY", MIB)


def noise(mebibytes: int) -> bytes:
    return b"".join(NOISE[number:] + NOISE[:number] for number in range(mebibytes))


def kept(
    folder: Path, content: bytes, codec: str = "gzip", *, whole: bool = True, halves: bool = False
) -> tuple[Any, Path, int]:
    """Store an archive that lies in the folder of a set; return who did, where it lay, and its inode."""
    from ops.sets.keeping import Keeper
    from ops.sets.manifest import Item
    from ops.sets.writer import Writer
    from ops.volumes.scratch import BLOCK, HALF, Scratch

    spare = Scratch(None, folder, {})  # type: ignore[arg-type] # no helper has to write here
    lying = spare.path("data")
    lying.write_bytes(content)
    if halves:
        cut = len(content) // 2 // BLOCK * BLOCK
        lying.write_bytes(content[:cut])
        spare.path("data", HALF).write_bytes(content[cut:])
    lying.chmod(0o666)
    inode = lying.stat().st_ino
    sink = Writer(folder, codec).sink(Item("data", "project_data"))
    join = partial(spare.join, "data") if halves else None
    opened, where = spare.open("data"), spare.lying("data")
    keeper = Keeper(sink, "content", "content.tar", opened, threading.Lock(), lying=where, plain=True, join=join)
    if halves:
        keeper.following.end(whole=True)
    keeper.start()
    if whole:
        keeper.following.end(whole=True)
        keeper.finish()
    else:
        keeper.give_up()
    return keeper, lying, inode


def read(folder: Path, item: Any) -> bytes:
    from ops.sets.writer import ItemSource

    with ItemSource(folder, item).open(item.files[0]) as stream:
        return stream.read()


def is_the_archive(folder: Path, file: Any, content: bytes, inode: int) -> bool:
    stored = (folder / file.path).stat()
    digest = hashlib.sha256(content).hexdigest()
    said = (file.size, file.plain_size, file.sha256, file.plain_sha256)
    assert said == (len(content), len(content), digest, digest)
    assert stat.S_IMODE(stored.st_mode) == 0o600
    return bool(stored.st_ino == inode)


@pytest.mark.parametrize("halves", [False, True])
def test_what_cannot_be_compressed_is_not_written_twice(tmp_path: Path, *, halves: bool) -> None:
    content = noise(20)
    keeper, lying, inode = kept(tmp_path, content, halves=halves)
    (file,) = keeper.sink.item.files
    assert (file.path, file.codec) == ("data/content.tar", "none")
    assert is_the_archive(tmp_path, file, content, inode)
    assert not lying.exists()
    assert read(tmp_path, keeper.sink.item) == content


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(lambda: b"words and more words " * MIB, id="words"),
        pytest.param(lambda: noise(20) + bytes(20 * MIB), id="zeros after what cannot be compressed"),
        pytest.param(lambda: bytes(b & 0x7F for b in NOISE) * 20, id="an eighth less"),
        pytest.param(lambda: noise(3), id="too little to tell"),
        pytest.param(lambda: b"", id="nothing"),
    ],
)
@pytest.mark.parametrize("halves", [False, True])
def test_everything_else_is_compressed(tmp_path: Path, content: Any, *, halves: bool) -> None:
    plain = content()
    keeper, lying, _ = kept(tmp_path, plain, halves=halves)
    (file,) = keeper.sink.item.files
    assert (file.path, file.codec, file.plain_size) == ("data/content.tar.gz", "gzip", len(plain))
    assert lying.exists(), "whoever made it removes it"
    assert read(tmp_path, keeper.sink.item) == plain


@pytest.mark.parametrize("halves", [False, True])
def test_where_nothing_is_compressed_every_archive_stays_as_it_is(tmp_path: Path, *, halves: bool) -> None:
    content = b"words " * 1000
    keeper, _, inode = kept(tmp_path, content, "none", halves=halves)
    (file,) = keeper.sink.item.files
    assert is_the_archive(tmp_path, file, content, inode)


def test_one_that_did_not_get_whole_is_no_file_of_the_set(tmp_path: Path) -> None:
    keeper, lying, _ = kept(tmp_path, noise(20), whole=False)
    assert keeper.sink.item.files == []
    assert lying.exists()
    assert list((tmp_path / "data").iterdir()) == []


def test_halves_that_are_whole_are_known_to_be_from_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else they would be joined before anybody looks whether they stay as they are: another copy of all."""
    from ops.sets.keeping import Keeper
    from ops.sets.manifest import Item
    from ops.sets.take import Taking
    from ops.sets.writer import Writer
    from ops.volumes.scratch import HALF, Scratch

    spare = Scratch(None, tmp_path, {})  # type: ignore[arg-type] # no helper has to write here
    for more in ("", HALF):
        spare.path("data", more).write_bytes(b"words " * 1000)
    seen = []
    monkeypatch.setattr(Keeper, "start", lambda self: seen.append((self.following.whole, self.lying)))
    job: Any = SimpleNamespace(entry=SimpleNamespace(name="data"), item=Item("data", "project_data"))
    this: Any = None
    made: dict[str, Any] = {}
    Taking(this, [], 30, Writer(tmp_path, "zstd")).follow(job, spare, made, whole=True)
    made["data"].following.file.close()
    assert seen == [(True, [spare.path("data"), spare.path("data", HALF)])]
