"""The table of volumes: what a project's files declare beside what the engine holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from scaffold.compose.project import Project, Volume
from scaffold.engine import drift
from scaffold.engine.known import Known, external
from scaffold.engine.state import Held, State, Use

Status = Literal[
    "present",  # declared, and there
    "absent",  # declared, and the engine has none
    "foreign",  # declared, and what the engine has of that name is not this project's
    "retired",  # made for this project, and its files declare it no more
    "safety",  # what a volume held before a restore or a move
    "anonymous",  # nobody gave it a name
    "unread",  # of a project that has containers, and whose files are not in reach
    "orphan",  # of a project of which there is neither a container nor a folder
    "other",  # of no project
]


@dataclass(frozen=True, slots=True)
class Row:
    """One volume: `name` is the engine's, `key` the file's; `held` is None where the engine has none."""

    name: str
    key: str
    project: str
    status: Status
    held: Held | None
    declared: Volume | None = None
    writers: tuple[str, ...] = ()
    readers: tuple[str, ...] = ()
    uses: tuple[Use, ...] = ()
    drift: tuple[str, ...] = ()
    size: int | None = None

    @property
    def attached(self) -> str:
        """Whether containers mount it: `running`, `stopped` when none of them runs, or `detached`."""
        return "running" if any(use.active for use in self.uses) else "stopped" if self.uses else "detached"

    @property
    def made_by(self) -> str:
        """Of an anonymous volume: the service, or container, that it was made for."""
        names = {use.service or use.container for use in self.uses}
        return ", ".join(sorted(names)) if self.status == "anonymous" else ""

    @property
    def responsibility(self) -> str:
        """What it is for, as far as somebody said so."""
        if self.declared and self.declared.responsibility:
            return self.declared.responsibility
        if self.status == "safety" and self.held:
            return f"what {self.held.safety_of} held before a restore or a move"
        where = sorted({f"{use.service or use.container}:{use.target}" for use in self.uses})
        return f"made for {', '.join(where)}" if self.status == "anonymous" and where else ""

    @property
    def needs_you(self) -> bool:
        """Whether somebody should look at it: it is not as declared, or its content is left behind by the next `up`."""
        return bool(self.drift) or (self.status == "anonymous" and bool(self.uses))


def of_project(known: Known, state: State) -> list[Row]:
    """A project's volumes: the declared ones in their order, then what the engine holds for it beside them."""
    declared = [_declared(known, volume, state) for volume in known.volumes.values()]
    taken = {row.name for row in declared}
    return [*declared, *(_beside(known, held, state) for held in _more(known, state, taken))]


def of_engine(state: State, knowns: Iterable[Known]) -> dict[str, list[Row]]:
    """Every volume of the engine by project; those of no project under an empty name."""
    tables: dict[str, list[Row]] = {}
    for known in knowns:
        mine = {row.name or row.key: row for row in tables.get(known.name, [])}
        for row in of_project(known, state):
            # Of two folders under one name, one may declare what the other does not.
            if row.status != "retired" or row.name not in mine:
                mine[row.name or row.key] = row
        tables[known.name] = list(mine.values())
    listed = {row.name for rows in tables.values() for row in rows if row.held and row.status != "foreign"}
    for held in state.volumes.values():
        if held.name not in listed:
            row = _row(held, state, status="anonymous" if held.anonymous else "orphan" if held.project else "other")
            tables.setdefault(held.project, []).append(row)
    return {name: tables[name] for name in sorted(tables, key=lambda name: (not name, name)) if tables[name]}


def with_sizes(rows: Iterable[Row], sizes: Mapping[str, int]) -> list[Row]:
    """The rows with what was measured."""
    return [replace(row, size=sizes.get(row.name)) if row.held else row for row in rows]


def _declared(known: Known, volume: Volume, state: State) -> Row:
    name = known.engine_name(volume)
    held = state.volumes.get(name)
    writers, readers = _mounting(known.project, volume.name) if known.project else ((), ())
    uses = state.users.get(name, ())
    status: Status = "present" if held else "absent"
    if held and not external(volume) and held.project != known.name:
        status = "foreign"
    found = tuple(drift.found(known, volume, held, state.containers))
    return Row(name, volume.name, known.name, status, held, volume, writers, readers, uses, found)


def _mounting(project: Project, key: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Who may write to a volume, and who reads only, by the project's files."""
    rights: dict[str, bool] = {}
    for service in project.services.values():
        for mount in service.mounts:
            if mount.volume == key:
                rights[service.name] = rights.get(service.name, False) or not mount.read_only
    return tuple(sorted(one for one in rights if rights[one])), tuple(sorted(one for one in rights if not rights[one]))


def _more(known: Known, state: State, taken: set[str]) -> Iterator[Held]:
    """What belongs to a project beside what it declares."""
    ours = taken | {held.name for held in state.of_project(known.name)}
    for held in state.volumes.values():
        uses = state.users.get(held.name, ())
        made_here = held.anonymous and any(use.project == known.name for use in uses)
        if held.name not in taken and (held.project == known.name or held.safety_of in ours or made_here):
            yield held


def _beside(known: Known, held: Held, state: State) -> Row:
    if held.safety_of:
        status: Status = "safety"
    elif held.anonymous:
        status = "anonymous"
    elif known.project:
        status = "retired"
    else:
        has_containers = any(each.project == known.name for each in state.containers)
        status = "unread" if has_containers else "orphan"
    return replace(_row(held, state, status=status), project=known.name)


def _row(held: Held, state: State, *, status: Status) -> Row:
    uses = state.users.get(held.name, ())
    rights: dict[str, bool] = {}
    for use in uses:
        who = use.service or use.container
        rights[who] = rights.get(who, False) or use.writable
    writers, readers = (tuple(sorted(who for who in rights if rights[who] is may)) for may in (True, False))
    return Row(
        held.name, held.key, held.project, "safety" if held.safety_of else status, held, None, writers, readers, uses
    )


def document(row: Row) -> dict[str, Any]:
    """A row for other programs. `size` is null where nobody measured, or the engine cannot."""
    held = row.held
    return {
        "volume": row.key or None,
        "name": row.name,
        "project": row.project or None,
        "status": row.status,
        "responsibility": row.responsibility or None,
        "class": (row.declared.klass if row.declared else "") or None,
        "owner": (row.declared.owner if row.declared else "") or None,
        "backup": (row.declared.backup if row.declared else "") or None,
        "writers": list(row.writers),
        "readers": list(row.readers),
        "attached": row.attached,
        "made_by": row.made_by or None,
        "size": row.size,
        "created": (held.created if held else "") or None,
        "driver": held.driver if held else None,
        "options": held.shown_options if held else {},
        "drift": list(row.drift),
        "containers": [
            {
                "container": use.container,
                "project": use.project or None,
                "service": use.service or None,
                "state": use.state,
                "target": use.target,
                "writable": use.writable,
            }
            for use in row.uses
        ],
    }
