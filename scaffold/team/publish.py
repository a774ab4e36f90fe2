"""A team's template repository: what is in it, and the one step that adds a version to it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from scaffold.catalog import hazards
from scaffold.errors import CouldNotError, ScaffoldError
from scaffold.project import git, place, releases
from scaffold.project.source import versions

# Nobody's attributes or line ends change what is read or written, and nothing is cleaned up on the way.
QUIET = {
    **git.HARDENED,
    "core.autocrlf": "false",
    "core.attributesFile": os.devnull,
    "gc.auto": "0",
    "maintenance.auto": "false",
    # Commits are asked for by their ids.
    "protocol.version": "2",
}
NONE = "0" * 40


class Kind(Enum):
    """What a repository is, which decides how its branch moves."""

    NEW = "none yet"
    BARE = "a bare repository"
    CLONE = "a repository with files checked out"


@dataclass(frozen=True, slots=True)
class Repository:
    """A team's repository as it is: the checked-out branch, its commit if it has one, and each tag's commit."""

    path: Path
    kind: Kind
    branch: str
    tip: str
    tags: Mapping[str, str]

    @property
    def newest(self) -> str:
        """The newest version that a build made; empty when there is none."""
        return next((tag for tag in reversed(versions(list(self.tags))) if ".post" in tag), "")


@dataclass(frozen=True, slots=True)
class Refs:
    """What is to be there in the end: tags that are missing, and the branch at a commit. `source` has the objects."""

    source: Path
    tags: Mapping[str, str]
    commit: str


def look(path: Path) -> Repository:
    """What is at `path`. Raises ScaffoldError when no version can be added to it."""
    if not os.path.lexists(path) or (path.is_dir() and not any(path.iterdir())):
        return Repository(path, Kind.NEW, "refs/heads/main", "", {})
    done = (
        git.attempt("rev-parse", "--is-bare-repository", "--absolute-git-dir", folder=path) if path.is_dir() else None
    )
    said = done.stdout.split("\n") if done is not None and done.returncode == 0 else ["", ""]
    bare = said[0] == "true"
    if not said[0] or not _is_root(path, Path(said[1]), bare):
        fix = "give a path where nothing is, a bare repository, or the root of a clone"
        raise ScaffoldError(f"{path} is there, and is not a git repository by itself", fix=fix)
    branch = git.attempt("symbolic-ref", "--quiet", "HEAD", folder=path).stdout.strip()
    if not branch:
        raise ScaffoldError(f"{path} is on no branch", fix="check out the branch that holds the template")
    if not bare and git.run("status", "--porcelain", folder=path):
        fix = "commit it elsewhere or take it back: only `template build` writes here"
        raise ScaffoldError(f"{path} is not clean", "files in it are changed or not committed", fix)
    tip = git.attempt("rev-parse", "--verify", "--quiet", "HEAD^{commit}", folder=path).stdout.strip()
    form = "%(refname:lstrip=2) %(objectname) %(*objectname)"
    tags = [line.split() for line in git.run("for-each-ref", f"--format={form}", "refs/tags", folder=path).splitlines()]
    return Repository(path, Kind.BARE if bare else Kind.CLONE, branch, tip, {tag[0]: tag[-1] for tag in tags})


def _is_root(path: Path, directory: Path, bare: bool) -> bool:
    if bare:
        return path.samefile(directory)
    top = git.toplevel(path)
    return top is not None and top.samefile(path)


def write_tree(repository: Path, root: Path) -> str:
    """The id of the tree that holds the template at `root`, written to a repository byte for byte."""
    environment = git.settings(QUIET)
    paths = sorted(hazards.files(root))
    names = b"".join(os.fsencode(path) + b"\n" for path in paths)
    ids = git.ask("hash-object", "-w", "--no-filters", "--stdin-paths", folder=repository, stdin=names)
    lines = [
        f"{'100755' if path.stat().st_mode & 0o100 else '100644'} {id}\t{path.relative_to(root).as_posix()}\0"
        for path, id in zip(paths, ids.decode().split(), strict=True)
    ]
    with tempfile.TemporaryDirectory(prefix="scaffold-index-") as scratch:
        environment = {**environment, "GIT_INDEX_FILE": str(Path(scratch) / "index")}
        listing = "".join(lines).encode()
        git.ask("update-index", "-z", "--index-info", folder=repository, stdin=listing, environment=environment)
        return git.ask("write-tree", folder=repository, environment=environment).decode().strip()


def add(repository: Repository, refs: Refs) -> None:
    """Add what is missing: all of it, or, when this fails, nothing that anybody sees.

    Raises CouldNotError when git or the disk fails, or the repository changed since it was looked at.
    """
    if repository.kind is Kind.NEW:
        _make(repository, refs)
        return
    _fetch(repository.path, refs)
    if repository.kind is Kind.BARE:
        _update(repository.path, refs.tags, (repository.branch, refs.commit, repository.tip))
        return
    _update(repository.path, refs.tags)
    try:
        environment = git.settings(QUIET)
        git.run("merge", "--quiet", "--ff-only", refs.commit, folder=repository.path, environment=environment)
    except BaseException:
        lines = [f"delete refs/tags/{tag} {commit}\n" for tag, commit in refs.tags.items()]
        git.ask("update-ref", "--stdin", folder=repository.path, stdin="".join(lines).encode())
        raise


def _make(repository: Repository, refs: Refs) -> None:
    """A new bare repository, which appears complete."""
    path = repository.path
    try:
        with place.scratch(path) as scratch:
            bare = scratch / "template.git"
            releases.start(bare)
            _fetch(bare, refs)
            _update(bare, refs.tags, (repository.branch, refs.commit, ""))
            # On to an empty folder this is one step, too; on to another it fails.
            bare.rename(path)
    except OSError as error:
        raise CouldNotError(f"cannot make {path}", error.strerror or str(error)) from error


def _fetch(repository: Path, refs: Refs) -> None:
    """Get the objects; without a name in the repository nobody sees them."""
    git.run(
        "fetch",
        "--quiet",
        "--no-tags",
        "--no-write-fetch-head",
        refs.source,
        *dict.fromkeys([refs.commit, *refs.tags.values()]),
        folder=repository,
        environment=git.settings(QUIET),
    )


def _update(repository: Path, tags: Mapping[str, str], branch: tuple[str, str, str] | None = None) -> None:
    """Make tags and move the branch, in one transaction that holds only while everything is as it was."""
    lines = [f"create refs/tags/{tag} {commit}\n" for tag, commit in tags.items()]
    if branch is not None:
        lines.append(f"update {branch[0]} {branch[1]} {branch[2] or NONE}\n")
    environment = git.settings(QUIET)
    try:
        git.ask("update-ref", "--stdin", folder=repository, stdin="".join(lines).encode(), environment=environment)
    except CouldNotError as error:
        fix = "if somebody else built into it meanwhile, run this again"
        raise CouldNotError(f"cannot add the version to {repository}", error.what, fix) from error
