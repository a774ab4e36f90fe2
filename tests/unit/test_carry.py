"""Carrying an update over: all of it or nothing, whatever dies, and never over what the user did."""

from __future__ import annotations

import os
import resource
import signal
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from scaffold.errors import CouldNotError, ScaffoldError
from scaffold.project.carryover import carry, changes, disk, index, journal
from tests.unit import carry_helpers as helpers
from tests.unit.carry_helpers import FILES, git, make, snapshot, write


def run(project: Path, scratch: Path) -> changes.Plan:
    planned = changes.plan(project, scratch)
    carry.carry_out(planned, project, scratch)
    return planned


@pytest.mark.parametrize("sub", ["", "deep/shop é"])
@pytest.mark.parametrize("with_conflict", [False, True])
def test_everything_arrives_and_can_be_taken_back(tmp_path: Path, sub: str, with_conflict: bool) -> None:
    project, scratch = make(tmp_path, sub)
    write(tmp_path / "repository", {"sibling": b"dirty\n"})
    (project / "logo.png").chmod(0o600)
    before = snapshot(project)
    helpers.change_much(scratch, with_conflict=with_conflict)
    planned = run(project, scratch)
    assert planned.of("create") == ["ops", "secret.example", "services/web/start", "windows.txt/now"]
    assert planned.of("delete") == ["old/a/gone.txt", "ops/run", "windows.txt"]
    assert planned.of("change") == ["logo.png"]
    assert not (project / "old").exists()
    assert os.access(project / "services/web/start", os.X_OK)
    assert stat.S_IMODE((project / "logo.png").stat().st_mode) == 0o600
    for name in ("ops", "logo.png", "windows.txt/now", "secret.example", "compose.yaml"):
        assert (project / name).read_bytes() == (scratch / name).read_bytes()
    if not with_conflict:
        assert carry.state(project).condition == "none"
        assert changes.plan(project, scratch).changes == ()
        with pytest.raises(ScaffoldError, match="nothing to take back"):
            carry.abort(project)
        return
    assert carry.state(project) == carry.State("conflicts", ("compose.yaml",))
    carry.abort(project)
    assert snapshot(project) == before
    assert carry.state(project).condition == "none"


def test_a_disk_that_fills(tmp_path: Path) -> None:
    project, scratch = make(tmp_path)
    helpers.change_much(scratch, with_conflict=True)
    write(scratch, {"zz/big": b"x" * 200_000})
    before, planned = snapshot(project), changes.plan(project, scratch)
    ignored, limits = signal.signal(signal.SIGXFSZ, signal.SIG_IGN), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(CouldNotError, match="as before"):
            carry.carry_out(planned, project, scratch)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, ignored)
    assert snapshot(project) == before
    assert carry.state(project).condition == "none"


@pytest.mark.parametrize(("module", "name"), [(disk, "put"), (index, "write"), (journal, "wait"), (disk, "prune")])
@pytest.mark.parametrize("error", [OSError(13, "Permission denied"), KeyboardInterrupt()])
def test_a_failure_takes_itself_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: object, name: str, error: BaseException
) -> None:
    project, scratch = make(tmp_path)
    helpers.change_much(scratch, with_conflict=True)
    before, planned, real = snapshot(project), changes.plan(project, scratch), getattr(module, name)
    once = iter([error])

    def failing(*arguments: object, **more: object) -> object:
        real(*arguments, **more)
        for trouble in once:
            raise trouble
        return None

    monkeypatch.setattr(module, name, failing)
    with pytest.raises((CouldNotError, KeyboardInterrupt)):
        carry.carry_out(planned, project, scratch)
    assert snapshot(project) == before
    assert carry.state(project).condition == "none"


def test_when_even_taking_back_fails_the_journal_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project, scratch = make(tmp_path)
    helpers.change_much(scratch, with_conflict=False)
    before = snapshot(project)

    def failing(*_: object) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(disk, "put", failing)
        with pytest.raises(carry.HalfDoneError) as failed:
            run(project, scratch)
    assert ".git/scaffold/%/journal" in failed.value.why
    assert "--abort" in failed.value.fix
    assert carry.state(project).condition == "interrupted"
    carry.abort(project)
    assert snapshot(project) == before


@pytest.mark.parametrize("edit", helpers.EDITS)
def test_what_the_user_did_stays_and_is_reported(tmp_path: Path, edit: Callable[[Path, Path], str]) -> None:
    project, scratch = make(tmp_path)
    name = edit(project, scratch)
    write(scratch, {"logo.png": b"new"})
    before = snapshot(project)
    planned = run(project, scratch)
    assert planned.of("blocked") == [name]
    assert next(change for change in planned.changes if change.path == name).reason
    after = snapshot(project)
    assert after["index"] == before["index"]
    assert after.get(name) == before.get(name)
    assert (project / "logo.png").read_bytes() == b"new"
    if edit is helpers.folder_with_more:
        assert (project / "old/a/mine.txt").read_bytes() == b"mine\n"


def test_a_change_after_planning_stops_everything(tmp_path: Path) -> None:
    project, scratch = make(tmp_path)
    helpers.change_much(scratch, with_conflict=True)
    planned = changes.plan(project, scratch)
    write(project, {"logo.png": b"mine"})
    before = snapshot(project)
    with pytest.raises(ScaffoldError, match="has changed since"):
        carry.carry_out(planned, project, scratch)
    assert snapshot(project) == before


def test_an_edit_in_the_very_middle_is_kept_and_the_rest_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, scratch = make(tmp_path)
    helpers.change_much(scratch, with_conflict=False)
    planned, before, real = changes.plan(project, scratch), snapshot(project), journal.begin

    def edited(*arguments: object) -> None:
        real(*arguments)  # type: ignore[arg-type]
        write(project, {"logo.png": b"mine"})

    monkeypatch.setattr(journal, "begin", edited)
    with pytest.raises(ScaffoldError, match=r"logo\.png has changed"):
        carry.carry_out(planned, project, scratch)
    assert (project / "logo.png").read_bytes() == b"mine"
    write(project, {"logo.png": FILES["logo.png"]})
    assert snapshot(project) == before


@pytest.mark.parametrize("plant", helpers.PLANTS)
@pytest.mark.parametrize("late", [False, True])
def test_links_and_ways_out_are_refused(tmp_path: Path, plant: Callable[[Path, Path], None], late: bool) -> None:
    project, scratch = make(tmp_path)
    write(tmp_path, {"outside": b"mine\n"})
    helpers.change_much(scratch, with_conflict=False)
    planned = changes.plan(project, scratch) if late else changes.Plan("", ())
    plant(project, scratch)
    before, around = snapshot(project), sorted(tmp_path.iterdir())
    with pytest.raises(ScaffoldError):
        carry.carry_out(planned, project, scratch) if late else changes.plan(project, scratch)
    assert snapshot(project) == before
    assert (sorted(tmp_path.iterdir()), (tmp_path / "outside").read_bytes()) == (around, b"mine\n")


def test_links_of_the_users_own_are_no_matter(tmp_path: Path) -> None:
    project, scratch = make(tmp_path)
    (project / "data").symlink_to("/nowhere")
    (project / "here").symlink_to("old")
    git(project, "add", "-A")
    git(project, "commit", "-qm", "links")
    git(scratch, "pull", "-q")
    write(scratch, {"logo.png": b"new"})
    assert run(project, scratch).of("change") == ["logo.png"]
    write(scratch, {"logo.png": b"newer"})
    (scratch / "data").unlink()
    (scratch / "data").symlink_to("/etc")
    with pytest.raises(ScaffoldError, match="data"):
        changes.plan(project, scratch)


def test_line_ends_that_git_converts_are_no_edit(tmp_path: Path) -> None:
    project, scratch = make(tmp_path)
    git(project, "config", "core.autocrlf", "true")
    write(project, {"compose.yaml": FILES["compose.yaml"].replace(b"\n", b"\r\n")})
    write(scratch, {"logo.png": b"new"})
    assert [change.path for change in run(project, scratch).changes] == ["logo.png"]


def test_two_at_once(tmp_path: Path) -> None:
    project, scratch = make(tmp_path)
    write(scratch, {"logo.png": b"new"})
    planned, before = changes.plan(project, scratch), snapshot(project)
    with journal.locked(journal.place_of(project)):
        for verb in (carry.state, carry.abort, carry.finish, lambda it: carry.carry_out(planned, it, scratch)):
            with pytest.raises(ScaffoldError, match="at work"):
                verb(project)
    assert snapshot(project) == before
