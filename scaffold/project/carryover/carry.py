"""Carrying what copier did in a scratch clone over into the project: all of it or nothing, and never over an edit."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from scaffold.errors import NEEDS_YOU, CouldNotError, ScaffoldError
from scaffold.project.carryover import disk, index
from scaffold.project.carryover import journal as books
from scaffold.project.carryover.changes import Change, Plan, content, plan
from scaffold.project.carryover.disk import Step
from scaffold.project.carryover.journal import Entry, Journal

_ABORT, _CONTINUE = "`scaffold update --abort`", "`scaffold update --continue`"


class HalfDoneError(ScaffoldError):
    """It failed, and so did taking it back: the journal with the pre-images is still there."""

    code = NEEDS_YOU


@dataclass(frozen=True, slots=True)
class State:
    """What a run has left to finish or to take back, with the paths that git still counts as unmerged."""

    condition: Literal["none", "interrupted", "conflicts"]
    unresolved: tuple[str, ...] = ()


def carry_out(planned: Plan, project: Path, scratch: Path) -> None:
    """Do what was planned, except of blocked paths. Conflicts are then waiting for `finish` or `abort`.

    Raises ScaffoldError when a run is open or something changed since planning, CouldNotError when the disk or git
    fails and everything is as before, HalfDoneError when even taking it back failed.
    """
    project, scratch = project.resolve(), scratch.resolve()
    with _opened(project) as (_, place, earlier):
        if earlier is not None:
            raise _unfinished(place)
        todo = [change for change in planned.changes if change.kind != "blocked"]
        try:
            after = {one.path: content(project, scratch, one) for one in todo if one.new is not None}
            journal, before = _journal(project, planned.head, todo)
            # Only now: what was read above is what was planned, or else nothing happens.
            if plan(project, scratch) != planned:
                why = "a file or a commit is not what it was; nothing was written"
                raise ScaffoldError("the project has changed since this was planned", why, "start again")
            if not todo:
                return
            _take_blobs(project, scratch, todo)
            books.begin(place, journal, before)
        except (OSError, CouldNotError) as error:
            raise CouldNotError("cannot prepare the change; nothing was changed", _words(error)) from error
        try:
            _write(project, place, journal, todo, after)
        except BaseException as error:
            _roll_back(project, place, journal, error)
            raise


def state(project: Path) -> State:
    """What a run has left. Raises ScaffoldError while one is at work."""
    if not books.place_of(project.resolve()).is_dir():
        return State("none")
    with _opened(project) as (root, place, journal):
        if journal is None:
            return State("none")
        return State("conflicts" if books.waits(place) else "interrupted", _unresolved(root, journal))


def abort(project: Path, *, force: bool = False) -> None:
    """Bring back every byte, mode and index entry from before the run; a file with conflict markers is unfinished.

    Raises ScaffoldError when no run is open or (not with `force`) later work would be lost; HalfDoneError: do it again.
    """
    with _opened(project) as (root, place, journal):
        if journal is None:
            raise ScaffoldError("there is nothing to take back")
        if not force and index.head(root) != journal.head:
            why = "old files would lie over them; nothing was changed"
            raise ScaffoldError("there are commits since the update began", why, _way_back(place, journal))
        if not force and (lost := books.foreign(root, journal)):
            why = "they have changed since the update wrote them; nothing was taken back"
            fix = "keep a copy of what you need, then take it back with --force"
            raise ScaffoldError(f"later edits would be lost: {', '.join(lost)}", why, fix)
        try:
            books.restore(root, place, journal)
            books.end(place)
        except (OSError, CouldNotError) as error:
            why = f"{_words(error)}; the files from before that are not back yet are in {place / 'journal'}"
            raise HalfDoneError("cannot bring everything back", why, f"cure that, then {_ABORT} again") from error


def finish(project: Path) -> None:
    """Let go of the pre-images. Raises ScaffoldError while conflicts remain, with the place of the first marker.

    What was committed since is resolved: git lets nobody commit unmerged paths.
    """
    with _opened(project) as (root, place, journal):
        if journal is None:
            raise ScaffoldError("there is nothing to finish")
        if not books.waits(place):
            raise _unfinished(place)
        if index.head(root) == journal.head:
            for entry in journal.entries:
                if entry.conflict and (line := books.marker(root / entry.path)):
                    why, fix = "both you and the template changed what is there", "edit it to what is to stay"
                    raise ScaffoldError(f"{entry.path}:{line} has a conflict marker", why, f"{fix}, then {_CONTINUE}")
        if unresolved := _unresolved(root, journal):
            fix = f"when they are right: `git add {' '.join(unresolved)}`, then {_CONTINUE}"
            raise ScaffoldError(f"git counts as unmerged: {', '.join(unresolved)}", fix=fix)
        books.end(place)


@contextmanager
def _opened(project: Path) -> Iterator[tuple[Path, Path, Journal | None]]:
    project = project.resolve()
    place = books.place_of(project)
    with books.locked(place):
        try:
            yield project, place, books.load(place)
        except OSError as error:
            raise CouldNotError("cannot read or write the project; nothing was changed", _words(error)) from error


def _unfinished(place: Path) -> ScaffoldError:
    if books.waits(place):
        fix = f"resolve them, then {_CONTINUE}; or go back with {_ABORT}"
        return ScaffoldError("an earlier update is not finished", "its conflicts are waiting for you", fix)
    why = "only some of its files are written; those from before are kept"
    return ScaffoldError("an earlier update was interrupted, and is not finished", why, f"go back with {_ABORT}")


def _way_back(place: Path, journal: Journal) -> str:
    """What to do when there are commits since."""
    back = f"`git reset --hard {journal.head[:12]}` (which drops them, and what is not committed), then {_ABORT}"
    return f"to keep them: {_CONTINUE}; to go back: {back}" if books.waits(place) else f"to go back: {back}"


def _words(error: BaseException) -> str:
    if isinstance(error, OSError):
        return f"{error.strerror or error}: {error.filename}" if error.filename else str(error.strerror or error)
    return ": ".join(filter(None, (str(error), getattr(error, "why", "")))) or type(error).__name__


def _take_blobs(project: Path, scratch: Path, todo: Collection[Change]) -> None:
    """Have the project's repository hold what the stages of conflicts name."""
    for blob in {stage.blob for change in todo for stage in change.stages}:
        stored = index.ask("cat-file", "blob", blob, folder=scratch)
        index.ask("hash-object", "-w", "--stdin", folder=project, stdin=stored)


def _journal(project: Path, head: str, todo: Collection[Change]) -> tuple[Journal, dict[int, bytes]]:
    """The journal of a run, and the pre-images by the numbers of its entries."""
    staged, entries, before = index.read(project), [], dict[int, bytes]()
    for number, one in enumerate(todo):
        if (mode := disk.mode_of(project / one.path)) is not None:
            before[number] = (project / one.path).read_bytes()
        digest = None if mode is None else disk.digest(before[number])
        entries.append(Entry(one.path, digest, mode, one.new, bool(one.stages), staged.get(one.path, ())))
    folders = {folder for folder in disk.folders_above(one.path for one in todo) if (project / folder).is_dir()}
    modes = {folder: (project / folder).stat().st_mode & 0o7777 for folder in folders}
    return Journal(head, tuple(entries), modes), before


def _write(project: Path, place: Path, journal: Journal, todo: Collection[Change], after: Mapping[str, bytes]) -> None:
    steps = []
    for change, entry in zip(todo, journal.entries, strict=True):
        mode, exact = _mode(change, entry.mode), entry.mode is not None
        steps.append(Step(change.path, after.get(change.path), entry.before, mode, exact))
    disk.apply(project, journal.token, steps)
    disk.prune(project, [change.path for change in todo if change.kind == "delete"])
    if stages := {change.path: change.stages for change in todo if change.stages}:
        index.write(project, stages, journal.head)
        books.wait(place)
    else:
        books.end(place)


def _mode(change: Change, present: int | None) -> int:
    """The mode of a file: an existing one keeps its own, except that it may become executable, or the opposite."""
    if present is None:
        return 0o777 if change.executable else 0o666
    if not change.chmod:
        return present
    # Who may read it may run it.
    return present | (present & 0o444) >> 2 if change.executable else present & ~0o111


def _roll_back(project: Path, place: Path, journal: Journal, cause: BaseException) -> None:
    """Take everything back, except what somebody else did meanwhile; a failing disk ends as CouldNotError."""
    if books.load(place) is None:
        return  # all was done when it was interrupted
    try:
        books.restore(project, place, journal, spare=books.foreign(project, journal))
        books.end(place)
    except BaseException as error:
        why = f"{_words(cause)}; then {_words(error)}; the files from before are in {place / 'journal'}"
        raise HalfDoneError("cannot write, and cannot take back what was written", why, f"run {_ABORT}") from error
    if isinstance(cause, OSError | CouldNotError):
        raise CouldNotError("cannot write; everything is as before", _words(cause)) from cause


def _unresolved(project: Path, journal: Journal) -> tuple[str, ...]:
    staged = index.read(project)
    return tuple(path for path in journal.paths if any(stage.number for stage in staged.get(path, ())))
