"""Commands that cannot be meant: refused, with what to do, and nothing done."""

from __future__ import annotations

import os
import pty
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.engine.backup.faults.world import World

pytestmark = pytest.mark.engine


@pytest.mark.parametrize(
    ("arguments", "code", "cause", "said"),
    [
        (("--only", "uplods"), 2, "not-found", "it has: index, postgres_data, uploads"),
        (("--only",), 2, "", "expected at least one argument"),
        (("--only", "postgres_data", "--mode", "live"), 2, "failed", "cannot be copied live"),
        (("--only", "uploads", "--mode", "dump"), 2, "failed", "has no dump"),
        (("--mode", "fast"), 2, "", "invalid choice"),
        (("--to", "/nowhere/at/all"), 2, "not-found", "there is no folder `/nowhere/at/all`"),
    ],
)
def test_a_backup(world: World, arguments: tuple[str, ...], code: int, cause: str, said: str) -> None:
    done = world.ops("backup", *arguments, code=code, cause=cause)
    assert said in done.stderr
    assert world.sets() == []
    world.in_order()


def test_a_volume_that_is_not_made_yet(world: World) -> None:
    override = world.project.folder / "compose.override.yaml"
    before = override.read_text()
    override.write_text(before.replace("\nvolumes:\n", "\nvolumes:\n  later:\n"))
    try:
        done = world.ops("backup", "--only", "later", code=2, cause="not-found")
        assert "declared, and not made yet" in done.stderr
    finally:
        override.write_text(before)


def test_a_set(world: World) -> None:
    made = [world.json("backup", "--only", "uploads")["set"] for _ in range(2)]
    try:
        for verb in ("verify", "restore", "drill"):
            several = world.ops(verb, made[0][:10], code=2, cause="not-found")
            assert "could be several sets" in several.stderr
            assert all(each in several.stderr for each in made)
            assert "no backup set `2020`" in world.ops(verb, "2020", code=2, cause="not-found").stderr
            world.ops(verb, str(world.project.folder), code=2, cause="not-found")
        for verb in ("restore", "drill"):
            misspelt = world.ops(verb, made[0], "--only", "index", code=2, cause="not-found")
            assert "it has: uploads" in misspelt.stderr
        assert "holds" in world.ops("restore", made[0], code=2, cause="not-empty").stderr
        world.ops("restore", made[0], "--path", "../etc", "--replace", code=2)
        assert {each["drilled"] for each in world.json("list")["sets"]} == {None}
        world.in_order()
    finally:
        for path in world.sets():
            subprocess.run(["rm", "-r", path], check=True)


def test_a_terminal_gets_no_archive(world: World) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "ops", "backup", "-o", "-"]
    done = subprocess.run(
        command, cwd=world.project.folder, stdin=theirs, stdout=theirs, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(theirs)
    os.close(ours)
    assert done.returncode == 2, done.stderr
    assert "does not go to a terminal" in done.stderr


def test_a_folder_that_cannot_be_written(world: World, tmp_path: Path) -> None:
    """Root may write everywhere except on a disk that is read-only."""
    if os.getuid() == 0:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", tmp_path], check=True)
    else:
        tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        done = world.ops("backup", "--only", "uploads", "--to", str(tmp_path), code=3)
        assert str(tmp_path) in done.stderr
        world.in_order()
    finally:
        if os.getuid() == 0:
            subprocess.run(["umount", tmp_path], check=True)
