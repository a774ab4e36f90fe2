"""Another place for a volume, in the project's answers and files: what is in the volume is moved afterwards."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from scaffold.cli import change, console
from scaffold.errors import ScaffoldError

if TYPE_CHECKING:
    from scaffold.project.existing import Existing

# How Compose makes a volume when a file does not say it.
_DRIVER = "local"


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
            _try(project.folder, draft.scratch, volume)
            for each in draft.plan.changes:
                console.note(f"{'would change' if flags.dry_run else 'changes'} {each.path}")
            if not flags.dry_run:
                update.carry_out(draft, console.note)


def _try(folder: Path, changed: Path, volume: str) -> None:
    """Have the project's `ops` look whether it could move the volume there, before any file says so.

    Raises ScaffoldError with its reason, such as a disk that is not there.
    """
    from scaffold.compose.project import files_in, read_project
    from scaffold.project import ops

    declared = read_project(files_in(changed)).volumes.get(volume)
    settings = declared.settings if declared else {}
    wanted = [f"{key}={said}" for key, said in (settings.get("driver_opts") or {}).items()]
    if any("$" in each for each in wanted):
        return  # Compose knows better what that is
    options = [part for each in wanted for part in ("--opt", each)]
    driver = str(settings.get("driver") or _DRIVER)
    report = ops.run(folder, "move", ["--anew", volume, "--driver", driver, *options, "--dry-run"])
    if report["exit_code"]:
        raise ops.failure(report)
