"""A running project with data lives through updates, and services that go and come back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from scaffold.cli.main import run as scaffold
from tests.engine.conftest import Run, new_name
from tests.engine.test_presets import READ, WRITE
from tests.support import copier, versions
from tests.support.running import Project

pytestmark = pytest.mark.engine

STORES = ("mongo", "postgres")
OVERRIDE = "compose.override.yaml"


@pytest.fixture
def project(run: Run, install: Path) -> Project:  # noqa: ARG001
    """An edited project of this version, running, with a record in each store and an upload."""
    project = run(new_name())
    services = ["-s", "flask", "-s", "mongo", "-s", "postgres"]
    assert scaffold(["new", str(project.folder), *services, "--set", "postgres_major=17", "--yes"]) == 0
    project.init()
    flask = project.folder / "services/flask/compose.yaml"
    below = "      # your own variables below this line\n"
    flask.write_text(flask.read_text().replace(below, f"{below}      TEAM: ours\n"))
    # An engine waits one interval before the first probe.
    probes = "".join(f"  {id}:\n    healthcheck:\n      interval: 3s\n" for id in ("flask", *STORES))
    (project.folder / OVERRIDE).write_text(f"services:\n{probes}")
    copier.commit(project.folder)
    project.up()
    for store in STORES:
        project.in_app(WRITE[store])
    assert project.upload("kept.txt", b"still here")[0] == 201
    return project


@pytest.fixture
def newer_mongo(run: Run) -> Iterator[None]:
    """The image that the next version of the template names."""
    project = run(new_name())
    project.folder.mkdir()
    project.run("docker", "tag", "mongo:8.0-noble", "mongo:8.0.99-noble")
    yield
    project.run("docker", "image", "rm", "mongo:8.0.99-noble")


def everything_is_there(project: Project) -> None:
    for store in STORES:
        assert project.in_app(READ[store]) == "still here", store
    assert project.get("/uploads/kept.txt") == (200, b"still here")
    assert project.get("/links")[0] == 200


def containers(project: Project) -> dict[str, str]:
    """The container of each service."""
    lines = project.compose("ps", "--format", "{{.Service}} {{.ID}}").splitlines()
    return dict(line.split() for line in lines)


def secrets(project: Project) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (project.folder / "secrets").iterdir()}


def change(project: Project, *arguments: str, capfd: pytest.CaptureFixture[str]) -> dict[str, object]:
    """Change the project, commit that, and return the report."""
    capfd.readouterr()
    code = scaffold([*arguments, "--project", str(project.folder), "--yes", "--json"])
    said = capfd.readouterr()
    assert code == 0, said.err
    copier.commit(project.folder)
    report: dict[str, object] = json.loads(said.out)
    return report


@pytest.mark.usefixtures("newer_mongo")
def test_an_update_of_a_running_stack_keeps_its_data(
    project: Project, install: Path, tmp_path_factory: pytest.TempPathFactory, capfd: pytest.CaptureFixture[str]
) -> None:
    before, volumes, kept = containers(project), project.volumes(), secrets(project)
    versions.release(install, versions.changed(tmp_path_factory.mktemp("later")), versions.NEXT)
    impact = change(project, "update", capfd=capfd)["impact"]
    assert isinstance(impact, dict)
    project.up()
    after = containers(project)
    recreated = {service for service in before if before[service] != after[service]}
    assert recreated == {one["service"] for one in impact["recreated"]} == {"flask", "mongo"}
    assert not impact["needs_you"]
    everything_is_there(project)
    assert volumes < project.volumes() == project.declared(), "and the one that is new"
    assert secrets(project) == kept
    assert "TEAM: ours" in (project.folder / "services/flask/compose.yaml").read_text()
    assert "postgres:17-trixie" in (project.folder / "services/postgres/compose.yaml").read_text()


def test_a_service_that_went_finds_its_data_when_it_comes_back(
    project: Project, capfd: pytest.CaptureFixture[str]
) -> None:
    volumes, kept = project.volumes(), secrets(project)
    (project.folder / OVERRIDE).unlink()  # it names what goes
    copier.commit(project.folder)
    report = change(project, "remove", "mongo", "postgres", capfd=capfd)["impact"]
    assert isinstance(report, dict)
    retired = {volume["name"] for volume in report["volumes_orphaned"]}
    assert retired == {"mongo_data", "mongo_config", "postgres_data"}
    project.up("--remove-orphans")
    assert set(containers(project)) == {"flask"}
    assert project.get("/links") == (200, {})
    assert (project.volumes(), secrets(project)) == (volumes, kept)
    change(project, "add", "mongo", "postgres", capfd=capfd)
    project.up()
    everything_is_there(project)
    assert (project.volumes(), secrets(project)) == (volumes, kept)
    assert project.volumes() == project.declared()
