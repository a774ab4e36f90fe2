"""Building a team's template: a pinned release of the standard, the team's folder over it, and a version of its own."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from scaffold.catalog import index
from scaffold.catalog.finding import Finding
from scaffold.errors import CouldNotError, ScaffoldError, closest
from scaffold.project import git, releases
from scaffold.project.source import BUNDLE, versions
from scaffold.team import folder as folders
from scaffold.team import publish
from scaffold.team.lay import Laid, lay
from scaffold.team.publish import Refs, Repository


@dataclass(frozen=True, slots=True)
class Plan:
    """What a build comes to: findings, or a version.

    `version` is new unless `unchanged`, which names the one that has this tree already. `files` are the paths that
    changed since the version before, or since the base, with git's letter for how.
    """

    base: str
    laid: Laid
    version: str
    unchanged: bool
    repository: Repository
    files: list[tuple[str, str]]
    refs: Refs

    @property
    def findings(self) -> list[Finding]:
        """What has to be put right first."""
        return self.laid.findings


@contextmanager
def planned(root: Path, out: Path, base: str | None = None, bundle: Path = BUNDLE) -> Iterator[Plan]:
    """The plan for the team's folder at `root` and the repository at `out`, for as long as its objects are kept.

    Raises ScaffoldError when there is nothing to build on or to build into, CouldNotError when git or the disk fails.
    """
    folder = folders.read(root)
    repository = publish.look(out)
    with releases.opened(bundle) as scratch, tempfile.TemporaryDirectory(prefix="scaffold-team-") as temporary:
        known = versions(git.run("tag", folder=scratch).split())
        tag = _base(known, base or folder.standard.base, root)
        folder = replace(folder, standard=replace(folder.standard, base=tag.removeprefix("v")))
        _refuse_older(repository, tag)
        tree = Path(temporary) / "tree"
        _check_out(scratch, tag, tree)
        _refuse_foreign(tree, tag, known)
        laid = lay(tree, folder)
        if laid.findings:
            yield Plan(tag, laid, "", False, repository, [], Refs(scratch, {}, ""))
        else:
            yield _plan(scratch, repository, known[: known.index(tag) + 1], tree, laid)


def carry_out(plan: Plan) -> bool:
    """Add the version; a build that was interrupted is finished. Returns whether there was anything to do.

    Raises CouldNotError, and leaves the repository as it was, when git or the disk fails or somebody was faster.
    """
    if not plan.refs.tags and plan.refs.commit == plan.repository.tip:
        return False
    publish.add(plan.repository, plan.refs)
    return True


def _base(known: list[str], version: str, root: Path) -> str:
    if not known:
        raise CouldNotError("this install holds no released template", fix="install compose-scaffold from a release")
    if not version:
        fix = f'write it into {root / folders.SETTINGS}: [base] version = "{known[-1][1:]}"'
        raise ScaffoldError("no base version is given", fix=fix)
    if f"v{version}" not in known:
        fix = closest(version, [tag.removeprefix("v") for tag in known])
        raise ScaffoldError(f"this install holds no release {version}", "it may be newer than this install", fix)
    return f"v{version}"


def _refuse_older(repository: Repository, tag: str) -> None:
    newest = repository.newest
    if newest and versions([newest, f"{tag}.post{10**9}"])[-1] == newest:
        why = f"{newest} is there already, and projects never go back"
        raise ScaffoldError(f"cannot build on {tag}", why, f"build on {newest.partition('.post')[0]} or a newer one")


def _check_out(scratch: Path, tag: str, tree: Path) -> None:
    tree.mkdir()
    environment = git.settings(publish.QUIET) | {"GIT_INDEX_FILE": str(tree.with_name("index"))}
    where = [f"--git-dir={scratch}", f"--work-tree={tree}"]
    git.run(*where, "read-tree", tag, environment=environment)
    git.run(*where, "checkout-index", "--all", folder=tree, environment=environment)


def _refuse_foreign(tree: Path, tag: str, known: list[str]) -> None:
    """This install writes the index anew: it has to be the one that wrote the base's, byte for byte."""
    try:
        files = index.generate(tree)
        stale = [path.name for path, text in files.items() if path.read_bytes() != text.encode()]
        why = f"this one would write {', '.join(stale)} differently" if stale else ""
    except (ScaffoldError, OSError) as error:
        why = f"this one cannot read it: {str(error).replace(f'{tree}/', '')}"
    if why:
        version = tag.removeprefix("v")
        fix = f"build with the release of scaffold that belongs to it: compose-scaffold=={version}"
        if tag != known[-1]:
            fix += f"; or move to the base {known[-1].removeprefix('v')}"
        raise ScaffoldError(f"{tag} was made by another version of scaffold", why, fix)


def _plan(scratch: Path, repository: Repository, standard: list[str], tree: Path, laid: Laid) -> Plan:
    tag = standard[-1]
    tags = {known: git.run("rev-parse", f"{known}^{{commit}}", folder=scratch) for known in standard}
    before = _before(scratch, repository, tags[tag])
    written = publish.write_tree(scratch, tree)
    unchanged = bool(before) and git.run("rev-parse", f"{before}^{{tree}}", folder=scratch) == written
    if unchanged:
        version, commit = repository.newest, before
    else:
        version = _next(repository, tag)
        commit = releases.commit(scratch, written, f"Release {version[1:]}", _parents(before, tags[tag]))
    tags[version] = commit
    for name, have in repository.tags.items():
        if tags.get(name, have) != have:
            why = f"{repository.path} has a tag of this name on another commit"
            raise ScaffoldError(f"{name} is not the standard's", why, "take it away, or build into another repository")
    missing = {name: id for name, id in tags.items() if name not in repository.tags}
    files = _changed(scratch, before or tags[tag], written)
    return Plan(tag, laid, version, unchanged, repository, files, Refs(scratch, missing, commit))


def _before(scratch: Path, repository: Repository, base: str) -> str:
    """The commit of the version before, brought into the scratch repository; empty when this is the first.

    The branch has to be there, or behind it where a build was interrupted: what people commit would be lost.
    """
    before = repository.tags.get(repository.newest, "")
    wanted = list(dict.fromkeys(commit for commit in (before, repository.tip) if commit))
    if wanted:
        environment = git.settings(publish.QUIET)
        where = ("--no-tags", "--no-write-fetch-head", repository.path)
        git.run("fetch", "--quiet", *where, *wanted, folder=scratch, environment=environment)
    if repository.tip:
        behind = git.attempt("merge-base", "--is-ancestor", repository.tip, before or base, folder=scratch)
        if behind.returncode != 0:
            raise ScaffoldError(
                f"{repository.path} has commits that no build made",
                f"{repository.branch.removeprefix('refs/heads/')} is not at {repository.newest or 'a version'}",
                "keep the team's folder in a repository of its own, and build into one that holds nothing else",
            )
    return before


def _next(repository: Repository, tag: str) -> str:
    numbers = [
        int(known.rpartition(".post")[2])
        for known in versions(list(repository.tags))
        if known.startswith(f"{tag}.post")
    ]
    return f"{tag}.post{max(numbers, default=0) + 1}"


def _parents(before: str, base: str) -> list[str]:
    return [commit for commit in (before, base) if commit]


def _changed(scratch: Path, before: str, tree: str) -> list[tuple[str, str]]:
    arguments = ("diff-tree", "-r", "-z", "--name-status", "--no-renames", before, tree)
    words = git.ask(*arguments, folder=scratch).decode().split("\0")
    return list(zip(words[1::2], words[0::2], strict=False))
