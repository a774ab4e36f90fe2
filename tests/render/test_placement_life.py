"""Where volumes live, through a project's life: what was placed stays, and what has data does not move."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from scaffold.catalog import placement
from scaffold.project import git
from scaffold.project.source import BUNDLE, CANONICAL_URL
from tests.render.test_placement import DISK, NFS, PLACES, answers, recorded, volumes
from tests.support import copier, life, versions
from tests.support.cli import Runner


@pytest.fixture
def started(workplace: Path, install: Path, scaffold: Runner) -> Path:  # noqa: ARG001
    """A project with its uploads on NFS and a rule for all artifacts, in a repository with one commit."""
    places = ["--place", f"user_uploads={NFS}", "--place", f"class:artifacts={NFS}"]
    scaffold("new", "my-rag", "-s", "flask", "-s", "redis", *places, "--yes")
    project = workplace / "my-rag"
    assert volumes(project)["user_uploads"]["driver_opts"]["type"] == "nfs"
    return project


def test_what_was_placed_stays_through_its_life(started: Path, scaffold: Runner) -> None:
    before = recorded(started)
    scaffold("add", "mlflow", "--project", started, "--yes", "--defaults")
    assert volumes(started)["mlflow_artifacts"]["driver_opts"]["device"] == ":/srv/ml/my-rag/mlflow_artifacts"
    assert volumes(started)["user_uploads"]["driver_opts"]["device"] == ":/srv/ml/my-rag/user_uploads"
    copier.commit(started)
    scaffold("remove", "mlflow", "--project", started, "--yes")
    assert "mlflow_artifacts" not in volumes(started)
    assert recorded(started) == before
    copier.commit(started)
    versions_before = (started / ".copier-answers.yml").read_text()
    assert versions.NOW in versions_before
    scaffold("add", "mlflow", "--project", started, "--yes", "--defaults")
    assert volumes(started)["mlflow_artifacts"]["driver_opts"]["type"] == "nfs"


def test_an_update_leaves_it_where_it_is(started: Path, newer: Path, scaffold: Runner) -> None:
    assert newer.is_file()
    before, places = volumes(started), recorded(started)
    scaffold("update", "--project", started, "--yes")
    assert versions.NEXT in (started / ".copier-answers.yml").read_text()
    assert (volumes(started), recorded(started)) == (before, places)


@pytest.mark.parametrize(
    "place",
    [
        "user_uploads=local",
        f"user_uploads={NFS},option=hard",
        "user_uploads=nfs:server=10.0.0.6,export=/srv/ml",
        f"redis_data={DISK}",
    ],
)
def test_what_has_data_does_not_move(started: Path, scaffold: Runner, place: str) -> None:
    before = life.tracked(started)
    result = scaffold("add", "ollama", "--place", place, "--project", started, "--yes")
    assert result.code == 2
    assert "would move" in result.err
    assert f"scaffold volumes move {place.partition('=')[0]} --place" in result.err
    assert life.tracked(started) == before
    result = scaffold("add", "ollama", "--place", place, "--project", started, "--yes", "--force")
    assert "before `up`" in result.out + result.err
    assert (volumes(started)["ollama_models"], result.code) == (None, 1)


def test_a_class_that_is_placed_later_moves_nothing(started: Path, scaffold: Runner) -> None:
    before = life.tracked(started)
    place = f"class:files={NFS}"
    result = scaffold("add", "ollama", "--place", "user_uploads=local", "--place", place, "--project", started, "--yes")
    assert result.code == 2
    assert life.tracked(started) == before
    # It has a place of its own, so the rule for its class is about others.
    scaffold("add", "ollama", "--place", place, "--project", started, "--yes")
    assert volumes(started)["user_uploads"] == volumes_of(before)["user_uploads"]


def volumes_of(files: life.Files) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(files["compose.yaml"])["volumes"]
    return found


def test_a_place_can_be_chosen_before_there_is_a_volume(started: Path, scaffold: Runner) -> None:
    scaffold("add", "--place", f"ollama_models={NFS}", "--project", started, "--yes")
    assert recorded(started)["volumes"]["ollama_models"]["driver"] == "nfs"
    copier.commit(started)
    scaffold("add", "ollama", "--project", started, "--yes")
    assert volumes(started)["ollama_models"]["driver_opts"]["device"] == ":/srv/ml/my-rag/ollama_models"


def test_what_is_asked_for_wrongly_changes_nothing(workplace: Path, install: Path, scaffold: Runner) -> None:
    assert install.is_file()
    result = scaffold("new", "p", "-s", "postgres", "--place", f"postgres_data={NFS}", "--yes")
    assert (result.code, list(workplace.iterdir())) == (2, [])
    assert "`postgres_data` cannot live on nfs" in result.err
    assert "fsync" in result.err
    result = scaffold("new", "p", "-s", "redis", "--set", "placement=x", "--yes")
    assert (result.code, list(workplace.iterdir())) == (2, [])
    assert "--place" in result.err
    (workplace / "answers.yaml").write_text("services: [redis]\nplacement:\n  volumes: {redis_data: {driver: nfz}}\n")
    assert scaffold("new", "p", "--answers", "answers.yaml", "--yes").code == 2
    assert not (workplace / "p").exists()


def test_places_come_from_a_file_too(workplace: Path, install: Path, scaffold: Runner) -> None:
    assert install.is_file()
    (workplace / "answers.yaml").write_text(
        f"services: [flask, redis]\nplacement: {json.dumps(placement.from_flags([f'class:files={NFS}']))}\n"
    )
    scaffold("new", "p", "--answers", "answers.yaml", "--place", f"redis_data={DISK}", "--yes")
    placed = {name: (one or {}).get("driver_opts", {}).get("type") for name, one in volumes(workplace / "p").items()}
    assert placed == {"user_uploads": "nfs", "redis_data": "ext4"}


def test_a_place_that_is_spoilt_by_hand_is_refused_not_forgotten(started: Path, scaffold: Runner) -> None:
    path = started / ".copier-answers.yml"
    path.write_text(path.read_text().replace("export: /srv/ml", "export: srv/ml", 1))
    copier.commit(started)
    before = life.tracked(started)
    result = scaffold("add", "ollama", "--project", started, "--yes")
    assert result.code == 2
    assert "is no export" in result.err
    assert life.tracked(started) == before


@pytest.fixture
def mirror(bundle_of_next: Path, workplace: Path) -> dict[str, str]:
    """The template's repository for plain copier, as an environment."""
    git.run("clone", "--quiet", bundle_of_next, workplace / "repository")
    (workplace / ".git").mkdir()
    return git.settings({f"url.{workplace / 'repository'}.insteadOf": CANONICAL_URL})


def test_plain_copier_places_too(workplace: Path, mirror: dict[str, str]) -> None:
    given = copier.data(answers(*PLACES))
    copier.plain(
        "copy", "--defaults", "--vcs-ref", versions.NOW, *given, CANONICAL_URL, "p", folder=workplace,
        environment=mirror,
    )  # fmt: skip
    project = workplace / "p"
    before = volumes(project)
    assert before["user_uploads"]["driver_opts"]["o"] == "addr=10.0.0.5,nfsvers=4,hard"
    copier.git(project, "init", "--quiet")
    copier.commit(project)
    copier.plain("update", "--defaults", "--vcs-ref", versions.NEXT, folder=project, environment=mirror)
    assert (volumes(project), recorded(project)) == (before, placement.from_flags(PLACES))
    # A recorded place that is wrong ends an update; forgotten, the volumes would be looked for elsewhere.
    path = project / ".copier-answers.yml"
    path.write_text(path.read_text().replace("export: /srv/ml", "export: srv/ml"))
    copier.commit(project)
    with pytest.raises(AssertionError, match="is no export"):
        copier.plain("update", "--defaults", "--vcs-ref", ":current:", folder=project, environment=mirror)
    assert volumes(project) == before


@pytest.mark.usefixtures("install")
@pytest.mark.parametrize("version", copier.released_versions())
def test_a_project_of_every_release_can_place_what_it_gets(workplace: Path, version: str, scaffold: Runner) -> None:
    git.run("clone", "--quiet", BUNDLE, workplace / "old")
    (workplace / ".git").mkdir()
    copier.plain(
        "copy", "--defaults", "--vcs-ref", version,
        *copier.data({"project_name": "my-rag", "services": ["flask", "redis"]}), CANONICAL_URL, "p", folder=workplace,
        environment=git.settings({f"url.{workplace / 'old'}.insteadOf": CANONICAL_URL}),
    )  # fmt: skip
    project = workplace / "p"
    copier.git(project, "init", "--quiet")
    copier.commit(project)
    if version in copier.released_versions(before="v0.5.0"):
        # That version knows nothing of places.
        result = scaffold("add", "mongo", "--place", f"mongo_config={NFS}", "--project", project, "--yes")
        assert result.code == 2
        assert "scaffold update" in result.err
    scaffold("update", "--project", project, "--yes")
    assert all(one is None for one in volumes(project).values())
    copier.commit(project)
    scaffold("add", "mongo", "--place", f"mongo_config={NFS}", "--project", project, "--yes")
    assert volumes(project)["mongo_config"]["driver_opts"]["type"] == "nfs"
    assert volumes(project)["user_uploads"] is None
