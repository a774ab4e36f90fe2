"""What cannot be meant, or does not go well: it is refused, or taken back."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.engine.backup.faults.driver import AFTER, BEFORE, struck, waiting
from tests.engine.backup.faults.world import docker
from tests.engine.backup.keeper import python
from tests.engine.moving.world import World, stranger, tree
from tests.support.running import until

pytestmark = pytest.mark.engine
COPY = "^docker exec .* cp --archive"


def test_a_place_that_is_not_there_or_in_use(fresh: World, tmp_path: Path) -> None:
    world = fresh
    world.project.up("app")
    world.make(world.name("uploads"))
    whole = tree(world.name("uploads"))
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "file").write_text("somebody's")
    for name, words in (("absent", "cannot be mounted"), ("used", "something is already")):
        place = ("--opt", "type=none", "--opt", "o=bind", "--opt", f"device={tmp_path / name}")
        said = world.ops("move", "--anew", "uploads", *place, code=3, cause="rolled-back")
        assert words in said["problems"][0]["what"]
        assert tree(world.name("uploads")) == whole
        world.in_order("app")
        assert [each for each in world.held() if "-before-" in each] == []
    assert [path.name for path in (tmp_path / "used").iterdir()] == ["file"]


def test_what_cannot_be_meant(fresh: World, before: dict[str, str]) -> None:
    world = fresh
    for arguments, cause in (
        ((), ""),
        (("--volume", "uploads"), ""),
        (("--volume", "uploads", "--anew", "uploads"), ""),
        (("--volume", before["uploads"], "--into", "absent"), "not-found"),
        (("--volume", "absent", "--into", "images"), "not-found"),
        (("--anew", "uploads"), "not-found"),
        (("--from-project", world.project.name), ""),
        (("--from-project", "nobody-has-this"), "not-found"),
        (("--from-project", world.other, "--only", "datasets"), "not-found"),
    ):
        world.ops("move", *arguments, code=2, cause=cause)
    assert not set(world.held()) & {world.name(key) for key in ("uploads", "images", "datasets")}


def test_a_container_of_somebody_else(fresh: World, before: dict[str, str]) -> None:
    world, name = fresh, f"{fresh.other}-foreign"
    stranger(name, "somebody-else", f"{before['uploads']}:/data")
    try:
        world.ops("move", "--volume", before["uploads"], "--into", "uploads", code=3, cause="in-use")
        assert world.name("uploads") not in world.held()
        docker("pause", name)
        world.ops("move", "--volume", before["uploads"], "--into", "uploads", code=3, cause="in-use")
        docker("unpause", name)
    finally:
        docker("rm", "--force", name)


def test_a_source_that_changes_meanwhile(fresh: World, before: dict[str, str]) -> None:
    """Somebody writes whom no container of the engine shows, such as from another machine."""
    world, name = fresh, world_copy(fresh)
    with waiting(world.project, "move", "--volume", name, "--into", "uploads", at=COPY, when=AFTER) as run:
        python(name, "open('/things/late', 'w').write('late')")
    done = run.end()
    assert (done.code, done.last) == (3, "ops move: rolled-back (exit code 3)"), done
    assert "was changed while it was copied" in done.err
    assert world.name("uploads") not in world.held()
    world.in_order()
    assert before


def test_a_container_that_starts_meanwhile(fresh: World) -> None:
    world, name = fresh, world_copy(fresh)
    late = f"{world.other}-late"
    with waiting(world.project, "move", "--volume", name, "--into", "uploads", at=COPY, when=BEFORE) as run:
        stranger(late, "somebody-else", f"{name}:/data")
    done = run.end()
    docker("rm", "--force", late)
    assert (done.code, done.last) == (3, "ops move: rolled-back (exit code 3)"), done
    assert world.name("uploads") not in world.held()


def test_a_copy_that_is_not_the_same(fresh: World, before: dict[str, str]) -> None:
    """A byte, and a mode, that got lost on the way."""
    world = fresh
    for spoil in ("open('/things/d/blob', 'r+b').write(b'no')", "import os; os.chmod('/things/d/deep/1', 0o600)"):
        with waiting(
            world.project, "move", "--volume", before["uploads"], "--into", "uploads", at=COPY, when=AFTER
        ) as run:
            python(world.name("uploads"), spoil + "; import os; os.utime('/things/d/blob', ns=(1, 1))")
        done = run.end()
        assert done.code == 3, done
        assert "is not the same" in done.err
        assert world.name("uploads") not in world.held()


def test_two_runs_at_once(fresh: World, before: dict[str, str]) -> None:
    move = ("move", "--volume", before["uploads"], "--into", "uploads")
    with waiting(fresh.project, *move, at=COPY, when=BEFORE) as run:
        fresh.ops(*move, code=3, cause="locked")
        fresh.ops("backup", code=3, cause="locked")
    assert run.end().code == 0
    assert tree(fresh.name("uploads")) == tree(before["uploads"])


def test_a_full_disk(fresh: World, before: dict[str, str], tmp_path: Path) -> None:
    world = fresh
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", tmp_path], check=True)
    try:
        (tmp_path / "volume").mkdir()
        options = ("--opt", "type=none", "--opt", "o=bind", "--opt", f"device={tmp_path / 'volume'}")
        labels = (f"com.docker.compose.project={world.project.name}", "com.docker.compose.volume=uploads")
        docker(
            "volume",
            "create",
            *options,
            *(part for each in labels for part in ("--label", each)),
            world.name("uploads"),
        )
        said = world.ops("move", "--volume", before["uploads"], "--into", "uploads", code=3, cause="rolled-back")
        assert "No space left" in said["problems"][0]["why"]
        assert list((tmp_path / "volume").iterdir()) == []
        docker("volume", "rm", world.name("uploads"))
        world.make(world.name("uploads"))
        whole = tree(world.name("uploads"))
        world.ops("move", "--anew", "uploads", *options, code=3, cause="rolled-back")
        assert tree(world.name("uploads")) == whole
        assert list((tmp_path / "volume").iterdir()) == []
    finally:
        world.drop("uploads")
        subprocess.run(["umount", "--lazy", tmp_path], check=True)


def test_a_restore_that_is_half_done_comes_first(fresh: World, before: dict[str, str]) -> None:
    world = fresh
    world.project.up("app")
    python(world.name("uploads"), "open('/things/x', 'w').write('x')")
    made = world.ops("backup", "--only", "uploads")["set"]
    at = "^docker exec .* -exec rm"
    struck(world.project, "restore", made, "--only", "uploads", "--replace", at=at, when=AFTER)
    world.ops("move", "--volume", before["images"], "--into", "images", code=2, cause="unfinished")
    world.ops("recover")
    until(lambda: world.running("app"))


def world_copy(world: World) -> str:
    """A volume that a test may spoil."""
    name = f"{world.other}_spoilt-{len(world.volumes)}"
    return world.make(name)
