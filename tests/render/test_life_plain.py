"""The same edits and operations with plain copier: what it cannot merge, git still has."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import pytest

from scaffold.project import git
from scaffold.project.source import CANONICAL_URL
from tests.render.test_life_matrix import assert_kept, assert_private_kept, unmerged
from tests.support import copier, life, versions
from tests.support.life import Edit, Files

OPERATIONS = {
    "add two": ("flask", "mongo", "postgres", "redis", "chroma"),
    "remove another": ("flask", "mongo"),
    "remove mongo": ("flask", "postgres"),
    "update": life.CHOSEN,
}
START, BEFORE, AFTER = b"<<<<<<< before updating", b"=======", b">>>>>>> after updating"


@pytest.fixture(scope="module")
def repository(bundle_of_next: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template's repository, for whoever has no `scaffold`."""
    folder = tmp_path_factory.mktemp("repository") / "template"
    git.run("clone", "--quiet", bundle_of_next, folder)
    return folder


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("edit", life.EDITS, ids=lambda edit: edit.name)
def test_no_line_of_users_is_lost_to_git(edit: Edit, operation: str, living: Path, repository: Path) -> None:
    start = life.tracked(living)
    life.edited(living, edit)
    before, private = life.tracked(living), life.private(living)
    update(living, repository, operation)
    after = life.tracked(living)
    assert committed(living, before) == before, "what copier removes or marks is in git"
    assert not set(edit.deleted) & after.keys(), "what was deleted stays deleted"
    assert_private_kept(private, life.private(living))
    removed = {path for path in edit.of_mongo if operation == "remove mongo"}
    assert not removed & after.keys()
    conflicts = unmerged(living)
    merged = {path: text for path, text in before.items() if path not in {*removed, *conflicts}}
    assert_kept(start, merged, after, {})
    for path in conflicts:
        assert_marked(life.gained(start, before)[path].keys(), after[path])


def update(project: Path, repository: Path, operation: str) -> None:
    version = versions.NEXT if operation == "update" else ":current:"
    answers = ["-d", f"services={json.dumps(OPERATIONS[operation])}"]
    environment = git.settings({f"url.{repository}.insteadOf": CANONICAL_URL})
    copier.plain("update", "--defaults", "--vcs-ref", version, *answers, folder=project, environment=environment)


def committed(project: Path, paths: Files) -> Files:
    """What the last commit has at these paths, with the executable bit as `life.tracked` marks it."""
    modes = dict(line.split("\t")[::-1] for line in copier.git(project, "ls-tree", "-r", "HEAD").splitlines())
    return {
        path: (b"+x " if modes[path].startswith("100755") else b"") + git.ask("show", f"HEAD:{path}", folder=project)
        for path in paths
    }


def assert_marked(mine: Iterable[bytes], text: bytes) -> None:
    """Lines of a file in conflict are still in it, on their side of a conflict or outside."""
    theirs, inside = [], False
    for line in text.split(b"\n"):
        inside = line == BEFORE or (inside and line != AFTER)
        theirs += [] if inside else [line]
    assert text.count(START) == text.count(BEFORE) == text.count(AFTER) > 0
    assert set(mine) <= set(theirs)
