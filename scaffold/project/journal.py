"""Changing several files of a project as if they were one: a journal with pre-images, a lock, and git's index."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import secrets
import shutil
import stat
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import NamedTuple
from urllib.parse import quote

from scaffold.errors import CouldNotError, ScaffoldError
from scaffold.project import git
from scaffold.project.place import missing_parents

# What `seen` says of things that are no file; no digest looks like these.
FOLDER, LINK, SPECIAL = "a folder", "a symbolic link", "a special file"
WRITING, CONFLICTS = "writing", "conflicts"
# No hook of anybody's runs, and a power cut loses neither the stages nor what they name (where git is 2.36 or newer).
_SETTINGS = {**git.HARDENED, "core.fsync": "loose-object,index"}


class Stage(NamedTuple):
    """An index entry of a path: stage 0, or 1 base, 2 ours, 3 theirs."""

    number: int
    mode: str
    blob: str


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
    state: str = WRITING
    # In the names of files that are written beside others, so that nobody else's file is taken for ours.
    token: str = field(default_factory=lambda: secrets.token_hex(4))


@dataclass(frozen=True, slots=True)
class Step:
    """A file to write (or with content None to delete), where `expected` is what must still be there."""

    path: str
    content: bytes | None
    expected: str | None
    mode: int
    exact: bool  # whether the umask has no say in the mode


def ask(*arguments: str, folder: Path, stdin: bytes = b"") -> bytes:
    """What git prints. Raises CouldNotError."""
    return git.ask(*arguments, folder=folder, stdin=stdin, environment=git.settings(_SETTINGS))


def listed(*arguments: str, folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Paths, relative to `folder`, and the words before each, of a git command that lists them."""
    for line in ask(*arguments, folder=folder).split(b"\0")[:-1]:
        facts, _, name = line.partition(b"\t")
        yield os.fsdecode(name), facts.decode().split()


def prefix_of(folder: Path) -> str:
    """Where `folder` is in its repository: empty, or with a slash at the end."""
    return os.fsdecode(ask("rev-parse", "--show-prefix", folder=folder)[:-1])


def place_of(project: Path) -> Path:
    """The folder for a project's journal. Projects of one repository have one each."""
    shared = os.fsdecode(ask("rev-parse", "--git-path", "scaffold", folder=project)[:-1])
    return project / shared / (quote(os.fsencode(prefix_of(project)), safe="") or "%")


def index(folder: Path) -> dict[str, tuple[Stage, ...]]:
    """The index entries of every path below `folder`, relative to it."""
    found: dict[str, tuple[Stage, ...]] = {}
    for path, (mode, blob, number) in listed("ls-files", "--stage", "-z", folder=folder):
        found[path] = (*found.get(path, ()), Stage(int(number), mode, blob))
    return found


def set_index(folder: Path, entries: Mapping[str, tuple[Stage, ...]], head: str) -> None:
    """Give paths these index entries, in one step. Raises CouldNotError."""
    # A path has stage 0 or the others, and is a file or a folder: what was there goes first, of every path.
    prefix, zero = prefix_of(folder), "0" * len(head)
    lines = [os.fsencode(f"0 {zero}\t{prefix}{path}\0") for path in entries]
    for path, stages in entries.items():
        lines += [os.fsencode(f"{mode} {blob} {number}\t{prefix}{path}\0") for number, mode, blob in stages]
    ask("update-index", "-z", "--index-info", folder=folder, stdin=b"".join(lines))


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
        yield


def begin(place: Path, journal: Journal, preimages: Mapping[int, bytes]) -> None:
    """Write a journal, with pre-images by the numbers of their entries. It is there whole or not at all."""
    draft = place / "draft"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir()
    for number, content in preimages.items():
        _write(draft / str(number), content)
    _write(draft / "journal.json", json.dumps(asdict(journal)).encode())
    sync(draft)
    draft.rename(place / "journal")
    for folder in (place, place.parent, place.parent.parent):  # all new, the first time
        sync(folder)


def load(place: Path) -> Journal | None:
    """The journal that is there."""
    try:
        raw = json.loads((place / "journal" / "journal.json").read_bytes())
    except FileNotFoundError:
        return None
    entries = [{**entry, "index": tuple(Stage(*stage) for stage in entry["index"])} for entry in raw["entries"]]
    return Journal(**{**raw, "entries": tuple(Entry(**entry) for entry in entries)})


def mark(place: Path, journal: Journal, state: str) -> None:
    """Change a journal's state, in one step."""
    draft = place / "journal" / "draft.json"
    draft.unlink(missing_ok=True)
    _write(draft, json.dumps(asdict(replace(journal, state=state))).encode())
    draft.replace(place / "journal" / "journal.json")
    sync(place / "journal")


def end(place: Path) -> None:
    """Take a journal away, in one step."""
    shutil.rmtree(place / "done", ignore_errors=True)
    (place / "journal").rename(place / "done")
    with suppress(OSError):  # it is gone, whatever comes
        sync(place)
    shutil.rmtree(place / "done", ignore_errors=True)


def apply(project: Path, journal: Journal, steps: Collection[Step]) -> None:
    """Carry out steps: deletions, then writes. Raises OSError, or ScaffoldError for what is no longer as expected.

    Everything is on the disk under a name of no meaning before the first file changes: a full disk changes nothing.
    """
    parts = [_stage(project, journal.token, number, step) for number, step in enumerate(steps)]
    for step in steps:
        if step.content is None:
            _expect(project, step)
            (project / step.path).unlink()
            sync((project / step.path).parent)
    for part, step in zip(parts, steps, strict=True):
        if part is not None:
            _put(project, part, step, journal.folders)


def restore(project: Path, place: Path, journal: Journal, spare: Collection[str] = ()) -> None:
    """Bring pre-images and index entries back, except of paths to `spare`. Can be repeated. Raises as `apply` does."""
    steps = []
    for number, entry in enumerate(journal.entries):
        guard(project, entry.path)
        now = seen(project / entry.path)
        if entry.path in spare or now == entry.before or (entry.before is None and now == FOLDER):
            continue
        content = None if entry.before is None else (place / "journal" / str(number)).read_bytes()
        steps.append(Step(entry.path, content, now, entry.mode or 0, exact=True))
    for folder in folders_above(entry.path for entry in journal.entries):
        if (project / folder).is_dir():
            for part in (project / folder).glob(f".scaffold-{journal.token}-*"):
                part.unlink()
    apply(project, journal, steps)
    prune(project, [entry.path for entry in journal.entries if entry.before is None], journal.folders)
    current = index(project)
    changed = {entry.path: entry.index for entry in journal.entries if current.get(entry.path, ()) != entry.index}
    if changed:
        set_index(project, changed, journal.head)


def prune(project: Path, paths: Iterable[str], keep: Collection[str] = ()) -> None:
    """Remove folders above `paths` that are empty now."""
    for folder in sorted(folders_above(paths) - {".", *keep}, key=lambda folder: -folder.count("/")):
        with suppress(OSError):  # a folder too many is no harm
            (project / folder).rmdir()


def folders_above(paths: Iterable[str]) -> set[str]:
    """Every folder above these paths, the project's own as `.`."""
    return {str(folder) for path in paths for folder in PurePosixPath(path).parents}


def guard(project: Path, path: str) -> None:
    """Refuse, with ScaffoldError, a path that leads through a link or out of the project."""
    parts = PurePosixPath(path).parts
    if path.startswith("/") or ".." in parts or any(part.lower() == ".git" for part in parts):
        raise ScaffoldError(f"{path} leads out of the project", "scaffold writes only inside it")
    for folder in folders_above([path]) - {"."}:
        if (project / folder).is_symlink():
            raise ScaffoldError(f"{folder} is a symbolic link", f"writing {path} would follow it", "replace the link")


def seen(path: Path) -> str | None:
    """What is at a path: the digest of a file, None, or a word for anything else. Links are not followed."""
    try:
        mode = path.lstat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None
    if stat.S_ISREG(mode):
        return digest(path.read_bytes())
    return FOLDER if stat.S_ISDIR(mode) else f"{LINK} to {path.readlink()}" if stat.S_ISLNK(mode) else SPECIAL


def digest(content: bytes) -> str:
    """What tells one content from another."""
    return hashlib.sha256(content).hexdigest()


def sync(folder: Path) -> None:
    """Have the disk keep what was made, renamed and deleted in a folder."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write(path: Path, content: bytes, mode: int = 0o600, *, exact: bool = False) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode), "wb") as file:  # noqa: PTH123
        file.write(content)
        file.flush()
        if exact:
            os.fchmod(file.fileno(), mode)
        os.fsync(file.fileno())


def _stage(project: Path, token: str, number: int, step: Step) -> Path | None:
    guard(project, step.path)
    if step.content is None:
        return None
    # The folder may have to be made yet, perhaps where a file is now.
    near = next(folder for folder in (project / step.path).parents if folder.is_dir())
    part = near / f".scaffold-{token}-{number}"
    _write(part, step.content, step.mode, exact=step.exact)
    return part


def _expect(project: Path, step: Step) -> None:
    guard(project, step.path)
    nothing = (None, FOLDER)  # a folder that is not empty will stay, and fail the run by itself
    if seen(project / step.path) not in (nothing if step.expected in nothing else (step.expected,)):
        raise ScaffoldError(f"{step.path} has changed meanwhile", "it stays as it is, and the rest as it was")


def _put(project: Path, part: Path, step: Step, modes: Mapping[str, int]) -> None:
    target = project / step.path
    _expect(project, step)
    if target.is_dir() and not target.is_symlink():
        for folder, _, _ in os.walk(target, topdown=False):
            Path(folder).rmdir()
    for parent in missing_parents(target):
        parent.mkdir()
        parent.chmod(modes.get(parent.relative_to(project).as_posix(), stat.S_IMODE(parent.stat().st_mode)))
        sync(parent.parent)
    part.replace(target)
    sync(target.parent)
