# Managed by scaffold: updates merge this file.
"""Check a set: every stored file by its hash; with --deep all that is in them as well."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

from ops import flags, project
from ops.errors import ATTENTION, OpsError
from ops.report import Report
from ops.sets import check, folder, places
from ops.text import counted, size

if TYPE_CHECKING:
    import argparse
    from pathlib import Path


def options(verb: argparse.ArgumentParser) -> None:
    """Declare the options."""
    flags.latest(verb)
    verb.add_argument("--deep", action="store_true", help="unpack everything, and have each store's files looked at")
    flags.ping(verb)
    places.options(verb)
    places.with_identity(verb)


def run(root: Path, options: argparse.Namespace) -> Report:
    """Verify one set; needs no engine."""
    this = project.load(root)
    place = places.of(this, options)
    path = folder.find(this, place.home, options.set)
    report = Report({"project": this.name, "set": path.name, "deep": options.deep})
    try:
        found = folder.look(path)
    except OpsError as error:
        if error.problem.cause != "damaged":
            raise
        report.add(error.problem, ATTENTION)
        return report
    items = found.manifest.stored()
    place.check()
    with place.content(found) as filled:
        problems = check.stored(filled, items)
        if options.deep and not problems:
            problems, _ = check.deeply(filled, items, places.opening(filled, options.identity))
    for problem in problems:
        report.add(problem, ATTENTION)
    outcome = {"time": folder.stamp(time.time()), "deep": options.deep, "good": not problems}
    report.document["verified"] = outcome
    with suppress(OSError):  # a set on a disk that cannot be written is looked at all the same
        folder.note(found.path, folder.VERIFIED, outcome)
    files = sum(len(item.files) for item in items)
    how = "unpacked and compared" if options.deep else "compared"
    report.last = f"set {found.manifest.id} is good: {counted(files, 'file')}, {size(found.manifest.size)} {how}"
    return report
