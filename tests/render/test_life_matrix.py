"""Every edit of users, and every operation on the project they did it to: `scaffold` loses none of their lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support import compose, copier, life, tree
from tests.support.cli import Runner
from tests.support.life import Edit, Files

# What is asked for.
OPERATIONS = {
    "add one": ("add", "redis"),
    "add two": ("add", "redis", "chroma"),
    "remove another": ("remove", "postgres"),
    "update": ("update",),
}
# Both changed the same value: nobody can know.
CONFLICTS = {("changed image tag", "update"): [life.MONGO]}
# The template's new value, and their comment beside it.
REWRITTEN = {
    ("a comment on a line that changes", "update"): {
        b"    image: mongo:8.0-noble  # as in production": b"    image: mongo:8.0.99-noble  # as in production"
    }
}

cells = pytest.mark.parametrize(
    ("edit", "operation"),
    [pytest.param(edit, operation, id=f"{edit.name}-{operation}") for edit in life.EDITS for operation in OPERATIONS],
)

_unedited: dict[str, tuple[Files, Files]] = {}


pytestmark = pytest.mark.usefixtures("newer")


@pytest.fixture
def plainly(begun: Path, scaffold: Runner, operation: str, tmp_path: Path) -> tuple[Files, Files]:
    """A project that nobody edited, before and after the operation."""
    if operation not in _unedited:
        (tmp_path / "unedited").mkdir()
        project = life.copy(begun, tmp_path / "unedited")
        before = life.tracked(project)
        assert scaffold(*OPERATIONS[operation], "--yes", "--project", project).code == 0
        _unedited[operation] = before, life.tracked(project)
    return _unedited[operation]


@cells
def test_no_line_of_users_is_lost(
    edit: Edit, operation: str, plainly: tuple[Files, Files], living: Path, scaffold: Runner
) -> None:
    start = life.tracked(living)
    life.edited(living, edit)
    before, private = life.tracked(living), life.private(living)
    result = scaffold(*OPERATIONS[operation], "--yes", "--project", living)
    after = life.tracked(living)
    conflicts = CONFLICTS.get((edit.name, operation), [])
    assert result.code == (1 if conflicts else 0), result.err
    assert unmerged(living) == conflicts
    for path in conflicts:
        assert_reported(living, path, result.err)
    assert not set(edit.deleted) & after.keys(), "what was deleted stays deleted"
    assert_kept(start, before, after, REWRITTEN.get((edit.name, operation), {}))
    assert_private_kept(private, life.private(living))
    if not conflicts:
        if (edit.name, operation) not in REWRITTEN:
            assert_only_what_it_is_about(plainly, before, after)
        assert life.misread(start, before, plainly[1], after) == []
        assert compose.config(living, compose.VERSIONS[-1])["name"] == life.NAME


def unmerged(project: Path) -> list[str]:
    return sorted({line.split("\t")[1] for line in copier.git(project, "ls-files", "-u").splitlines()})


def assert_reported(project: Path, path: str, said: str) -> None:
    line = (project / path).read_text().splitlines().index("<<<<<<< before updating") + 1
    assert f"conflict: {path}:{line}" in said


def assert_kept(start: Files, before: Files, after: Files, rewritten: Mapping[bytes, bytes]) -> None:
    """Every line that users wrote is there; so is every file of their own, byte for byte."""
    for path, gained in life.gained(start, before).items():
        mine = Counter({rewritten.get(line, line): count for line, count in gained.items()})
        assert not mine - life.lines(after.get(path)), path
        if path not in start:
            assert after[path] == before[path]


def assert_private_kept(before: Files, after: Files) -> None:
    for path, content in before.items():
        assert after[path].startswith(content) if path == ".env" else after[path] == content, path


def assert_only_what_it_is_about(plainly: tuple[Files, Files], before: Files, after: Files) -> None:
    """The operation did here, line for line, what it does where nobody edited anything."""
    untouched = before.keys() | after.keys()  # what was deleted is in neither
    for one, other in ((plainly, (before, after)), (plainly[::-1], (after, before))):
        expected = {path: some for path, some in life.gained(*one).items() if path in untouched}
        assert life.gained(*other) == expected


@pytest.mark.parametrize("edit", [edit for edit in life.EDITS if edit.of_mongo], ids=lambda edit: edit.name)
def test_what_users_edited_goes_only_by_force(edit: Edit, living: Path, scaffold: Runner) -> None:
    life.edited(living, edit)
    before = tree.files(living, without=())
    refused = scaffold("remove", "mongo", "--yes", "--project", living)
    assert refused.code == 2
    assert all(path in refused.err for path in edit.of_mongo)
    assert "--force" in refused.err
    assert tree.files(living, without=()) == before
    private, mine = life.private(living), life.tracked(living)
    forced = scaffold("remove", "mongo", "--yes", "--force", "--project", living)
    assert forced.code == 0, forced.err
    assert_private_kept(private, life.private(living))
    for path in edit.of_mongo:
        assert not (living / path).exists()
        assert copier.git(living, "show", f"HEAD:{path}").encode() == mine[path]
    for path in edit.made or {}:
        assert (living / path).exists()


@pytest.mark.parametrize("more", [(), ("--force",)], ids=["", "force"])
def test_what_users_wrote_about_a_service_is_a_conflict_when_it_goes(
    more: tuple[str, ...], living: Path, scaffold: Runner
) -> None:
    """In a file that stays: where a volume lies outlives the service, so somebody has to decide."""
    life.edited(living, next(edit for edit in life.EDITS if edit.name == "driver options"))
    before = life.tracked(living)
    result = scaffold("remove", "mongo", "--yes", *more, "--project", living)
    assert result.code == 1, result.err
    assert_reported(living, "compose.yaml", result.err)
    assert "volumes.mongo_data: you changed it, the template removed it" in result.err
    assert b"      device: /srv/mongo" in life.lines(life.tracked(living)["compose.yaml"])
    assert scaffold("update", "--abort", "--project", living).code == 0
    assert life.tracked(living) == before
