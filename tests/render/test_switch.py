"""`scaffold switch`: another address for the same template, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from scaffold.project import git
from scaffold.project.source import CANONICAL_URL
from tests.support import cli, copier, tree, versions


@pytest.fixture
def project(install: Path, workplace: Path, scaffold: cli.Runner) -> Path:  # noqa: ARG001
    assert scaffold("new", "p", "-s", "flask", "-s", "redis", "--yes").code == 0
    return workplace / "p"


@pytest.fixture
def mirror(install: Path, workplace: Path) -> Path:
    """A mirror of the template's repository, with its versions."""
    git.run("clone", "--quiet", "--mirror", install, workplace / "mirror.git")
    return workplace / "mirror.git"


def answers(project: Path) -> dict[str, object]:
    data: dict[str, object] = yaml.safe_load((project / ".copier-answers.yml").read_text())
    return data


def test_only_the_address_changes_and_updates_go_on_from_there(
    project: Path, mirror: Path, scaffold: cli.Runner, tmp_path_factory: pytest.TempPathFactory
) -> None:
    before = tree.files(project)
    done = scaffold("switch", mirror, "--project", project, "--yes")
    assert done.code == 0, done.err
    after = tree.files(project)
    assert {path for path in before.keys() | after if before.get(path) != after.get(path)} == {".copier-answers.yml"}
    lines = [
        (project / ".copier-answers.yml").read_text().splitlines(),
        before[".copier-answers.yml"].decode().split("\n"),
    ]
    assert set(lines[0]) - set(lines[1]) == {f"_src_path: {mirror}"}
    copier.commit(project)
    later = versions.changed(tmp_path_factory.mktemp("later"))
    versions.add(mirror, later, versions.NEXT)
    done = scaffold("update", "--project", project)
    assert done.code == 0, done.err
    assert answers(project)["_commit"] == versions.NEXT
    assert answers(project)["_src_path"] == str(mirror)
    assert "Follow all logs" in (project / "Makefile").read_text()


def test_a_template_that_differs_or_lacks_the_version_is_refused(
    project: Path, workplace: Path, scaffold: cli.Runner, tmp_path_factory: pytest.TempPathFactory
) -> None:
    before = tree.files(project)
    other = workplace / "other.git"
    git.run("init", "--quiet", "--bare", "--initial-branch=main", other)
    versions.add(other, versions.changed(tmp_path_factory.mktemp("one")), "v8.0.0")
    done = scaffold("switch", other, "--project", project, "--yes")
    assert done.code == 2
    assert f"has no {versions.NOW}" in done.err
    versions.add(other, versions.changed(tmp_path_factory.mktemp("two")), versions.NOW)
    done = scaffold("switch", other, "--project", project, "--yes")
    assert done.code == 2
    assert "is another template than the one the project is from" in done.err
    assert tree.files(project) == before
    assert scaffold("switch", other, "--project", project, "--yes", "--force").code == 0
    assert answers(project)["_src_path"] == str(other)


def test_an_address_is_confirmed_once(project: Path, mirror: Path, scaffold: cli.Runner) -> None:
    before = tree.files(project)
    done = scaffold("switch", mirror, "--project", project)
    assert done.code == 2
    assert "was not used before on this machine" in done.err
    assert "--yes" in done.err
    assert tree.files(project) == before
    assert scaffold("switch", mirror, "--project", project, "--yes").code == 0
    copier.commit(project)
    assert scaffold("switch", CANONICAL_URL, "--project", project).code == 0, "the standard one is always known"
    copier.commit(project)
    assert scaffold("switch", mirror, "--project", project).code == 0, "and this one from now on"


def test_what_cannot_be_switched_is_refused(project: Path, mirror: Path, scaffold: cli.Runner) -> None:
    assert "already" in scaffold("switch", CANONICAL_URL, "--project", project).err
    assert scaffold("switch", mirror.parent / "absent.git", "--project", project, "--yes").code == 3
    (project / "Makefile").write_text("dirty\n")
    done = scaffold("switch", mirror, "--project", project, "--yes")
    assert done.code == 2
    assert "not committed" in done.err


def test_a_relative_address_is_mended_by_it(project: Path, mirror: Path, scaffold: cli.Runner) -> None:
    path = project / ".copier-answers.yml"
    path.write_text(path.read_text().replace(CANONICAL_URL, "../mirror.git"))
    copier.commit(project)
    done = scaffold("update", "--project", project)
    assert done.code == 2
    assert "relative address" in done.err
    assert "scaffold switch" in done.err
    assert scaffold("switch", mirror, "--project", project, "--yes", "--force").code == 0
    copier.commit(project)
    assert scaffold("update", "--project", project).code == 0


def test_the_report_for_programs(project: Path, mirror: Path, scaffold: cli.Runner) -> None:
    done = scaffold("switch", mirror, "--project", project, "--yes", "--json")
    assert done.document["template"] == {
        "from": CANONICAL_URL,
        "to": str(mirror),
        "version": versions.NOW,
        "newest": versions.NOW,
    }
