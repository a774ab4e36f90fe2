"""After copier: conflicts and doubled lines that git left in YAML files are merged by structure; the rest is listed."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from scaffold.project import git
from scaffold.project.carryover import index
from scaffold.project.carryover.index import Stage
from scaffold.project.existing import ANSWERS_FILE
from scaffold.project.sides import Sides
from scaffold.project.twice import twice

# Copier's words where a conflict begins.
_START = re.compile(rb"^<{7} before updating\r?$", re.MULTILINE)
_YAML = (".yaml", ".yml")
_BASE, _OURS, _THEIRS = 1, 2, 3  # git's numbers for the sides of a conflict


@dataclass(frozen=True, slots=True)
class Conflict:
    """A file in which both sides changed the same: lines where markers begin, and what is known of the reasons."""

    path: str
    lines: tuple[int, ...]
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Merged:
    """Files that were merged by structure, the conflicts that remain, and the template's side of each of those."""

    solved: list[str] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)
    theirs: dict[str, str] = field(default_factory=dict)


def merge_conflicts(scratch: Path) -> Merged:
    """Go through what git counts as unmerged in a project's scratch clone, and write what can be merged."""
    merged = Merged()
    for path, stages in sorted(index.read(scratch).items()):
        if any(stage.number for stage in stages):
            _settle(scratch, path, {stage.number: stage for stage in stages}, merged)
    return merged


def merge_silent(scratch: Path, rendered: Sides, merged: Merged) -> None:
    """Look at files that are other ones now and that git calls no conflict: what it merged wrongly, or not at all."""
    committed = _committed(scratch)
    _merge_doubled(scratch, committed, rendered, merged)
    _keep_binaries(scratch, committed, rendered, merged)


def _merge_doubled(scratch: Path, committed: Mapping[str, bytes], rendered: Sides, merged: Merged) -> None:
    """Merge by structure what both sides added, and is twice in a file now: for git two lines, for Compose an error.

    What cannot be merged is a conflict: all three sides in git's index, and both additions in the file.
    """
    unmerged = {conflict.path for conflict in merged.conflicts}
    for path, ours in committed.items():
        if path.endswith(_YAML) and path not in {ANSWERS_FILE, *unmerged}:
            _settle_doubled(scratch, path, ours, rendered, merged)


def _keep_binaries(scratch: Path, committed: Mapping[str, bytes], rendered: Sides, merged: Merged) -> None:
    """Bring back what users made of files that are no text: copier merges by a patch, which leaves those out.

    One that the template changed as well is a conflict: the user's in the file, all sides in git's index.
    """
    for path, ours in committed.items():
        if not (_is_binary(ours) or _is_binary((scratch / path).read_bytes())):
            continue
        base, theirs = (
            file.read_bytes() if file.is_file() else None
            for file in (rendered.before() / path, rendered.after() / path)
        )
        if ours == base:
            continue
        git.run("checkout", "--quiet", "HEAD", "--", path, folder=scratch, environment=git.settings(git.HARDENED))
        if base != theirs:
            _mark(scratch, path, (base, ours, theirs))
            merged.conflicts.append(Conflict(path, (), ("both changed it, and it is no text",)))


def _settle_doubled(scratch: Path, path: str, ours: bytes, rendered: Sides, merged: Merged) -> None:
    found = twice((scratch / path).read_bytes())
    if not found:
        return
    files = rendered.before() / path, rendered.after() / path
    if not all(file.is_file() for file in files):
        return
    base, theirs = (file.read_bytes() for file in files)
    doubled = {place: lines for place, lines in found.items() if place not in {*twice(ours), *twice(theirs)}}
    if not doubled:
        return
    text, reasons = _by_structure(base, ours, theirs)
    if text is not None:
        _write_merged(scratch, path, text, merged)
        return
    _mark(scratch, path, (base, ours, theirs))
    merged.conflicts.append(Conflict(path, tuple(sorted(chain.from_iterable(doubled.values()))), reasons))
    merged.theirs[path] = theirs.decode("utf-8", errors="replace")


def _committed(scratch: Path) -> dict[str, bytes]:
    """What the commit has of every file that is another one now."""
    raw = git.ask(
        "diff", "--raw", "--relative", "--no-renames", "--diff-filter=M", "--no-abbrev", "-z", "HEAD", folder=scratch
    )
    words = raw.split(b"\0")[:-1]
    # Files only: ":100644 100644 BLOB …".
    pairs = [
        (facts.split()[2], path) for facts, path in zip(words[::2], words[1::2], strict=True) if facts[1:4] == b"100"
    ]
    said = git.ask("cat-file", "--batch", folder=scratch, stdin=b"".join(blob + b"\n" for blob, _ in pairs))
    found = {}
    for _, path in pairs:
        header, _, said = said.partition(b"\n")
        size = int(header.split()[2])
        found[os.fsdecode(path)], said = said[:size], said[size + 1 :]
    return {path: text for path, text in found.items() if (scratch / path).is_file()}


def _is_binary(text: bytes) -> bool:
    # As git tells it, where no attribute does.
    return b"\0" in text[:8000]


def _mark(scratch: Path, path: str, sides: tuple[bytes | None, bytes, bytes | None]) -> None:
    """Have git count a file as unmerged, with these sides: base, ours, theirs."""
    mode, stages = index.read(scratch)[path][0].mode, []
    for number, side in enumerate(sides, 1):
        if side is not None:
            blob = git.ask("hash-object", "-w", "--stdin", folder=scratch, stdin=side).decode().strip()
            stages.append(Stage(number, mode, blob))
    index.write(scratch, {path: tuple(stages)}, index.head(scratch))


def _settle(scratch: Path, path: str, stages: Mapping[int, Stage], merged: Merged) -> None:
    sides = {number: git.ask("cat-file", "blob", stage.blob, folder=scratch) for number, stage in stages.items()}
    reasons: tuple[str, ...] = ()
    if path.endswith(_YAML) and sides.keys() == {_BASE, _OURS, _THEIRS}:
        solution, reasons = _by_structure(sides[_BASE], sides[_OURS], sides[_THEIRS])
        if solution is not None:
            _write_merged(scratch, path, solution, merged)
            return
    if not (scratch / path).is_file():
        # The template has it no more, and copier took its text for a conflict: an edited file that goes, or stays.
        git.run("reset", "--quiet", "HEAD", "--", path, folder=scratch)
        return
    text = (scratch / path).read_bytes()
    lines = tuple(text.count(b"\n", 0, found.start()) + 1 for found in _START.finditer(text))
    merged.conflicts.append(Conflict(path, lines, reasons))
    if _THEIRS in sides:
        merged.theirs[path] = sides[_THEIRS].decode("utf-8", errors="replace")


def _by_structure(base: bytes, ours: bytes, theirs: bytes) -> tuple[bytes | None, tuple[str, ...]]:
    """The merged file, or None and the reasons."""
    from scaffold.compose.merge import three_way  # loads ruamel, which most updates need not wait for

    result = three_way(*(side.decode("utf-8", errors="surrogateescape") for side in (base, ours, theirs)))
    if result.text is not None:
        return result.text.encode("utf-8", errors="surrogateescape"), ()
    return None, tuple(": ".join(filter(None, [".".join(map(str, one.path)), one.why])) for one in result.conflicts)


def _write_merged(scratch: Path, path: str, text: bytes, merged: Merged) -> None:
    (scratch / path).write_bytes(text)
    git.ask("add", "--force", "--", path, folder=scratch)
    merged.solved.append(path)
