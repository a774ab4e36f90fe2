"""A project of every release, edited or not, comes to the working tree with `scaffold update`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from scaffold.catalog.index import load
from scaffold.compose.project import files_in, read_project
from scaffold.project import git
from scaffold.project.answers import complete
from scaffold.project.impact.report import impact
from scaffold.project.render import render
from scaffold.project.source import BUNDLE, CANONICAL_URL, Template, open_version
from tests.support import compose, copier, life, versions
from tests.support.cli import Runner
from tools.examples import ROOT

EDITS = {edit.name: edit for edit in life.EDITS}
# Texts that every release has in common.
TRIED = ["extra service", "changed port", "changed image tag", "own include", "own file in a service folder"]
TRIED += ["driver options", "edited app", "deleted files"]


@pytest.fixture(params=copier.released_versions())
def old(request: pytest.FixtureRequest, workplace: Path) -> Path:
    """A project made of a release by plain copier, with secrets by its own `ops`."""
    repository = workplace / "repository"
    git.run("clone", "--quiet", BUNDLE, repository)
    (workplace / ".git").mkdir()
    answers = {"project_name": life.NAME, "services": list(life.CHOSEN), "postgres_major": "17"}
    copier.plain(
        "copy", "--defaults", "--vcs-ref", request.param, *copier.data(answers), CANONICAL_URL, life.NAME,
        folder=workplace, environment=git.settings({f"url.{repository}.insteadOf": CANONICAL_URL}),
    )  # fmt: skip
    project = workplace / life.NAME
    ops_init(project)
    copier.git(project, "init", "--quiet")
    copier.commit(project)
    return project


def ops_init(project: Path) -> None:
    from scaffold.project import ops

    assert ops.init(project, print)["exit_code"] == 0


def meant(project: Path) -> dict[str, Any]:
    """What decides where data is, and what opens it."""
    config = compose.config(project, compose.VERSIONS[-1])
    mounts = {
        id: sorted((mount["source"], mount["target"]) for mount in service.get("volumes", []))
        for id, service in config["services"].items()
    }
    images = {id: service["image"] for id, service in config["services"].items() if "image" in service}
    return {
        "mounts": mounts,
        "images": images,
        "volumes": config["volumes"],
        "secrets": {name: Path(one["file"]).name for name, one in config["secrets"].items()},
        "described": config["x-scaffold"]["volumes"].keys(),
    }


@pytest.mark.usefixtures("install")
@pytest.mark.parametrize("edit", [None, *TRIED])
def test_every_release_updates_to_the_working_tree(edit: str | None, old: Path, scaffold: Runner) -> None:
    start = life.tracked(old)
    if edit is not None:
        life.edited(old, EDITS[edit])
    before, private = life.tracked(old), life.private(old)
    means = meant(old)
    result = scaffold("update", "--yes", "--project", old)
    assert result.code == 0, result.err
    after = life.tracked(old)
    answers = yaml.safe_load(after[".copier-answers.yml"])
    assert answers["_commit"] == versions.NOW
    assert (answers["services"], answers["postgres_major"]) == (list(life.CHOSEN), "17")
    assert meant(old.rename(old.with_name("after"))) == means
    for path, mine in life.gained(start, before).items():
        assert not mine - life.lines(after.get(path)), path
    assert edit is None or not set(EDITS[edit].deleted) & after.keys()
    kept = life.private(old.with_name("after"))
    assert {path: kept[path] for path in private if path != ".env"} == {
        path: text for path, text in private.items() if path != ".env"
    }
    assert kept[".env"].startswith(private[".env"])
    listed = subprocess.run(
        [sys.executable, "ops", "list", "--json"], cwd=old.with_name("after"), capture_output=True, check=True
    )
    assert json.loads(listed.stdout)["sets"] == [], "the backup kit came along, and runs"


@pytest.mark.parametrize("tag", copier.released_versions())
def test_no_version_changes_the_major_of_a_database(tag: str, template: Template, tmp_path: Path) -> None:
    """Plain copier, and bots that use it, refuse nothing: what a release changes there, they carry out."""
    with open_version(CANONICAL_URL, tag) as old:
        catalog = load(old.root)
        answers = complete(catalog, {"project_name": "p", "services": catalog.offered})
        render(old, answers, tmp_path / "before")
    render(template, complete(load(ROOT), answers), tmp_path / "after")
    before, after = (read_project(files_in(tmp_path / folder)) for folder in ("before", "after"))
    assert len(before.services) >= len(catalog.offered)
    assert impact(before, after).raises_major == ()
