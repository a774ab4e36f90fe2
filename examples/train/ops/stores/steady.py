# Managed by scaffold: updates merge this file.
"""Counts that belong to a dump, taken around it: a server that goes on serving has no moment to count in."""

from __future__ import annotations


def between(before: dict[str, int] | None, after: dict[str, int] | None) -> dict[str, int] | None:
    """Keep what was the same before and after a dump; of what changed meanwhile the dump may hold either."""
    if before is None or after is None:
        return None
    return {name: count for name, count in before.items() if after.get(name) == count}
