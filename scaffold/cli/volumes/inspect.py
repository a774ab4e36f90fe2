"""`scaffold volumes inspect`: everything that is known of one volume."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scaffold.cli import console, options
from scaffold.cli.volumes import removing, shared, text
from scaffold.errors import ScaffoldError

if TYPE_CHECKING:
    from scaffold.engine.backups import Backups
    from scaffold.engine.connect import Engine
    from scaffold.engine.known import Known
    from scaffold.engine.removal import Usage
    from scaffold.engine.rows import Row


@click.command(short_help="Everything that is known of one volume.")
@click.argument("name", metavar="VOLUME")
@shared.project
@shared.places[0]
@shared.places[1]
@options.as_json
def command(name: str, project: str | None, to: str | None, repository: str | None, as_json: bool) -> None:
    """Show what VOLUME is for, who mounts it now, what it holds, and how safe that is.

    VOLUME is its key in compose.yaml, or the engine's name for it; the latter may be of any project. A helper
    container looks into it, read-only.
    """
    with shared.connected() as engine:
        row, known, ops = _found(engine, name, project)
    usage = removing.usages(ops, [row]).get(row.name) or removing.unseen()
    backups, now = shared.backups_of(known, ops, to, repository), datetime.now(UTC)
    if as_json:
        console.document(_document(row, usage, backups, now))
    else:
        _show(row, usage, backups, now)


def _found(engine: Engine, name: str, project: str | None) -> tuple[Row, Known, Path | None]:
    """A volume, its project, and the folder whose `ops` may look into it. Raises ScaffoldError."""
    from scaffold.engine import rows
    from scaffold.engine.known import Known

    try:
        view = shared.view(engine, project)
        return view.row(name), view.known, view.ops
    except ScaffoldError:
        state, knowns, this = shared.everything(engine)
        if project is not None or name not in state.volumes:
            raise
    tables = rows.of_engine(state, knowns)
    row = next(row for found in tables.values() for row in found if row.name == name)
    whose = [each for each in knowns if each.name == row.project]
    known = whose[0] if len(whose) == 1 else Known(row.project)
    return row, known, shared.programs(known, chosen=known is this)


def _document(row: Row, usage: Usage, backups: Backups, now: datetime) -> dict[str, Any]:
    from scaffold.engine import backups as sets
    from scaffold.engine import rows

    return {
        **rows.document(row),
        **sets.document(backups, row.key, now),
        "mountpoint": (row.held.mountpoint if row.held else "") or None,
        "labels": dict(row.held.labels) if row.held else {},
        "declared_in": f"{row.declared.place.file}:{row.declared.place.line}" if row.declared else None,
        "content": removing.content(usage),
    }


def _show(row: Row, usage: Usage, backups: Backups, now: datetime) -> None:
    console.heading(row.name or row.key)
    console.table(line for line in _facts(row, usage, backups, now) if line[1])
    _section("mounted by", [(use.container, use.state, use.target, "rw" if use.writable else "ro") for use in row.uses])
    _section("biggest folders", [(text.size(size), path) for path, size in usage.folders])
    _section("labels", sorted(_labels(row).items()))
    for line in row.drift:
        console.note(f"drift: {line}")
    if usage.reason and row.held:
        console.note(f"not looked into: {usage.reason}")


def _facts(row: Row, usage: Usage, backups: Backups, now: datetime) -> list[tuple[str, str]]:
    declared, held = row.declared, row.held
    options = held.shown_options if held else {}
    return [
        ("status", f"{row.status}, {row.attached}"),
        ("responsibility", row.responsibility),
        ("declared", f"{declared.place.file}:{declared.place.line}, as {row.key}" if declared else ""),
        ("class", declared.klass if declared else ""),
        ("owner", declared.owner if declared else ""),
        ("writers", ", ".join(row.writers)),
        ("readers", ", ".join(row.readers)),
        ("backup", declared.backup if declared else ""),
        ("last backup", text.last_backup(row, backups, now) or backups.reason),
        ("last drill", text.last_drill(row, backups, now)),
        ("driver", " ".join([held.driver, *(f"{key}={value}" for key, value in options.items())]) if held else ""),
        ("created", held.created if held else ""),
        ("size", text.holds(usage)),
        ("changed", text.ago(usage.changed, now) if usage.changed else ""),
        ("on the engine's disk", held.mountpoint if held else ""),
    ]


def _section(heading: str, rows: list[tuple[str, ...]]) -> None:
    if rows:
        console.heading(heading)
        console.table(rows)


def _labels(row: Row) -> Mapping[str, str]:
    return row.held.labels if row.held else {}
