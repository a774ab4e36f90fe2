"""Making a new project: render aside, look where it goes, put it there, then secrets and the first commit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scaffold.errors import CouldNotError, ScaffoldError
from scaffold.project import git, ops, place
from scaffold.project.render import render
from scaffold.project.source import Template


@dataclass(frozen=True, slots=True)
class Draft:
    """A project that is rendered but not there yet."""

    destination: Path
    rendered: Path
    placement: place.Placement


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it: what `ops init` said, and whether there is a commit (with an identity of the user's)."""

    ops: Mapping[str, Any]
    committed: bool
    identity: bool


@contextmanager
def draft(template: Template, answers: Mapping[str, Any], destination: Path, *, keep: bool) -> Iterator[Draft]:
    """Render next to the destination, and take it all away again unless it was moved.

    With `keep` false (a dry run) it is rendered elsewhere, and the destination's neighbourhood stays untouched.
    Raises ScaffoldError when the destination cannot become a project.
    """
    kind = place.kind_of(destination)
    with _scratch(destination if keep and kind is not place.Kind.REPOSITORY else None) as folder:
        rendered = folder / "project"
        render(template, answers, rendered)
        files = list(_files(rendered))
        yield Draft(destination, rendered, place.plan(kind, files, destination))


def _files(rendered: Path) -> Iterator[Path]:
    """What was rendered. Raises ScaffoldError for what no template has to make: links, and what git reads."""
    for path in rendered.rglob("*"):
        file = path.relative_to(rendered)
        if path.is_symlink() or any(part.lower() == ".git" for part in file.parts):
            raise ScaffoldError(f"the template makes {file}", "links, and what git reads, are yours alone")
        if not path.is_dir():
            yield file


def carry_out(draft: Draft, *, with_git: bool, say: Callable[[str], None]) -> Outcome:
    """Put the drafted project in its place, with secrets and a first commit.

    A folder of its own appears complete or not at all. Raises CouldNotError when the disk or git fails.
    """
    if draft.placement.kind is place.Kind.REPOSITORY:
        place.add(draft.rendered, draft.destination, draft.placement)
        try:
            return Outcome(ops.init(draft.destination, say), committed=False, identity=True)
        except KeyboardInterrupt as interruption:
            raise KeyboardInterrupt("but the files are there: go on with python3 ops init") from interruption
    report = ops.init(draft.rendered, say)
    committed = with_git and draft.placement.kind is place.Kind.NEW
    identity = not committed or git.first_commit(draft.rendered, "Start the project with scaffold")
    place.move(draft.rendered, draft.destination)
    return Outcome(report, committed, identity)


@contextmanager
def _scratch(destination: Path | None) -> Iterator[Path]:
    try:
        with place.scratch(destination) as folder:
            yield folder
    except OSError as error:
        raise CouldNotError(f"cannot write beside {destination}", error.strerror or str(error)) from error
