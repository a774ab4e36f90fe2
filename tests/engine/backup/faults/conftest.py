"""One project for all tests of a file: what breaks is one run of `ops`, and the next test starts from order again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from scaffold.project.render import render
from scaffold.project.source import Template
from tests.engine.backup.faults.world import OWN, World, hasten
from tests.engine.conftest import new_name
from tests.support.running import Project


@pytest.fixture(scope="module")
def world(docker: dict[str, str], template: Template, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Start the project."""
    name = new_name()
    project = Project(tmp_path_factory.mktemp("faults") / name, name)
    with pytest.MonkeyPatch.context() as patch:
        for key, value in docker.items():
            patch.setenv(key, value)
        render(template, {"project_name": name, "services": ["postgres"]}, project.folder)
        hasten(project.folder)
        (project.folder / "compose.override.yaml").write_text(OWN)
        world = World(project)
        try:
            project.init()
            project.up()
            world.write("first")
            world.sql("CREATE TABLE t AS SELECT generate_series(1, 1000) AS n")
            yield world
        finally:
            world.remove()
