"""Looking changes nothing at all: not a byte, not a time stamp, not git's index."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from scaffold.project import git
from tests.support import copier, life, tree, versions
from tests.support.cli import Runner

LOOKS = [
    ("update", "--dry-run"),
    ("update", "--diff"),
    ("update", "--check"),
    ("update", "--check", "--json"),
    ("add", "redis", "--dry-run"),
    ("add", "redis", "--diff"),
    ("remove", "postgres", "--dry-run", "--json"),
    ("remove", "postgres", "--diff"),
]


def everything(project: Path) -> dict[str, Any]:
    """Each file's bytes and time of change, git's own included; but git freshens objects that a clone borrows."""
    stamps = {str(path.relative_to(project)): path.lstat().st_mtime_ns for path in project.rglob("*")}
    stamps = {path: stamp for path, stamp in stamps.items() if not path.startswith(".git/objects/")}
    return {"bytes": tree.files(project, without=()), "stamps": stamps}


@pytest.mark.usefixtures("newer")
@pytest.mark.parametrize("command", LOOKS, ids=" ".join)
def test_looking_changes_nothing(command: tuple[str, ...], living: Path, scaffold: Runner) -> None:
    life.edited(living, life.EDITS[0])
    # What git would refresh its index for: the content is the same.
    os.utime(living / "Makefile", (1_000_000_000, 1_000_000_000))
    before = everything(living)
    result = scaffold(*command, "--project", living)
    assert result.code == (1 if "--check" in command else 0), result.err
    assert everything(living) == before
    if "--json" in command:
        assert result.document["dry_run"] is True
        assert result.document["changed"] is False
        assert result.document["files"]["change"]
    elif "--diff" in command:
        assert "\n--- a/compose.yaml\n+++ b/compose.yaml\n" in result.out


@pytest.mark.usefixtures("install")
def test_nothing_newer_is_0(living: Path, scaffold: Runner) -> None:
    before = everything(living)
    for command in (("update", "--check"), ("update", "--check", "--json"), ("update", "--dry-run")):
        result = scaffold(*command, "--project", living)
        assert result.code == 0, result.err
        if "--json" in command:
            assert result.document["changed"] is False
            assert result.document["template"]["to"] == versions.NOW
    assert everything(living) == before


@pytest.mark.usefixtures("newer")
def test_the_diff_is_what_comes_to_pass(living: Path, scaffold: Runner) -> None:
    life.edited(living, life.EDITS[0])
    diff = scaffold("update", "--diff", "--project", living).out
    diff = diff[diff.index("--- ") :]
    assert scaffold("update", "--yes", "--project", living).code == 0
    copier.git(living, "add", "--all", "--intent-to-add")
    done = copier.git(living, "diff", "--no-renames", "HEAD")
    told, seen = ({line for line in text.splitlines() if line[:1] in {"+", "-"}} for text in (diff, done))
    assert told - seen <= {"--- /dev/null", "+++ /dev/null"}
    assert seen - told <= {"--- /dev/null", "+++ /dev/null"}


@pytest.mark.usefixtures("newer")
def test_a_dry_run_names_every_file(living: Path, scaffold: Runner) -> None:
    result = scaffold("update", "--dry-run", "--json", "--project", living)
    foretold = {kind: set(paths) for kind, paths in result.document["files"].items()}
    assert foretold["create"] == {"docs/operating.md"}
    assert foretold["delete"] == {"VOLUMES.md"}
    before = life.tracked(living)
    assert scaffold("update", "--yes", "--project", living).code == 0
    after = life.tracked(living)
    assert {path for path in before if after.get(path, before[path]) != before[path]} == foretold["change"]
    assert after.keys() - before.keys() == foretold["create"]
    assert before.keys() - after.keys() == foretold["delete"]


@pytest.fixture
def elsewhere(install: Path, workplace: Path) -> str:
    """The address of a mirror that this machine has not seen."""
    git.run("clone", "--quiet", "--bare", install, workplace / "mirror.git")
    return f"git+file://{workplace}/mirror.git"


def follow(project: Path, url: str) -> None:
    path = project / ".copier-answers.yml"
    lines = [f"_src_path: {url}" if line.startswith("_src_path:") else line for line in path.read_text().splitlines()]
    path.write_text("\n".join(lines) + "\n")
    copier.commit(project)


@pytest.mark.parametrize("command", [("update",), ("add", "redis"), ("remove", "mongo")], ids=" ".join)
def test_a_source_not_seen_before_is_confirmed_once(
    command: tuple[str, ...], living: Path, elsewhere: str, scaffold: Runner
) -> None:
    follow(living, elsewhere)
    before = everything(living)
    refused = scaffold(*command, "--dry-run", "--project", living)
    assert refused.code == 2
    assert elsewhere in refused.err
    assert "was not used before on this machine" in refused.err
    assert "--yes" in refused.err
    assert everything(living) == before
    assert scaffold(*command, "--dry-run", "--yes", "--project", living).code == 0
    assert everything(living) == before
    assert scaffold(*command, "--dry-run", "--project", living).code == 0, "it is remembered"


def test_a_source_that_a_project_is_made_from_is_confirmed_too(
    workplace: Path, elsewhere: str, scaffold: Runner
) -> None:
    refused = scaffold("new", "p", "-s", "redis", "--template", elsewhere)
    assert refused.code == 2
    assert "was not used before on this machine" in refused.err
    assert not (workplace / "p").exists()
    assert scaffold("new", "p", "-s", "redis", "--template", elsewhere, "--yes").code == 0
    assert scaffold("update", "--check", "--project", workplace / "p").code == 0, "it is known by then"


def test_switching_confirms_compares_and_changes_one_line(living: Path, elsewhere: str, scaffold: Runner) -> None:
    before = life.tracked(living)
    refused = scaffold("switch", elsewhere, "--project", living)
    assert refused.code == 2
    assert "was not used before" in refused.err
    assert life.tracked(living) == before
    done = scaffold("switch", elsewhere, "--yes", "--json", "--project", living)
    assert done.code == 0, done.err
    assert done.document["template"]["to"] == elsewhere
    gained = life.gained(before, life.tracked(living))
    assert gained == {".copier-answers.yml": {f"_src_path: {elsewhere}".encode(): 1}}
    copier.commit(living)
    assert scaffold("add", "redis", "--yes", "--project", living).code == 0


@pytest.mark.usefixtures("elsewhere")
def test_another_template_at_the_same_version_is_refused(living: Path, workplace: Path, scaffold: Runner) -> None:
    git.run("clone", "--quiet", workplace / "mirror.git", workplace / "fork")
    (workplace / "fork/templates/project/Makefile.jinja").write_text("# other\n")
    copier.commit(workplace / "fork")
    copier.git(workplace / "fork", "tag", "--force", versions.NOW)
    before = life.tracked(living)
    refused = scaffold("switch", f"git+file://{workplace}/fork", "--yes", "--project", living)
    assert refused.code == 2
    assert "is another template" in refused.err
    assert life.tracked(living) == before
    gone = scaffold("switch", f"git+file://{workplace}/nowhere", "--yes", "--project", living)
    assert gone.code == 3
    assert life.tracked(living) == before
