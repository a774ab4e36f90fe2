"""What a project's backup sets hold of each volume, read from the document of `ops list --json`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

_STORED = "stored"


@dataclass(frozen=True, slots=True)
class Set:
    """A backup set: which volumes it holds, and what later looks at it found; None where nobody looked."""

    id: str
    started: datetime
    state: str
    stored: frozenset[str]
    verified: bool | None = None
    drilled: bool | None = None
    drilled_at: datetime | None = None

    @property
    def good(self) -> bool:
        """Whether it can be relied on: it was verified, and neither that nor a drill found anything wrong."""
        return self.verified is True and self.drilled is not False and not self.state.startswith("bad")


@dataclass(frozen=True, slots=True)
class Backups:
    """The sets of one project, newest first; `reason` says why nothing is known of them."""

    project: str = ""
    sets: tuple[Set, ...] = ()
    reason: str = ""

    def last(self, key: str) -> Set | None:
        """The newest set that holds a volume."""
        return next((each for each in self.sets if key in each.stored), None)

    def last_drill(self, key: str) -> Set | None:
        """The newest drilled set that holds a volume."""
        drilled = [each for each in self.sets if each.drilled_at and key in each.stored]
        return max(drilled, key=lambda each: each.drilled_at or each.started, default=None)

    def relied_on(self, key: str) -> tuple[Set | None, str]:
        """The newest good set, if it holds a volume; else the reason why there is nothing to rely on."""
        if self.reason:
            return None, self.reason
        if self.last(key) is None:
            return None, "no backup set holds it"
        newest = next((each for each in self.sets if each.good), None)
        if newest is None:
            return None, "no backup set was verified"
        if key not in newest.stored:
            return None, f"the newest verified set, {newest.id}, does not hold it"
        return newest, ""


def read(document: Mapping[str, Any] | None) -> Backups:
    """The sets of a document; nothing is known where there is none, or it is not what it should be."""
    if document is None:
        return Backups(reason="this project's `ops` says nothing of backups")
    try:
        sets = tuple(sorted(_sets(document), key=lambda each: each.id, reverse=True))
        return Backups(str(document["project"]), sets)
    except (KeyError, TypeError, ValueError, AttributeError):
        return Backups(reason="what this project's `ops` says of backups cannot be read")


def _sets(document: Mapping[str, Any]) -> Iterator[Set]:
    for each in document["sets"]:
        if each["state"] == "unreadable":
            continue
        drilled = each["drilled"] or {}
        # Of a drill with `--only` nobody knows which volumes it was.
        whole = drilled.get("whole") is not False
        yield Set(
            id=str(each["set"]),
            started=time(each["started"]),
            state=str(each["state"]),
            stored=frozenset(key for key, about in each["volumes"].items() if about["state"] == _STORED),
            verified=each["verified"]["good"] if each["verified"] else None,
            drilled=drilled["good"] if drilled else None,
            drilled_at=time(drilled["time"]) if drilled and whole else None,
        )


def time(stamp: str) -> datetime:
    """A time as `ops` writes it, in UTC. Raises ValueError."""
    return datetime.strptime(stamp, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def document(backups: Backups, key: str, now: datetime) -> dict[str, Any]:
    """What is known of one volume's backups, for other programs."""
    last, drill = backups.last(key), backups.last_drill(key)
    return {
        "last_backup": {
            "set": last.id,
            "started": last.started.isoformat(),
            "age_seconds": int((now - last.started).total_seconds()),
            "verified": last.verified,
        }
        if last
        else None,
        "last_drill": {"set": drill.id, "time": drill.drilled_at.isoformat(), "good": drill.drilled}
        if drill and drill.drilled_at
        else None,
    }
