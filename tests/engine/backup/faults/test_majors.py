"""PostgreSQL 17 and 18: what one takes of the other, and what it refuses."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from scaffold.project.render import render
from scaffold.project.source import Template
from tests.engine.backup.faults.rebuilt import change
from tests.engine.backup.faults.world import World, hasten
from tests.engine.conftest import new_name
from tests.support.running import Project

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def majors(
    docker: dict[str, str], template: Template, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, World]]:
    """A project of each."""
    made = {}
    with pytest.MonkeyPatch.context() as patch:
        for key, value in docker.items():
            patch.setenv(key, value)
        try:
            for major in ("17", "18"):
                name = new_name()
                project = Project(tmp_path_factory.mktemp("majors") / name, name)
                answers = {"project_name": name, "services": ["postgres"], "postgres_major": major}
                render(template, answers, project.folder)
                hasten(project.folder)
                made[major] = World(project)
                project.init()
                project.up()
                made[major].sql(f"CREATE TABLE t AS SELECT {major} AS n")
            yield made
        finally:
            for world in made.values():
                world.remove()


def test_a_dump_of_the_newer_is_refused(majors: dict[str, World]) -> None:
    path = majors["18"].json("backup")["path"]
    refused = majors["17"].ops("restore", path, "--replace", code=2, cause="wrong-version")
    assert "a dump of PostgreSQL 18" in refused.stderr
    assert majors["17"].sql("SELECT n FROM t") == "17"
    majors["17"].in_order()


def test_files_of_the_older_are_refused(majors: dict[str, World]) -> None:
    path = majors["17"].json("backup", "--mode", "stop")["path"]
    refused = majors["18"].ops("restore", path, "--replace", code=2, cause="wrong-version")
    assert "files of PostgreSQL 17" in refused.stderr
    assert majors["18"].sql("SELECT n FROM t") == "18"
    majors["18"].in_order()


def test_a_dump_of_the_older_is_taken(majors: dict[str, World]) -> None:
    path = Path(majors["17"].json("backup")["path"])
    majors["18"].ops("restore", str(path), "--replace")
    assert majors["18"].sql("SELECT n FROM t") == "17"


def test_a_dump_that_cannot_be_loaded(majors: dict[str, World]) -> None:
    """The hashes are right; only loading it shows that it is half a dump."""
    world = majors["17"]
    path = Path(world.json("backup")["path"])
    change(path, "postgres_data", "database", lambda plain: plain[: len(plain) // 2], honest=True)
    world.ops("restore", str(path), "--replace", code=3, cause="rolled-back")
    world.in_order()
    assert world.sql("SELECT n FROM t") == "17"
    world.ops("drill", str(path), code=3)
    assert world.json("list")["sets"][-1]["drilled"]["good"] is False
    world.in_order()
