"""A database that went and comes back finds its major, its volume and its secret; and what stands on one keeps it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.support import compose, copier, life, tree, versions
from tests.support.cli import Runner

# The template's next version offers other majors, and another one by default.
MOVED_ON: versions.Changes = {
    "services/postgres/service.toml": {
        'choices = ["18", "17"]': 'choices = ["20", "19"]',
        'default = "18"': 'default = "20"',
    }
}
POSTGRES = "services/postgres/compose.yaml"


@pytest.fixture
def project(install: Path, workplace: Path, scaffold: Runner) -> Path:
    """With an older PostgreSQL than the default, an install that has moved on, and a database that was removed."""
    args = ("-s", "flask", "-s", "postgres", "--set", "postgres_major=17", "--yes")
    assert scaffold("new", life.NAME, *args).code == 0
    versions.release(install, versions.changed(workplace / "later", MOVED_ON), versions.NEXT)
    return workplace / life.NAME


def remembered(project: Path) -> dict[str, object]:
    data: dict[str, object] = yaml.safe_load((project / ".copier-answers.yml").read_text())
    return data


@pytest.mark.parametrize(
    "order", [("remove", "update", "add"), ("update", "remove", "add"), ("remove", "add", "update")]
)
def test_the_old_major_comes_back(order: tuple[str, ...], project: Path, scaffold: Runner) -> None:
    before = compose.config(project, compose.VERSIONS[-1])
    private = life.private(project)
    for verb in order:
        words = (verb,) if verb == "update" else (verb, "postgres")
        result = scaffold(*words, "--yes", "--project", project)
        assert result.code == 0, result.err
        assert remembered(project)["postgres_major"] == "17"
        assert life.private(project) == private, "data's secrets stay, whatever comes and goes"
        copier.commit(project, verb)
    after = compose.config(project.rename(project.with_name("after")), compose.VERSIONS[-1])
    assert after["services"]["postgres"]["image"] == before["services"]["postgres"]["image"] == "postgres:17-trixie"
    assert after["services"]["postgres"]["volumes"] == before["services"]["postgres"]["volumes"]
    assert after["volumes"] == before["volumes"]
    assert after["x-scaffold"] == before["x-scaffold"]
    assert after["secrets"].keys() == before["secrets"].keys()


def test_the_old_major_cannot_be_asked_away(project: Path, scaffold: Runner) -> None:
    assert scaffold("remove", "postgres", "--yes", "--project", project).code == 0
    copier.commit(project)
    before = tree.files(project)
    result = scaffold("add", "postgres", "--set", "postgres_major=18", "--yes", "--project", project)
    assert result.code == 2
    assert "`postgres_major` is `17` in this project, and stays" in result.err
    assert "data was written by that answer" in result.err
    assert tree.files(project) == before


def test_a_project_that_never_had_it_gets_todays(install: Path, workplace: Path, scaffold: Runner) -> None:
    assert scaffold("new", life.NAME, "-s", "flask", "--yes").code == 0
    project = workplace / life.NAME
    versions.release(install, versions.changed(workplace / "later", MOVED_ON), versions.NEXT)
    assert scaffold("update", "--yes", "--project", project).code == 0
    copier.commit(project)
    assert "postgres_major" not in remembered(project)
    result = scaffold("add", "postgres", "--yes", "--json", "--project", project)
    assert result.code == 0, result.err
    assert result.document["answers"]["postgres_major"] == "20"
    assert "image: postgres:20-trixie" in (project / POSTGRES).read_text()


@pytest.mark.usefixtures("install")
def test_a_store_with_anothers_data_cannot_go(workplace: Path, scaffold: Runner) -> None:
    assert scaffold("new", life.NAME, "-s", "mlflow", "-s", "postgres", "--yes").code == 0
    project = workplace / life.NAME
    assert remembered(project)["mlflow_runs"] == "postgres"
    before = tree.files(project, without=())
    for more in ((), ("--force",)):
        result = scaffold("remove", "postgres", "--yes", *more, "--project", project)
        assert result.code == 2
        assert "`postgres` cannot go: mlflow needs it, or has its data there" in result.err
        assert "remove mlflow as well" in result.err
    after = tree.files(project, without=())
    assert {path for path in after if after[path] != before.get(path)} <= {".git/index"}
    assert scaffold("add", "redis", "--yes", "--project", project).code == 0
    copier.commit(project)
    assert scaffold("remove", "mlflow", "postgres", "--yes", "--project", project).code == 0
    copier.commit(project)
    again = scaffold("add", "mlflow", "--yes", "--json", "--project", project)
    assert again.code == 0, again.err
    assert remembered(project)["mlflow_runs"] == "postgres"
    assert (project / POSTGRES).exists(), "its data is there, so the store comes along"


def test_an_app_comes_back_as_it_was_left(living: Path, newer: Path, scaffold: Runner) -> None:
    app = living / "services/flask/app"
    (app / "health.py").write_text("# mine\n")
    (app / "ask.py").unlink()
    copier.commit(living)
    before = tree.files(app)
    for words in (("remove", "flask"), ("update",), ("add", "flask")):
        result = scaffold(*words, "--yes", "--project", living)
        assert result.code == 0, result.err
        assert tree.files(app) == before
        copier.commit(living)
    assert newer.is_file()
    assert (living / life.FLASK).exists()
