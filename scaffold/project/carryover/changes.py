"""What is to change in a project: its commit, its files and the scratch clone compared. Nothing is written here."""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, NamedTuple

from scaffold.errors import CouldNotError, ScaffoldError
from scaffold.project import git
from scaffold.project.carryover import disk, index
from scaffold.project.carryover.index import Stage

Kind = Literal["create", "change", "delete", "conflict", "blocked"]  # blocked: left as it is, and reported


class _File(NamedTuple):
    """A file as git counts it."""

    blob: str
    executable: bool


@dataclass(frozen=True, slots=True)
class Change:
    """One path: `base` is the blob in HEAD, `new` the digest of what is to be there; None where there is none.

    `executable` says what a new file is, and what an existing one becomes when `chmod` is set.
    """

    path: str
    kind: Kind
    base: str | None
    new: str | None
    executable: bool = False
    stages: tuple[Stage, ...] = ()
    reason: str = ""
    chmod: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """Every path that differs between a project's commit and the scratch clone of it, sorted."""

    head: str
    changes: tuple[Change, ...]

    def of(self, kind: Kind) -> list[str]:
        """The paths with one fate."""
        return [change.path for change in self.changes if change.kind == kind]


def plan(project: Path, scratch: Path) -> Plan:
    """Compare a project's commit with the working tree of its scratch clone, ignored files included.

    Both are the project's own folder in its repository. Raises ScaffoldError for links and paths that lead out,
    CouldNotError when git fails or a file cannot be read.
    """
    try:
        return _plan(project.resolve(), scratch.resolve())
    except OSError as error:
        raise CouldNotError(f"cannot read {error.filename}", f"{error.strerror}; nothing was changed") from error


def content(project: Path, scratch: Path, change: Change) -> bytes:
    """What a path is to hold: the scratch clone's file, with CRLF where git has made that of the project's LF."""
    new, present = (scratch / change.path).read_bytes(), project / change.path
    if change.base is None or b"\0" in new or not disk.is_file(present):
        return new
    now, base = present.read_bytes(), change.base
    converted = _blob(now, base) != base == _blob(_lf(now), base) and now.count(b"\r\n") == now.count(b"\n")
    return _lf(new).replace(b"\n", b"\r\n") if converted else new


def _plan(project: Path, scratch: Path) -> Plan:
    head, tree_id, prefix = _whereabouts(project)
    if (tree_id, prefix) != _whereabouts(scratch)[1:]:
        raise ScaffoldError("the scratch clone is not of this project's commit", "a commit came in between, perhaps")
    rows = list(index.listed("ls-tree", "-r", "-z", "HEAD", folder=project))
    tree = {path: _File(blob, mode == "100755") for path, (mode, _, blob) in rows if mode.startswith("100")}
    others = {path for path, _ in rows} - tree.keys()  # links and submodules
    after = _files(scratch, _paths(project, scratch, others), tree)
    stages = {path: found for path, found in index.read(scratch).items() if any(stage.number for stage in found)}
    paths = sorted({*stages, *(path for path in tree.keys() | after if tree.get(path) != after.get(path))})
    for path in paths:
        disk.guard(project, path)
    present = _files(project, (path for path in paths if disk.is_file(project / path)), tree)
    turned = _turned(project, {path: (tree.get(path), after.get(path), present.get(path)) for path in paths})
    staged = index.read(project) if stages else {}
    changes = []
    for path in paths:
        change = _change(project, scratch, path, tree.get(path), after.get(path), stages=stages.get(path, ()))
        change = replace(change, chmod=path in turned)
        now = disk.seen(project / path)
        # Where it is already as it will be (or a folder is, in place of a file to delete), nothing happens.
        if change.stages or change.chmod or (now != change.new and not (now == disk.FOLDER and change.new is None)):
            reason = _reason(project, change, now, present.get(path)) or _staged(change, staged.get(path, ()))
            changes.append(_blocked(change, reason))
    twins = _twins(project, tree.keys() | after)
    changes = [_blocked(change, twins.get(change.path, "")) for change in changes]
    gone = {change.path for change in changes if change.kind == "delete"}
    return Plan(head, tuple(_blocked(change, _obstacle(project, change, gone)) for change in changes))


def _whereabouts(folder: Path) -> tuple[str, str, str]:
    """The commit, the tree of this very folder in it, and where the folder is."""
    words = os.fsdecode(index.ask("rev-parse", "HEAD", "HEAD:./", "--show-prefix", folder=folder))
    commit, tree, prefix = words.split("\n", 2)
    return commit, tree, prefix


def _setting(folder: Path, name: str) -> str:
    return git.attempt("config", "--type=bool", "--get", name, folder=folder).stdout.strip()


def _paths(project: Path, scratch: Path, others: set[str]) -> Iterator[str]:
    """Every file in the scratch clone. Raises ScaffoldError for what a template has no business to make."""
    own = index.prefix_of(scratch) == ""  # git's own folder is at the top of the repository, and nowhere else
    for folder, folders, names in os.walk(scratch):
        if own and Path(folder) == scratch and ".git" in folders:
            folders.remove(".git")
        for path in ((Path(folder) / name).relative_to(scratch).as_posix() for name in [*folders, *names]):
            disk.guard(scratch, path)
            what = disk.kind(scratch / path) or ""
            yours = not others.isdisjoint({path, *disk.folders_above([path])})
            if what == disk.FOLDER or (what.startswith(disk.LINK) and yours and what == disk.kind(project / path)):
                continue
            if yours or what.startswith((disk.LINK, disk.SPECIAL)):
                why = "scaffold never follows, makes or changes links, special files and submodules"
                raise ScaffoldError(f"the template makes {path} {what}, or changes one of yours", why)
            yield path


def _files(folder: Path, paths: Iterable[str], tree: Mapping[str, _File]) -> dict[str, _File]:
    """Files as git would store them: where line ends and filters may be all the difference, git is asked."""
    kind, found = next(iter(tree.values()), _File("", False)).blob, dict[str, _File]()
    for path in paths:
        file = folder / path
        found[path] = _File(_blob(file.read_bytes(), kind), bool(file.stat().st_mode & 0o100))
    unlike = [path for path, file in found.items() if path in tree and tree[path].blob != file.blob]
    for some in (unlike[start : start + 200] for start in range(0, len(unlike), 200)):
        lines = index.ask("hash-object", "--", *some, folder=folder).decode().split()
        found |= {path: _File(blob, found[path].executable) for path, blob in zip(some, lines, strict=True)}
    return found


def _blob(content: bytes, like: str) -> str:
    """What git calls a content that is stored as it is, in a repository with names `like` this one."""
    algorithm = hashlib.sha256 if len(like) == 2 * hashlib.sha256().digest_size else hashlib.sha1
    return algorithm(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def _lf(content: bytes) -> bytes:
    return content.replace(b"\r\n", b"\n")


def _change(
    project: Path, scratch: Path, path: str, base: _File | None, new: _File | None, *, stages: tuple[Stage, ...]
) -> Change:
    if stages and new is None:
        why = "one side deleted what the other changed, and the scratch clone kept neither"
        raise ScaffoldError(f"{path} is in conflict, and gone", why, "commit your own choice for that file first")
    kind: Kind = "conflict" if stages else "delete" if new is None else "create" if base is None else "change"
    change = Change(path, kind, base and base.blob, None, new is not None and new.executable, stages)
    return change if new is None else replace(change, new=disk.digest(content(project, scratch, change)))


def _turned(project: Path, files: Mapping[str, tuple[_File | None, _File | None, _File | None]]) -> set[str]:
    """Files that are as executable as in the commit, and are to become the opposite, where git looks at that."""
    turned = {
        path
        for path, (base, new, present) in files.items()
        if base and new and present and base.executable == present.executable != new.executable
    }
    return turned if turned and _setting(project, "core.fileMode") != "false" else set()


def _reason(project: Path, change: Change, now: str | None, present: _File | None) -> str:
    """Why a path is not to be written: only what equals the commit is."""
    if now and now.startswith((disk.LINK, disk.SPECIAL)):
        raise ScaffoldError(f"{change.path} is {now}", "scaffold neither follows nor replaces it", "move it away")
    if change.base is None:
        return "" if now in (None, disk.FOLDER) else "git does not track the file that is there"
    if present is None or present.blob != change.base:
        what = "was deleted" if now is None else "became a folder" if now == disk.FOLDER else "was changed"
        return f"it {what} since the last commit"
    raw = (project / change.path).read_bytes()
    if change.new is None or change.base in (_blob(raw, change.base), _blob(_lf(raw), change.base)):
        return ""
    return "git stores it in another form than it has here (a filter, or an encoding)"


def _staged(change: Change, staged: tuple[Stage, ...]) -> str:
    usual = change.base is not None and [(one.number, one.blob) for one in staged] == [(0, change.base)]
    return "" if usual or not change.stages else "something else than the last commit is staged for it"


def _twins(project: Path, paths: Collection[str]) -> dict[str, str]:
    """Paths that are one file on a disk that does not tell capitals from small letters."""
    groups = defaultdict(list)
    for path in paths:
        groups[path.casefold()].append(path)
    twins = {path: group for group in groups.values() if len(group) > 1 for path in group}
    if not twins or _setting(project, "core.ignoreCase") != "true":
        return {}
    return {
        path: f"its name is another's in capitals or small letters: {', '.join(sorted(twins[path]))}" for path in twins
    }


def _obstacle(project: Path, change: Change, gone: Collection[str]) -> str:
    """What stands where a file is to be written, and will not be deleted."""
    folders = [one for one in disk.folders_above([change.path]) if disk.is_file(project / one) and one not in gone]
    full = (project / change.path).is_dir() and not disk.only_holds(project, change.path, gone)
    if change.new is None or not (folders or full):
        return ""
    return f"{folders[0]} is a file of yours" if folders else "a folder with files of yours is there"


def _blocked(change: Change, reason: str) -> Change:
    return replace(change, kind="blocked", reason=reason) if reason else change
