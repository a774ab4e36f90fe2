"""Another place for a volume, in the project's answers and files: what is in the volume is moved afterwards."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from scaffold.cli import change, console
from scaffold.errors import ScaffoldError

if TYPE_CHECKING:
    from scaffold.project.existing import Existing


def carry_out(start: Path, volume: str, place: str, *, dry_run: bool, yes: bool) -> bool:
    """Write where a volume shall live into the project's answers and files; true when something was to change.

    Raises ScaffoldError when the volume cannot live there, or the project is not ready to be changed.
    """
    from scaffold.catalog import placement
    from scaffold.project import existing

    flags = change.Flags(start, dry_run, diff=False, yes=yes, force=True, online=False, as_json=False)
    project = existing.find(start.resolve())
    wanted = placement.merged(project.answers.get(placement.KEY), placement.from_flags([f"{volume}={place}"]))
    if wanted == project.answers.get(placement.KEY):
        return False
    project, _ = change.opened(flags)
    _write(project, {**project.answers, placement.KEY: wanted}, volume, flags)
    return True


def _write(project: Existing, answers: dict[str, Any], volume: str, flags: change.Flags) -> None:
    from scaffold.catalog import placement
    from scaffold.project import placing, update

    with change.template_of(project, flags) as template:
        placing.check(project, template.root, answers, force=True)
        new = {placement.KEY: answers[placement.KEY]}
        with update.draft(project, template, new, drop_edited=False, online=flags.online) as draft:
            if draft.merged.conflicts:
                raise ScaffoldError(
                    f"edits of yours are where `{volume}` would be placed",
                    ", ".join(conflict.path for conflict in draft.merged.conflicts),
                    "write `driver` and `driver_opts` there yourself, then: scaffold volumes move " + volume,
                )
            for each in draft.plan.changes:
                console.note(f"{'would change' if flags.dry_run else 'changes'} {each.path}")
            if not flags.dry_run:
                update.carry_out(draft, console.note)
