# Managed by scaffold: updates merge this file.
"""Who uses what is moved: what is stopped meanwhile, and what becomes of it afterwards."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ops.errors import UNABLE, OpsError
from ops.volumes import presence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ops.compose import Model
    from ops.docker import Container
    from ops.moving.plan import Move
    from ops.project import Project


@dataclass
class Users:
    """Containers that are stopped; and then started again, made anew by Compose, or left as they are."""

    stopped: list[Container] = field(default_factory=list)
    removed: list[Container] = field(default_factory=list)  # also such as do not run: they keep a volume from going
    start: list[Container] = field(default_factory=list)
    up: dict[str, int] = field(default_factory=dict)  # services, and how many containers of each ran
    stay: list[Container] = field(default_factory=list)
    behind: list[Container] = field(default_factory=list)  # start again, and go on writing where content came from

    def again(self, container: Container) -> None:
        """Have a container made anew by Compose afterwards."""
        self.up[container.service] = self.up.get(container.service, 0) + 1

    def after(self) -> dict[str, object]:
        """Return what a journal keeps of it."""
        return {"start": [each.id for each in self.start], "up": self.up}


def find(
    this: Project, model: Model, moves: Sequence[Move], containers: Sequence[Container], other: str | None
) -> Users:
    """Sort the containers that touch what is moved; `other` is the project it comes from."""
    touching = [each for each in containers if touches(each, moves)]
    refuse(this, moves, touching, other)
    users = Users([each for each in touching if each.active])
    anew = {each.target for each in moves if each.was}
    users.removed = [each for each in touching if set(each.volumes.values()) & anew]
    for each in users.stopped:
        place(this, model, moves, each, users)
    for each in containers:
        # A reader goes on meanwhile, and has to get the new volume afterwards.
        if each.active and each.project == this.name and each not in users.stopped and outdated(model, moves, each):
            users.again(each)
    return users


def touches(container: Container, moves: Sequence[Move]) -> bool:
    """Tell whether a container writes to a source, or mounts a target."""
    if set(container.volumes.values()) & {each.target for each in moves}:
        return True
    return any(writes(container, each.source) for each in moves)


def writes(container: Container, source: str) -> bool:
    """Tell whether a container may write to a volume, or to a folder of this machine."""
    if not presence.is_folder(source):
        return source in container.writable
    folder = Path(source)
    return any(
        each == folder or each in folder.parents or folder in each.parents for each in map(Path, container.bound)
    )


def refuse(this: Project, moves: Sequence[Move], touching: Sequence[Container], other: str | None) -> None:
    """Raise the first reason why a container is in the way."""
    anew = {each.target for each in moves if each.was}
    for each in touching:
        foreign = each.project not in {this.name, other}
        if each.state == "paused":
            what = f"container `{each.name}` is paused on what is moved, with some of it in its memory"
            fix = f"docker unpause {each.name}, then run this again"
        elif foreign and each.active:
            what = f"container `{each.name}`, which is not of this project, uses what is moved"
            fix = f"docker stop {each.name}, then run this again"
        elif (foreign or each.oneoff) and set(each.volumes.values()) & anew:
            what = f"container `{each.name}` keeps the volume from being made anew"
            fix = f"docker rm {each.name}, then run this again: that takes what it holds outside of volumes"
        else:
            continue
        raise OpsError(what, fix=fix, code=UNABLE, cause="in-use")


def place(this: Project, model: Model, moves: Sequence[Move], container: Container, users: Users) -> None:
    """Decide what becomes of a container that ran."""
    old = outdated(model, moves, container)
    if container.project != this.name or (old and container.service not in model.services):
        users.stay.append(container)
    elif old or container in users.removed:
        users.again(container)
    else:
        users.start.append(container)
        if any(each.source != each.target and writes(container, each.source) for each in moves):
            users.behind.append(container)


def outdated(model: Model, moves: Sequence[Move], container: Container) -> bool:
    """Tell whether a container was made before the Compose files said what they say now of what is moved."""
    mounts = set(container.volumes.values())
    gone = any(each.source in mounts and not is_declared(model, each) for each in moves)
    return gone or any(container.service in model.mounting(each.key) and each.target not in mounts for each in moves)


def is_declared(model: Model, move: Move) -> bool:
    """Tell whether a source is still in use by this project as it is now."""
    return presence.is_folder(move.source) or move.source in model.volumes.values()
