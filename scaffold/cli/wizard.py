"""The questions of `scaffold new`, in their order. Only what flags and files left open is asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scaffold.catalog.index import Catalog
from scaffold.cli import prompts
from scaffold.errors import ScaffoldError
from scaffold.project import answers as answering

_BLANK = ""


def ask_name(suggested: str) -> str:
    """Ask for the project's name."""

    def check(name: str) -> str | None:
        try:
            answering.project_name(name)
        except ScaffoldError:
            return "lower-case letters, digits, - and _; the first a letter or a digit"
        return None

    return prompts.text("Project name", suggested, check)


def ask_services(catalog: Catalog) -> list[str]:
    """Ask for a preset or a blank start, then for services; those of the preset are chosen already."""
    presets = [
        (name, f"{name}: {', '.join(preset['services'])}", preset["summary"])
        for name, preset in catalog.presets.items()
    ]
    preset = prompts.one("Start from", [*presets, (_BLANK, "blank", "Choose services yourself")])
    checked = catalog.preset(preset)["services"] if preset else []
    groups: dict[str, list[tuple[str, str]]] = {}
    for id in catalog.offered:
        entry = catalog.entries[id]
        groups.setdefault(entry["category"], []).append((id, f"{id:<14} {entry['summary']}"))
    return prompts.several("Services", groups, checked)


def ask_rest(catalog: Catalog, given: Mapping[str, Any]) -> dict[str, Any]:
    """Ask the questions that the chosen services raise and that are not answered yet."""
    answers = dict(given)
    for question in catalog.questions(given["services"]):
        name = question["name"]
        if name in answers or len(question["choices"]) == 1:
            continue
        if isinstance(question["default"], bool):
            answers[name] = prompts.sure(question["help"], default=question["default"])
        else:
            answers[name] = prompts.one(
                question["help"], [(value, value, "") for value in question["choices"]], question["default"]
            )
    return answers
