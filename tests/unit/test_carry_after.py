"""After a run with conflicts: resolving, committing, finishing, and taking back without losing later work."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from scaffold.errors import ScaffoldError
from scaffold.project.carryover import carry, changes
from tests.unit import carry_helpers as helpers
from tests.unit.carry_helpers import FILES, git, make, snapshot, write


def run(project: Path, scratch: Path) -> None:
    carry.carry_out(changes.plan(project, scratch), project, scratch)


def test_conflicts_are_for_the_users_own_tools_and_then_finished(tmp_path: Path) -> None:
    project, scratch = make(tmp_path, "sub")
    helpers.change_much(scratch, with_conflict=True)
    run(project, scratch)
    assert git(project, "ls-files", "-u", "-z") == git(scratch, "ls-files", "-u", "-z") != b""
    with pytest.raises(ScaffoldError, match=r"compose\.yaml:1 has a conflict marker"):
        carry.finish(project)
    git(project, "checkout", "--theirs", "compose.yaml")
    assert (project / "compose.yaml").read_bytes().startswith(b"name: theirs")
    with pytest.raises(ScaffoldError, match="unmerged"):
        carry.finish(project)
    git(project, "checkout", "--ours", "compose.yaml")
    assert (project / "compose.yaml").read_bytes() == FILES["compose.yaml"]
    git(project, "add", "-A", ".")
    assert carry.state(project) == carry.State("conflicts")
    carry.finish(project)
    assert carry.state(project) == carry.State("none")
    with pytest.raises(ScaffoldError, match="nothing to finish"):
        carry.finish(project)


def resolved_and_committed(tmp_path: Path) -> tuple[Path, str]:
    project, scratch = make(tmp_path, "sub")
    first = git(project, "rev-parse", "HEAD").decode().strip()
    helpers.change_much(scratch, with_conflict=True)
    run(project, scratch)
    write(project, {"compose.yaml": b"resolved\n"})
    git(project, "add", "-A")
    git(project, "commit", "-qm", "resolved")
    return project, first


def test_what_was_committed_is_finished(tmp_path: Path) -> None:
    project, _ = resolved_and_committed(tmp_path)
    write(project, {"compose.yaml": b"resolved\n<<<<<<< is a line of the user's own\n"})
    before = snapshot(project)
    assert carry.state(project) == carry.State("conflicts")
    carry.finish(project)
    assert carry.state(project) == carry.State("none")
    assert snapshot(project) == before


def test_a_commit_with_new_conflicts_is_not_finished(tmp_path: Path) -> None:
    project, _ = resolved_and_committed(tmp_path)
    blob = git(project, "hash-object", "-w", "--stdin", stdin=b"x").decode().strip()
    lines = "".join(f"100644 {blob} {stage}\tsub/compose.yaml\n" for stage in (1, 2, 3))
    git(project, "update-index", "--force-remove", "compose.yaml")
    git(project, "update-index", "--index-info", stdin=lines.encode())
    with pytest.raises(ScaffoldError, match=r"unmerged: compose\.yaml") as refused:
        carry.finish(project)
    assert "git add compose.yaml" in refused.value.fix


def test_what_was_committed_is_taken_back_by_git_first(tmp_path: Path) -> None:
    project, first = resolved_and_committed(tmp_path)
    before = snapshot(project)
    with pytest.raises(ScaffoldError, match="commits since") as refused:
        carry.abort(project)
    assert snapshot(project) == before
    assert "--continue" in refused.value.fix
    back = refused.value.fix.split("to go back: `git ")[1].split("`")[0]
    assert first.startswith(back.split()[-1])
    git(project, *back.split())
    carry.abort(project)
    assert carry.state(project) == carry.State("none")
    assert git(project, "status", "--porcelain", "--ignored") == b""
    for name, content in FILES.items():
        assert (project / os.fsdecode(name)).read_bytes() == content


def test_taking_back_never_loses_later_work_unasked(tmp_path: Path) -> None:
    project, scratch = make(tmp_path)
    before = snapshot(project)
    helpers.change_much(scratch, with_conflict=True)
    run(project, scratch)
    write(project, {"compose.yaml": b"resolved\n", "services/web/mine": b"mine\n"})
    git(project, "add", "-A")
    with pytest.raises(ScaffoldError, match=r"compose\.yaml"):
        carry.abort(project)
    assert (project / "compose.yaml").read_bytes() == b"resolved\n"
    git(project, "commit", "-qm", "resolved")
    write(project, {"compose.yaml": FILES["compose.yaml"]})
    with pytest.raises(ScaffoldError, match="commits since"):
        carry.abort(project)
    git(project, "reset", "-q", "--soft", "HEAD^")
    carry.abort(project, force=True)
    assert (project / "services/web/mine").read_bytes() == b"mine\n"
    git(project, "rm", "-qf", "services/web/mine")
    assert snapshot(project) == before
