"""Reading TOML strictly: a word that is not known, or is missing, is an error that names the file and the place."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scaffold.errors import ScaffoldError, closest

Record = dict[str, Any]

_PRESET = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


def parsed(path: Path) -> Record:
    """The tables of a file. Raises ScaffoldError when it cannot be read or is no TOML."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ScaffoldError(f"cannot read {path}", str(error)) from error


def presets(path: Path) -> dict[str, Record]:
    """The presets in a file, by name. Raises ScaffoldError for one that is wrong."""
    reader = Reader(path)
    return {reader.name(name, _PRESET, name): reader.preset(name, table) for name, table in parsed(path).items()}


class Reader:
    """Takes tables apart; knows their file for its messages."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def preset(self, name: str, data: Record) -> Record:
        """One preset."""
        take = self.taker(data, name)
        preset = {"summary": take("summary", str), "services": take("services", list, of=str)}
        self.no_more(data, name)
        if not preset["services"]:
            raise self.error(f"{name}.services", "it is empty")
        return preset

    def taker(self, data: object, where: str) -> Any:
        """A function that takes one key out of a table and checks its type; what is left at the end is unknown.

        With `of` it checks the type of what is in the list or table, too.
        """
        if not isinstance(data, dict):
            raise self.error(where, f"{data!r} is no table")

        def take(
            key: str, kind: type | tuple[type, ...], default: object = ..., of: type | tuple[type, ...] = object
        ) -> Any:
            place = f"{where}.{key}" if where else key
            if key not in data:
                if default is ...:
                    raise self.error(place, "it is missing")
                return default
            value = data.pop(key)
            # For Python true is a number; for people it is not.
            if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
                raise self.error(place, f"{value!r} is of the wrong type")
            for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
                if not isinstance(item, of):
                    raise self.error(place, f"{item!r} is of the wrong type")
            return value

        return take

    def no_more(self, data: Mapping[str, object], where: str) -> None:
        """Refuse what nobody took."""
        for key in data:
            raise self.error(f"{where}.{key}" if where else key, "this key is not known")

    def one_of(self, word: str, known: Any, where: str) -> str:
        """`word`, when it is known."""
        if word not in known:
            raise self.error(where, f"`{word}` is not known", closest(word, known))
        return word

    def name(self, word: str, pattern: re.Pattern[str], where: str) -> str:
        """`word`, when it is formed as names are."""
        if not pattern.fullmatch(word):
            raise self.error(where, f"`{word}` does not match {pattern.pattern}")
        return word

    def error(self, where: str, why: str, fix: str = "") -> ScaffoldError:
        """What to raise for one place in the file."""
        return ScaffoldError(f"{self.path}: {where}", why, fix)
