"""A YAML file as a tree whose every part knows its own lines.

A merge then moves whole lines: what nobody touched stays as it was written, byte for byte, since nothing is ever
written anew from data.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

# (kind, text, how many like it came before): "key", "item", or "comment" for one that stands alone, as the line below
# which users add their own. Being parts of their own, those lines hold additions on either side apart.
Id = tuple[str, str, int]
# A scalar as (tag, text), a list as a tuple, a mapping as a dict: equal when YAML means the same by it.
Data = Any
Path = tuple[str | int, ...]
Standing = dict[Path, set[str]]

NULL = ("tag:yaml.org,2002:null", "")


class UnreadableError(Exception):
    """The file uses something that cannot be moved about line by line: `why`, and the 1-based `line`."""

    def __init__(self, why: str, line: int = 1) -> None:
        super().__init__(why)
        self.why = why
        self.line = line


@dataclass(slots=True)
class Scalar:
    """One value on one line: what stands before it, itself, and what follows (spaces and a comment)."""

    before: str
    text: str
    after: str


@dataclass(slots=True)
class Part:
    """An entry of a mapping, an item of a list, or a comment that stands alone.

    `lead` are the comment lines right above it, `body` its own lines, `trail` the blank lines below it.
    """

    id: Id
    line: int
    data: Data
    lead: list[str] = field(default_factory=list)
    body: list[str] = field(default_factory=list)
    trail: list[str] = field(default_factory=list)
    inner: Block | None = None
    scalar: Scalar | None = None

    @property
    def is_comment(self) -> bool:
        """Whether it holds no data."""
        return self.id[0] == "comment"


@dataclass(slots=True)
class Block:
    """A mapping or a list of different scalars: its parts in order, `head` being blank lines above the first one.

    `flow` is a list within one line's brackets: the brackets' content lies in the `text` of its line's scalar.
    """

    kind: str
    indent: int
    parts: list[Part] = field(default_factory=list)
    head: list[str] = field(default_factory=list)
    end: int = 0
    flow: bool = False

    def by_id(self) -> dict[Id, Part]:
        """Its parts, to look them up."""
        return {part.id: part for part in self.parts}

    def lines(self) -> list[str]:
        """Its text."""
        return self.head + [line for part in self.parts for line in (*part.lead, *part.body, *part.trail)]

    def data(self) -> Data:
        """What it means."""
        if self.kind == "map":
            return {part.id[1]: part.data for part in self.parts if part.id[0] == "key"}
        return tuple(part.data for part in self.parts if part.id[0] == "item")


def standing(block: Block, path: Path = ()) -> Standing:
    """The comments of a tree that stand alone, by the path of what they stand in."""
    found: Standing = {path: {part.id[1] for part in block.parts if part.is_comment}}
    for part in block.parts:
        if part.inner:
            found |= standing(part.inner, (*path, part.id[1]))
    return found


def is_blank(line: str) -> bool:
    """Whether a line has nothing but space."""
    return not line.strip()


def indent_of(line: str) -> int:
    """How many spaces a line begins with."""
    return len(line) - len(line.lstrip(" "))


def numbered(ids: list[Id]) -> list[Id]:
    """Ids made different where they repeat."""
    seen: dict[Id, int] = {}
    result = []
    for id in ids:
        seen[id] = seen.get(id, -1) + 1
        result.append((id[0], id[1], seen[id]))
    return result
