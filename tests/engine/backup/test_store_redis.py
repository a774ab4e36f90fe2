"""Redis: snapshots of a server that goes on, with and without an append-only file, and what must not count as one."""

from __future__ import annotations

import pytest

from tests.engine.backup.stores import dumped, killing, set_secret, sets, writing
from tests.engine.conftest import Make
from tests.support.running import Project

pytestmark = pytest.mark.engine

NO_AOF = "appendonly no"
MORE = "for i = 1, 200 do redis.call('set', 'new:' .. (KEYS[1] * 200 + i), i) end"


def cli(project: Project, *arguments: str) -> str:
    login = 'REDISCLI_AUTH=$(cat /run/secrets/redis_password) exec redis-cli "$@"'
    return project.compose("exec", "-T", "redis", "sh", "-c", login, "sh", *arguments).strip()


def fill(project: Project) -> None:
    """100 000 keys, some that run out, a stream, a second database, a function."""
    script = "for i = 1, 100000 do redis.call('set', 'key:' .. i, string.rep('x', i % 200) .. i) end"
    cli(project, "eval", script, "0")
    cli(project, "eval", "for i = 1, 50 do redis.call('set', 'late:' .. i, i, 'ex', 3000) end", "0")
    cli(project, "-n", "3", "xadd", "events", "1-1", "kind", "upload")
    cli(project, "function", "load", "#!lua name=ours\nredis.register_function('two', function() return 2 end)")


def check(project: Project) -> None:
    assert cli(project, "get", "key:99999") == "x" * 199 + "99999"
    assert cli(project, "eval", "return #redis.call('keys', 'key:*')", "0") == "100000"
    assert int(cli(project, "ttl", "late:7")) > 0
    assert "upload" in cli(project, "-n", "3", "xrange", "events", "-", "+")
    assert cli(project, "fcall", "two", "0") == "2"


def start(make: Make, *, aof: bool = True) -> Project:
    project = make(services=["redis"])
    project.init()
    if not aof:
        path = project.folder / "services/redis/compose.yaml"
        path.write_text(path.read_text().replace("appendonly yes", NO_AOF))
    project.up()
    fill(project)
    return project


@pytest.mark.parametrize("aof", [True, False])
def test_comes_back_on_an_empty_engine_with_another_password(make: Make, aof: bool) -> None:
    project = start(make, aof=aof)
    with writing(lambda number: cli(project, "eval", MORE, "1", str(number))):
        said = dumped(project, "redis_data")
    assert said["counts"]["keys"] >= 100_001
    project.compose("down", "--volumes")
    # It is read at each start, so any password opens any data.
    set_secret(project, "redis_password", "another-one")
    project.ops("verify", "--deep", "latest")
    project.ops("restore", "latest")
    project.up()
    check(project)
    # A clean end writes everything anew: what it wrote has to hold the same.
    project.compose("restart", "redis")
    project.up()
    check(project)
    names = project.compose("exec", "-T", "redis", "ls", "/data")
    assert ("appendonlydir" in names) == aof, names


@pytest.mark.parametrize("now", [True, False])
def test_the_append_only_file_may_be_turned_on_or_off_since(make: Make, now: bool) -> None:
    project = start(make, aof=not now)
    dumped(project, "redis_data")
    path = project.folder / "services/redis/compose.yaml"
    old, new = ("appendonly no", "appendonly yes") if now else ("appendonly yes", "appendonly no")
    path.write_text(path.read_text().replace(old, new))
    project.compose("down", "--volumes")
    project.ops("restore", "latest")
    project.up()
    check(project)
    # One that is not kept up would win over newer data when it is turned on again.
    assert ("appendonlydir" in project.compose("exec", "-T", "redis", "ls", "/data")) == now


def test_replaces_what_is_there_and_drills(make: Make) -> None:
    project = start(make)
    dumped(project, "redis_data")
    cli(project, "set", "key:1", "changed since")
    project.ops("drill")
    assert cli(project, "get", "key:1") == "changed since"
    assert project.ops("restore", "latest", ok=False).returncode == 2
    project.ops("restore", "latest", "--replace")
    assert cli(project, "get", "key:1") == "x1"
    check(project)


def test_read_only_container_needs_no_place_for_a_dump(make: Make) -> None:
    project = make(services=["redis"])
    project.init()
    (project.folder / "compose.override.yaml").write_text("services:\n  redis:\n    read_only: true\n")
    project.up()
    fill(project)
    dumped(project, "redis_data")
    project.compose("down", "--volumes")
    project.ops("restore", "latest")
    project.up()
    check(project)


def test_wrong_password_and_a_server_that_is_down(make: Make) -> None:
    project = start(make)
    path = project.folder / "secrets/redis_password"
    cli(project, "config", "set", "requirepass", "another one")
    done = project.ops("backup", ok=False)
    assert done.returncode == 3
    assert "service `redis` does not answer" in done.stderr
    assert path.read_text() not in done.stdout + done.stderr
    project.compose("restart", "redis")
    project.up()
    project.compose("stop", "redis")
    assert project.ops("backup", "--mode", "dump", ok=False).returncode != 0
    assert not sets(project)


def test_a_dump_that_is_killed_half_way_is_none(make: Make) -> None:
    project = start(make)
    with killing(project, "redis", "redis-cli --rdb"):
        done = project.ops("backup", ok=False)
    assert done.returncode == 3
    assert "broke off" in done.stderr
    assert not sets(project)
    dumped(project, "redis_data")
