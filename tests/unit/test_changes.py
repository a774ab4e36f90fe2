"""What counts as a change: modes, line ends and names, as git counts them, and what is the user's stays."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from scaffold.errors import CouldNotError, ScaffoldError
from scaffold.project.carryover import carry, changes
from scaffold.project.scratch import scratch_clone
from tests.unit.carry_helpers import FILES, conflict, git, make, snapshot, write


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def run(project: Path, scratch: Path) -> changes.Plan:
    planned = changes.plan(project, scratch)
    carry.carry_out(planned, project, scratch)
    return planned


@pytest.mark.parametrize(
    ("name", "present", "new", "after"),
    [
        ("logo.png", 0o644, 0o755, 0o755),
        ("logo.png", 0o600, 0o755, 0o700),  # who may not read it may not run it
        ("logo.png", 0o440, 0o755, 0o550),
        ("ops/run", 0o755, 0o644, 0o644),
        ("ops/run", 0o4750, 0o644, 0o4640),
        ("ops/run", 0o700, 0o755, 0o700),  # no change of the template's
    ],
)
@pytest.mark.parametrize("edit", [False, True])
def test_executable_files(tmp_path: Path, name: str, present: int, new: int, after: int, edit: bool) -> None:
    project, scratch = make(tmp_path)
    (project / name).chmod(present)
    (scratch / name).chmod(new)
    if edit:
        write(scratch, {name: b"new\n"})
    planned = run(project, scratch)
    assert planned.of("change") == ([name] if edit or present != after else [])
    assert mode(project / name) == after
    assert (project / name).read_bytes() == (b"new\n" if edit else FILES[name])
    assert changes.plan(project, scratch).changes == ()


def test_a_mode_alone_is_taken_back_too(tmp_path: Path) -> None:
    project, scratch = make(tmp_path)
    before = snapshot(project)
    (scratch / "logo.png").chmod(0o755)
    (scratch / "ops/run").chmod(0o644)
    conflict(scratch, "compose.yaml", FILES["compose.yaml"].replace(b"shop", b"ours"), b"name: theirs\n")
    (scratch / "compose.yaml").chmod(0o755)
    run(project, scratch)
    assert [mode(project / name) for name in ("logo.png", "ops/run", "compose.yaml")] == [0o755, 0o644, 0o755]
    carry.abort(project)
    assert snapshot(project) == before


def test_a_mode_is_not_turned_under_an_edit(tmp_path: Path) -> None:
    project, scratch = make(tmp_path)
    write(project, {"logo.png": b"mine"})
    (project / "windows.txt").chmod(0o755)  # the user was first
    for name in ("logo.png", "windows.txt"):
        (scratch / name).chmod(0o755)
    before = snapshot(project)
    assert run(project, scratch).of("blocked") == ["logo.png"]
    assert snapshot(project) == before


def test_a_git_that_ignores_modes_hears_of_none(tmp_path: Path) -> None:
    project, scratch = make(tmp_path)
    git(project, "config", "core.fileMode", "false")
    (scratch / "logo.png").chmod(0o755)
    write(scratch, {"start": b"#!/bin/sh\n"})
    (scratch / "start").chmod(0o755)
    assert [change.path for change in run(project, scratch).changes] == ["start"]
    assert mode(project / "start") & 0o100


def test_names_that_differ_only_in_capitals(tmp_path: Path) -> None:
    """On a disk that takes them for one, deleting the one would delete the other."""
    project, scratch = make(tmp_path)
    (scratch / "logo.png").unlink()
    write(scratch, {"LOGO.png": b"new", "fresh": b"fresh\n"})
    assert changes.plan(project, scratch).of("create") == ["LOGO.png", "fresh"]
    git(project, "config", "core.ignoreCase", "true")
    planned = run(project, scratch)
    assert planned.of("blocked") == ["LOGO.png", "logo.png"]
    assert "LOGO.png, logo.png" in planned.changes[0].reason
    assert (project / "logo.png").read_bytes() == FILES["logo.png"]
    assert (project / "fresh").exists()


@pytest.mark.parametrize("content", [b"a\r\nb\r\n", b"a\r\nb\n", b"a\nb\n", b"", b"a\0\r\n"])
@pytest.mark.parametrize("autocrlf", ["true", "input", "false"])
def test_only_line_ends_that_git_made_are_made_again(tmp_path: Path, content: bytes, autocrlf: str) -> None:
    project, _ = make(tmp_path)
    write(project, {"text": b"a\nb\n"})
    git(project, "add", "-A")
    git(project, "commit", "-qm", "text")
    git(project, "config", "core.autocrlf", autocrlf)
    write(project, {"text": content})
    with scratch_clone(project) as scratch:
        write(scratch, {"text": b"a\nnew\n"})
        planned = run(project, scratch)
    same = content.replace(b"\r\n", b"\n") == b"a\nb\n" and (autocrlf != "false" or b"\r" not in content)
    assert planned.of("change" if same else "blocked") == ["text"]
    expected = (b"a\r\nnew\r\n" if content == b"a\r\nb\r\n" else b"a\nnew\n") if same else content
    assert (project / "text").read_bytes() == expected


def test_a_conflict_in_a_file_with_crlf(tmp_path: Path) -> None:
    project, _ = make(tmp_path)
    git(project, "config", "core.autocrlf", "true")
    (project / "compose.yaml").unlink()
    git(project, "checkout", "--", "compose.yaml")
    before = snapshot(project)
    with scratch_clone(project) as scratch:
        conflict(scratch, "compose.yaml", FILES["compose.yaml"], b"name: theirs\n")
        markers = b"<<<<<<< before updating\nname: shop\n=======\nname: theirs\n>>>>>>> after updating\n"
        write(scratch, {"compose.yaml": markers})
        assert run(project, scratch).of("conflict") == ["compose.yaml"]
    assert (project / "compose.yaml").read_bytes() == markers.replace(b"\n", b"\r\n")
    carry.abort(project)
    assert snapshot(project) == before


def test_a_scratch_clone_of_something_else_is_refused(tmp_path: Path) -> None:
    project, scratch = make(tmp_path, "sub")
    for other in (tmp_path / "clone", tmp_path / "repository"):
        with pytest.raises(ScaffoldError, match="not of this project"):
            changes.plan(project, other)
    git(scratch, "commit", "-q", "--allow-empty", "-m", "the same files")
    assert changes.plan(project, scratch).changes == ()
    write(project, {"more": b""})
    git(project, "add", "-A")
    git(project, "commit", "-qm", "more")
    with pytest.raises(ScaffoldError, match="not of this project"):
        changes.plan(project, scratch)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project, scratch = make(tmp_path)
    write(scratch, {"logo.png": b"new"})
    real = Path.read_bytes

    def refusing(path: Path) -> bytes:
        if path == project / "logo.png":
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(Path, "read_bytes", refusing)
    with pytest.raises(CouldNotError, match=r"cannot read .*logo\.png"):
        changes.plan(project, scratch)
