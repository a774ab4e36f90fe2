"""`scaffold update`: to a newer version of the template, and what is to be done about conflicts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scaffold.cli import change, console, options
from scaffold.errors import NEEDS_YOU, ScaffoldError

if TYPE_CHECKING:
    from scaffold.catalog.index import Catalog
    from scaffold.project.existing import Existing
    from scaffold.project.update import Draft


@click.command(short_help="Bring a project to a newer version of its template.")
@click.option("--to", metavar="VERSION", help="To this version.  [default: the newest]")
@click.option("--check", is_flag=True, help="Only look: exit 1 when there is a newer version, 0 when not.")
@click.option("--continue", "go_on", is_flag=True, help="Finish an update whose conflicts are settled.")
@click.option("--abort", is_flag=True, help="Take back an update that is not finished.")
@options.changing
def command(to: str | None, check: bool, go_on: bool, abort: bool, **given: Any) -> int:
    """Bring the project in this folder to a newer version of its template. Your edits stay.

    What both you and the template changed is merged, key by key in Compose files; what nobody can merge is left as
    a conflict, named with file and line, and the exit code is 1 until you settled it. No data is touched, and an update
    never raises a database's major version.

    \b
      scaffold update --dry-run         what it would mean, for data too
      scaffold update
      scaffold update --continue        after conflicts, or --abort to have everything as before
      scaffold update --check --json    for CI
    """
    flags = change.Flags(**given)
    if sum([check, go_on, abort]) > 1:
        raise ScaffoldError("--check, --continue and --abort exclude each other")
    if go_on or abort:
        return _finish(flags) if go_on else _abort(flags)
    return _update(flags, to, check=check)


def _update(flags: change.Flags, to: str | None, *, check: bool) -> int:
    from scaffold.catalog.index import load
    from scaffold.project import answers as answering
    from scaffold.project import existing

    project, known = change.opened(flags)
    tag = existing.target(project, known, to)
    if tag == project.version:
        return change.nothing(project, flags)
    with change.template_of(project, flags, tag) as template:
        catalog = load(template.root)
        _note_retired(project, catalog)
        answering.check_offered(catalog, project.answers, tag)
        flags = flags.looking() if check else flags
        refuse = None if check or flags.force else _refuse_major
        code = change.apply(project, template, project.answers, flags, refuse)
    return NEEDS_YOU if check else code


def _note_retired(project: Existing, catalog: Catalog) -> None:
    for id in project.answers["services"]:
        if retired := catalog.entries.get(id, {}).get("retired"):
            console.note(f"note: `{id}` is no longer offered, and stays in this project: {retired}")


def _refuse_major(draft: Draft) -> None:
    """An update is not the moment to change what reads a database's files."""
    if draft.impact.raises_major:
        raise ScaffoldError(
            "this version of the template changes the major version of a database: "
            + "; ".join(f"{one.service} from {one.before} to {one.after}" for one in draft.impact.raises_major),
            "its files are from the old one, which the new one may not read",
            "take the data over first, or keep the old image in compose.override.yaml; --force goes on regardless",
        )


def _finish(flags: change.Flags) -> int:
    from scaffold.project import existing, update
    from scaffold.project.carryover import carry

    project = existing.find(flags.start.resolve())
    carry.finish(project.folder)
    report = update.ops_init(project.folder, console.note)
    return _report(flags, project.folder, "finished", report)


def _abort(flags: change.Flags) -> int:
    from scaffold.project import existing
    from scaffold.project.carryover import carry

    folder = existing.folder_of(flags.start.resolve())
    carry.abort(folder, force=flags.force)
    return _report(flags, folder, "taken back: everything is as before", None)


def _report(flags: change.Flags, folder: Path, words: str, report: Any) -> int:
    if flags.as_json:
        console.document({"path": str(folder), "state": "none", "ops": report})
    else:
        console.note(f"{folder}: {words}")
        for line in (report or {}).get("notes", []):
            console.note(f"  {line}")
    return NEEDS_YOU if report and report["exit_code"] else 0
