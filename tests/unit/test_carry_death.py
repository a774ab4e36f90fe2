"""Killed at every step, and two at once: the project is as before or as planned, or `abort` makes it as before."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from scaffold.errors import ScaffoldError
from scaffold.project.carryover import carry, changes
from tests.unit.carry_helpers import FILES, change_much, dies_at, git, make, snapshot, write


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder in memory, where there is one: hundreds of runs wait for the disk else."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as name:
        yield Path(name).resolve()


def made(folder: Path, *, with_conflict: bool) -> tuple[Path, Path, dict[str, Any], changes.Plan]:
    project, scratch = make(folder, "sub")
    (project / "old").chmod(0o750)
    (project / "logo.png").chmod(0o600)
    change_much(scratch, with_conflict=with_conflict)
    before = snapshot(project)
    return project, scratch, before, changes.plan(project, scratch)


@pytest.mark.parametrize("with_conflict", [False, True])
def test_death_at_every_step_of_carrying_out(folder: Path, with_conflict: bool) -> None:
    project, scratch, before, planned = made(folder, with_conflict=with_conflict)
    deaths, conditions = 0, list[str]()
    while dies_at(deaths, lambda: carry.carry_out(planned, project, scratch)):
        deaths += 1
        conditions.append(carry.state(project).condition)
        if conditions[-1] == "none":
            if snapshot(project) != before:  # all done, and only the journal's remains were left
                break
            continue
        with pytest.raises(ScaffoldError, match="not finished"):
            carry.carry_out(planned, project, scratch)
        carry.abort(project)
        assert snapshot(project) == before, f"after step {deaths}"
        assert carry.state(project).condition == "none"
    assert conditions.count("interrupted") > 40
    assert (project / "ops").read_bytes() == b"a file\n"
    assert carry.state(project).condition == ("conflicts" if with_conflict else "none")


def middle(project: Path, carry_out: Callable[[], None]) -> int:
    """The step to die at to leave some files as before, and some as after."""
    for step in range(200):
        assert dies_at(step, carry_out)
        done = (project / "services/web/start").exists()
        if carry.state(project).condition != "none":
            carry.abort(project)
        if done:
            return step
    raise AssertionError("never in the middle")


@pytest.mark.parametrize("where", ["conflicts", "interrupted"])
def test_death_at_every_step_of_taking_back(folder: Path, where: str) -> None:
    project, scratch, before, planned = made(folder, with_conflict=True)
    deaths, died = 0, True
    step = 10_000 if where == "conflicts" else middle(project, lambda: carry.carry_out(planned, project, scratch))
    while died:
        dies_at(step, lambda: carry.carry_out(planned, project, scratch))
        assert carry.state(project).condition == where
        assert snapshot(project) != before
        died = dies_at(deaths, lambda: carry.abort(project))
        if carry.state(project).condition != "none":
            with pytest.raises(ScaffoldError, match="not finished"):
                carry.carry_out(planned, project, scratch)
        again = 0
        while carry.state(project).condition != "none":  # and that dies too, later each time
            dies_at(again, lambda: carry.abort(project))
            again += 10
        assert snapshot(project) == before, f"after step {deaths}"
        assert carry.state(project).condition == "none"
        deaths += 1
    assert deaths > 30


def test_death_at_every_step_of_rolling_back(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk fails at the last write, and the power while that is taken back."""
    project, scratch, before, planned = made(folder, with_conflict=True)

    def failing(_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("scaffold.project.carryover.journal.wait", failing)
    deaths, interruptions = 0, 0

    def carry_out() -> None:
        with pytest.raises(ScaffoldError, match="as before"):
            carry.carry_out(planned, project, scratch)

    while dies_at(deaths, carry_out):
        if carry.state(project).condition == "interrupted":
            interruptions += 1
            carry.abort(project)
        assert snapshot(project) == before, f"after step {deaths}"
        deaths += 1
    assert snapshot(project) == before
    assert interruptions > 60


def test_death_at_every_step_of_finishing(folder: Path) -> None:
    project, scratch, _, planned = made(folder, with_conflict=True)
    deaths, conditions, died = 0, list[str](), True
    while died:
        carry.carry_out(planned, project, scratch)
        write(project, {"compose.yaml": b"resolved\n"})
        git(project, "add", "-A")
        resolved = snapshot(project)
        died = dies_at(deaths, lambda: carry.finish(project))
        conditions.append(carry.state(project).condition)
        assert conditions[-1] in {"none", "conflicts"}
        assert snapshot(project) == resolved
        if conditions[-1] == "conflicts":
            carry.finish(project)
        assert carry.state(project).condition == "none"
        git(project, "reset", "-q", "--hard")
        git(project, "clean", "-fdxq")
        (project / "logo.png").chmod(0o600)
        deaths += 1
    assert set(conditions) == {"none", "conflicts"}


RACER = """
import sys, time
from pathlib import Path
from scaffold.errors import ScaffoldError
from scaffold.project.carryover import carry, changes
for round in map(Path, sys.argv[2:]):
    project, scratch = round / "repository", round / "clone"
    planned = changes.plan(project, scratch)
    (round / f"ready-{sys.argv[1]}").touch()
    while not (round / "go").exists():
        time.sleep(0.0005)
    try:
        carry.carry_out(planned, project, scratch)
        print("done")
    except ScaffoldError as error:
        print(error)
"""


@pytest.mark.parametrize("with_conflict", [False, True])
def test_two_processes_at_once(folder: Path, with_conflict: bool) -> None:
    (folder / "0").mkdir()
    _, scratch = make(folder / "0")
    change_much(scratch, with_conflict=with_conflict)
    rounds = [folder / "0", *(Path(shutil.copytree(folder / "0", folder / str(n), symlinks=True)) for n in range(1, 8))]
    for one in rounds[1:]:
        (one / "clone/.git/objects/info/alternates").write_text(f"{one}/repository/.git/objects\n")
    racers = [
        subprocess.Popen([sys.executable, "-c", RACER, name, *map(str, rounds)], stdout=subprocess.PIPE, text=True)
        for name in "ab"
    ]
    for one in rounds:
        while not all((one / f"ready-{name}").exists() for name in "ab"):
            assert all(racer.poll() is None for racer in racers)
        (one / "go").touch()
    said = [racer.communicate()[0].splitlines() for racer in racers]
    for one, *words in zip(rounds, *said, strict=True):
        assert words.count("done") == 1, words
        refusal = next(word for word in words if word != "done")
        assert any(text in refusal for text in ("at work", "has changed since", "not finished")), refusal
        for name in ("ops", "logo.png", "services/web/start", "compose.yaml"):
            assert (one / "repository" / name).read_bytes() == (one / "clone" / name).read_bytes()
        assert not (one / "repository/old").exists()
        assert carry.state(one / "repository").condition == ("conflicts" if with_conflict else "none")
        if with_conflict:
            carry.abort(one / "repository")
            assert (one / "repository/compose.yaml").read_bytes() == FILES["compose.yaml"]
