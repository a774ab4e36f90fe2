"""Merges a YAML file that git could not: by its keys and items, keeping what the user wrote as it was written.

base is what the template rendered before, ours the user's file, theirs what the template renders now. Nothing is
dumped: lines are taken from ours and, where only the template changed something, from theirs. The result is read
again, and given only if it means what was merged and no line of the user's is missing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from scaffold.compose.parts import Conflict, Run, Three, blocks
from scaffold.compose.read import read
from scaffold.compose.tree import Data, UnreadableError, is_blank, standing

_COMMENT = re.compile(r"(?:^|\s)#.*")


@dataclass(frozen=True, slots=True)
class Merge:
    """What became of a file: its text, or else the conflicts."""

    text: str | None
    conflicts: tuple[Conflict, ...] = ()


def merge(base: str, ours: str, theirs: str) -> str | None:
    """The merged text, or None when it takes a person. Never raises."""
    return three_way(base, ours, theirs).text


def three_way(base: str, ours: str, theirs: str) -> Merge:
    """The merged text, or every conflict with its place. Never raises.

    A file that cannot be read (anchors, tags, several documents, a key twice …) is one conflict with the path ().
    """
    if ours in (base, theirs) or base == theirs:
        return Merge(theirs if ours == base else ours)
    documents = []
    for name, text in (("your file", ours), ("the template's old file", base), ("the template's new file", theirs)):
        try:
            documents.append(read(text))
            documents[-1].block({})
        except UnreadableError as error:
            return Merge(None, (Conflict((), error.line if name == "your file" else 1, f"{name}: {error.why}"),))
    alone = standing(documents[1].block({}))
    for path, comments in standing(documents[2].block({})).items():
        alone[path] = alone.get(path, set()) | comments
    run = Run()
    mine, old, new = (document.block(alone) for document in documents)
    merged = blocks(run, Three(old, mine, new), (), 0)
    if run.conflicts:
        return Merge(None, tuple(run.conflicts))
    text = "\n".join(merged.lines()) + ("\n" if ours.endswith("\n") else "")
    if why := _fault(text, merged.data(), (base, ours, theirs), run.rewritten):
        return Merge(None, (Conflict((), 1, why),))
    return Merge(text)


def _fault(text: str, data: Data, sides: tuple[str, str, str], rewritten: list[str]) -> str:
    """Why a result must not be used: an independent look at the text alone. Empty if it may be."""
    try:
        if read(text).data != data:
            return "the merged text does not mean what was merged"
    except UnreadableError as error:
        return f"the merged text cannot be read: {error.why}"
    lost = _lost(_lines, text, *sides) - Counter(line.strip() for line in rewritten)
    if lost:
        return f"a line would be lost: {next(iter(lost))}"
    comments = _lost(_comments, text, *sides)
    return f"a comment would be lost: {next(iter(comments))}" if comments else ""


def _lost(found: Callable[[str], Iterator[str]], text: str, base: str, ours: str, theirs: str) -> Counter[str]:
    # What the template had and has no more may go.
    dropped = Counter(found(base)) - Counter(found(theirs))
    return Counter(found(ours)) - dropped - Counter(found(text))


def _lines(text: str) -> Iterator[str]:
    return (line.strip() for line in text.split("\n") if not is_blank(line))


def _comments(text: str) -> Iterator[str]:
    return (match[0].strip() for line in text.split("\n") if (match := _COMMENT.search(line)))
