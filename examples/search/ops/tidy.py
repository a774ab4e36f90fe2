# Managed by scaffold: updates merge this file.
"""Put right what a killed run left, before anything new begins. Call it with the project locked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops import docker, files, sandbox, state
from ops.errors import OpsError
from ops.sets import folder, repository
from ops.text import counted
from ops.volumes import freeze, helper

if TYPE_CHECKING:
    from pathlib import Path

    from ops.project import Project

DRILL = "-ops-drill-"


def up(this: Project, *homes: Path) -> list[str]:
    """Set going what was frozen, remove half sets, helpers and sandboxes; return what was done, in words."""
    done = resume(this)
    for unfinished in state.folder(this.root).glob(f"{files.UNFINISHED}*"):
        unfinished.unlink()
    for count, word in ((helper.clear(this.name), "helper container"), (sandbox.clear(this.name), "sandbox")):
        if count:
            done.append(f"removed {counted(count, word)} of a run that was killed")
    done += drills(this)
    if repository.clear(this):
        done.append("removed what a killed run had put together for a repository")
    for home in homes:
        for partial in folder.partials(home):
            folder.discard(partial)
            done.append(f"removed `{partial.name}`, a set that never got complete")
    return done


def drill_name(this: Project) -> str:
    """Return a project name for a drill, under which its throw-away volumes are found again."""
    return f"{this.name}{DRILL}{state.token()}"


def drills(this: Project) -> list[str]:
    """Remove the volumes of drills that were killed; their journals tell of nothing else."""
    left = state.load(this.root, state.RESTORE)
    if left is not None and str(left.get("project")).startswith(this.name + DRILL):
        state.clear(this.root, state.RESTORE)
    gone = [each.name for each in docker.volumes() if each.project.startswith(this.name + DRILL)]
    for volume in gone:
        docker.run(["volume", "rm", "--force", volume])
    return [f"removed {counted(len(gone), 'volume')} of a drill that was killed"] if gone else []


def resume(this: Project) -> list[str]:
    """Set going what a killed run had paused or stopped."""
    left = state.load(this.root, state.QUIESCED)
    if left is None:
        return []
    still = freeze.resume(left)
    if still:
        raise freeze.not_resumed(still)
    state.clear(this.root, state.QUIESCED)
    names = ", ".join(f"`{each.get('name')}`" for each in left.get("containers") or [])
    return [f"set {names} going again, which a killed run had kept still"]


def refuse_unfinished(this: Project) -> None:
    """Refuse to begin while a restore or a move is half done."""
    left = state.load(this.root, state.RESTORE)
    if left is not None:
        why = "its volumes are neither what they were nor what they should become"
        raise OpsError(
            f"a {left.get('verb') or 'restore'} was interrupted", why, "python3 ops recover", cause="unfinished"
        )
