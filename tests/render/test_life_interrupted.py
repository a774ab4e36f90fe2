"""Ctrl-C, at the question and later, and two at once."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.render.test_life_conflicts import IMAGE, state
from tests.support import copier, forked, life
from tests.support.cli import Runner

pytestmark = pytest.mark.usefixtures("newer")

QUESTION = "Change "


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody is there, with a terminal that can do what terminals do."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("PROMPT_TOOLKIT_NO_CPR", "1")


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize("command", [("add", "redis"), ("remove", "mongo"), ("update",)], ids=" ".join)
@pytest.mark.parametrize("keys", [b"\x03", b"n"], ids=["ctrl-c", "no"])
def test_no_is_no(command: tuple[str, ...], keys: bytes, living: Path, tmp_path: Path) -> None:
    before = state(living)
    code, shown = forked.typed([*command, "--project", living], QUESTION, keys, tmp_path / "log")
    assert code == 130, shown
    assert "nothing was changed" in shown
    assert "Traceback" not in shown
    assert state(living) == before


@pytest.mark.usefixtures("terminal")
def test_yes_is_yes(living: Path, tmp_path: Path) -> None:
    code, shown = forked.typed(["update", "--project", living], QUESTION, b"y", tmp_path / "log")
    assert code == 0, shown
    assert (living / "docs/operating.md").is_file()


@pytest.mark.usefixtures("terminal")
def test_a_question_of_a_new_service_is_asked(living: Path, tmp_path: Path) -> None:
    before = state(living)
    code, shown = forked.typed(
        ["add", "mlflow", "--project", living], "Where MLflow keeps runs", b"\x03", tmp_path / "l"
    )
    assert code == 130, shown
    assert "PostgreSQL major" not in shown, "what is answered is not asked again"
    assert state(living) == before


def interrupt(times: int) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A Ctrl-C before this call of a function."""

    def wrap(function: Callable[..., Any]) -> Callable[..., Any]:
        calls = 0

        def wrapped(*args: Any, **kwargs: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == times:
                signal.raise_signal(signal.SIGINT)
            return function(*args, **kwargs)

        return wrapped

    return wrap


@pytest.mark.parametrize(
    ("where", "times"),
    [
        ("scaffold.project.update.update", 1),
        ("scaffold.project.update.merge_conflicts", 1),
        ("scaffold.project.carryover.journal.begin", 1),
        ("scaffold.project.carryover.disk.put", 1),
        ("scaffold.project.carryover.disk.put", 4),
        ("scaffold.project.carryover.index.write", 1),
    ],
)
def test_in_the_middle_everything_is_as_before(
    where: str, times: int, living: Path, scaffold: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    life.edited(living, IMAGE)
    before = state(living)
    module, _, name = where.rpartition(".")
    function = getattr(__import__(module, fromlist=[name]), name)
    monkeypatch.setattr(where, interrupt(times)(function))
    result = scaffold("update", "--yes", "--project", living)
    assert result.code == 130, result.err
    assert "nothing was changed" in result.err
    assert state(living) == before
    monkeypatch.setattr(where, function)
    assert scaffold("update", "--yes", "--project", living).code == 1, "nothing stands in its way"


def test_after_the_files_it_says_how_to_go_on(living: Path, scaffold: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    from scaffold.project import ops

    monkeypatch.setattr("scaffold.project.ops.init", interrupt(1)(ops.init))
    result = scaffold("add", "redis", "--yes", "--project", living)
    assert result.code == 130
    assert "interrupted, but the files are changed: go on with python3 ops init" in result.err
    assert (living / "services/redis/compose.yaml").is_file()
    assert "changes that are not committed" in scaffold("update", "--yes", "--project", living).err


def test_of_two_at_once_one_wins(living: Path, begun: Path, tmp_path: Path, scaffold: Runner) -> None:
    (tmp_path / "alone").mkdir()
    alone = life.copy(begun, tmp_path / "alone")
    assert scaffold("update", "--yes", "--project", alone).code == 0
    update = ("update", "--yes", "--project", living)
    # The other is refused, or finds everything done.
    assert sorted(forked.beside(update, update)) in ([0, 2], [0, 0])
    assert life.tracked(living) == life.tracked(alone)
    copier.commit(living)
    assert scaffold("update", "--yes", "--project", living).code == 0


def test_an_update_and_an_addition_at_once_do_not_mix(living: Path) -> None:
    project = ("--yes", "--project", living)
    assert sorted(forked.beside(("update", *project), ("add", "redis", *project))) == [0, 2]
    updated, added = (living / "docs/operating.md").exists(), (living / "clients/redis.py").exists()
    assert updated != added
