"""Every way of moving data: what was there arrives, and stays where it was; what cannot be meant is refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.engine.backup.faults.world import docker
from tests.engine.backup.keeper import python
from tests.engine.moving.world import World, below, folder_with, stranger, tree

pytestmark = pytest.mark.engine
COPY = "^docker exec .* cp --archive"


def test_a_project_of_another_name(fresh: World, before: dict[str, str]) -> None:
    world, wanted = fresh, {key: tree(name) for key, name in before.items()}
    writer = f"{world.other}-app-1"
    stranger(writer, world.other, f"{before['uploads']}:/data")
    try:
        looked = world.ops("move", "--from-project", world.other, "--dry-run")
        assert {each["volume"]: each["to"] for each in looked["plan"]} == {key: world.name(key) for key in before}
        assert (looked["stopped"], looked["stays_stopped"]) == ([writer], [writer])
        assert world.name("uploads") not in world.held()
        done = world.ops("move", "--from-project", world.other)
        for key, name in before.items():
            assert tree(name) == wanted[key]
            assert tree(world.name(key)) == wanted[key]
        assert docker("inspect", "--format", "{{.State.Status}}", writer) == "exited"
        down = f"docker compose -p {world.other} down; docker volume rm "
        assert {each["let_go"] for each in done["kept"]} == {down + name for name in before.values()}
        world.project.up("app")
        world.in_order("app")
        labels = docker("volume", "inspect", "--format", "{{json .Labels}}", world.name("uploads"))
        assert f'"com.docker.compose.project":"{world.project.name}"' in labels
        assert sorted(world.ops("status")["moved_from"]) == sorted(before.values())
        again = world.ops("move", "--from-project", world.other)
        assert (again["plan"], len(again["notes"])) == ([], 2)
    finally:
        docker("rm", "--force", writer)


def test_one_volume_of_it(fresh: World, before: dict[str, str]) -> None:
    fresh.ops("move", "--from-project", fresh.other, "--only", "images")
    assert tree(fresh.name("images")) == tree(before["images"])
    assert fresh.name("uploads") not in fresh.held()


def test_a_target_that_holds_something(fresh: World, before: dict[str, str]) -> None:
    world = fresh
    world.project.up("app")
    world.project.compose("exec", "-T", "app", "sh", "-c", "echo mine > /data/mine")
    world.ops("move", "--from-project", world.other, code=2, cause="not-empty")
    assert world.project.compose("exec", "-T", "app", "cat", "/data/mine") == "mine\n"
    done = world.ops("move", "--from-project", world.other, "--replace")
    assert tree(world.name("uploads")) == tree(before["uploads"])
    [safety] = [each for each in world.held() if "-before-" in each]
    assert python(safety, "print(open('/things/mine').read())", read_only=True).strip() == "mine"
    assert f"docker volume rm {safety}" in {each["let_go"] for each in done["kept"]}
    world.in_order("app")


def test_a_folder_of_a_volume(fresh: World) -> None:
    """`app` has both volumes: it stands still meanwhile, and runs again."""
    world = fresh
    world.project.up("app")
    python(world.name("uploads"), "import os; os.makedirs('/things/d/e'); open('/things/d/e/f', 'w').write('x')")
    python(world.name("uploads"), "import os; os.symlink('d', '/things/link')")
    whole = tree(world.name("uploads"))
    for path, cause in (("absent", "not-found"), ("../x", "not-found"), ("link", "not-found"), ("d/e/f", "not-found")):
        world.ops("move", "--volume", "uploads", "--path", path, "--into", "images", code=2, cause=cause)
    done = world.ops("move", "--volume", "uploads", "--path", "d", "--into", "images")
    assert tree(world.name("images")) == below(whole, "d")
    assert tree(world.name("uploads")) == whole
    assert done["stopped"] == [f"{world.project.name}-app-1"]
    world.in_order("app")
    [kept] = done["kept"]
    assert world.project.run(*kept["let_go"].split()).returncode == 0
    assert below(tree(world.name("uploads")), "d") == {}


def test_a_folder_of_a_volume_with_everything(fresh: World, before: dict[str, str]) -> None:
    fresh.ops("move", "--volume", before["uploads"], "--path", "d", "--into", "datasets")
    assert tree(fresh.name("datasets")) == below(tree(before["uploads"]), "d")


@pytest.mark.skipif(os.getuid() != 0, reason="only root can make files of others")
def test_a_bind_mount(fresh: World, tmp_path: Path) -> None:
    folder = folder_with(tmp_path / 'odd, "name"')
    done = fresh.ops("move", "--folder", str(folder), "--into", "datasets")
    assert tree(fresh.name("datasets")) == tree_of_machine(folder)
    assert "rm -r " in done["kept"][0]["let_go"]
    bad = {
        tmp_path / "absent": "not-found",
        folder / "link": "not-found",
        fresh.project.folder: "in-use",
        "/": "in-use",
    }
    for each, cause in bad.items():
        fresh.ops("move", "--folder", str(each), "--into", "uploads", code=2, cause=cause)


def test_a_bind_mount_that_is_written_to(fresh: World) -> None:
    """Its writer stands still, and is said to go on writing there."""
    world = fresh
    world.project.up("binder")
    world.project.compose("exec", "-T", "binder", "sh", "-c", "echo one > /shared/one")
    done = world.ops("move", "--folder", "shared", "--into", "datasets")
    assert done["stopped"] == [f"{world.project.name}-binder-1"]
    assert any("goes on writing" in note for note in done["notes"])
    world.in_order("binder")
    assert python(world.name("datasets"), "print(open('/things/one').read())", read_only=True).strip() == "one"


def test_another_driver(fresh: World, tmp_path: Path) -> None:
    world = fresh
    world.project.up("app")
    world.make(world.name("uploads"))
    whole = tree(world.name("uploads"))
    place = ("--driver", "local", "--opt", "type=none", "--opt", "o=bind", "--opt", f"device={tmp_path}")
    done = world.ops("move", "--anew", "uploads", *place)
    assert tree(world.name("uploads")) == whole
    assert tree(str(tmp_path)) == whole
    [kept] = done["kept"]
    assert tree(kept["what"]) == whole
    world.in_order("app")
    # The Compose file says nothing of that place: it needs somebody.
    said = world.ops("status", code=1)
    assert said["safety_volumes"] == [kept["what"]]
    assert "is not where `compose.yaml` puts it" in said["problems"][0]["what"]
    assert world.ops("move", "--anew", "uploads", *place)["plan"] == []
    # And back: what `compose.yaml` says.
    world.ops("move", "--anew", "uploads")
    assert docker("volume", "inspect", "--format", "{{json .Options}}", world.name("uploads")) in {"null", "{}"}
    assert tree(world.name("uploads")) == whole
    world.in_order("app")


@pytest.mark.skipif(os.getuid() != 0, reason="only root can mount a small disk")
def tree_of_machine(folder: Path) -> dict[str, object]:
    """A folder's name may hold what `--mount` cannot say: it is looked at by another."""
    plain = folder.with_name("plain")
    folder.rename(plain)
    try:
        return tree(str(plain))
    finally:
        plain.rename(folder)
