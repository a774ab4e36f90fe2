"""What `add`, `remove` and `update` have in common: draft, show, ask, carry out, report."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scaffold.cli import changed, console, sources
from scaffold.errors import INTERRUPTED, NEEDS_YOU, ScaffoldError

if TYPE_CHECKING:
    from scaffold.project.existing import Existing
    from scaffold.project.source import Template
    from scaffold.project.update import Draft


@dataclass(frozen=True, slots=True)
class Flags:
    """What the command line of such a command said."""

    start: Path
    dry_run: bool
    diff: bool
    yes: bool
    force: bool
    online: bool
    as_json: bool

    @property
    def only_look(self) -> bool:
        """Whether nothing is to be changed."""
        return self.dry_run or self.diff

    def looking(self) -> Flags:
        """The same, without changing anything."""
        return replace(self, dry_run=True)

    @property
    def somebody_there(self) -> bool:
        """Whether questions can be asked."""
        return console.interactive() and not self.as_json


def opened(flags: Flags) -> tuple[Existing, list[str]]:
    """The project, ready to be changed, and the versions of its template. Raises ScaffoldError when it is not ready."""
    from scaffold.project import existing, source
    from scaffold.project.carryover import carry

    project = existing.find(flags.start.resolve())
    existing.check_source(project)
    existing.check_repository(project)
    if carry.state(project.folder).condition != "none":
        raise ScaffoldError(
            "an earlier change of this project is not finished",
            fix="settle its conflicts and run `scaffold update --continue`, or take it back: `scaffold update --abort`",
        )
    existing.check_clean(project)
    sources.confirm(project.url, yes=flags.yes, quiet=flags.as_json)
    known = source.available(project.url, online=flags.online)
    existing.check_origin(project, known)
    return project, known


@contextmanager
def template_of(project: Existing, flags: Flags, tag: str | None = None) -> Iterator[Template]:
    """The project's template at a version, or at the one that the project is from."""
    from scaffold.project.source import open_version

    with open_version(project.url, tag or project.version, online=flags.online) as template:
        yield template


def apply(
    project: Existing,
    template: Template,
    answers: Mapping[str, Any],
    flags: Flags,
    refuse: Callable[[Draft], None] | None = None,
) -> int:
    """Bring a project to a template version and answers, unless `refuse` raises, and say what it means."""
    if flags.somebody_there:
        console.note("working out what changes, in a scratch clone …")
    # copier takes half a second to load.
    from scaffold.project import placing, update

    placing.check(project, template.root, answers, force=flags.force)
    new = {key: value for key, value in answers.items() if project.answers.get(key) != value}
    with update.draft(project, template, new, drop_edited=flags.force, online=flags.online) as draft:
        if refuse is not None:
            refuse(draft)
        report = changed.Report(draft)
        if not flags.as_json:
            report.show(files=flags.dry_run, diff=flags.diff)
        outcome = None
        if not flags.only_look and draft.plan.changes:
            if flags.somebody_there and not flags.yes and not _confirmed(draft):
                return INTERRUPTED
            outcome = update.carry_out(draft, console.note)
        if flags.as_json:
            console.document(report.document(outcome, looked=flags.only_look))
        elif not flags.only_look:
            report.tell(outcome)
    return _code(draft, outcome)


def _code(draft: Draft, outcome: Mapping[str, Any] | None) -> int:
    failed = outcome is not None and outcome["exit_code"] != 0
    return NEEDS_YOU if draft.merged.conflicts or draft.impact.needs_you or failed else 0


def nothing(project: Existing, flags: Flags) -> int:
    """Say that a project is already as it was asked for."""
    if flags.as_json:
        console.document(changed.unchanged(project))
    else:
        console.note(f"nothing to change: {project.folder} is at {project.version}")
    return 0


def _confirmed(draft: Draft) -> bool:
    from scaffold.cli import prompts

    if prompts.sure(f"Change {len(draft.plan.changes)} files in {draft.project.folder}?", default=True):
        return True
    console.note("nothing was changed")
    return False
