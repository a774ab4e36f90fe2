"""`scaffold volumes move` on a project that runs: the plan, what came of it, and what is said of it."""

from __future__ import annotations

import pytest

from tests.engine.backup.faults.driver import AFTER, struck
from tests.engine.backup.faults.world import docker
from tests.engine.backup.keeper import python
from tests.engine.moving.world import World, tree
from tests.support.cli import Runner

pytestmark = pytest.mark.engine


def test_a_volume_of_another_name(world: World, scaffold: Runner) -> None:
    """Its container is of yesterday's file: Compose makes it anew, on the new volume."""
    here = ("--project", world.project.folder)
    override = world.project.folder / "compose.override.yaml"
    world.make(world.name("uploads"))
    world.project.up("app")
    content = tree(world.name("uploads"))
    refused = scaffold("volumes", "move", "uploads", "--rename", "files", *here)
    assert (refused.code, "still declared" in refused.err) == (2, True)
    override.write_text(override.read_text().replace("uploads:", "files:"))
    looked = scaffold("volumes", "move", "uploads", "--rename", "files", *here, "--dry-run", "--json")
    assert (looked.code, looked.document["plan"][0]["to"]) == (0, world.name("files"))
    assert world.name("files") not in world.held()
    # A run that was killed is put right first.
    move = ("move", "--volume", "uploads", "--into", "files")
    struck(world.project, *move, at="^docker exec .* cp --archive", when=AFTER)
    done = scaffold("volumes", "move", "uploads", "--rename", "files", *here)
    assert done.code == 0, done
    assert "took the move back" in done.err
    assert tree(world.name("files")) == tree(world.name("uploads")) == content
    assert f"`{world.name('uploads')}` is kept; when it may go: docker volume rm {world.name('uploads')}" in done.err
    world.in_order("app")
    mounts = docker("inspect", "--format", "{{json .Mounts}}", f"{world.project.name}-app-1")
    assert world.name("files") in mounts
    assert world.name("uploads") not in mounts
    docker("volume", "rm", world.name("uploads"))


def test_a_folder_of_this_machine(world: World, scaffold: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    """From where the command is given, not from where the project is."""
    folder = world.project.folder / "shared"
    (folder / "one").write_text("one")
    monkeypatch.chdir(folder)
    done = scaffold("volumes", "move", "--bind", ".", "--into", "datasets", "--json")
    assert done.code == 0, done
    assert [each["entries"] for each in done.document["moved"]] == [2]
    assert python(world.name("datasets"), "print(open('/things/one').read())", read_only=True).strip() == "one"
    refused = scaffold("volumes", "move", "--bind", "..", "--into", "images")
    assert (refused.code, "holds this project itself" in refused.err) == (2, True)
