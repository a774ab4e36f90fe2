"""Sets that are not what was stored: found by `verify`, and refused by `restore` before it touches anything."""

from __future__ import annotations

import io
import json
import shutil
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.engine.backup.faults.rebuilt import change, seal
from tests.engine.backup.faults.world import World, docker

pytestmark = pytest.mark.engine

Change = Callable[[Path], None]


@pytest.fixture(scope="module")
def whole(world: World) -> Path:
    """A good set, and other content since."""
    path = Path(world.json("backup")["path"])
    world.write("second")
    world.sql("INSERT INTO t VALUES (7)")
    return path


@pytest.fixture
def copy(whole: Path, tmp_path: Path) -> Path:
    """A copy of it, to be spoilt."""
    return Path(shutil.copytree(whole, tmp_path / whole.name))


@pytest.fixture(autouse=True)
def untouched(world: World, whole: Path) -> Iterator[None]:
    """Nothing changes: no file, no row, no container is even stopped."""
    label = f"label=com.docker.compose.project={world.project.name}"

    def now() -> Any:
        ids = docker("ps", "--all", "--quiet", "--filter", label).split()
        started = docker("inspect", "--format", "{{.Name}} {{.State.Status}} {{.State.StartedAt}}", *ids)
        return sorted(started.splitlines()), world.content(), world.sql("SELECT count(*) FROM t"), world.volumes()

    assert whole.is_dir()
    before = now()
    yield
    assert now() == before
    world.in_order()


def stored(path: Path, volume: str, ending: str) -> Path:
    """A file of a set."""
    [found] = [each for each in (path / volume).iterdir() if ending in each.name]
    return found


def cut(volume: str, ending: str) -> Change:
    def spoil(path: Path) -> None:
        file = stored(path, volume, ending)
        file.write_bytes(file.read_bytes()[:-100])

    return spoil


def flip(volume: str, ending: str) -> Change:
    def spoil(path: Path) -> None:
        file = path / "manifest.json" if not volume else stored(path, volume, ending)
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 1
        file.write_bytes(content)

    return spoil


def lose(path: Path) -> None:
    stored(path, "index", "content").unlink()


def elsewhere(path: Path) -> None:
    """The right content, by a link out of the set."""
    file = stored(path, "index", "content")
    file.rename(path.parent / "outside")
    file.symlink_to(path.parent / "outside")


CHANGES: dict[str, Change] = {
    "cut archive": cut("uploads", "content"),
    "flipped archive": flip("uploads", "content"),
    "cut dump": cut("postgres_data", "database-0"),
    "flipped dump": flip("postgres_data", "database-0"),
    "flipped globals": flip("postgres_data", "globals"),
    "flipped manifest": flip("", ""),
    "missing file": lose,
    "file elsewhere": elsewhere,
}


@pytest.mark.parametrize("kind", CHANGES)
def test_damage_is_found_before_anything_is_touched(world: World, copy: Path, kind: str) -> None:
    CHANGES[kind](copy)
    world.ops("verify", str(copy), code=1, cause="damaged")
    world.ops("restore", str(copy), "--replace", code=2, cause="damaged")


def test_damage_that_hashes_do_not_show(world: World, copy: Path) -> None:
    """Whoever compressed it wrote other content, and hashed what came out."""
    change(copy, "uploads", "content", lambda plain: plain[:-20000])
    world.ops("verify", str(copy))
    world.ops("verify", "--deep", str(copy), code=1, cause="damaged")
    world.ops("restore", str(copy), "--replace", code=2, cause="damaged")


def test_a_newer_format(world: World, copy: Path) -> None:
    document = json.loads((copy / "manifest.json").read_text())
    document["format"] += 1
    seal(copy, document)
    for verb in (("verify",), ("restore", "--replace"), ("drill",)):
        world.ops(verb[0], str(copy), *verb[1:], code=2, cause="newer-format")


def test_what_is_not_of_the_set_is_not_restored(world: World, copy: Path) -> None:
    (copy / "uploads" / "stranger").write_text("x")
    world.ops("verify", "--deep", str(copy))
    world.ops("restore", str(copy), "--replace", "--dry-run")


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode = kind, link, 0o755
    return info


HOSTILE = {
    "absolute": [member("/etc/evil")],
    "upwards": [member("./../evil")],
    "through a link": [member("./out", tarfile.SYMTYPE, "/etc"), member("./out/evil")],
    "hard link to outside": [member("./passwd", tarfile.LNKTYPE, "../../etc/passwd")],
    "device": [member("./disk", tarfile.BLKTYPE)],
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_archive_with_the_right_hashes(world: World, copy: Path, kind: str) -> None:
    def replaced(_plain: bytes) -> bytes:
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
            for info in [member(".", tarfile.DIRTYPE), *HOSTILE[kind]]:
                tar.addfile(info)
        return out.getvalue()

    change(copy, "uploads", "content", replaced, honest=True)
    world.ops("verify", str(copy))
    world.ops("verify", "--deep", str(copy), code=1, cause="hostile")
    world.ops("restore", str(copy), "--only", "uploads", "--replace", code=2, cause="hostile")
