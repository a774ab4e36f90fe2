# Managed by scaffold: updates merge this file.
"""List the backup sets: age, size, whether they are complete, when they were last verified and drilled."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from ops import project
from ops.errors import ATTENTION, OpsError
from ops.report import Report, table
from ops.sets import folder, places
from ops.text import size, span

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from ops.sets.folder import Found


def options(verb: argparse.ArgumentParser) -> None:
    """Declare the options."""
    places.options(verb)


def run(root: Path, options: argparse.Namespace) -> Report:
    """List; a set that cannot be read is listed as such."""
    this = project.load(root)
    place = places.of(this, options)
    home = place.home
    report = Report({"project": this.name, "folder": place.shown})
    now = time.time()
    listed: list[dict[str, Any]] = []
    rows = []
    for path in folder.sets(home):
        try:
            found = folder.look(path)
        except OpsError as error:
            listed.append({"set": path.name, "state": "unreadable"})
            rows.append([path.name, "-", "-", "-", "unreadable", "-", "-"])
            report.add(error.problem, ATTENTION)
            continue
        listed.append(document(found))
        rows.append(row(found, now))
    report.document["sets"] = listed
    head = ["SET", "AGE", "SIZE", "VOLUMES", "STATE", "VERIFIED", "DRILLED"]
    report.lines += table(head, rows) if rows else [f"no sets in {place.shown}"]
    return report


def document(found: Found) -> dict[str, Any]:
    """Return a set for `--json`."""
    made = found.manifest
    return {
        "set": made.id,
        "path": str(found.path),
        "started": made.started,
        "size": made.size,
        "state": state(found),
        "volumes": {
            item.volume: {"state": item.state, "size": item.size, "method": item.method} for item in made.items
        },
        "verified": found.checks.get(folder.VERIFIED),
        "drilled": found.checks.get(folder.DRILLED),
        "protected": found.protected,
    }


def row(found: Found, now: float) -> list[str]:
    """Return a set as a line."""
    made = found.manifest
    age = f"{span(max(0, now - folder.seconds(made.started)))}"
    checks = [said(found.checks.get(kind), now) for kind in (folder.VERIFIED, folder.DRILLED)]
    return [made.id, age, size(made.size), str(len(made.stored())), state(found), *checks]


def state(found: Found) -> str:
    """Return what a set is worth, in words."""
    words = "bad" if found.doubted else "complete" if found.manifest.complete else "partial"
    return f"{words}, protected" if found.protected else words


def said(outcome: dict[str, Any] | None, now: float) -> str:
    """Return when something was last done, and how it went."""
    if not outcome:
        return "never"
    ago = f"{span(max(0, now - folder.seconds(str(outcome.get('time')))))} ago"
    return ago if outcome.get("good") else f"FAILED {ago}"
