# Managed by scaffold: updates merge this file.
"""Sizes and times as people read them, and as the engine writes them."""

from __future__ import annotations

import re
from datetime import datetime

KILO = 1000
UNITS = ("B", "kB", "MB", "GB", "TB", "PB")
TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[+-]\d\d:\d\d)")
STEPS = ((86400, "d"), (3600, "h"), (60, "min"))


def size(count: float) -> str:
    """Return a number of bytes in powers of 1000."""
    for unit in UNITS:
        if count < KILO or unit == UNITS[-1]:
            break
        count /= KILO
    return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"


def span(seconds: float) -> str:
    """Return a length of time in its largest whole unit."""
    for step, unit in STEPS:
        if seconds >= 2 * step:
            return f"{seconds // step:.0f} {unit}"
    return f"{seconds:.0f} s" if seconds >= KILO / 100 else f"{seconds:.1f} s"


def counted(count: int, word: str) -> str:
    """Return a number with its word."""
    return f"{count} {word}{'' if count == 1 else 's'}"


def engine_time(text: str) -> int | None:
    """Read a time as the engine writes it; some volume drivers answer year 1, which is no time."""
    match = TIME.search(text)
    if match is None or match.group(1) < "2013":
        return None
    zone = "+00:00" if match.group(2) == "Z" else match.group(2)
    return int(datetime.fromisoformat(match.group(1) + zone).timestamp())
