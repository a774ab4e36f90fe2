"""Volumes as people read them: sizes, ages, rows."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scaffold.engine.backups import Backups
    from scaffold.engine.removal import Usage
    from scaffold.engine.rows import Row

_KILO = 1000
_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")
_STEPS = ((86400, "d"), (3600, "h"), (60, "min"))
_SHORT = 12  # characters of an anonymous volume's name


def size(count: float | None) -> str:
    """A number of bytes in powers of 1000; a question mark for what nobody knows."""
    if count is None:
        return "?"
    unit = _UNITS[0]
    for unit in _UNITS:
        if count < _KILO or unit == _UNITS[-1]:
            break
        count /= _KILO
    return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"


def holds(usage: Usage) -> str:
    """How much is in a volume; empty where nobody knows."""
    if usage.size is None:
        return ""
    return f"{size(usage.size)} in {usage.entries} {'entry' if usage.entries == 1 else 'entries'}"


def ago(when: datetime, now: datetime) -> str:
    """How long ago something was, in its largest whole unit."""
    seconds = max(0.0, (now - when).total_seconds())
    for step, unit in _STEPS:
        if seconds >= 2 * step:
            return f"{seconds // step:.0f} {unit} ago"
    return f"{seconds:.0f} s ago"


def head(*, sized: bool) -> tuple[str, ...]:
    """The names of the columns."""
    sizes = ("SIZE",) if sized else ()
    return (
        "VOLUME", "STATUS", "ATTACHED", "CLASS", "OWNER", "WRITERS", "READERS", *sizes, "BACKUP", "DRILL",
        "RESPONSIBILITY",
    )  # fmt: skip


def cells(row: Row, backups: Backups, now: datetime, *, sized: bool) -> tuple[str, ...]:
    """One volume as a line of the table."""
    declared = row.declared
    said = (
        short(row),
        row.status,
        row.attached,
        declared.klass if declared else "",
        declared.owner if declared else "",
        ", ".join(row.writers),
        ", ".join(row.readers),
        *((size(row.size),) if sized else ()),
        last_backup(row, backups, now),
        last_drill(row, backups, now),
        row.responsibility,
    )
    return tuple(" ".join(cell.split()) or "-" for cell in said)


def short(row: Row) -> str:
    """The key where the file has one, else the engine's name."""
    if row.declared:
        return row.key
    return f"{row.name[:_SHORT]}…" if row.status == "anonymous" and not row.key else row.name


def last_backup(row: Row, backups: Backups, now: datetime) -> str:
    """When a set last took the volume, and whether that one was verified."""
    last = backups.last(row.key) if row.key else None
    if last is None:
        return "never" if row.key and row.held and not backups.reason else ""
    words = "" if last.verified is None else ", verified" if last.verified else ", BAD"
    return ago(last.started, now) + words


def last_drill(row: Row, backups: Backups, now: datetime) -> str:
    """When a restore of the volume was last practised."""
    last = backups.last_drill(row.key) if row.key else None
    if last is None or last.drilled_at is None:
        return "never" if row.key and row.held and not backups.reason else ""
    return ago(last.drilled_at, now) + ("" if last.drilled else ", FAILED")
