"""One project for all tests of a file."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from scaffold.project.render import render
from scaffold.project.source import Template
from tests.engine.backup.faults.world import docker as engine
from tests.engine.conftest import new_name
from tests.engine.moving.world import OWN, World
from tests.support import ops
from tests.support.running import Project

ops.register()


@pytest.fixture(scope="module")
def world(docker: dict[str, str], template: Template, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Start the project."""
    name = new_name()
    project = Project(tmp_path_factory.mktemp("moving") / name, name)
    with pytest.MonkeyPatch.context() as patch:
        for key, value in docker.items():
            patch.setenv(key, value)
        render(template, {"project_name": name, "services": ["redis"]}, project.folder)
        (project.folder / "compose.override.yaml").write_text(OWN)
        (project.folder / "shared").mkdir()
        world = World(project, new_name())
        try:
            project.init()
            project.up("app", "binder")
            yield world
        finally:
            world.remove()


@pytest.fixture(scope="module")
def before(world: World) -> dict[str, str]:
    """Volumes of the name that the project had before; they are only read."""
    return {key: world.old(key) for key in ("uploads", "images")}


@pytest.fixture
def fresh(world: World) -> Iterator[World]:
    """The project with nothing in its volumes, and nothing moved yet."""
    world.drop("uploads", "images", "datasets")
    (world.project.folder / ".ops" / "moves.json").unlink(missing_ok=True)
    yield world
    for name in world.held():
        if "-before-" in name:
            engine("volume", "rm", "--force", name)
