"""Which volumes may be removed, and removing them: looked at first, once more right before, one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from scaffold.engine.backups import Backups, Set
from scaffold.engine.known import Known, external
from scaffold.engine.rows import Row
from scaffold.engine.state import LOCK, Held, State
from scaffold.errors import CouldNotError, ScaffoldError

if TYPE_CHECKING:
    from scaffold.engine.connect import Engine

# The first engine's year: some volume drivers answer year 1.
_FIRST = int(datetime(2013, 1, 1, tzinfo=UTC).timestamp())
PRUNED = ("retired", "orphan", "anonymous")


@dataclass(frozen=True, slots=True)
class Usage:
    """What a volume holds: bytes, entries, when anything in it last changed, and its biggest folders.

    `created` is the volume's own date, so that one engine is not taken for another. `reason` says why nothing is known.
    """

    size: int | None = None
    entries: int | None = None
    changed: datetime | None = None
    created: int | None = None
    folders: tuple[tuple[str, int], ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A volume that somebody wants removed.

    `barred`: why it may not be, whatever is said. `unsaved`: why its content would be lost; `--force` is for that.
    """

    row: Row
    barred: tuple[str, ...]
    unsaved: tuple[str, ...]
    usage: Usage
    backup: Set | None

    def allowed(self, *, force: bool) -> bool:
        """Whether it may be removed."""
        return not self.barred and (force or not self.unsaved)


@dataclass(slots=True)
class Outcome:
    """What a removal came to: names that are gone, and why others are not."""

    removed: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)


def barred(row: Row, known: Known, state: State, others: Iterable[Known]) -> tuple[str, ...]:
    """Why a volume must not be removed from this project: labels, names, files and containers all have to agree."""
    held = row.held
    if held is None:
        return ("the engine has none",)
    return (*_strange(row, held, known, state), *_in_use(row, known, state), *_claimed(row, known, others))


def _strange(row: Row, held: Held, known: Known, state: State) -> Iterator[str]:
    if row.declared is not None and external(row.declared):
        yield f"{row.declared.place.file} calls it external: it is not this project's alone"
        return
    if held.safety_of:
        origin = state.volumes.get(held.safety_of)
        usual = held.safety_of.startswith(f"{known.name}_") and held.name.startswith(f"{held.safety_of}-before-")
        if not usual or (origin is not None and origin.project != known.name):
            yield f"it is a copy of `{held.safety_of}`, which is not this project's"
        return
    if held.project != known.name:
        yield f"its label says project `{held.project}`" if held.project else "it has no label of this project"
    elif held.anonymous:
        return
    elif not held.key or held.name != _usual(row, known, held.key):
        yield f"its name and its labels do not fit: `{held.key or 'no key'}` of project `{held.project}`"
    if row.declared is None and known.unread:
        yield f"a file that may declare it cannot be read: {known.unread[0]}"


def _usual(row: Row, known: Known, key: str) -> str:
    if row.declared is not None and row.declared.name == key:
        return known.engine_name(row.declared)
    return f"{known.name}_{key}"


def _in_use(row: Row, known: Known, state: State) -> Iterator[str]:
    for use in row.uses:
        whose = f" of project `{use.project}`" if use.project and use.project != known.name else ""
        yield f"container `{use.container}`{whose} mounts it ({use.state})"
    for each in state.containers:
        if each.name == f"{known.name}-ops-lock" and LOCK in each.labels:
            yield f"a run of `ops` has this project (container `{each.name}`)"


def _claimed(row: Row, known: Known, others: Iterable[Known]) -> Iterator[str]:
    """Other folders whose files mean this volume, too: a clone under the same name, or another project."""
    for other in others:
        names = {other.engine_name(volume) for volume in other.volumes.values()}
        if row.name in names and other.folder != known.folder:
            yield f"project `{other.name}` in {other.folder} declares it as well"
        elif other.name == known.name and other.unread and other.folder != known.folder:
            yield f"the files of this project in another folder cannot be read: {other.unread[0]}"


def unsaved(row: Row, backups: Backups, usage: Usage) -> tuple[Set | None, tuple[str, ...]]:
    """The set to rely on, and why the volume's content would be lost; nothing where an empty volume goes."""
    held = row.held
    if usage.entries == 0 and not usage.reason:
        return None, ()
    if held is not None and held.safety_of:
        return None, (f"it holds what `{held.safety_of}` held before a restore or a move, and no set does",)
    if held is not None and held.anonymous:
        return None, ("anonymous volumes are in no backup set",)
    backup, reason = backups.relied_on(row.key)
    if backup is None and row.declared is not None and row.declared.backup == "none":
        return None, (f"no backup set holds it: {row.declared.place.file} says that it can be filled again",)
    if backup is None:
        return None, (reason,)
    if usage.changed is None:
        return backup, (f"it cannot be told whether it changed since: {usage.reason or 'no date is known'}",)
    if usage.changed >= backup.started:
        when = usage.changed.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
        return backup, (f"it changed at {when} UTC, after set {backup.id} was begun",)
    return backup, ()


def usage_of(document: Mapping[str, Any] | None, reason: str = "") -> Usage:
    """What `ops usage --json` says of one volume."""
    if document is None:
        return Usage(reason=reason or "this project's `ops` cannot look into volumes")
    changed = document.get("changed")
    return Usage(
        size=document["size"],
        entries=document["entries"],
        changed=datetime.fromtimestamp(changed, UTC) if changed is not None else None,
        created=document.get("created"),
        folders=tuple((str(each["path"]), int(each["size"])) for each in document.get("folders") or []),
    )


def seconds(created: str) -> int | None:
    """When a volume was made, in seconds since 1970; None where its driver does not say, as in year 1."""
    try:
        when = int(datetime.fromisoformat(created).timestamp())
    except (ValueError, OverflowError):
        return None
    return when if when >= _FIRST else None


def carry_out(engine: Engine, candidates: Sequence[Candidate], say: Callable[[str], None]) -> Outcome:
    """Remove volumes one by one, each looked at once more. What is removed before an interruption stays removed.

    Raises CouldNotError when none could be, KeyboardInterrupt with what was done until then.
    """
    outcome = Outcome()
    try:
        for candidate in candidates:
            _remove(engine, candidate, outcome)
            if candidate.row.name in outcome.removed:
                say(f"removed {candidate.row.name}")
    except KeyboardInterrupt as error:
        raise KeyboardInterrupt(_words(outcome, candidates)) from error
    if outcome.failed and not outcome.removed:
        name, why = next(iter(outcome.failed.items()))
        raise CouldNotError(f"volume `{name}` was not removed", why, "look again: scaffold volumes")
    return outcome


def _remove(engine: Engine, candidate: Candidate, outcome: Outcome) -> None:
    name = candidate.row.name
    try:
        if candidate.row.held != engine.volume(name):
            outcome.failed[name] = "it is not as it was shown: it was removed, made anew, or written to meanwhile"
            return
        engine.remove(name)
    except ScaffoldError as error:
        outcome.failed[name] = f"{error.what}: {error.why}"
        return
    outcome.removed.append(name)


def _words(outcome: Outcome, candidates: Sequence[Candidate]) -> str:
    left = [each.row.name for each in candidates if each.row.name not in outcome.removed]
    done = f"removed {', '.join(outcome.removed)}; " if outcome.removed else "nothing was removed; "
    # The engine may have got the last question, and not yet have answered.
    return f"{done}{left[0]} may be gone, {len(left) - 1} more stay" if left else done.rstrip("; ")
