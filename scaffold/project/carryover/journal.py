"""The journal of a run that changes several files as if they were one: pre-images, a lock, and taking it all back."""

from __future__ import annotations

import fcntl
import json
import os
import re
import secrets
import shutil
import stat
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from urllib.parse import quote

from scaffold.errors import CouldNotError, ScaffoldError
from scaffold.project.carryover import disk, index
from scaffold.project.carryover.index import Stage

_MARKER = re.compile(rb"^(?:<{7}|>{7}) ", re.MULTILINE)
_NAME, _WAITING = "journal.json", "conflicts"


@dataclass(frozen=True, slots=True)
class Entry:
    """One path of a journal: digests before and after (None: absent), its mode and index entries before."""

    path: str
    before: str | None
    mode: int | None
    after: str | None
    conflict: bool
    index: tuple[Stage, ...]


@dataclass(frozen=True, slots=True)
class Journal:
    """What a run is about to do to a project, and the folders (with modes) that were there before it."""

    head: str
    entries: tuple[Entry, ...]
    folders: Mapping[str, int]
    # In the names of files that are written beside others, so that nobody else's file is taken for ours.
    token: str = field(default_factory=lambda: secrets.token_hex(4))

    @property
    def paths(self) -> list[str]:
        """Every path that the run may touch."""
        return [entry.path for entry in self.entries]


def place_of(project: Path) -> Path:
    """The folder for a project's journal. Projects of one repository have one each."""
    shared = os.fsdecode(index.ask("rev-parse", "--git-path", "scaffold", folder=project)[:-1])
    return project / shared / (quote(os.fsencode(index.prefix_of(project)), safe="") or "%")


@contextmanager
def locked(place: Path) -> Iterator[None]:
    """Be the only one at work. Raises ScaffoldError when another is, CouldNotError when the disk refuses."""
    try:
        place.mkdir(parents=True, exist_ok=True)
        file = (place / "lock").open("ab")
    except OSError as error:
        raise CouldNotError(f"cannot write {error.filename}", error.strerror or str(error)) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ScaffoldError("another scaffold is at work on this project", fix="wait until it has ended") from error
        except OSError as error:
            raise CouldNotError(f"cannot lock {file.name}", error.strerror or str(error)) from error
        yield


def begin(place: Path, journal: Journal, preimages: Mapping[int, bytes]) -> None:
    """Write a journal, with pre-images by the numbers of their entries. It is there whole, or not at all (OSError)."""
    draft = place / "draft"
    shutil.rmtree(draft, ignore_errors=True)
    try:
        draft.mkdir()
        for number, content in preimages.items():
            disk.write(draft / str(number), content)
        disk.write(draft / _NAME, json.dumps(asdict(journal)).encode())
        disk.sync(draft)
        draft.rename(place / "journal")
        for folder in (place, place.parent, place.parent.parent):  # all new, the first time
            disk.sync(folder)
    except BaseException:
        with suppress(FileNotFoundError):
            end(place)
        shutil.rmtree(draft, ignore_errors=True)
        raise


def load(place: Path) -> Journal | None:
    """The journal that is there. Raises ScaffoldError for one that this version cannot read."""
    file = place / "journal" / _NAME
    try:
        raw = json.loads(file.read_bytes())
        entries = [{**entry, "index": tuple(Stage(*stage) for stage in entry["index"])} for entry in raw["entries"]]
        return Journal(**{**raw, "entries": tuple(Entry(**entry) for entry in entries)})
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError) as error:
        why = "it is damaged, or another version of scaffold wrote it; the files from before are beside it"
        raise ScaffoldError(f"cannot read {file}", why, "use the version that began") from error


def wait(place: Path) -> None:
    """Note that all is written, and conflicts are waiting for the user."""
    (place / "journal" / _WAITING).touch()
    disk.sync(place / "journal")


def waits(place: Path) -> bool:
    """Whether all is written. If not, the run was interrupted."""
    return (place / "journal" / _WAITING).exists()


def end(place: Path) -> None:
    """Take a journal away, in one step."""
    shutil.rmtree(place / "done", ignore_errors=True)
    (place / "journal").rename(place / "done")
    with suppress(OSError):  # it is gone, whatever comes
        disk.sync(place)
    shutil.rmtree(place / "done", ignore_errors=True)


def foreign(project: Path, journal: Journal) -> list[str]:
    """Paths with content that is neither from before the run, nor the run's, nor an unfinished conflict."""
    gone, found = {entry.path for entry in journal.entries if entry.before is None}, []
    for path, entry in ((project / entry.path, entry) for entry in journal.entries):
        now = disk.seen(path)
        folder = now == disk.FOLDER and (entry.before is None or disk.only_holds(project, entry.path, gone))
        if not (folder or now in {None, entry.before, entry.after} or (entry.conflict and marker(path))):
            found.append(entry.path)
    return found


def marker(path: Path) -> int:
    """The line of the first conflict marker; 0 when there is none."""
    found = _MARKER.search(text := path.read_bytes() if disk.is_file(path) else b"")
    return text.count(b"\n", 0, found.start()) + 1 if found else 0


def restore(project: Path, place: Path, journal: Journal, spare: Collection[str] = ()) -> None:
    """Bring pre-images, modes and index entries back, except of paths to `spare`; can be repeated.

    Pre-images are moved, so that a full disk has room for them. Raises OSError, CouldNotError, and, before anything
    happens, ScaffoldError for a path that leads through a link.
    """
    for path in journal.paths:
        disk.guard(project, path)
    (place / "journal" / _WAITING).unlink(missing_ok=True)  # half restored, it no longer only has conflicts
    disk.sync(place / "journal")
    disk.sweep(project, journal.token, journal.paths)
    entries = [(number, entry) for number, entry in enumerate(journal.entries) if entry.path not in spare]
    _restore_files(project, place, journal, entries)
    current = index.read(project)
    changed = {entry.path: entry.index for entry in journal.entries if current.get(entry.path, ()) != entry.index}
    if changed:
        index.write(project, changed, journal.head)


def _restore_files(project: Path, place: Path, journal: Journal, entries: Collection[tuple[int, Entry]]) -> None:
    for _, entry in entries:
        if entry.before is None and disk.seen(project / entry.path) not in (None, disk.FOLDER):
            disk.delete(project / entry.path)
    for number, entry in entries:
        preimage, target = place / "journal" / str(number), project / entry.path
        same = disk.seen(target) == entry.before and disk.mode_of(target) == entry.mode
        # A pre-image that is gone was brought back by an earlier try.
        if entry.mode is not None and not same and preimage.exists():
            disk.bring(preimage, project, entry.path, entry.mode, f".scaffold-{journal.token}-{number}")
    disk.prune(project, [entry.path for _, entry in entries if entry.before is None], journal.folders)
    for folder, mode in journal.folders.items():
        path = project / folder
        if path.is_dir() and stat.S_IMODE(path.stat().st_mode) != mode:
            path.chmod(mode)
