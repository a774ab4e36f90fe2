"""`ops` killed or interrupted at every step: what it kept still runs again, and what it changed is as it was before."""

from __future__ import annotations

import signal
from itertools import cycle

import pytest

from tests.engine.backup.faults.driver import AFTER, BEFORE, DURING, struck
from tests.engine.backup.faults.world import World
from tests.support.running import until

pytestmark = pytest.mark.engine

FILES = ("--only", "uploads", "index")
# `index` comes first and is stopped, `uploads` is paused.
BACKUP = {
    "locked": (AFTER, "^docker create .*-ops-lock", FILES),
    "helper starting": (DURING, "^docker run", FILES),
    "stopping": (DURING, "^docker stop", FILES),
    "paused": (AFTER, "^docker pause", FILES),
    "copying": (DURING, "^docker exec .* tar --create .*uploads", FILES),
    "compressing": (AFTER, "^start (zstd|.*gz.py|pigz)", FILES),
    "dumping": (AFTER, "^start docker exec .* pg_dump ", ("--only", "postgres_data")),
    "all but the manifest": (BEFORE, "^write .*/manifest.json", FILES),
    "all but the name": (BEFORE, "^rename .*partial", FILES),
}
COPY = "^docker exec .* cp --archive"
# Of two volumes the first is done when the second is begun.
RESTORE = {
    "stopping": (DURING, "^docker stop", 1),
    "copying the old content": (DURING, COPY, 1),
    "copied": (AFTER, COPY, 1),
    "emptied": (AFTER, "^docker exec .* -exec rm", 1),
    "filling": (DURING, "^start docker exec .* tar --extract", 1),
    "one of two filled": (AFTER, COPY, 2),
    "starting": (AFTER, "^docker start", 1),
}
# Of a database that is loaded into a server of its own.
LOAD = {
    "starting a server": (DURING, "^docker compose .* up "),
    "loading": (AFTER, "^start docker exec .* pg_restore "),
}


# Both put everything right; each moment is tried with one of them.
@pytest.mark.parametrize(("moment", "cure"), [*zip(BACKUP, cycle(["recover", "backup"]), strict=False)])
def test_a_killed_backup(world: World, moment: str, cure: str) -> None:
    when, at, only = BACKUP[moment]
    before, content = world.sets(), world.content()
    killed = struck(world.project, "backup", *only, at=at, when=when)
    assert killed.code == -signal.SIGKILL, killed
    if cure == "recover":
        world.ops("recover")
        assert world.sets() == before
    else:
        made = world.json("backup", *FILES)["set"]
        assert [path.name for path in world.sets()] == [*(path.name for path in before), made]
        world.ops("verify", "--deep", made)
    world.in_order()
    assert world.content() == content
    assert world.sql("SELECT count(*) FROM pg_stat_activity WHERE application_name ~ 'pg_dump'") == "0"


@pytest.fixture(scope="module")
def set_of_before(world: World) -> str:
    """A set, and other content since."""
    made = world.json("backup")["set"]
    world.write("second")
    world.sql("INSERT INTO t VALUES (7)")
    return str(made)


@pytest.mark.parametrize("moment", RESTORE)
def test_a_killed_restore_of_files(world: World, set_of_before: str, moment: str) -> None:
    when, at, nth = RESTORE[moment]
    content = world.content()
    killed = struck(world.project, "restore", set_of_before, *FILES, "--replace", at=at, when=when, nth=nth)
    assert killed.code == -signal.SIGKILL, killed
    for verb in (("backup",), ("restore", set_of_before, "--replace"), ("drill", set_of_before))[: 3 if nth > 1 else 1]:
        world.ops(*verb, code=2, cause="unfinished")
    world.ops("recover")
    world.in_order()
    assert world.content() == content


@pytest.mark.parametrize("moment", LOAD)
def test_a_killed_restore_of_a_database(world: World, set_of_before: str, moment: str) -> None:
    when, at = LOAD[moment]
    killed = struck(world.project, "restore", set_of_before, "--only", "postgres_data", "--replace", at=at, when=when)
    assert killed.code == -signal.SIGKILL, killed
    world.ops("recover")
    world.in_order()
    assert world.sql("SELECT count(*) FROM t") == "1001"


@pytest.mark.parametrize("moment", [(AFTER, COPY), (AFTER, "^replace .*back")])
def test_a_rollback_that_is_killed_too(world: World, set_of_before: str, moment: tuple[str, str]) -> None:
    content = world.content()
    struck(world.project, "restore", set_of_before, *FILES, "--replace", at="^docker start", when=BEFORE)
    killed = struck(world.project, "recover", at=moment[1], when=moment[0])
    assert killed.code == -signal.SIGKILL, killed
    world.ops("recover")
    world.in_order()
    assert world.content() == content


def test_a_service_that_was_started_on_half_a_restore(world: World, set_of_before: str) -> None:
    """Its container is another one than was stopped: nothing is taken from under it."""
    content = world.content()
    when, at, _ = RESTORE["emptied"]
    struck(world.project, "restore", set_of_before, "--only", "uploads", "--replace", at=at, when=when)
    world.project.up("--force-recreate", "app")
    refused = world.ops("recover", code=3, cause="rollback-failed")
    assert f"docker stop {world.project.name}-app-1" in refused.stderr
    world.project.compose("stop", "app")
    world.ops("recover")
    world.project.up("app")
    world.in_order()
    assert world.content() == content


SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


@pytest.mark.parametrize("moment", ["helper starting", "stopping", "copying", "dumping", "all but the name"])
def test_an_interrupted_backup(world: World, moment: str) -> None:
    when, at, only = BACKUP[moment]
    before, content = world.sets(), world.content()
    by = SIGNALS[list(BACKUP).index(moment) % 3]
    done = struck(world.project, "backup", *only, at=at, when=when, by=by)
    assert done.code == 130, done
    assert done.last == "ops backup: interrupted (exit code 130)"
    assert world.sets() == before
    world.in_order()
    assert world.content() == content
    assert world.sql("SELECT count(*) FROM pg_stat_activity WHERE application_name ~ 'pg_dump'") == "0"


@pytest.mark.parametrize("moment", ["copying the old content", "filling", "starting"])
def test_an_interrupted_restore(world: World, set_of_before: str, moment: str) -> None:
    when, at, nth = RESTORE[moment]
    content = world.content()
    by = SIGNALS[list(RESTORE).index(moment) % 3]
    done = struck(world.project, "restore", set_of_before, *FILES, "--replace", at=at, when=when, nth=nth, by=by)
    assert done.code == 130, done
    assert done.last == "ops restore: rolled-back (exit code 130)"
    world.in_order()
    assert world.content() == content


def test_an_interrupted_restore_of_a_database(world: World, set_of_before: str) -> None:
    when, at = LOAD["starting a server"]
    only = ("--only", "postgres_data", "--replace")
    done = struck(world.project, "restore", set_of_before, *only, at=at, when=when, by=signal.SIGTERM)
    assert done.code == 130, done
    assert done.last == "ops restore: rolled-back (exit code 130)"
    world.in_order()
    assert world.sql("SELECT count(*) FROM t") == "1001"


def test_an_interrupted_drill_says_nothing_about_the_set(world: World, set_of_before: str) -> None:
    by = {"at": "^docker compose .* up ", "when": DURING, "by": signal.SIGINT}
    done = struck(world.project, "drill", set_of_before, *FILES, **by)  # type: ignore[arg-type]
    assert done.code == 130, done
    world.in_order()
    listed = {each["set"]: each for each in world.json("list")["sets"]}
    assert listed[set_of_before]["drilled"] is None


def test_a_killed_drill_is_in_nobodys_way(world: World, set_of_before: str) -> None:
    struck(world.project, "drill", set_of_before, *FILES, at="^docker compose .* up ", when=AFTER)
    assert [each for each in world.volumes() if "-ops-drill-" in each]
    world.ops("backup", *FILES)
    assert [each for each in world.volumes() if "-ops-drill-" in each] == []
    world.in_order()


def test_a_pause_that_another_run_left(world: World) -> None:
    """Killed twice: the second run was there to put the first one right."""
    struck(world.project, "backup", *FILES, at="^docker pause", when=AFTER)
    assert "(Paused)" in world.states()["app"]
    struck(world.project, "recover", at="^docker unpause", when=BEFORE)
    world.ops("recover")
    until(world.running)
    world.in_order()
