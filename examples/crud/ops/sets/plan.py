# Managed by scaffold: updates merge this file.
"""What a backup will do with each volume, before anything is touched."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ops import stores
from ops.errors import OpsError
from ops.sets.manifest import FAILED, LEFT_OUT, Item
from ops.volumes import freeze, table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ops.docker import Container
    from ops.stores.base import Store
    from ops.volumes.table import Entry

AUTO, DUMP, PAUSE, STOP, LIVE, COLD = "auto", "dump", "pause", "stop", "live", "cold"
DOWN = "down"
MODES = (AUTO, DUMP, PAUSE, STOP, LIVE)


@dataclass(frozen=True)
class Wish:
    """What the user asked for."""

    only: Sequence[str] = ()
    mode: str = AUTO
    caches: bool = False


@dataclass(frozen=True)
class Places:
    """Volumes by key that do not live on the engine's disk: those in memory, with the reason; those that are away."""

    fleeting: Mapping[str, str] = field(default_factory=dict)
    absent: Mapping[str, OpsError] = field(default_factory=dict)


NOWHERE = Places()


@dataclass
class Job:
    """One volume and how it is backed up."""

    entry: Entry
    item: Item
    store: Store
    server: Container | None = None
    how: str = STOP  # how still its writers have to be while it is copied


@dataclass
class Plan:
    """Dumps come first and one by one; copies in groups that are kept still together."""

    dumps: list[Job] = field(default_factory=list)
    groups: list[list[Job]] = field(default_factory=list)
    left_out: list[Item] = field(default_factory=list)
    failed: list[tuple[Item, OpsError]] = field(default_factory=list)

    def jobs(self) -> list[Job]:
        """Return everything that will be stored."""
        return [*self.dumps, *(job for group in self.groups for job in group)]


def make(
    entries: Sequence[Entry], containers: Sequence[Container], project: str, wish: Wish, places: Places = NOWHERE
) -> Plan:
    """Decide for every volume; OpsError for a name that is not there or a mode that would corrupt."""
    chosen = select(entries, wish.only)
    plan = Plan()
    copies: list[Job] = []
    for entry in chosen:
        why = left_out(entry, named=bool(wish.only), caches=wish.caches)
        why = places.fleeting.get(entry.key, why)
        if why:
            plan.left_out.append(item_of(entry, LEFT_OUT, why))
            continue
        absent = places.absent.get(entry.key)
        if absent:
            plan.failed.append((item_of(entry, FAILED, absent.problem.what), absent))
            continue
        try:
            job = job_of(entry, containers, project, wish.mode)
        except OpsError as error:
            if error.problem.cause != DOWN:
                raise
            # The others are backed up all the same.
            plan.failed.append((item_of(entry, FAILED, error.problem.what), error))
            continue
        (plan.dumps if job.item.method == DUMP else copies).append(job)
    plan.groups = grouped(copies)
    return plan


def select(entries: Sequence[Entry], only: Sequence[str]) -> list[Entry]:
    """Return the entries that are meant, by key or by name in the engine."""
    known = {name: entry for entry in entries for name in (entry.name, entry.key)}
    for name in only:
        if name not in known:
            listed = ", ".join(entry.key for entry in entries) or "none"
            raise OpsError(f"this project has no volume `{name}`", f"it has: {listed}", cause="not-found")
        if known[name].state == table.ABSENT:
            fix = "start the service that owns it: nothing is in it before that"
            raise OpsError(f"volume `{name}` is declared, and not made yet", fix=fix, cause="not-found")
    wanted = {known[name].name for name in only}
    return [entry for entry in entries if not only or entry.name in wanted]


def left_out(entry: Entry, *, named: bool, caches: bool) -> str:
    """Say why a volume is not backed up; empty when it is."""
    if entry.state == table.ABSENT:
        return "not made yet"
    if entry.backup == stores.NONE and not named and not caches:
        return f"can be filled again: {entry.refill}" if entry.refill else "can be filled again"
    return ""


def job_of(entry: Entry, containers: Sequence[Container], project: str, mode: str) -> Job:
    """Decide how one volume is backed up."""
    store = stores.of(entry.backup)
    job = Job(entry, item_of(entry), store)
    users = [each for each in containers if entry.name in each.volumes.values()]
    server = next((each for each in users if serves(each, entry, project)), None)
    if store.dumps and mode in {AUTO, DUMP} and entry.state == table.PRESENT:
        if server is not None:
            job.server = server
            return described(job, DUMP, server)
        running = [each for each in users if each.active]
        if mode == DUMP or running:
            raise no_server(entry)
        job.item.warnings.append(
            f"`{entry.owner}` does not run, so the files of volume `{entry.key}` were copied: no other major opens them"
        )
        job.how = STOP
        return described(job, COLD, users[0] if users else None)
    if mode == DUMP:
        raise OpsError(f"volume `{entry.key}` has no dump", f"its backup is `{entry.backup or '-'}`", "--mode auto")
    if mode == LIVE and not store.live:
        why = "a copy of files that are being written does not open again; this one would be such a copy"
        raise OpsError(f"volume `{entry.key}` cannot be copied live", why, "--mode auto, pause or stop")
    if not entry.backup:
        warn_undescribed(job)
    job.how = store.copy if mode in {AUTO, DUMP} else mode
    writing = freeze.writers(list(containers), {entry.name})
    return described(job, job.how if writing else COLD, server or (users[0] if users else None))


def serves(container: Container, entry: Entry, project: str) -> bool:
    """Tell whether a container is the running server of a volume."""
    return (
        container.project == project
        and container.state == "running"
        and not container.oneoff
        and entry.name in container.writable
        and container.service == (entry.owner or container.service)
    )


def described(job: Job, method: str, server: Container | None) -> Job:
    """Note the method, and whose image the data belongs to."""
    job.item.method = method
    if server is not None:
        job.item.service, job.item.image, job.item.image_id = server.service, server.image, server.image_id
    return job


def warn_undescribed(job: Job) -> None:
    """Say what a description would change."""
    key = job.entry.key
    if job.entry.state == table.RETIRED:
        job.item.warnings.append(f"volume `{key}` is retired: no service is left that could dump it, so it is copied")
        return
    job.item.warnings.append(
        f"volume `{key}` has no description, so its containers are stopped while it is copied; describe it in "
        "`compose.yaml` under `x-scaffold`, below the line for your own (`backup: files` only pauses them)"
    )


def no_server(entry: Entry) -> OpsError:
    """Say that a dump needs its server."""
    what = f"volume `{entry.key}` is dumped by service `{entry.owner}`, which is not running"
    return OpsError(what, fix=f"docker compose up -d --wait {entry.owner}, or --mode stop", cause=DOWN)


def item_of(entry: Entry, state: str = "stored", why: str = "") -> Item:
    """Begin the item of a volume."""
    return Item(
        volume=entry.key,
        name=entry.name,
        responsibility=entry.responsibility,
        kind=entry.kind,
        owner=entry.owner,
        backup=entry.backup,
        refill=entry.refill,
        state=state,
        why=why,
    )


def grouped(jobs: list[Job]) -> list[list[Job]]:
    """Put the volumes of one owner together: they are one store, and are copied at one instant."""
    groups: dict[str, list[Job]] = {}
    for job in jobs:
        groups.setdefault(job.entry.owner or job.entry.name, []).append(job)
    for group in groups.values():
        for job in group:
            job.item.group = [each.entry.key for each in group]
    return list(groups.values())
