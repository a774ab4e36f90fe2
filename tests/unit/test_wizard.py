"""The wizard, its answers scripted; the real prompts were tried by hand in a terminal."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from scaffold.catalog.entry import CATEGORIES
from scaffold.cli import console, prompts
from tests.support.cli import Runner
from tests.support.tree import files
from tools.examples import ROOT


class Script:
    """Answers questions in order; a question that was not expected fails the test."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *answers: object) -> None:
        self.left = list(answers)
        self.asked: list[str] = []
        monkeypatch.setattr(console, "interactive", lambda: True)
        for name in ("text", "one", "several", "sure"):
            monkeypatch.setattr(prompts, name, self.answer)

    def answer(self, question: str, *args: Any, **kwargs: Any) -> Any:
        self.asked.append(question)
        assert self.left, f"unexpected question: {question}"
        answer = self.left.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer(*args, **kwargs) if callable(answer) else answer


def test_everything_is_asked_in_order_and_only_what_the_choice_raises(
    scaffold: Runner, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = Script(monkeypatch, "shop", "web", ["flask", "mongo"], True)
    result = scaffold("new", "x", "--template", ROOT)
    assert result.code == 0
    *questions, last = script.asked
    assert questions == ["Project name", "Start from", "Services"]
    assert re.fullmatch(rf"Create \d+ files in {workplace / 'x'}\?", last)
    assert (workplace / "x" / "compose.yaml").read_text().splitlines()[1] == "name: shop"


def test_raised_questions_and_the_review(scaffold: Runner, workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = Script(monkeypatch, "x", "", ["postgres"], "17", True, True)
    result = scaffold("new", "x", "--template", ROOT)
    assert script.asked[3:5] == [
        "PostgreSQL major version, for the life of the data",
        "With the pgvector extension?",
    ]
    for line in ("postgres_data\tdatabase\tPostgreSQL database cluster", "127.0.0.1:5432", "postgres_major\t17"):
        assert line in result.out
    assert "pgvector/pgvector:0.8.6-pg17" in (workplace / "x/services/postgres/compose.yaml").read_text()


@pytest.mark.usefixtures("workplace")
def test_a_preset_is_checked_and_groups_have_one_line_descriptions(
    scaffold: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    def services(groups: Any, checked: Any) -> list[str]:
        assert checked == ["flask", "postgres", "redis"]
        assert list(groups) == [category for category in CATEGORIES if category in groups]
        assert {"app", "database", "model"} <= set(groups)
        assert ("mongo", "mongo          Document database") in groups["database"]
        return ["redis"]

    Script(monkeypatch, "x", "crud", services, True)
    assert scaffold("new", "x", "--template", ROOT).code == 0


@pytest.mark.usefixtures("workplace")
def test_flags_leave_only_the_rest_to_ask(scaffold: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    script = Script(monkeypatch, "18", True)
    args = ("--set", "project_name=y", "--set", "postgres_vector=no", "-s", "postgres")
    assert scaffold("new", "x", "--template", ROOT, *args).code == 0
    assert script.asked[0].startswith("PostgreSQL major")


@pytest.mark.usefixtures("workplace")
def test_defaults_and_yes_ask_nothing(scaffold: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    Script(monkeypatch)
    assert scaffold("new", "x", "--template", ROOT, "-s", "postgres", "--defaults", "--yes").code == 0


@pytest.mark.parametrize("at", range(5))
def test_ctrl_c_at_any_question_leaves_nothing(
    scaffold: Runner, workplace: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    answers: list[object] = ["x", "", ["postgres"], "17", True, True]
    Script(monkeypatch, *answers[:at], KeyboardInterrupt())
    result = scaffold("new", "deep/er/x", "--template", ROOT)
    assert (result.code, result.err.splitlines()[-1]) == (130, "interrupted, nothing was changed")
    assert files(workplace) == {}
    assert list(workplace.iterdir()) == []


@pytest.mark.parametrize("answer", [False, KeyboardInterrupt()])
def test_no_at_the_review_leaves_nothing(
    scaffold: Runner, workplace: Path, monkeypatch: pytest.MonkeyPatch, answer: object
) -> None:
    Script(monkeypatch, "x", "", ["redis"], answer)
    assert scaffold("new", "deep/er/x", "--template", ROOT).code == 130
    assert list(workplace.iterdir()) == []


def test_nobody_is_asked_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    assert console.interactive()
    monkeypatch.setenv("CI", "true")
    assert not console.interactive()
