"""Disks that are full: of the sets, and of a volume."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.engine.backup.faults.driver import BEFORE, waiting
from tests.engine.backup.faults.world import World, docker

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(os.getuid() != 0, reason="only root can mount a small disk"),
]
FILES = ("--only", "uploads", "index")


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A disk of 80 MiB."""
    folder = tmp_path_factory.mktemp("disk")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=80m", "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def fill(disk: Path) -> Path:
    """Leave no byte."""
    path = disk / "filler"
    with suppress(OSError), path.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(1 << 20))
    with suppress(OSError), path.open("ab", buffering=0) as file:
        while True:
            file.write(b"0")
    return path


@pytest.mark.parametrize(
    "moment", ["^docker exec .* tar --create", "^start (zstd|.*gz.py|pigz)", "^write .*/manifest.json"]
)
def test_the_disk_of_the_sets(world: World, disk: Path, moment: str) -> None:
    backup = ("backup", "--only", "index", "--to", str(disk))
    world.ops(*backup)
    earlier = sorted((disk / world.project.name).iterdir())
    with waiting(world.project, *backup, at=moment, when=BEFORE) as run:
        filler = fill(disk)
    done = run.end()
    filler.unlink()
    assert (done.code, done.last) == (3, "ops backup: no-space (exit code 3)"), done
    world.in_order()
    assert sorted((disk / world.project.name).iterdir()) == earlier
    world.ops("verify", "--deep", "--to", str(disk))


def test_no_room_for_a_plain_copy(world: World, disk: Path) -> None:
    """Then it is compressed while still, and needs less."""
    ballast = disk / "ballast"
    with ballast.open("wb") as file:
        file.write(bytes(60 << 20))
    made = world.json("backup", *FILES, "--to", str(disk))
    ballast.unlink()
    assert {item["state"] for item in made["items"]} == {"stored"}
    world.ops("verify", "--deep", "--to", str(disk))


@pytest.fixture
def small(world: World, tmp_path: Path) -> Iterator[Path]:
    """The volume of `app` on a disk of 64 KiB; its content is in `volume/` there."""
    project, name = world.project, f"{world.project.name}_uploads"
    project.compose("rm", "--stop", "--force", "app")
    docker("volume", "rm", name)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", tmp_path], check=True)
    try:
        (tmp_path / "volume").mkdir()
        options = ("--opt", "type=none", "--opt", "o=bind", "--opt", f"device={tmp_path / 'volume'}")
        labels = (f"com.docker.compose.project={project.name}", "com.docker.compose.volume=uploads")
        docker("volume", "create", *options, *(part for each in labels for part in ("--label", each)), name)
        (tmp_path / "volume" / "old").write_bytes(bytes(range(256)) * 64)
        project.up("app")
        yield tmp_path
    finally:
        project.compose("rm", "--stop", "--force", "app")
        docker("volume", "rm", "--force", name)
        subprocess.run(["umount", tmp_path], check=True)
        project.up()


@pytest.fixture(scope="module")
def large(world: World) -> str:
    """A set that does not fit there."""
    return str(world.json("backup", "--only", "uploads")["set"])


@pytest.mark.usefixtures("small")
def test_the_disk_of_a_volume(world: World, large: str) -> None:
    content = world.content("uploads")
    said = world.ops("restore", large, "--only", "uploads", "--replace", code=3, cause="rolled-back")
    assert "No space left" in said.stderr or "Wrote only" in said.stderr
    assert world.content("uploads") == content
    world.in_order()


def test_a_rollback_that_fails(world: World, large: str, small: Path) -> None:
    """Somebody else takes the room that the old content had."""
    content = world.content("uploads")
    restore = ("restore", large, "--only", "uploads", "--replace")
    with waiting(world.project, *restore, at="^start docker exec .* tar --extract", when=BEFORE) as run:
        filler = fill(small)
    done = run.end()
    assert (done.code, done.last) == (3, "ops restore: rollback-failed (exit code 3)"), done
    [safety] = [each for each in world.volumes() if "-before-" in each]
    assert safety in done.err
    world.ops("recover", code=3, cause="rollback-failed")
    world.ops("backup", "--only", "index", code=2, cause="unfinished")
    filler.unlink()
    world.ops("recover")
    world.in_order()
    assert world.content("uploads") == content
