"""PostgreSQL's two layouts, pgvector, and a major that changes under existing data."""

from __future__ import annotations

import time

import pytest

from scaffold.project.render import render
from scaffold.project.source import Template
from tests.engine.conftest import Make
from tests.support.running import Project

pytestmark = pytest.mark.engine

# Words of the image's entrypoint (18, on older data) and of initdb (17, on the folder that 18 made).
REFUSALS = ("in 18+", "18 and above", "exists but is not empty")


def sql(project: Project, statement: str) -> str:
    return project.compose("exec", "-T", "postgres", "psql", "-qtAU", "app", "app", "-c", statement).strip()


@pytest.mark.parametrize("major", ["17", "18"])
@pytest.mark.parametrize("vector", [False, True])
def test_data_is_in_the_named_volume(make: Make, major: str, vector: bool) -> None:
    project = make(services=["postgres"], postgres_major=major, postgres_vector=vector)
    project.init()
    project.up()
    assert sql(project, "show server_version").startswith(major)
    sql(project, "create table t (x int)")
    sql(project, "insert into t values (42)")
    if vector:
        sql(project, "create extension vector; create table v (e vector(2)); insert into v values ('[1,2]')")
        sql(project, "create index on v using hnsw (e vector_l2_ops)")
    assert project.volumes() == {f"{project.name}_postgres_data"}
    project.compose("down")
    project.up()
    assert sql(project, "select x from t") == "42"
    if vector:
        assert sql(project, "select e from v order by e <-> '[1,1]' limit 1") == "[1,2]"
    assert project.volumes() == {f"{project.name}_postgres_data"}


@pytest.mark.parametrize(("old", "new"), [("17", "18"), ("18", "17")])
def test_another_major_on_old_data_stops_and_harms_nothing(make: Make, template: Template, old: str, new: str) -> None:
    project = make(services=["postgres"], postgres_major=old, postgres_vector=False)
    project.init()
    project.up()
    sql(project, "create table t (x int)")
    project.compose("down")
    answers = {"project_name": project.name, "services": ["postgres"], "postgres_vector": False}
    path = project.folder / "services/postgres/compose.yaml"
    kept = path.read_text()
    render(template, {**answers, "postgres_major": new}, project.folder.parent / "other")
    path.write_text((project.folder.parent / "other/services/postgres/compose.yaml").read_text())
    # `up` alone: waiting for it to be unhealthy would take minutes.
    project.compose("up", "--detach")
    deadline = time.monotonic() + 60
    while not any(word in (said := project.logs()) for word in REFUSALS) and time.monotonic() < deadline:
        time.sleep(0.5)
    assert any(word in said for word in REFUSALS), said
    project.compose("down")
    path.write_text(kept)
    project.up()
    assert sql(project, "select count(*) from pg_tables where tablename = 't'") == "1"
