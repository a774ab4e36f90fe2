"""Asking questions on a terminal. The only home of questionary.

Every function raises KeyboardInterrupt on Ctrl-C.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import questionary

# Standard output is for data; on a terminal both are the same screen.
_KEYS = "space: choose · type: search · enter: done"


def text(question: str, default: str, check: Callable[[str], str | None]) -> str:
    """Ask for a line. `check` returns what is wrong with it, or None."""
    answer: str = questionary.text(question, default=default, validate=lambda value: check(value) or True).unsafe_ask()
    return answer


def one(question: str, options: Sequence[tuple[str, str, str]], default: str | None = None) -> str:
    """Ask for one of (value, title, description)."""
    choices = [questionary.Choice(title, value, description=about or None) for value, title, about in options]
    answer: str = questionary.select(question, choices, default=default).unsafe_ask()
    return answer


def several(question: str, groups: Mapping[str, Sequence[tuple[str, str]]], checked: Sequence[str]) -> list[str]:
    """Ask for at least one of (value, title), grouped under headings, found by typing."""
    choices: list[questionary.Choice | questionary.Separator] = []
    for heading, options in groups.items():
        choices.append(questionary.Separator(f"— {heading}"))
        choices += [questionary.Choice(title, value, checked=value in checked) for value, title in options]
    answer: list[str] = questionary.checkbox(
        question,
        choices,
        instruction=f"({_KEYS})",
        validate=lambda chosen: bool(chosen) or "choose at least one service",
        use_search_filter=True,
        use_jk_keys=False,
    ).unsafe_ask()
    return answer


def sure(question: str, *, default: bool) -> bool:
    """Ask yes or no."""
    answer: bool = questionary.confirm(question, default=default).unsafe_ask()
    return answer
