"""Two runs at once: one works, the other says who does."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path

import pytest

from tests.engine.backup.faults.driver import AFTER, BEFORE, DURING, struck, waiting
from tests.engine.backup.faults.world import World, docker
from tests.support.running import Project

pytestmark = pytest.mark.engine
FILES = ("--only", "uploads", "index")


@pytest.fixture
def clone(world: World, tmp_path: Path) -> World:
    """The same project in another folder."""
    ignore = shutil.ignore_patterns("backups", ".ops")
    folder = Path(shutil.copytree(world.project.folder, tmp_path / "clone", ignore=ignore))
    return World(Project(folder, world.project.name))


def test_a_second_run(world: World, clone: World) -> None:
    with waiting(world.project, "backup", *FILES, at="^docker create .*-ops-lock", when=AFTER) as run:
        for verb in (("backup",), ("restore", "latest"), ("drill",), ("recover",), ("forget", "--keep-last", "1")):
            if verb[0] in {"backup", "recover", "forget"}:
                here = world.ops(*verb, code=3, cause="locked")
                assert "works in this folder" in here.stderr
        there = clone.ops("backup", *FILES, code=3, cause="locked")
        assert f"`ops backup`, process {run.process.pid} on " in there.stderr
        world.ops("list")
    assert run.end().code == 0
    clone.ops("recover")
    world.in_order()


def test_a_backup_while_a_restore_runs(world: World, clone: World) -> None:
    made = world.json("backup", *FILES)["set"]
    with waiting(world.project, "restore", made, *FILES, "--replace", at="^docker start", when=BEFORE) as run:
        world.ops("backup", code=3, cause="locked")
        clone.ops("backup", code=3, cause="locked")
        world.ops("verify", made)
        assert "restore has not ended" in world.ops("status", code=None).stderr
    assert run.end().code == 0
    docker("volume", "rm", *[each for each in world.volumes() if "-before-" in each])
    world.in_order()


def test_a_lock_whose_process_is_gone(world: World, clone: World) -> None:
    struck(world.project, "backup", *FILES, at="^docker create .*-ops-lock", when=AFTER)
    assert docker("ps", "--all", "--quiet", "--filter", f"name=^/?{world.project.name}-ops-lock$")
    clone.ops("backup", *FILES)
    world.in_order()


def test_a_lock_of_another_machine(world: World) -> None:
    """Nobody here can tell whether its process lives."""
    name = f"{world.project.name}-ops-lock"
    world.ops("recover")
    docker(
        "create", "--name", name, "--label", "ops.lock=host=elsewhere/1 pid=1 verb=backup since=1", "ops-empty:1", "x"
    )
    refused = world.ops("backup", *FILES, code=3, cause="locked")
    assert "on elsewhere" in refused.stderr
    assert f"docker rm {name}" in refused.stderr
    docker("rm", name)
    world.ops("recover")
    world.ops("backup", *FILES)


def test_two_forgets(world: World) -> None:
    while len(world.sets()) < 3:
        world.ops("backup", "--only", "uploads")
    kept = world.sets()[-1]
    with waiting(world.project, "forget", "--keep-last", "1", at="^rename", when=BEFORE) as run:
        world.ops("forget", "--keep-last", "1", code=3, cause="locked")
    assert run.end().code == 0
    assert world.sets() == [kept]


def test_a_killed_forget(world: World) -> None:
    while len(world.sets()) < 3:
        world.ops("backup", "--only", "uploads")
    kept = world.sets()[-1]
    assert struck(world.project, "forget", "--keep-last", "1", at="^rename", when=AFTER).code == -signal.SIGKILL
    world.ops("recover")
    world.ops("forget", "--keep-last", "1")
    assert world.sets() == [kept]


def test_a_killed_note(world: World) -> None:
    """What is left of it is no stranger in the set."""
    made = world.json("backup", "--only", "uploads")["set"]
    struck(world.project, "verify", made, at="^rename .*checks|^replace .*checks", when=DURING)
    world.ops("backup", "--only", "uploads")
    world.ops("forget", "--keep-last", "1")
    assert made not in [path.name for path in world.sets()]
