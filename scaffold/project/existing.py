"""A project that is there: what it was made from, what was chosen, and whether it can be changed now."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scaffold.errors import ScaffoldError, closest
from scaffold.project import answers as answering
from scaffold.project import git, scratch, source

ANSWERS_FILE = ".copier-answers.yml"
_NAMED = 3  # of many files, so many are named


@dataclass(frozen=True, slots=True)
class Existing:
    """A generated project: `remembered` is all of its answers file, `answers` what a person chose of it."""

    folder: Path
    remembered: Mapping[str, Any]
    answers: Mapping[str, Any]
    url: str
    version: str


def folder_of(start: Path) -> Path:
    """The folder of the project that `start` lies in. Raises ScaffoldError when there is none."""
    folder = next((one for one in (start, *start.parents) if (one / ANSWERS_FILE).is_file()), None)
    if folder is None:
        raise ScaffoldError(
            f"{start} is no project of scaffold",
            f"there is no {ANSWERS_FILE} in it, nor in a folder above",
            "go to a project's folder, or name it: --project DIR",
        )
    return folder


def find(start: Path) -> Existing:
    """The project that `start` lies in. Raises ScaffoldError when there is none, or it cannot say where it is from."""
    folder = folder_of(start)
    remembered = answering.mapping_in(folder / ANSWERS_FILE)
    url, version = (remembered.get(key) for key in ("_src_path", "_commit"))
    if not isinstance(url, str) or not isinstance(version, str):
        raise ScaffoldError(
            f"{folder} does not say which template it follows",
            f"{ANSWERS_FILE} has no `_src_path` or no `_commit`",
            f"bring the lines back: git log -p -- {ANSWERS_FILE}",
        )
    answers = answering.of_a_person(remembered)
    services = answers.get("services")
    if not isinstance(services, list):
        raise ScaffoldError(f"{folder} follows another template", f"{url} has no list of `services`")
    name = answers.get("project_name")
    named = isinstance(name, str) and answering.PROJECT_NAME.fullmatch(name)
    if not named or not all(isinstance(id, str) for id in services):
        raise ScaffoldError(
            f"{folder} does not say what was chosen for it",
            f"{ANSWERS_FILE} has no readable {'`services`' if named else '`project_name`'}",
            f"bring the lines back: git log -p -- {ANSWERS_FILE}",
        )
    return Existing(folder, remembered, answers, url, version)


def check_repository(project: Existing) -> None:
    """Make sure that git knows the project. Raises ScaffoldError with the reason when not."""
    scratch.check(project.folder)
    if not git.run("ls-files", "--", ANSWERS_FILE, folder=project.folder):
        raise ScaffoldError(f"git does not track {ANSWERS_FILE}", fix=f"git add {ANSWERS_FILE}, and commit it")


def check_clean(project: Existing) -> None:
    """Make sure that what is going to change can be told from what is there. Raises ScaffoldError when not."""
    folder = project.folder
    status = git.ask("status", "--porcelain", "-z", "--untracked-files=no", "--", ".", folder=folder)
    changed = [line[3:].decode(errors="replace") for line in status.split(b"\0") if line[2:3] == b" "]
    if changed:
        first, more = changed[:_NAMED], len(changed) - _NAMED
        raise ScaffoldError(
            f"there are changes that are not committed: {', '.join(first)}{f' and {more} more' if more > 0 else ''}",
            "they could not be told apart from those to come",
            "commit them, or put them aside with git stash",
        )


def check_origin(project: Existing, known: list[str]) -> None:
    """Make sure that the version the project is from can be had, or nothing can be merged.

    `known` are the versions of its template that can be reached. Raises ScaffoldError.
    """
    if project.version in known:
        return
    if project.version not in source.versions([project.version]):
        raise ScaffoldError(
            f"{project.folder} was made from a template between two versions ({project.version})",
            "nobody can render that one again, so there is nothing to merge from",
            "make it anew from a released version, and take your changes over",
        )
    held = f"this install holds versions up to {known[-1]}" if source.is_bundled(project.url) else ""
    raise ScaffoldError(
        f"the template has no {project.version}, which {project.folder} is from",
        held or f"{project.url} has {', '.join(known[-3:])}",
        "install a newer compose-scaffold, or ask the template's address: --online" if held else "",
    )


def check_source(project: Existing) -> None:
    """Refuse an address that means something else from another folder. Raises ScaffoldError."""
    # With a colon it has a scheme, a host, or one of copier's short forms.
    if re.match(r"[./~]|[^:]*$", project.url) and not project.url.startswith("/"):
        raise ScaffoldError(
            f"{project.folder} follows a template at a relative address: {project.url}",
            "it means another place on another machine, and in a scratch folder",
            "scaffold switch URL",
        )
    if project.version == "HEAD" or (Path(project.url).is_dir() and not source.versions([project.version])):
        raise ScaffoldError(
            f"{project.folder} was made from a working tree, {project.url}",
            f"its commit {project.version} has no version, and a later one cannot be merged with it",
            "make it anew from a released version, and take your changes over",
        )


def target(project: Existing, known: list[str], wanted: str | None) -> str:
    """The tag to update to: the newest of `known`, or the `wanted` version. Raises ScaffoldError."""
    tag = known[-1] if wanted is None else f"v{wanted.removeprefix('v')}"
    if tag not in known:
        raise ScaffoldError(f"the template has no version {tag}", fix=closest(tag, known))
    if known.index(tag) < known.index(project.version):
        raise ScaffoldError(
            f"{tag} is older than {project.version}, where the project is",
            "templates cannot take back what they changed",
            "go back with git, to the commit before the update",
        )
    return tag
