"""Where MLflow keeps things: on volumes of its own, or in the database and the object store it was chosen with."""

from __future__ import annotations

import pytest

from tests.engine.conftest import Make
from tests.engine.test_presets import READ, WRITE
from tests.support import copier, notebook
from tests.support.running import Project

pytestmark = pytest.mark.engine


def started(make: Make, services: list[str], **answers: str) -> Project:
    project = make(services=services, **answers)
    project.init()
    notebook.add(project, ["mlflow"])
    project.up()
    return project


@pytest.mark.parametrize(
    ("services", "runs", "files"),
    [
        (["mlflow"], "own", "own"),
        (["mlflow", "postgres"], "postgres", "own"),
        (["mlflow", "seaweedfs"], "own", "seaweedfs"),
    ],
)
def test_runs_and_artifacts_outlive_the_containers(make: Make, services: list[str], runs: str, files: str) -> None:
    project = started(make, services, mlflow_runs=runs, mlflow_files=files)
    project.in_app(WRITE["mlflow"])
    declared = project.declared()
    assert (f"{project.name}_mlflow_data" in declared) == (runs == "own")
    assert (f"{project.name}_mlflow_artifacts" in declared) == (files == "own")
    assert project.volumes() == declared
    project.compose("down")
    project.up()
    assert project.in_app(READ["mlflow"]) == "still here"
    secrets = [path.read_text() for path in (project.folder / "secrets").iterdir() if path.read_text()]
    told = project.compose("logs", "mlflow") + project.run("docker", "inspect", f"{project.name}-mlflow-1").stdout
    told += project.compose("top", "mlflow")
    assert not any(secret in told for secret in secrets)


@pytest.mark.usefixtures("reachable")
def test_a_database_chosen_later_or_taken_away_does_not_move_what_is_there(make: Make) -> None:
    """Plain copier: the answer where runs are is kept, whatever happens to the list of services."""
    project = started(make, ["mlflow", "postgres"])
    copier.git(project.folder, "init", "--quiet")
    copier.commit(project.folder)
    project.in_app(WRITE["mlflow"])
    for services in (["mlflow"], ["mlflow", "seaweedfs"]):
        data = copier.data({"services": services})
        copier.plain("update", "--defaults", "--vcs-ref", ":current:", *data, folder=project.folder)
        copier.commit(project.folder)
        project.init()
        project.up()
        assert "postgres" in project.compose("ps", "--services")
        assert project.in_app(READ["mlflow"]) == "still here"
    assert "mlflow_artifacts:/mlflow/artifacts" in (project.folder / "services/mlflow/compose.yaml").read_text()
