# Managed by scaffold: updates merge this file.
"""Put right what a killed run left: frozen services, half a restore or move, half sets, containers of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops import project, state, tidy
from ops.errors import ATTENTION
from ops.report import Report
from ops.sets import export, folder
from ops.volumes import lock, refill, rollback

if TYPE_CHECKING:
    import argparse
    from pathlib import Path


def options(verb: argparse.ArgumentParser) -> None:
    """Declare the options."""
    verb.add_argument("--to", metavar="DIR", help="folder of the sets, as given to `backup`")


def run(root: Path, options: argparse.Namespace) -> Report:
    """Finish or undo."""
    this = project.load(root)
    report = Report({"project": this.name})
    with lock.held(this, "recover"):
        done = tidy.up(this, folder.home(this, options.to), export.folder(this))
        left = state.load(this.root, state.RESTORE)
        if left is not None:
            said, problems = rollback.put_right(refill.load(this, left))
            done.append(said)
            for problem in problems:
                report.add(problem, ATTENTION)
    report.document["done"] = done
    report.lines += done or ["nothing to put right"]
    report.last = "all is in order"
    return report
