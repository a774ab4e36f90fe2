"""What is asked before a volume is removed, and said while one waits; the prompt itself was tried in a terminal."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import pytest

from scaffold.cli import console, prompts
from scaffold.cli.volumes import removing, shared
from scaffold.cli.volumes.removing import Flags
from scaffold.engine.removal import Candidate, Usage
from scaffold.engine.rows import Row
from scaffold.errors import ScaffoldError
from tests.unit.engine.world import state, volume

if TYPE_CHECKING:
    from scaffold.engine.connect import Engine


def flags(**more: Any) -> Flags:
    usual = {"project": None, "to": None, "repository": None}
    return Flags(**{**usual, "dry_run": False, "yes": False, "force": False, "as_json": False, **more})


def listed(*names: str) -> list[Candidate]:
    held = state([volume(name, "me", name) for name in names]).volumes
    return [Candidate(Row(name, name, "me", "retired", held[name]), (), (), Usage(), None) for name in names]


@pytest.mark.parametrize(
    ("answers", "agreed"), [(["a", "b"], ["a", "b"]), (["", "b"], ["b"]), (["", ""], []), (["a", ""], ["a"])]
)
def test_each_name_is_typed_again(monkeypatch: pytest.MonkeyPatch, answers: list[str], agreed: list[str]) -> None:
    asked: list[tuple[str, Callable[[str], str | None]]] = []

    def text(question: str, default: str, check: Callable[[str], str | None]) -> str:
        assert default == ""
        asked.append((question, check))
        return answers[len(asked) - 1]

    monkeypatch.setattr(console, "interactive", lambda: True)
    monkeypatch.setattr(prompts, "text", text)
    assert [each.row.name for each in removing._asked(listed("a", "b"), flags())] == agreed
    assert ["type a " in asked[0][0], "type b " in asked[1][0]] == [True, True]
    check = asked[0][1]
    assert (check("a"), check(""), check("b"), check("y")) == (None, None, "that is not a", "that is not a")


@pytest.mark.parametrize(("interactive", "more"), [(False, {}), (True, {"as_json": True})])
def test_nobody_is_there(monkeypatch: pytest.MonkeyPatch, interactive: bool, more: dict[str, bool]) -> None:
    monkeypatch.setattr(console, "interactive", lambda: interactive)
    with pytest.raises(ScaffoldError) as refused:
        removing._asked(listed("a", "b"), flags(**more))
    assert "rm a b --yes" in refused.value.fix
    assert removing._asked(listed("a"), flags(yes=True, **more)) == listed("a")


def test_force_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console, "interactive", lambda: False)
    with pytest.raises(ScaffoldError):
        removing._asked(listed("a"), flags(force=True))


def test_who_waits_for_sizes_hears_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine walks through every file, and answers once at the end."""
    answer = threading.Event()

    class Slow:
        def sizes(self) -> dict[str, int]:
            assert answer.wait(20)
            return {"a": 5}

    def heard(text: str) -> None:
        said.append(text)
        if len(said) == 2:
            answer.set()

    said: list[str] = []
    monkeypatch.setattr(shared, "_FIRST_LINE", 0.01)
    monkeypatch.setattr(console, "note", heard)
    assert shared.measuring(cast("Engine", Slow()), 7) == {"a": 5}
    assert all(line.startswith("the engine measures 7 volumes … ") for line in said)
