"""A scratch clone of a project: its committed files as git stores them, in a repository that nobody else sees.

It shares the project's objects and is one commit without a past, of the project's own folder: a shallow clone serves
as well as a whole one, and siblings in a big repository cost nothing. Files are exactly what is stored (no line ends
converted, no filters run), so that copier merges what was committed.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from scaffold.errors import CouldNotError, ScaffoldError
from scaffold.project import git
from scaffold.project.carryover import index

_OLDEST = (2, 31)
# git would work on what these name, instead of on the folder it is started in.
_ELSEWHERE = ("GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_NAMESPACE")
# Over what the user's own settings say: they are for people, and copier reads git's answers.
_SETTINGS = f"""
[core]
	hooksPath = {os.devnull}
	fsmonitor = false
	autocrlf = false
	safecrlf = false
	fileMode = true
	sparseCheckout = false
[apply]
	whitespace = nowarn
	ignoreWhitespace = no
[status]
	showUntrackedFiles = normal
	branch = false
	short = false
[submodule]
	recurse = false
[gc]
	auto = 0
"""
_ATTRIBUTES = b"\n* -text -eol -filter -ident -working-tree-encoding\n"


class Repository(NamedTuple):
    """The tree of the project's folder, git's own folder of the repository, and where the project is in it."""

    tree: str
    common: Path
    prefix: str


@contextmanager
def scratch_clone(project: Path) -> Iterator[Path]:
    """Give the project's own folder in a scratch clone of its repository, which is gone afterwards.

    Raises ScaffoldError for a repository that cannot be cloned so, CouldNotError when git or the disk fails.
    """
    project = project.resolve()
    repository = check(project)
    with ExitStack() as stack:
        try:
            temporary = tempfile.TemporaryDirectory(prefix="scaffold-scratch-", ignore_cleanup_errors=True)
            clone = Path(stack.enter_context(temporary)).resolve() / "clone"
            _make(clone, repository)
            _check_out(clone, repository)
        except OSError as error:
            raise CouldNotError("cannot make a scratch clone", f"{error.strerror}: {error.filename}") from error
        except CouldNotError as error:
            raise _explained(project, error) from error
        yield clone / repository.prefix


def check(project: Path) -> Repository:
    """Look whether a project can be cloned so, and where its repository is. Raises ScaffoldError with the reason."""
    _refuse_unfit_git()
    return _repository(project)


def _refuse_unfit_git() -> None:
    for name in _ELSEWHERE:
        if name in os.environ:
            why = "git would work there, instead of on the project and its scratch clone"
            raise ScaffoldError(f"{name} is set in the environment", why, f"unset {name}, and run it again")
    said = git.run("version")
    found = re.search(r"(\d+)\.(\d+)", said)
    if found is None or (int(found[1]), int(found[2])) < _OLDEST:
        raise ScaffoldError(f"this git is too old: {said}", "scaffold needs 2.31 or newer", "install a newer git")


def _repository(project: Path) -> Repository:
    asked = ("--show-object-format", "HEAD", "HEAD:./", "--git-common-dir")
    try:
        form, _, tree, common = os.fsdecode(index.ask("rev-parse", *asked, folder=project)).split("\n", 3)
    except CouldNotError as error:
        why, fix = "your edits are what differs from the last commit", "git add --all && git commit -m 'Start'"
        if git.toplevel(project) is None:
            raise ScaffoldError(f"{project} is in no git repository", why, f"git init && {fix}") from error
        if git.attempt("rev-parse", "--verify", "--quiet", "HEAD:./", folder=project).returncode:
            raise ScaffoldError(f"{project} has no commit yet", why, fix) from error
        raise
    if form != "sha1":
        why = "copier can merge only in repositories with SHA-1 names"
        raise ScaffoldError(f"the repository of {project} names its objects by {form}", why)
    return Repository(tree, project / common.removesuffix("\n"), index.prefix_of(project))


def _make(clone: Path, repository: Repository) -> None:
    """An empty repository that finds the project's objects, and the lists that its owner keeps beside it."""
    index.ask("init", "--quiet", "--template=", "--object-format=sha1", str(clone), folder=clone.parent)
    folder, objects = clone / ".git", os.fsencode(repository.common / "objects")
    if b"\n" in objects:
        objects = b'"' + objects.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n") + b'"'
    (folder / "objects/info/alternates").write_bytes(objects + b"\n")
    with (folder / "config").open("a") as config:
        config.write(_SETTINGS)
    (folder / "info").mkdir(exist_ok=True)
    for name, more in (("exclude", b""), ("attributes", _ATTRIBUTES)):
        theirs = repository.common / "info" / name
        (folder / "info" / name).write_bytes((theirs.read_bytes() if theirs.is_file() else b"") + more)


def _check_out(clone: Path, repository: Repository) -> None:
    where = (f"--prefix={repository.prefix}",) if repository.prefix else ("-m",)
    index.ask("read-tree", "-u", *where, repository.tree, folder=clone)
    tree = index.ask("write-tree", folder=clone).decode().strip()
    words = ("commit-tree", "--no-gpg-sign", "-m", "The project, as it is committed", tree)
    commit = index.ask(*words, folder=clone, environment=git.NOBODY).decode().strip()
    index.ask("update-ref", "HEAD", commit, folder=clone)


def _explained(project: Path, error: CouldNotError) -> ScaffoldError:
    """A partial clone fetches files when somebody looks at them; here nobody asks a remote for anything."""
    promises = r"^(remote\..*\.promisor|extensions\.partialclone)$"
    if git.attempt("config", "--get-regexp", promises, folder=project).returncode:
        return error
    why = "this is a partial clone, and git has not fetched every file of the last commit"
    return ScaffoldError(
        "cannot make a scratch clone", why, "run `git fetch --refetch --no-filter` (git 2.36 or newer)"
    )
