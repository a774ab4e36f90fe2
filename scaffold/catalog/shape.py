"""What an index and a stack must hold at the least: they come from templates, which may be anybody's."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

_ENTRY = ("title", "summary", "category", "state", "retired")
_QUESTION = ("name", "help", "default", "choices")
_STACK = {
    "about": ("id", "title", "summary"),
    "brought": ("id", "by"),
    "volumes": ("name", "class", "responsibility"),
    "ports": ("variable", "what", "default"),
}


def fault_of_index(data: Any) -> str:
    """What an index lacks; empty when it can be used."""
    if not isinstance(data, dict) or not all(isinstance(data.get(key), dict) for key in ("entries", "presets")):
        return "it has no `entries` or no `presets`"
    if not _words(data.get("order")) or set(data["order"]) != data["entries"].keys():
        return "`order` and `entries` differ"
    for id, entry in data["entries"].items():
        if not _records([entry], _ENTRY) or not _words(entry.get("requires")):
            return f"the entry `{id}` is not complete"
        if not _records(entry.get("questions"), _QUESTION):
            return f"a question of the entry `{id}` is not complete"
    for name, preset in data["presets"].items():
        if not _records([preset], ("summary",)) or not _words(preset.get("services")):
            return f"the preset `{name}` is not complete"
    return ""


def fault_of_stack(stack: Any) -> str:
    """What a stack lacks; empty when it can be used."""
    if not isinstance(stack, dict) or not _words(stack.get("services")):
        return "it has no list of `services`"
    wrong = [name for name, keys in _STACK.items() if not _records(stack.get(name), keys)]
    return f"its `{wrong[0]}` are not complete" if wrong else ""


def _records(value: Any, keys: Collection[str]) -> bool:
    return isinstance(value, list) and all(isinstance(one, dict) and one.keys() >= set(keys) for one in value)


def _words(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)
