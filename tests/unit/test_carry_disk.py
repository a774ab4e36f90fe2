"""Disks that are full, folders that nobody may change, a git that is busy: nothing is changed, or all comes back."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from scaffold.errors import NEEDS_YOU, CouldNotError, ScaffoldError
from scaffold.project.carryover import carry, changes
from tests.unit.carry_helpers import change_much, git, make, snapshot, write


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A disk of one megabyte."""
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small disk needs root, and its rights")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def made(small: Path, tmp_path: Path, *, with_conflict: bool) -> tuple[Path, Path]:
    """A project on the small disk, and its scratch clone on another, with 100 kB to bring."""
    project, clone = make(small)
    scratch = tmp_path / "clone"
    git(tmp_path, "clone", "-q", "--shared", str(project), str(scratch))
    subprocess.run(["rm", "-r", str(clone), *(project / ".git/hooks").glob("*")], check=True)
    change_much(scratch, with_conflict=with_conflict)
    write(scratch, {"zz/big": os.urandom(100_000)})
    return project, scratch


def leave(small: Path, kilobytes: int) -> None:
    """Fill the disk up to so much."""
    ballast = small / "ballast"
    ballast.unlink(missing_ok=True)
    free = os.statvfs(small)
    ballast.write_bytes(b"\0" * (free.f_bavail * free.f_frsize - kilobytes * 1024))


@pytest.mark.parametrize("with_conflict", [False, True])
def test_a_full_disk(small: Path, tmp_path: Path, with_conflict: bool) -> None:
    project, scratch = made(small, tmp_path, with_conflict=with_conflict)
    before, planned = snapshot(project), changes.plan(project, scratch)
    refused = 0
    for kilobytes in range(0, 400, 4):
        leave(small, kilobytes)
        try:
            carry.carry_out(planned, project, scratch)
            break
        except CouldNotError as error:
            refused += 1
            assert "nothing was changed" in error.what or "as before" in error.what
            assert "No space left" in error.why
        assert carry.state(project).condition == "none"
        assert snapshot(project) == before
        assert not list(project.rglob(".scaffold-*"))
        assert not list((project / ".git/scaffold").rglob("draft"))
    assert refused > 25
    assert (project / "zz/big").stat().st_size == 100_000
    if with_conflict:
        leave(small, 0)
        carry.abort(project)
        assert snapshot(project) == before


def test_git_that_another_holds_is_named_and_taking_back_goes_on_later(tmp_path: Path) -> None:
    project, scratch = make(tmp_path)
    change_much(scratch, with_conflict=True)
    before, planned = snapshot(project), changes.plan(project, scratch)
    lock = project / ".git/index.lock"
    lock.touch()
    with pytest.raises(CouldNotError, match="as before") as could_not:
        carry.carry_out(planned, project, scratch)
    assert "index.lock" in could_not.value.why
    lock.unlink()
    assert snapshot(project) == before
    carry.carry_out(planned, project, scratch)
    lock.touch()
    with pytest.raises(carry.HalfDoneError, match="cannot bring everything back") as half:
        carry.abort(project)
    assert half.value.code == NEEDS_YOU
    assert "index.lock" in half.value.why
    lock.unlink()
    assert carry.state(project).condition == "interrupted"
    write(project, {"logo.png": b"an edit, after its bytes were brought back"})
    carry.abort(project, force=True)
    assert (project / "logo.png").read_bytes() == b"an edit, after its bytes were brought back"
    git(project, "checkout", "--", "logo.png")
    assert snapshot(project) == before


@pytest.mark.parametrize("name", ["old/a", "ops", "."])
def test_a_folder_that_nobody_may_change(tmp_path: Path, name: str) -> None:
    project, scratch = make(tmp_path)
    change_much(scratch, with_conflict=True)
    before, planned = snapshot(project), changes.plan(project, scratch)
    if os.geteuid() or subprocess.run(["chattr", "+i", project / name], capture_output=True, check=False).returncode:
        pytest.skip("making a folder immutable needs root, and a disk that can")
    try:
        with pytest.raises(CouldNotError, match=r"as before|nothing was changed"):
            carry.carry_out(planned, project, scratch)
    finally:
        subprocess.run(["chattr", "-i", project / name], check=True)
    assert snapshot(project) == before
    assert carry.state(project).condition == "none"


def test_a_file_for_reading_only_is_changed_and_stays_so(tmp_path: Path) -> None:
    project, scratch = make(tmp_path)
    (project / "logo.png").chmod(0o444)
    (project / "ops/run").chmod(0o555)
    before = snapshot(project)
    change_much(scratch, with_conflict=True)
    carry.carry_out(changes.plan(project, scratch), project, scratch)
    assert (project / "logo.png").read_bytes() == (scratch / "logo.png").read_bytes()
    assert (project / "logo.png").stat().st_mode & 0o777 == 0o444
    carry.abort(project)
    assert snapshot(project) == before


def test_what_git_keeps_may_be_on_another_disk(tmp_path: Path) -> None:
    memory = Path("/dev/shm")
    if not memory.is_dir() or memory.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is one disk only")
    project, scratch = make(tmp_path)
    change_much(scratch, with_conflict=True)
    elsewhere = memory / f"scaffold-{os.getpid()}"
    try:
        shutil.move(project / ".git", elsewhere)
        (project / ".git").write_text(f"gitdir: {elsewhere}\n")
        (scratch / ".git/objects/info/alternates").write_text(f"{elsewhere}/objects\n")
        before, planned = snapshot(project), changes.plan(project, scratch)
        carry.carry_out(planned, project, scratch)
        assert carry.state(project).condition == "conflicts"
        carry.abort(project)
        assert snapshot(project) == before
        assert not list(project.rglob(".scaffold-*"))
    finally:
        subprocess.run(["rm", "-rf", str(elsewhere)], check=True)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"entries": [{"new": 1}], "head": ""}'])
def test_a_journal_that_cannot_be_read_is_kept_and_named(tmp_path: Path, content: bytes) -> None:
    project, scratch = make(tmp_path)
    change_much(scratch, with_conflict=True)
    carry.carry_out(changes.plan(project, scratch), project, scratch)
    file = project / ".git/scaffold/%/journal/journal.json"
    file.write_bytes(content)
    for verb in (carry.state, carry.abort, carry.finish):
        with pytest.raises(ScaffoldError, match=r"journal\.json"):
            verb(project)
    assert file.read_bytes() == content
