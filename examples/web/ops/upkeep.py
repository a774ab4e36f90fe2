# Managed by scaffold: updates merge this file.
"""What `status` says of backups: the last one, what a killed run left, and copies that a restore kept."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ops import docker, state
from ops.errors import ATTENTION, Problem
from ops.sets import folder
from ops.text import span
from ops.volumes import refill, starting

if TYPE_CHECKING:
    from ops.project import Project
    from ops.report import Report


def look(this: Project, report: Report) -> None:
    """Look at the folder of sets and at journals; needs no engine."""
    report.document["last_backup"] = None
    found = folder.newest(folder.home(this, None), lambda error: report.add(error.problem, ATTENTION))
    if found is not None:
        age = time.time() - folder.seconds(found.started)
        words = "complete" if found.complete else "partial"
        report.document["last_backup"] = {"set": found.id, "started": found.started, "complete": found.complete}
        report.lines += ["", f"last backup: {span(max(0, age))} ago, {words} (`backups/`; python3 ops list)"]
    for name, verb in ((state.QUIESCED, "backup"), (state.RESTORE, "restore")):
        left = state.load(this.root, name)
        if left is not None:
            what = f"a {left.get('verb') or verb}"
            # It may be under way at this moment: then it clears its journal itself.
            fix = "python3 ops recover, unless it is still running"
            report.add(Problem(f"{what} has not ended", f"its journal is in `{state.FOLDER}/`", fix), ATTENTION)


def look_at_engine(this: Project, report: Report) -> None:
    """Name what restores and moves kept, and say what an engine on another machine needs."""
    label = f"label={refill.SAFETY}"
    kept = [
        name
        for name in docker.ask(["volume", "ls", "-q", "--filter", label]).split()
        if name.startswith(f"{this.name}_")
    ]
    report.document["safety_volumes"] = kept
    if kept:
        said = "content from before a restore or a move is kept"
        report.note(f"{said}; when it may go: docker volume rm {' '.join(kept)}")
    look_at_moves(this, report)
    tell_remote(this, report)


def look_at_moves(this: Project, report: Report) -> None:
    """Name the volumes that were moved and are there still."""
    left = [str(each["from"]) for each in starting.moves(this) if each.get("kept")]
    held = {each.name for each in docker.volumes()} if left else set()
    # A name may have been taken again since, by another project.
    used = {name for each in (docker.containers(None) if left else []) if each.active for name in each.volumes.values()}
    left = [name for name in dict.fromkeys(left) if name in held - used]
    report.document["moved_from"] = left
    if left:
        report.note(f"what was moved is kept where it was; when it may go: docker volume rm {' '.join(left)}")


def tell_remote(this: Project, report: Report) -> None:
    """Say what an engine on another machine needs."""
    host = docker.remote()
    if host and this.secrets:
        report.note(
            f"the engine is on another machine (`{host}`): Compose mounts the files of `secrets/` from that machine, "
            f"so they have to be there as well, as `{this.secrets_folder}`"
        )
