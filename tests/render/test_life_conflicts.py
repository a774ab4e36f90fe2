"""Conflicts: what is said, what is refused meanwhile, and both ends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support import compose, copier, life, tree, versions
from tests.support.cli import Runner

pytestmark = pytest.mark.usefixtures("newer")

OURS, THEIRS = "    image: mongo:8.0.4-noble", "    image: mongo:8.0.99-noble"
IMAGE = life.Edit("image", replaced={life.MONGO: {"image: mongo:8.0-noble": OURS.strip()}})
# Files of no format that scaffold knows: what it does with them is git's merge.
TEXT = life.Edit("text", replaced={"Makefile": {"## Follow the logs": "## Follow our logs"}})


def state(project: Path) -> dict[str, Any]:
    """Every file, and what git has of them."""
    return {
        "files": tree.files(project),
        "index": copier.git(project, "ls-files", "--stage"),
        "status": copier.git(project, "status", "--porcelain"),
        "head": copier.git(project, "rev-parse", "HEAD"),
    }


@pytest.fixture
def conflicted(living: Path, scaffold: Runner) -> tuple[Path, dict[str, Any]]:
    """A project in the middle of an update with two conflicts, and its state before that."""
    life.edited(living, IMAGE)
    life.edited(living, TEXT)
    before = state(living)
    result = scaffold("update", "--yes", "--project", living)
    assert result.code == 1, result.err
    return living, before


def settle(project: Path) -> None:
    """Take the template's side."""
    for name in (life.MONGO, "Makefile"):
        lines, keep = [], True
        for line in (project / name).read_text().splitlines():
            if line.startswith(("<<<<<<< ", "=======", ">>>>>>> ")):
                keep = not line.startswith("<<<<<<< ")
            elif keep:
                lines.append(line)
        (project / name).write_text("\n".join(lines) + "\n")


def test_each_is_reported_with_file_and_line(living: Path, scaffold: Runner) -> None:
    life.edited(living, IMAGE)
    life.edited(living, TEXT)
    result = scaffold("update", "--yes", "--json", "--project", living)
    assert result.code == 1, result.err
    conflicts = {one["path"]: one for one in result.document["conflicts"]}
    assert list(conflicts) == ["Makefile", life.MONGO] == result.document["files"]["conflict"]
    for path, conflict in conflicts.items():
        lines = (living / path).read_text().splitlines()
        assert conflict["lines"] == [number for number, line in enumerate(lines, 1) if line.startswith("<<<<<<< ")]
    assert "services.mongo.image" in conflicts[life.MONGO]["reasons"][0]
    text = (living / life.MONGO).read_text()
    assert OURS in text
    assert THEIRS in text


def test_looking_tells_of_them_and_makes_none(living: Path, scaffold: Runner) -> None:
    life.edited(living, IMAGE)
    before = state(living)
    result = scaffold("update", "--dry-run", "--json", "--project", living)
    assert result.code == 1
    assert [one["path"] for one in result.document["conflicts"]] == [life.MONGO]
    assert state(living) == before


@pytest.mark.parametrize(
    "command", [("update",), ("update", "--dry-run"), ("add", "redis"), ("remove", "mongo", "--force")], ids=" ".join
)
def test_nothing_else_happens_meanwhile(
    command: tuple[str, ...], conflicted: tuple[Path, dict[str, Any]], scaffold: Runner
) -> None:
    project, _ = conflicted
    meanwhile = state(project)
    result = scaffold(*command, "--yes", "--project", project)
    assert result.code == 2
    assert "is not finished" in result.err
    assert "--abort" in result.err
    assert state(project) == meanwhile


def test_it_goes_on_when_they_are_settled(conflicted: tuple[Path, dict[str, Any]], scaffold: Runner) -> None:
    project, _ = conflicted
    meanwhile = state(project)
    marked = scaffold("update", "--continue", "--project", project)
    line = (project / "Makefile").read_text().splitlines().index("<<<<<<< before updating") + 1
    assert marked.code == 2
    assert f"Makefile:{line}" in marked.err
    assert state(project) == meanwhile
    settle(project)
    unmerged = scaffold("update", "--continue", "--project", project)
    assert unmerged.code == 2
    assert "git add" in unmerged.err
    copier.git(project, "add", "Makefile", life.MONGO)
    done = scaffold("update", "--continue", "--json", "--project", project)
    assert done.code == 0, done.err
    assert done.document["ops"]["exit_code"] == 0
    copier.commit(project)
    assert THEIRS in (project / life.MONGO).read_text()
    assert compose.config(project, compose.VERSIONS[-1])["name"] == life.NAME
    at_newest = scaffold("update", "--yes", "--project", project)
    assert (at_newest.code, "nothing to change" in at_newest.err) == (0, True)


def test_it_goes_on_after_a_commit(conflicted: tuple[Path, dict[str, Any]], scaffold: Runner) -> None:
    project, _ = conflicted
    settle(project)
    copier.commit(project)
    late = scaffold("update", "--abort", "--project", project)
    assert late.code == 2
    assert "there are commits since" in late.err
    assert scaffold("update", "--continue", "--project", project).code == 0
    assert scaffold("add", "redis", "--yes", "--project", project).code == 0


def test_it_is_taken_back_whole(conflicted: tuple[Path, dict[str, Any]], scaffold: Runner) -> None:
    project, before = conflicted
    result = scaffold("update", "--abort", "--project", project)
    assert result.code == 0, result.err
    assert state(project) == before
    assert scaffold("add", "redis", "--yes", "--project", project).code == 0


def test_taking_it_back_spares_what_was_done_since(conflicted: tuple[Path, dict[str, Any]], scaffold: Runner) -> None:
    project, before = conflicted
    settle(project)
    meanwhile = state(project)
    refused = scaffold("update", "--abort", "--project", project)
    assert refused.code == 2
    assert "later edits would be lost" in refused.err
    assert state(project) == meanwhile
    assert scaffold("update", "--abort", "--force", "--project", project).code == 0
    assert state(project) == before


def test_gits_own_tools_know_the_three_sides(conflicted: tuple[Path, dict[str, Any]], scaffold: Runner) -> None:
    project, before = conflicted
    stages = [line.split()[2:] for line in copier.git(project, "ls-files", "--unmerged").splitlines()]
    assert stages == [[number, path] for path in ("Makefile", life.MONGO) for number in ("1", "2", "3")]
    assert copier.git(project, "show", f":2:{life.MONGO}").encode() == before["files"][life.MONGO]
    assert "image: mongo:8.0-noble" in copier.git(project, "show", f":1:{life.MONGO}")
    copier.git(project, "checkout", "--theirs", "--", life.MONGO)
    assert THEIRS in (project / life.MONGO).read_text()
    copier.git(project, "checkout", "--merge", "--", life.MONGO)
    assert "<<<<<<< " in (project / life.MONGO).read_text()
    tool = ["-c", "merge.tool=theirs", "-c", 'mergetool.theirs.cmd=cp "$REMOTE" "$MERGED"']
    trusted = ["-c", "mergetool.theirs.trustExitCode=true", "-c", "mergetool.keepBackup=false"]
    copier.git(project, *tool, *trusted, "mergetool", "--no-prompt")
    assert copier.git(project, "ls-files", "--unmerged") == ""
    assert THEIRS in (project / life.MONGO).read_text()
    assert scaffold("update", "--continue", "--project", project).code == 0


def test_adding_can_conflict_too(living: Path, scaffold: Runner) -> None:
    """Somebody keeps a file of their own where the new service has one."""
    (living / "clients" / "redis.py").write_text("# mine\n")
    copier.commit(living)
    before = state(living)
    result = scaffold("add", "redis", "--yes", "--project", living)
    assert result.code == 1, result.err
    assert "conflict: clients/redis.py:1" in result.err
    assert "# mine\n" in (living / "clients" / "redis.py").read_text()
    assert scaffold("update", "--abort", "--project", living).code == 0
    assert state(living) == before


def test_nothing_is_lost_when_the_template_deletes_what_somebody_edited(living: Path, scaffold: Runner) -> None:
    """VOLUMES.md is dropped in the next version."""
    (living / "VOLUMES.md").write_text((living / "VOLUMES.md").read_text() + "Ask Kim.\n")
    copier.commit(living)
    before = (living / "VOLUMES.md").read_bytes()
    result = scaffold("update", "--yes", "--project", living)
    assert result.code == 0, result.err
    assert "VOLUMES.md is no longer part of the template; it stays" in result.err
    assert (living / "VOLUMES.md").read_bytes() == before
    assert f"_commit: {versions.NEXT}" in (living / ".copier-answers.yml").read_text()


def test_an_override_of_a_service_that_goes_is_named(living: Path, scaffold: Runner) -> None:
    """Compose would refuse the whole project: done, and something needs the user."""
    (living / "compose.override.yaml").write_text("services:\n  postgres:\n    labels:\n      ours: here\n")
    copier.commit(living)
    result = scaffold("remove", "postgres", "--yes", "--project", living)
    assert result.code == 1, result.err
    assert "compose.override.yaml:2 postgres" in result.out
    assert "a service that is gone" in result.out
    assert (living / "compose.override.yaml").read_text().count("postgres") == 1
