"""Services that are not as they should be: nothing hangs, the others are backed up, and each stays as it was."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.engine.backup.faults.driver import AFTER, BEFORE, DURING, struck, waiting
from tests.engine.backup.faults.world import World, docker
from tests.support.running import until

pytestmark = pytest.mark.engine
FILES = ("--only", "uploads", "index")


@contextmanager
def as_before(world: World, *services: str) -> Iterator[None]:
    """Have services run again afterwards."""
    try:
        yield
    finally:
        for service in services:
            world.project.compose("unpause", service, ok=False)
        world.project.up("--force-recreate", *services)


def items(world: World, *arguments: str, code: int = 0) -> dict[str, dict[str, object]]:
    """Back up, and return what was said of each volume."""
    return {each["volume"]: each for each in world.json("backup", *arguments, code=code)["items"]}


@pytest.mark.parametrize(("verb", "state"), [("stop", "Exited"), ("kill", "Exited"), ("pause", "Paused")])
def test_what_does_not_run_is_copied_as_it_is(world: World, verb: str, state: str) -> None:
    with as_before(world, "postgres", "app", "indexer"):
        world.project.compose(verb, "postgres", "app", "indexer")
        found = items(world)
        assert {each["method"] for each in found.values()} == {"cold"}
        assert all(state in each for each in world.states().values()), world.states()
        world.ops("verify", "--deep")
        assert world.left() == []


def test_a_database_that_hangs(world: World) -> None:
    container = world.project.compose("ps", "-q", "postgres").strip()
    try:
        docker("kill", "--signal", "STOP", container)
        found = items(world, code=1)
        assert found["postgres_data"]["state"] == "failed"
        assert found["uploads"]["state"] == found["index"]["state"] == "stored"
        world.ops("backup", "--only", "postgres_data", code=3, cause="down")
    finally:
        docker("kill", "--signal", "CONT", container)
    world.in_order()
    listed = world.json("list")["sets"][-1]
    assert listed["state"] == "partial"


def test_a_database_in_a_restart_loop(world: World) -> None:
    override = world.project.folder / "compose.override.yaml"
    before = override.read_text()
    override.write_text(before.replace("services:\n", "services:\n  postgres:\n    command: ['false']\n"))
    with as_before(world, "postgres"):
        try:
            world.project.compose("up", "-d", "postgres")
            until(lambda: "Restarting" in world.states()["postgres"])
            found = items(world, code=1)
            assert found["postgres_data"]["state"] == "failed"
            assert found["uploads"]["state"] == "stored"
            world.ops("backup", "--only", "postgres_data", code=3, cause="down")
            copied = items(world, "--only", "postgres_data", "--mode", "stop")
            assert copied["postgres_data"]["state"] == "stored"
            until(lambda: "Restarting" in world.states()["postgres"])
        finally:
            override.write_text(before)


def test_a_service_in_a_restart_loop(world: World) -> None:
    """It cannot be paused."""
    override = world.project.folder / "compose.override.yaml"
    before = override.read_text()
    looping = 'command: ["false"]\n    restart: always'
    override.write_text(before.replace('command: ["sleep", "infinity"]', looping))
    with as_before(world, "app"):
        try:
            world.project.compose("up", "-d", "app")
            until(lambda: "Restarting" in world.states()["app"])
            assert items(world, "--only", "uploads")["uploads"]["state"] == "stored"
            until(lambda: "Restarting" in world.states()["app"])
        finally:
            override.write_text(before)


def test_a_container_made_anew_while_its_volume_is_copied(world: World) -> None:
    before = world.project.compose("ps", "-q", "indexer")
    with waiting(world.project, "backup", "--only", "index", "--json", at="^docker stop", when=AFTER) as run:
        world.project.compose("up", "-d", "--force-recreate", "indexer")
    done = run.end()
    assert done.code == 0, done
    tars = [each for each in done.events if "tar --create" in each]
    assert len(tars) == 2, "the first copy had a writer, and did not count"
    assert world.project.compose("ps", "-q", "indexer") != before
    world.ops("verify", "--deep", json.loads(done.out)["set"])
    world.in_order()


def test_a_container_made_anew_after_a_kill(world: World) -> None:
    struck(world.project, "backup", "--only", "index", at="^docker stop", when=AFTER)
    world.project.up("--force-recreate", "indexer")
    world.ops("recover")
    world.in_order()


@pytest.mark.parametrize(
    "moment", [(BEFORE, "^docker volume inspect --format {{.Name}}"), (BEFORE, "^docker run .*-ops-")]
)
def test_a_volume_that_is_removed_meanwhile(world: World, moment: tuple[str, str]) -> None:
    """It is not made again, empty; and no backup of an empty volume pretends to be one of it."""
    name, content = f"{world.project.name}_uploads", world.content()
    kept = world.json("backup", *FILES)["set"]
    with as_before(world, "app"):
        with waiting(world.project, "backup", "--only", "uploads", at=moment[1], when=moment[0]) as run:
            world.project.compose("rm", "--stop", "--force", "app")
            docker("volume", "rm", name)
        done = run.end()
        assert (done.code, done.last) == (3, "ops backup: not-found (exit code 3)"), done
        assert name not in world.volumes()
        world.ops("restore", kept, "--only", "uploads")
    assert world.content() == content
    world.in_order()


def test_a_restore_under_a_paused_container(world: World) -> None:
    made = world.json("backup", *FILES)["set"]
    content = world.content()
    world.project.compose("pause", "app")
    try:
        refused = world.ops("restore", made, "--only", "uploads", "--replace", code=3, cause="in-use")
        assert "docker unpause" in refused.stderr
        assert world.content() == content
    finally:
        world.project.compose("unpause", "app")
    world.in_order()


def test_what_did_not_run_before_a_restore_does_not_run_after_it(world: World) -> None:
    made = world.json("backup", *FILES)["set"]
    with as_before(world, "app"):
        world.project.compose("stop", "app")
        world.ops("restore", made, "--replace")
        assert "Exited" in world.states()["app"]
        assert "healthy" in world.states()["indexer"]
    docker("volume", "rm", *[each for each in world.volumes() if "-before-" in each])


def spoil(world: World) -> str:
    """Make a set on which `app` does not get healthy."""
    world.project.compose("exec", "-T", "app", "touch", "/data/bad")
    made = str(world.json("backup", *FILES)["set"])
    world.project.compose("exec", "-T", "app", "rm", "/data/bad")
    # Compose has been seen to come back before the program was at its end.
    until(lambda: "./bad" not in world.content("uploads")["uploads"])
    until(world.running)
    return made


def test_a_restore_that_does_not_get_healthy(world: World) -> None:
    made, content = spoil(world), world.content()
    said = world.ops("restore", made, *FILES, "--replace", code=3, cause="rolled-back")
    assert "unhealthy after the restore" in said.stderr
    assert world.content() == content
    world.in_order()


def test_ctrl_c_twice(world: World) -> None:
    """Whoever is impatient gets no half-resumed project."""
    with waiting(world.project, "backup", *FILES, at="^docker exec .* tar --create .*uploads", when=DURING) as run:
        # It waits for the process to go on: sent then, it might come when all is being set going again.
        run.process.send_signal(2)
    run.process.send_signal(2)
    done = run.end()
    assert done.code == 130
    world.in_order()
