# Managed by scaffold: updates merge this file.
"""Which sets a policy keeps: the rules of restic 0.17 (`forget --keep-*`), and no broken set instead of a good one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from ops.errors import REFUSED, OpsError

if TYPE_CHECKING:
    from collections.abc import Callable

UTC = timezone.utc  # noqa: UP017 (3.9 has no shorter name for it)
BEGINNING = datetime.min.replace(tzinfo=UTC)
ALL = -1
FRESH = timedelta(hours=24)  # somebody may still want to look at why a set is broken
DURATION = re.compile(r"(\d+)([ymdh])")
UNITS = "ymdh"
# What two times have in common that are in the same period; weeks are ISO's. For `last`, each set is its own period.
PERIODS: dict[str, Callable[[datetime], object]] = {
    "last": lambda _: object(),
    "hourly": lambda time: (time.date(), time.hour),
    "daily": lambda time: time.date(),
    "weekly": lambda time: tuple(time.isocalendar())[:2],
    "monthly": lambda time: (time.year, time.month),
    "yearly": lambda time: time.year,
}


@dataclass(frozen=True)
class Policy:
    """How many sets to keep of each kind; -1 is all, restic's `unlimited`.

    `within` is such as `1y5m7d2h` and counts back from the newest good set that is not of the future.
    """

    last: int = 0
    hourly: int = 0
    daily: int = 0
    weekly: int = 0
    monthly: int = 0
    yearly: int = 0
    within: str = ""


@dataclass(frozen=True)
class Dated:
    """A set: good when it is complete and nothing is known to be wrong with it, marked when the user wants it kept."""

    id: str
    time: datetime
    good: bool
    marked: bool


@dataclass(frozen=True)
class Decision:
    """What becomes of a set, and why it stays."""

    id: str
    keep: bool
    reasons: list[str]


class Bucket:
    """One rule of a policy: of each of the last so many periods, the newest set."""

    def __init__(self, reason: str, count: int) -> None:
        self.reason = reason
        self.left = count
        self.period: object = None

    def takes(self, time: datetime, oldest: bool) -> bool:
        """Tell whether the next older set has a place. The oldest of all has one as long as there is any left."""
        period = PERIODS[self.reason](time)
        if self.left == 0 or (period == self.period and not oldest):
            return False
        self.period = period
        self.left -= self.left > 0
        return True


def decide(sets: list[Dated], policy: Policy, now: datetime) -> list[Decision]:
    """Decide about every set, newest first. The newest good one always stays, and so do those that are marked."""
    back = check(policy)
    ordered = sorted(sets, key=lambda each: (utc(each.time), each.id), reverse=True)
    good = [each for each in ordered if each.good]
    # A clock that was wrong leaves sets of the future. They count, but another one is what was backed up last.
    past = [each for each in good if utc(each.time) <= utc(now)]
    reasons = kept(good, policy, before(utc(past[0].time), back) if past else BEGINNING)
    for last in {each.id for each in good[:1] + past[:1]}:
        reasons[last].append("the last good set")
    for each in ordered:
        if not each.good:
            reasons[each.id] = broken(each, good, now)
    return [decision(each, reasons[each.id]) for each in ordered]


def check(policy: Policy) -> tuple[int, ...]:
    """Return how far back `within` goes; OpsError for a policy that keeps nothing or makes no sense."""
    counts = {reason: getattr(policy, reason) for reason in PERIODS}
    for reason, count in counts.items():
        if count < ALL:
            raise OpsError(f"--keep-{reason} {count} makes no sense", fix="`unlimited` keeps all", code=REFUSED)
    back = duration(policy.within)
    if not any(counts.values()) and not any(back):
        fix = "say what to keep: --keep-last 7, --keep-daily 14, --keep-within 1m"
        raise OpsError("this policy keeps nothing", fix=fix, code=REFUSED)
    return back


def kept(good: list[Dated], policy: Policy, edge: datetime) -> dict[str, list[str]]:
    """Return why the policy keeps each good set; no reason for those that it does not."""
    buckets = [Bucket(reason, getattr(policy, reason)) for reason in PERIODS]
    within = any(duration(policy.within))
    found: dict[str, list[str]] = {}
    for each in good:
        time = utc(each.time)
        why = [f"within {policy.within}"] if within and time > edge else []
        found[each.id] = [bucket.reason for bucket in buckets if bucket.takes(time, each is good[-1])] + why
    return found


def broken(one: Dated, good: list[Dated], now: datetime) -> list[str]:
    """Say why a set that is not good stays: it may be all there is of its time."""
    if not good or utc(one.time) > utc(good[0].time):
        return ["no newer good set"]
    return ["less than a day old"] if utc(one.time) >= utc(now) - FRESH else []


def decision(one: Dated, reasons: list[str]) -> Decision:
    """Put together what was found out about a set."""
    why = ["marked", *reasons] if one.marked else reasons
    return Decision(one.id, bool(why), why)


def duration(text: str) -> tuple[int, ...]:
    """Read years, months, days and hours, as in `1y5m7d2h`."""
    if text and not re.fullmatch(f"({DURATION.pattern})+", text, re.ASCII):
        fix = "years, months, days and hours: --keep-within 1y5m7d2h"
        raise OpsError(f"`{text}` is no duration", fix=fix, code=REFUSED)
    amounts = dict.fromkeys(UNITS, 0)
    for number, unit in DURATION.findall(text):
        amounts[unit] += int(number)
    return tuple(amounts[unit] for unit in UNITS)


def before(time: datetime, back: tuple[int, ...]) -> datetime:
    """Go back in time. A day that a month has not runs over into the next: a month before 31 March is 3 March."""
    years, months, days, hours = back
    count = (time.year - years) * 12 + time.month - 1 - months
    try:
        first = time.replace(year=count // 12, month=count % 12 + 1, day=1)
        return first + timedelta(days=time.day - 1 - days, hours=-hours)
    except (ValueError, OverflowError):
        return BEGINNING


def utc(time: datetime) -> datetime:
    """Return a time in UTC; one without a zone is in UTC."""
    return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
