"""A move that is killed or interrupted at every step: data is in one of two places, whole, and a run puts it right."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest

from tests.engine.backup import keeper
from tests.engine.backup.faults.driver import AFTER, BEFORE, DURING, struck
from tests.engine.backup.faults.world import docker
from tests.engine.moving.world import World, tree

pytestmark = pytest.mark.engine

COPY, READ = "^docker exec .* cp --archive", "^start docker exec .* sha256sum"
SETTLED = '^replace .*restore.json .*"done": true'
TAKE = {
    "locked": (AFTER, "^docker create .*-ops-lock", 1),
    "first note": (AFTER, "^replace .*restore.json", 1),
    "stopping": (DURING, "^docker stop", 1),
    "volume made": (AFTER, "^docker volume create", 1),
    "copying": (DURING, COPY, 1),
    "copied": (AFTER, COPY, 1),
    "comparing": (AFTER, READ, 2),
    "one of two": (AFTER, COPY, 2),
    "settling": (BEFORE, SETTLED, 1),
    "settled": (AFTER, SETTLED, 1),
    "starting": (AFTER, "^docker start", 1),
    "remembered": (AFTER, "^replace .*moves.json", 1),
    "over": (AFTER, "^unlink .*restore.json", 1),
}
ANEW = {
    "stopping": (DURING, "^docker stop", 1),
    "safety volume made": (AFTER, "^docker volume create", 1),
    "copying out": (DURING, COPY, 1),
    "copied out": (AFTER, COPY, 1),
    "compared": (AFTER, READ, 2),
    "container removed": (AFTER, "^docker rm --force [0-9a-f]{64}$", 1),
    "to be removed": (AFTER, '^replace .*restore.json .*"removed": true', 1),
    "volume removed": (AFTER, "^docker volume rm", 1),
    "volume made": (AFTER, "^docker volume create", 2),
    "copying back": (DURING, COPY, 2),
    "copied back": (AFTER, COPY, 2),
    "settling": (BEFORE, SETTLED, 1),
    "settled": (AFTER, SETTLED, 1),
    "started": (AFTER, "^docker compose .* up ", 1),
}
CURES = ["recover", "move"]
# The first is not there yet, the other is and holds nothing.
KEYS = ("datasets", "uploads")


@pytest.fixture(scope="module")
def before(world: World) -> dict[str, tuple[str, dict[str, Any]]]:
    """Volumes of the name that the project had before, and what they hold."""
    return {key: (name, tree(name)) for key in KEYS for name in [world.old(key)]}


@pytest.fixture
def empty(world: World) -> Iterator[World]:
    """The project runs, on volumes that hold nothing yet."""
    world.drop(*KEYS)
    (world.project.folder / ".ops" / "moves.json").unlink(missing_ok=True)
    world.project.up("app")
    yield world
    drop_safeties(world)


def drop_safeties(world: World) -> None:
    for name in world.held():
        if "-before-" in name:
            docker("volume", "rm", "--force", name)


def untimed(found: dict[str, Any]) -> dict[str, Any]:
    """An empty volume's root has its owner and mode again, and another time."""
    return {name: {**each, "mtime": 0} for name, each in found.items()}


@pytest.mark.parametrize(("moment", "cure"), [*zip(TAKE, cycle(CURES), strict=False)])
def test_a_killed_rescue(empty: World, before: dict[str, tuple[str, dict[str, Any]]], moment: str, cure: str) -> None:
    world, (when, at, nth) = empty, TAKE[moment]
    move = ("move", "--from-project", world.other)
    roots = {key: untimed(tree(world.name(key))) for key in KEYS[1:]}
    killed = struck(world.project, *move, at=at, when=when, nth=nth)
    assert killed.code == -signal.SIGKILL, killed
    for name, content in before.values():
        assert tree(name) == content
    if cure == "recover":
        world.ops("recover")
        world.in_order("app")
        finished = list(TAKE).index(moment) >= list(TAKE).index("settled")
        for key, (_, content) in before.items():
            there = world.name(key) in world.held()
            assert finished or (untimed(tree(world.name(key))) if there else {}) == roots.get(key, {})
            assert not finished or tree(world.name(key)) == content
    world.ops(*move)
    world.in_order("app")
    for key, (name, content) in before.items():
        assert tree(name) == content
        assert tree(world.name(key)) == content
    world.project.up("app")
    world.project.compose("exec", "-T", "app", "test", "-p", "/data/d/pipe")


@pytest.mark.parametrize(("moment", "cure"), [*zip(ANEW, cycle(CURES), strict=False)])
def test_a_killed_change_of_place(world: World, tmp_path: Path, moment: str, cure: str) -> None:
    when, at, nth = ANEW[moment]
    content, move, options = placed(world, tmp_path)
    killed = struck(world.project, *move, at=at, when=when, nth=nth)
    assert killed.code == -signal.SIGKILL, killed
    places = [each for each in world.held() if each.startswith(world.name("uploads"))]
    assert content in [tree(each) for each in places], places
    if cure == "recover":
        world.ops("recover")
        world.in_order("app")
        finished = list(ANEW).index(moment) >= list(ANEW).index("settled")
        assert tree(world.name("uploads")) == content
        assert (made(world) == options) == finished
        assert finished or list(tmp_path.iterdir()) == []
    world.ops(*move)
    world.in_order("app")
    assert tree(world.name("uploads")) == tree(str(tmp_path)) == content
    assert made(world) == options
    safeties = [each for each in world.held() if "-before-" in each]
    assert [tree(each) for each in safeties] == [content]
    drop_safeties(world)


def placed(world: World, place: Path) -> tuple[dict[str, Any], tuple[str, ...], str]:
    """The project runs on a volume with content: that, the move to another place, and how it is made then."""
    world.drop("uploads", "images")
    world.make(world.name("uploads"))
    world.project.up("app")
    content = tree(world.name("uploads"))
    options = ("--opt", "type=none", "--opt", "o=bind", "--opt", f"device={place}")
    return content, ("move", "--anew", "uploads", *options), f'{{"device":"{place}","o":"bind","type":"none"}}'


def made(world: World) -> str:
    return docker("volume", "inspect", "--format", "{{json .Options}}", world.name("uploads"))


SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


@pytest.mark.parametrize("moment", ["stopping", "copying", "comparing"])
def test_an_interrupted_rescue(empty: World, before: dict[str, tuple[str, dict[str, Any]]], moment: str) -> None:
    world, (when, at, nth) = empty, TAKE[moment]
    by = SIGNALS[list(TAKE).index(moment) % 3]
    done = struck(world.project, "move", "--from-project", world.other, at=at, when=when, nth=nth, by=by)
    assert (done.code, done.last) == (130, "ops move: rolled-back (exit code 130)"), done
    world.in_order("app")
    for key, (name, content) in before.items():
        assert tree(name) == content
        assert world.name(key) not in world.held() or len(tree(world.name(key))) == 1


@pytest.mark.parametrize("moment", ["copying out", "container removed", "copying back"])
def test_an_interrupted_change_of_place(world: World, tmp_path: Path, moment: str) -> None:
    when, at, nth = ANEW[moment]
    content, move, options = placed(world, tmp_path)
    done = struck(world.project, *move, at=at, when=when, nth=nth, by=SIGNALS[list(ANEW).index(moment) % 3])
    assert (done.code, done.last) == (130, "ops move: rolled-back (exit code 130)"), done
    world.in_order("app")
    assert tree(world.name("uploads")) == content
    assert made(world) != options
    assert [each for each in world.held() if "-before-" in each] == []


def test_a_change_of_place_that_is_killed_while_it_is_taken_back(world: World, tmp_path: Path) -> None:
    when, at, nth = ANEW["copying back"]
    content, move, options = placed(world, tmp_path)
    struck(world.project, *move, at=at, when=when, nth=nth)
    for moment in ((AFTER, "^docker volume rm"), (AFTER, "^docker volume create"), (DURING, COPY), (AFTER, COPY)):
        killed = struck(world.project, "recover", at=moment[1], when=moment[0])
        if killed.code == 0 and moment == (AFTER, COPY):
            break  # the engine had gone on with the copy that was killed: nothing was left to do
        assert killed.code == -signal.SIGKILL, killed
        assert content in [tree(each) for each in world.held() if each.startswith(world.name("uploads"))]
    world.ops("recover")
    world.in_order("app")
    assert tree(world.name("uploads")) == content
    assert made(world) != options
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("moment", ["container removed", "to be removed"])
def test_a_volume_that_compose_would_make_anew(world: World, tmp_path: Path, moment: str) -> None:
    """It says so of one that it made itself and that the file has otherwise since: it must not come to that."""
    override = world.project.folder / "compose.override.yaml"
    before = override.read_text()
    world.drop("uploads", "images")
    world.project.up("app")
    keeper.python(world.name("uploads"), "open('/things/precious', 'w').write('x')")
    content = tree(world.name("uploads"))
    placed = f"volumes:\n  uploads:\n    driver_opts: {{type: none, o: bind, device: {tmp_path}}}\n"
    try:
        override.write_text(before.replace("volumes:\n  uploads:\n", placed))
        when, at, nth = ANEW[moment]
        killed = struck(world.project, "move", "--anew", "uploads", at=at, when=when, nth=nth)
        assert killed.code == -signal.SIGKILL, killed
        world.ops("recover")
        world.in_order("app")
        assert tree(world.name("uploads")) == content
        world.ops("move", "--anew", "uploads")
        world.in_order("app")
        assert tree(world.name("uploads")) == tree(str(tmp_path)) == content
    finally:
        override.write_text(before)
        drop_safeties(world)
