"""Versions of a template as commits and tags of a git repository, and the bundle that carries them.

The same tree always gives the same commit: author, date and message are fixed, so two machines agree.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scaffold.errors import ScaffoldError
from scaffold.project import git
from scaffold.project.source import versions

# What a template is made of, of all that its repository holds.
TEMPLATE_PATHS = ("copier.yml", "templates")


@contextmanager
def opened(bundle: Path) -> Iterator[Path]:
    """A scratch repository with everything the bundle holds; empty when there is no bundle yet."""
    with tempfile.TemporaryDirectory(prefix="scaffold-releases-") as scratch:
        repository = Path(scratch) / "releases.git"
        start(repository)
        if bundle.exists():
            git.run("fetch", "--quiet", bundle.resolve(), "refs/*:refs/*", folder=repository)
        yield repository


def start(repository: Path) -> None:
    """Make an empty bare repository."""
    git.run("init", "--quiet", "--bare", "--initial-branch=main", repository)


def add_version(repository: Path, template: Path, version: str) -> None:
    """Add the template that lies in a work tree as the commit and tag of a version, after the newest one.

    Raises ScaffoldError when the version is there already or older, and CouldNotError when git fails.
    """
    known = versions(git.run("tag", folder=repository).split())
    tag = f"v{version}"
    if not versions([tag]):
        raise ScaffoldError(f"`{version}` is not a version", fix="write it like 1.2.3")
    if tag in known or versions([*known, tag])[-1] != tag:
        raise ScaffoldError(f"{version} cannot be released", f"{known[-1]} is there already")
    made = commit(repository, _tree(repository, template), f"Release {version}", known[-1:])
    git.run("update-ref", "refs/heads/main", made, folder=repository)
    git.run("tag", tag, made, folder=repository)


def write(repository: Path, bundle: Path) -> None:
    """Write everything in the repository to the bundle, complete or not at all."""
    part = bundle.with_suffix(".part")
    git.run("bundle", "create", "--quiet", part.resolve(), "--all", folder=repository)
    part.replace(bundle)


def _tree(repository: Path, template: Path) -> str:
    """The tree of a template's files, read into an index of its own: the template's repository stays as it is."""
    with tempfile.TemporaryDirectory(prefix="scaffold-index-") as scratch:
        environment = {"GIT_INDEX_FILE": str(Path(scratch) / "index")}
        where = [f"--git-dir={repository}", f"--work-tree={template}"]
        # Run inside the template, or its .gitignore would not count.
        git.run(*where, "add", "--all", "--", *TEMPLATE_PATHS, folder=template, environment=environment)
        return git.run(*where, "write-tree", folder=template, environment=environment)


def commit(repository: Path, tree: str, message: str, parents: list[str]) -> str:
    """Commit a tree and return the commit's id, which follows from tree, message and parents alone."""
    arguments = [word for parent in parents for word in ("-p", parent)]
    return git.run("commit-tree", tree, *arguments, "-m", message, folder=repository, environment=git.NOBODY)
