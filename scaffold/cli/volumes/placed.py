"""Another place for a volume, in the project's answers and files: what is in the volume is moved afterwards."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scaffold.cli import change, console
from scaffold.errors import ScaffoldError

if TYPE_CHECKING:
    from scaffold.project.existing import Existing

# Looks whether the project's `ops move` would do what it is told here. Raises ScaffoldError with its reason.
Look = Callable[[Sequence[str]], None]


def carry_out(start: Path, volume: str, place: str, look: Look, *, dry_run: bool, yes: bool) -> bool:
    """Write where a volume shall live into the project's answers and files; true when something was to change.

    Before any file says so, `look` is asked whether its content could be moved there.

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
    _write(project, {**project.answers, placement.KEY: wanted}, volume, flags, look)
    return True


def _write(project: Existing, answers: dict[str, Any], volume: str, flags: change.Flags, look: Look) -> None:
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
            _try(draft.scratch, volume, look)
            for each in draft.plan.changes:
                console.note(f"{'would change' if flags.dry_run else 'changes'} {each.path}")
            if not flags.dry_run:
                update.carry_out(draft, console.note)


def _try(changed: Path, volume: str, look: Look) -> None:
    """Have it looked whether the volume could be moved to where the files in `changed` put it."""
    from scaffold.compose.project import files_in, read_project

    declared = read_project(files_in(changed)).volumes.get(volume)
    options = declared.options if declared else {}
    if any("$" in said for said in options.values()):
        return  # Compose knows better what that is
    how = ["--driver", declared.driver] if declared else []
    look(["--anew", volume, *how, *(part for key, said in options.items() for part in ("--opt", f"{key}={said}"))])
