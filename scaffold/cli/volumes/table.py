"""The table of `scaffold volumes`: of one project, or of the whole engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scaffold.cli import console, options
from scaffold.cli.volumes import shared, text
from scaffold.errors import NEEDS_YOU, ScaffoldError

if TYPE_CHECKING:
    from scaffold.engine.backups import Backups
    from scaffold.engine.connect import Engine
    from scaffold.engine.known import Known
    from scaffold.engine.rows import Row


@click.command(name="")
@click.argument("named", metavar="[PROJECT]", required=False)
@shared.project
@click.option("--all", "everything", is_flag=True, help="Every volume of the engine, project by project.")
@click.option("--sizes", "sized", is_flag=True, help="Measure them; the engine walks through every file.")
@shared.places[0]
@shared.places[1]
@options.as_json
def command(
    *,
    named: str | None,
    project: str | None,
    everything: bool,
    sized: bool,
    to: str | None,
    repository: str | None,
    as_json: bool,
) -> int:
    """Show volumes."""
    if named and project:
        raise ScaffoldError(f"two projects are named: {named} and {project}", fix="name one")
    if everything and (named or project or to or repository):
        raise ScaffoldError("--all is of the whole engine", fix="leave out either --all or the project")
    with shared.connected() as engine:
        if everything:
            groups = _all(engine, sized=sized)
        else:
            groups = [_one(engine, project or named, to, repository, sized=sized)]
        if as_json:
            console.document({"engine": engine.address.shown, "projects": [group.document() for group in groups]})
        else:
            for group in groups:
                group.show(sized=sized)
    return NEEDS_YOU if any(row.needs_you for group in groups for row in group.rows) else 0


@dataclass(frozen=True, slots=True)
class Group:
    """The volumes of one project; of none, where the name is empty."""

    name: str
    folders: Sequence[Path]
    rows: Sequence[Row]
    backups: Backups
    unread: Sequence[str]
    now: datetime

    def document(self) -> dict[str, Any]:
        """For other programs."""
        from scaffold.engine import backups, rows

        return {
            "project": self.name or None,
            "folders": [str(folder) for folder in self.folders],
            "unread": list(self.unread),
            "backups": self.backups.reason or None,
            "volumes": [
                {**rows.document(row), **backups.document(self.backups, row.key, self.now)} for row in self.rows
            ],
        }

    def show(self, *, sized: bool) -> None:
        """For people."""
        where = "  ".join(map(str, self.folders))
        console.heading(f"{self.name}  {where}".rstrip() if self.name else "of no project")
        if not self.rows:
            console.say("  no volumes")
            return
        console.table(
            [text.head(sized=sized), *(text.cells(row, self.backups, self.now, sized=sized) for row in self.rows)]
        )
        for row in self.rows:
            for line in row.drift:
                console.note(f"drift: {text.short(row)}: {line}")
            if row.status == "anonymous" and row.uses:
                console.note(
                    f"anonymous: {text.short(row)}: {row.responsibility}; the next container starts without it"
                )
        for line in self.unread:
            console.note(f"unread: {line}")


def _one(engine: Engine, named: str | None, to: str | None, repository: str | None, *, sized: bool) -> Group:
    from scaffold.engine import rows

    view = shared.view(engine, named)
    found = view.rows
    if sized:
        found = rows.with_sizes(found, shared.measuring(engine, len(view.state.volumes)))
    backups = shared.backups_of(view.known, view.ops, to, repository)
    folders = [view.known.folder] if view.known.folder else []
    return Group(view.known.name, folders, found, backups, view.known.unread, datetime.now(UTC))


def _all(engine: Engine, *, sized: bool) -> list[Group]:
    from scaffold.engine import rows
    from scaffold.engine.backups import Backups

    state, knowns, this = shared.everything(engine)
    tables = rows.of_engine(state, knowns)
    if sized:
        sizes = shared.measuring(engine, len(state.volumes))
        tables = {name: rows.with_sizes(found, sizes) for name, found in tables.items()}
    backups = _backups(knowns, this)
    now = datetime.now(UTC)
    groups = []
    for name, found in tables.items():
        of_name = [each for each in knowns if each.name == name]
        folders = [each.folder for each in of_name if each.folder]
        unread = [line for each in of_name for line in each.unread]
        groups.append(Group(name, folders, found, backups.get(name, Backups(reason="no folder")), unread, now))
    return groups


def _backups(knowns: Sequence[Known], this: Known | None) -> Mapping[str, Backups]:
    """The backups of every project that has one folder; each is asked of a program, side by side."""
    from concurrent.futures import ThreadPoolExecutor

    names = [each.name for each in knowns]
    single = [each for each in knowns if names.count(each.name) == 1]
    with ThreadPoolExecutor(8) as pool:
        said = pool.map(lambda one: shared.backups_of(one, shared.programs(one, chosen=one is this)), single)
        return dict(zip((each.name for each in single), said, strict=True))
