"""The report on projects as the template renders them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scaffold.catalog.index import load
from scaffold.catalog.resolve import combinations
from scaffold.compose.project import Project, files_in, read_project
from scaffold.project.impact.report import Impact, impact
from scaffold.project.render import render
from scaffold.project.source import Template
from tests.support import compose, tree
from tools.examples import EXAMPLES, ROOT

SINGLE = [answers for id in load(ROOT).offered for answers in combinations(load(ROOT), [id])]

Make = Callable[..., Path]


@pytest.fixture
def make(template: Template, tmp_path: Path) -> Make:
    """Render a project; its name is the same every time."""

    def make(**answers: Any) -> Path:
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        render(template, {"project_name": "p", **answers}, folder)
        return folder

    return make


def read(folder: Path) -> Project:
    return read_project(files_in(folder))


def between(before: Path, after: Path) -> Impact:
    old, new = tree.files(before), tree.files(after)
    return impact(
        read(before), read(after), {path for path in old.keys() | new.keys() if old.get(path) != new.get(path)}
    )


def names(items: Any) -> list[str]:
    return [item.name for item in items]


@pytest.mark.parametrize("answers", SINGLE, ids=lambda answers: "-".join(map(str, answers.values())))
def test_a_project_that_stays_as_it_is(answers: dict[str, Any], make: Make) -> None:
    folder = make(**{**answers, "project_name": "p"})
    project = read(folder)
    assert impact(project, read(folder)).empty
    (folder / ".env").write_bytes((folder / ".env.example").read_bytes())
    said = compose.config(folder, compose.VERSIONS[-1])
    assert set(project.services) == set(said["services"])
    assert set(project.volumes) == set(said.get("volumes", {}))
    for name, service in project.services.items():
        theirs = said["services"][name].get("volumes", [])
        assert {(one["target"], one.get("source", "")) for one in theirs} <= {
            (one.target, one.source) for one in service.mounts
        }
        assert {one["source"] for one in said["services"][name].get("secrets", [])} == set(service.secrets)
    assert all(volume.responsibility and volume.klass and volume.owner for volume in project.volumes.values())


def test_one_preset_in_place_of_another() -> None:
    report = between(EXAMPLES / "web", EXAMPLES / "crud")
    assert report.renamed == ("web", "crud")
    assert names(report.volumes_added) == ["postgres_data", "redis_data"]
    assert names(report.volumes_kept) == ["user_uploads"]
    assert names(report.volumes_orphaned) == ["mongo_data", "mongo_config"]
    assert names(report.secrets_added) == ["postgres_password", "redis_password"]
    assert names(report.secrets_gone) == ["mongo_password"]
    assert names(report.variables_added) == ["POSTGRES_PORT", "REDIS_PORT"]
    assert names(report.variables_gone) == ["MONGO_PORT"]
    assert (report.services_added, report.services_removed) == (("postgres", "redis"), ("mongo",))
    assert [one.service for one in report.recreated] == ["flask"]
    assert [one.service for one in report.rebuilt] == ["flask"]
    assert report.raises_major == ()


def test_one_service_more_and_one_less(make: Make) -> None:
    less, more = make(services=["flask", "mongo"]), make(services=["flask", "mongo", "redis", "faiss-worker"])
    report = between(less, more)
    assert not report.needs_you
    assert sorted(names(report.volumes_added)) == ["redis_data", "vector_store"]
    assert report.volumes_orphaned == ()
    assert sorted(report.services_added) == ["faiss-worker", "redis"]
    assert [one.service for one in report.recreated] == ["flask"]
    report = between(more, less)
    assert not report.needs_you
    assert [(one.service, one.volume, one.kind) for one in report.mounts] == [("flask", "vector_store", "dropped")]
    assert sorted(names(report.volumes_orphaned)) == ["redis_data", "vector_store"]
    assert sorted(report.services_removed) == ["faiss-worker", "redis"]
    assert [one.service for one in report.recreated] == ["flask"]


def test_an_independent_service_touches_no_other(make: Make) -> None:
    report = between(make(services=["postgres"]), make(services=["postgres", "redis"]))
    assert (report.services_added, report.recreated, report.rebuilt) == (("redis",), (), ())
    assert not report.needs_you


def test_another_major_of_postgres(make: Make) -> None:
    old, new = (make(services=["flask", "postgres"], postgres_major=major) for major in ("17", "18"))
    report = between(old, new)
    assert [(one.service, one.major, one.volumes) for one in report.raises_major] == [
        ("postgres", "up", ("postgres_data",))
    ]
    assert "pg_dump" in report.raises_major[0].todo
    assert [(one.kind, one.after) for one in report.mounts] == [("path", "/var/lib/postgresql")]
    assert report.needs_you
    assert [one.major for one in between(new, old).raises_major] == ["down"]


def test_pgvector_on_the_same_major_keeps_the_data(make: Make) -> None:
    plain, vector = (make(services=["postgres"], postgres_vector=answer) for answer in (False, True))
    report = between(plain, vector)
    assert [one.major for one in report.images] == ["same"]
    assert not report.needs_you
    assert [one.service for one in report.recreated] == ["postgres"]
