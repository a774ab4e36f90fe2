"""Changing a project that is there: copier in a scratch clone, a merge of conflicts, a plan, and carrying it out."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scaffold.compose.project import files_in, read_project
from scaffold.errors import ScaffoldError
from scaffold.project import answers as answering
from scaffold.project import git, ops
from scaffold.project.carryover import carry, changes
from scaffold.project.carryover.changes import Plan
from scaffold.project.existing import ANSWERS_FILE, Existing
from scaffold.project.impact.report import Impact, impact
from scaffold.project.merge import Merged, merge_conflicts, merge_silent
from scaffold.project.render import update
from scaffold.project.scratch import scratch_clone
from scaffold.project.sides import Sides, sides
from scaffold.project.source import Template


@dataclass(frozen=True, slots=True)
class Draft:
    """What an update comes to, with the scratch clone that has it.

    `answers` are those that become others or new. `edited` are files with edits that the template has no more; they
    go, or stay (`kept`).
    """

    project: Existing
    template: Template
    answers: Mapping[str, Any]
    scratch: Path
    plan: Plan
    merged: Merged
    impact: Impact
    edited: tuple[str, ...]
    kept: tuple[str, ...]


@contextmanager
def draft(
    project: Existing, template: Template, answers: Mapping[str, Any], *, drop_edited: bool, online: bool = False
) -> Iterator[Draft]:
    """Bring a scratch clone of the project to the template's version and to `answers`; the project stays as it is.

    Edited files that the template has no more are kept, or go with `drop_edited`. Raises ScaffoldError when the
    template cannot be rendered or something of the user's is in the way, CouldNotError when git or the disk fails.
    """
    with scratch_clone(project.folder) as scratch, sides(project, template, scratch, online=online) as rendered:
        update(template, answers, scratch)
        merged = merge_conflicts(scratch)
        merge_silent(scratch, rendered, merged)
        edited = _edited(scratch, rendered)
        kept = () if drop_edited else edited
        if kept:
            git.run("checkout", "--quiet", "HEAD", "--", *kept, folder=scratch, environment=git.settings(git.HARDENED))
        plan = changes.plan(project.folder, scratch)
        blocked = [change for change in plan.changes if change.kind == "blocked"]
        if blocked:
            raise ScaffoldError(
                "something of yours is where the template has a file: " + ", ".join(one.path for one in blocked),
                "; ".join(sorted({one.reason for one in blocked})),
                "move it away, or commit it, and run this again",
            )
        effect = _impact(project.folder, scratch, plan, merged)
        after = answering.from_file(scratch / ANSWERS_FILE)
        new = {key: value for key, value in after.items() if project.answers.get(key) != value}
        yield Draft(project, template, new, scratch, plan, merged, effect, edited, kept)


def carry_out(draft: Draft, say: Callable[[str], None]) -> Mapping[str, Any] | None:
    """Carry a draft over into its project, and end with `ops init`, whose report is returned.

    With conflicts there is no report: `ops init` comes when they are settled. Raises as carry.carry_out does.
    """
    folder = draft.project.folder
    carry.carry_out(draft.plan, folder, draft.scratch)
    return None if draft.merged.conflicts else ops_init(folder, say)


def ops_init(folder: Path, say: Callable[[str], None]) -> Mapping[str, Any]:
    """Run `ops init` at the end of a change. Raises KeyboardInterrupt that says what is done already."""
    try:
        return ops.init(folder, say)
    except KeyboardInterrupt as interruption:
        raise KeyboardInterrupt("but the files are changed: go on with python3 ops init") from interruption


def _edited(scratch: Path, rendered: Sides) -> tuple[str, ...]:
    """Files that copier deleted though they are not as the template had made them."""
    listed = git.ask("ls-files", "--deleted", "-z", folder=scratch).split(b"\0")
    gone = [os.fsdecode(path) for path in listed if path]
    return tuple(path for path in gone if not _as_rendered(scratch, path, rendered.before() / path))


def _as_rendered(scratch: Path, path: str, rendered: Path) -> bool:
    # The scratch clone holds files as they are stored: bytes can be compared.
    return rendered.is_file() and rendered.read_bytes() == git.ask("cat-file", "blob", f"HEAD:./{path}", folder=scratch)


def _impact(folder: Path, scratch: Path, plan: Plan, merged: Merged) -> Impact:
    """What it means for data. Of a file in conflict the template's side counts: the worse case."""
    gone, here, there = set(plan.of("delete")), files_in(folder), files_in(scratch)

    def after(path: str) -> str | None:
        if path in merged.theirs:
            return merged.theirs[path]
        # What git does not track, such as .env, is in the project only.
        return None if path in gone else there(path) if (scratch / path).is_file() else here(path)

    return impact(read_project(here), read_project(after), [change.path for change in plan.changes])
