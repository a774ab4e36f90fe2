"""Carrying what copier did in a scratch clone over into the project: all of it or nothing, and never over an edit."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from scaffold.errors import NEEDS_YOU, CouldNotError, ScaffoldError
from scaffold.project import journal as books
from scaffold.project.journal import FOLDER, Entry, Journal, Stage, Step

_MARKER = re.compile(rb"^(?:<{7}|>{7}) ", re.MULTILINE)
_ABORT = "run `scaffold update --abort`"
Kind = Literal["create", "change", "delete", "conflict", "blocked"]  # blocked: left as it is, and reported


class HalfDoneError(ScaffoldError):
    """It failed, and so did taking it back: the journal with the pre-images is still there."""

    code = NEEDS_YOU


@dataclass(frozen=True, slots=True)
class Change:
    """One path: `base` is the blob in HEAD, `new` the digest of the scratch clone's file; None where there is none."""

    path: str
    kind: Kind
    base: str | None
    new: str | None
    executable: bool = False
    stages: tuple[Stage, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """Every path that differs between a project's commit and the scratch clone of it, sorted."""

    head: str
    changes: tuple[Change, ...]

    def of(self, kind: Kind) -> list[str]:
        """The paths with one fate."""
        return [change.path for change in self.changes if change.kind == kind]


@dataclass(frozen=True, slots=True)
class State:
    """What a run has left to finish or to take back, with the paths that git still counts as unmerged."""

    condition: Literal["none", "interrupted", "conflicts"]
    unresolved: tuple[str, ...] = ()


def plan(project: Path, scratch: Path) -> Plan:
    """Compare a project's commit with the working tree of its scratch clone, ignored files included.

    Both are the project's own folder in its repository. Raises ScaffoldError for links and paths that lead out.
    """
    project, scratch = project.resolve(), scratch.resolve()
    head, clone = (books.ask("rev-parse", "HEAD", folder=folder).decode().strip() for folder in (project, scratch))
    if head != clone or books.prefix_of(project) != books.prefix_of(scratch):
        raise ScaffoldError("the scratch clone is not of this project's commit", f"{clone}, not {head}")
    rows = list(books.listed("ls-tree", "-r", "-z", "HEAD", folder=project))
    tree = {path: blob for path, (mode, _, blob) in rows if mode.startswith("100")}
    others = {path for path, _ in rows} - tree.keys()  # links and submodules
    after = _hashes(scratch, _files(project, scratch, others))
    stages = {path: found for path, found in books.index(scratch).items() if any(stage.number for stage in found)}
    paths = sorted({*stages, *(path for path in tree.keys() | after if tree.get(path) != after.get(path))})
    for path in paths:
        books.guard(project, path)
    present = _hashes(project, (path for path in paths if _is_file(project / path)))
    staged = books.index(project) if stages else {}
    changes = []
    for path in paths:
        now, change = books.seen(project / path), _change(path, scratch, tree.get(path), stages.get(path, ()))
        # Where it is already as it will be (or a folder is, in place of a file to delete), nothing happens.
        if change.stages or (now != change.new and not (now == FOLDER and change.new is None)):
            changes.append(_blocked(change, _reason(change, now, present.get(path), staged.get(path, ()))))
    gone = {change.path for change in changes if change.kind == "delete"}
    return Plan(head, tuple(_blocked(change, _obstacle(project, change, gone)) for change in changes))


def carry_out(planned: Plan, project: Path, scratch: Path) -> None:
    """Do what was planned, except of blocked paths. Conflicts are then waiting for `finish` or `abort`.

    Raises ScaffoldError when a run is open or something changed since planning, CouldNotError when the disk or git
    fails and everything is as before, HalfDoneError when even taking it back failed.
    """
    project, scratch = project.resolve(), scratch.resolve()
    place = books.place_of(project)
    with books.locked(place):
        if books.load(place) is not None:
            raise ScaffoldError("an earlier run is not finished", fix=f"finish it, or {_ABORT}")
        todo = [change for change in planned.changes if change.kind != "blocked"]
        try:
            after = {change.path: (scratch / change.path).read_bytes() for change in todo if change.new is not None}
            journal, before = _journal(project, planned.head, todo)
            # Only now: what was read above is what was planned, or else nothing happens.
            if plan(project, scratch) != planned:
                raise ScaffoldError("the project has changed since this was planned", "nothing was written")
            if not todo:
                return
            for blob in {stage.blob for change in todo for stage in change.stages}:
                content = books.ask("cat-file", "blob", blob, folder=scratch)
                books.ask("hash-object", "-w", "--stdin", folder=project, stdin=content)
            books.begin(place, journal, before)
        except OSError as error:
            raise CouldNotError("cannot write the journal; nothing was changed", str(error)) from error
        try:
            _write(project, place, journal, todo, after)
        except BaseException as error:
            _roll_back(project, place, journal, error)
            raise


def state(project: Path) -> State:
    """What a run has left. Raises ScaffoldError while one is at work."""
    if not books.place_of(project.resolve()).is_dir():
        return State("none")
    with _opened(project) as (root, _, journal):
        if journal is None:
            return State("none")
        return State("conflicts" if journal.state == books.CONFLICTS else "interrupted", _unresolved(root, journal))


def abort(project: Path, *, force: bool = False) -> None:
    """Bring back every byte and index entry from before the run; a file with conflict markers counts as unfinished.

    Raises ScaffoldError when no run is open or (not with `force`) later work would be lost; HalfDoneError: do it again.
    """
    with _opened(project) as (root, place, journal):
        if journal is None:
            raise ScaffoldError("there is nothing to take back")
        if not force and books.ask("rev-parse", "HEAD", folder=root).decode().strip() != journal.head:
            raise ScaffoldError("there are commits since", "old files would lie over them", "go back with git")
        if not force and (lost := _foreign(root, journal)):
            raise ScaffoldError(f"{', '.join(lost)} would lose later edits", fix="keep a copy, then use --force")
        try:
            books.mark(place, journal, books.WRITING)  # half restored, it no longer only has conflicts
            books.restore(root, place, journal)
            books.end(place)
        except (OSError, CouldNotError) as error:
            raise HalfDoneError("cannot bring everything back", str(error), f"then {_ABORT} again") from error


def finish(project: Path) -> None:
    """Let go of the pre-images. Raises ScaffoldError while conflicts remain, with the place of the first marker."""
    with _opened(project) as (root, place, journal):
        if journal is None or journal.state != books.CONFLICTS:
            raise ScaffoldError("there is nothing to finish", fix="" if journal is None else _ABORT)
        for entry in journal.entries:
            if entry.conflict and (line := _marker(root / entry.path)):
                raise ScaffoldError(f"{entry.path}:{line} has a conflict marker", fix="choose what is to stay there")
        if unresolved := _unresolved(root, journal):
            raise ScaffoldError(f"git counts {', '.join(unresolved)} as unmerged", fix="run `git add` on it")
        books.end(place)


@contextmanager
def _opened(project: Path) -> Iterator[tuple[Path, Path, Journal | None]]:
    project = project.resolve()
    place = books.place_of(project)
    with books.locked(place):
        yield project, place, books.load(place)


def _files(project: Path, scratch: Path, others: set[str]) -> Iterator[str]:
    """Every file in the scratch clone. Raises ScaffoldError for what a template has no business to make."""
    top = "" if books.prefix_of(scratch) else ".git"
    for folder, folders, names in os.walk(scratch):
        if top and Path(folder) == scratch and top in folders:
            folders.remove(top)
        for path in ((Path(folder) / name).relative_to(scratch).as_posix() for name in [*folders, *names]):
            books.guard(scratch, path)
            what = books.seen(scratch / path) or ""
            theirs = not others.isdisjoint({path, *books.folders_above([path])})
            if what == FOLDER or (what.startswith(books.LINK) and theirs and what == books.seen(project / path)):
                continue
            if theirs or what.startswith((books.LINK, books.SPECIAL)):
                raise ScaffoldError(f"the template makes {path} a link, or changes one", "links are yours alone")
            yield path


def _is_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _hashes(folder: Path, paths: Iterable[str]) -> dict[str, str]:
    """Blobs as git would store them: line ends and filters are no difference."""
    ordered, hashes = sorted(paths), dict[str, str]()
    for some in (ordered[start : start + 200] for start in range(0, len(ordered), 200)):
        lines = books.ask("hash-object", "--", *some, folder=folder).decode().split()
        hashes |= dict(zip(some, lines, strict=True))
    return hashes


def _change(path: str, scratch: Path, base: str | None, stages: tuple[Stage, ...]) -> Change:
    new = None if (found := books.seen(scratch / path)) == FOLDER else found
    if stages and new is None:
        raise ScaffoldError(f"{path} is in conflict, and gone", "scaffold does not know how to carry that")
    kind: Kind = "conflict" if stages else "delete" if new is None else "create" if base is None else "change"
    executable = new is not None and bool((scratch / path).stat().st_mode & 0o100)
    return Change(path, kind, base, new, executable, stages)


def _reason(change: Change, now: str | None, present: str | None, staged: tuple[Stage, ...]) -> str:
    """Why a path is not to be written: only what equals the commit is."""
    if now and now.startswith((books.LINK, books.SPECIAL)):
        raise ScaffoldError(f"{change.path} is {now}", "scaffold neither follows nor replaces it", "move it away")
    if present != change.base:
        lost = "it was deleted" if now is None else "there is a folder" if now == FOLDER else "it was changed"
        return "git does not track the file that is there" if change.base is None else f"{lost} since the last commit"
    usual = change.base is not None and [(one.number, one.blob) for one in staged] == [(0, change.base)]
    return "" if usual or not change.stages else "something else is staged"


def _obstacle(project: Path, change: Change, gone: Collection[str]) -> str:
    """What stands where a file is to be written, and will not be deleted."""
    folders = [one for one in books.folders_above([change.path]) if _is_file(project / one) and one not in gone]
    full = (project / change.path).is_dir() and not _only_holds(project, change.path, gone)
    return "" if change.new is None or not (folders or full) else "something of yours is in its place"


def _only_holds(project: Path, folder: str, gone: Collection[str]) -> bool:
    inside = (path.relative_to(project).as_posix() for path in (project / folder).rglob("*"))
    return {*inside} <= {*gone, *books.folders_above(gone)}


def _blocked(change: Change, reason: str) -> Change:
    return replace(change, kind="blocked", reason=reason) if reason else change


def _journal(project: Path, head: str, todo: Collection[Change]) -> tuple[Journal, dict[int, bytes]]:
    """The journal of a run, and the pre-images by the numbers of its entries."""
    index, entries = books.index(project), []
    files = {number: project / one.path for number, one in enumerate(todo) if _is_file(project / one.path)}
    before = {number: file.read_bytes() for number, file in files.items()}
    for number, one in enumerate(todo):
        digest = books.digest(before[number]) if number in before else None
        mode = files[number].stat().st_mode & 0o7777 if number in files else None
        entries.append(Entry(one.path, digest, mode, one.new, bool(one.stages), index.get(one.path, ())))
    folders = {folder for folder in books.folders_above(one.path for one in todo) if (project / folder).is_dir()}
    modes = {folder: (project / folder).stat().st_mode & 0o7777 for folder in folders}
    return Journal(head, tuple(entries), modes), before


def _write(project: Path, place: Path, journal: Journal, todo: Collection[Change], after: Mapping[str, bytes]) -> None:
    steps = []
    for change, entry in zip(todo, journal.entries, strict=True):
        mode = entry.mode if entry.mode is not None else 0o777 if change.executable else 0o666
        steps.append(Step(change.path, after.get(change.path), entry.before, mode, exact=entry.mode is not None))
    books.apply(project, journal, steps)
    books.prune(project, [change.path for change in todo if change.kind == "delete"])
    if stages := {change.path: change.stages for change in todo if change.stages}:
        books.set_index(project, stages, journal.head)
        books.mark(place, journal, books.CONFLICTS)
    else:
        books.end(place)


def _roll_back(project: Path, place: Path, journal: Journal, cause: BaseException) -> None:
    """Take everything back, except what somebody else did meanwhile; a failing disk ends as CouldNotError."""
    try:
        books.restore(project, place, journal, spare=_foreign(project, journal))
        books.end(place)
    except BaseException as error:
        why = f"{cause}; then {error}; the files from before are in {place / 'journal'}"
        raise HalfDoneError("cannot write, and cannot take back what was written", why, _ABORT) from error
    if isinstance(cause, OSError | CouldNotError):
        raise CouldNotError("cannot write; everything is as before", str(cause)) from cause


def _foreign(project: Path, journal: Journal) -> list[str]:
    """Paths with content that is neither from before the run, nor the run's, nor an unfinished conflict."""
    gone, found = {entry.path for entry in journal.entries if entry.before is None}, []
    for path, entry in ((project / entry.path, entry) for entry in journal.entries):
        now = books.seen(path)
        folder = now == FOLDER and (entry.before is None or _only_holds(project, entry.path, gone))
        if not (folder or now in {None, entry.before, entry.after} or (entry.conflict and _marker(path))):
            found.append(entry.path)
    return found


def _unresolved(project: Path, journal: Journal) -> tuple[str, ...]:
    index = books.index(project)
    return tuple(one.path for one in journal.entries if any(stage.number for stage in index.get(one.path, ())))


def _marker(path: Path) -> int:
    """The line of the first conflict marker; 0 when there is none."""
    found = _MARKER.search(content := path.read_bytes() if _is_file(path) else b"")
    return content.count(b"\n", 0, found.start()) + 1 if found else 0
