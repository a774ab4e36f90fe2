"""Where services find their volumes: mounts that lead elsewhere, moved, were dropped, or may be written no more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from scaffold.compose.mounts import Mount
from scaffold.compose.project import Project, Service, in_both

Kind = Literal["path", "dropped", "read-only", "writable"]


@dataclass(frozen=True, slots=True)
class Moved:
    """A service finds something else at a path: it starts with what is there, and the data stays where it was.

    `before` and `after` are a volume's key, a folder of the host, or words for what has no name.
    """

    service: str
    target: str
    before: str
    after: str
    fix: str


@dataclass(frozen=True, slots=True)
class MountChange:
    """A volume is mounted otherwise: at another path, not at all, or with other rights.

    `before` and `after` are paths; `after` is empty for one that was dropped, and `fix` where it was only read.
    """

    service: str
    volume: str
    kind: Kind
    before: str
    after: str
    fix: str


def moved(before: Project, after: Project) -> Iterator[Moved]:
    """Mounts at whose path something else is mounted now."""
    for old, new in in_both(before, after):
        now = {mount.target: mount for mount in new.mounts}
        for mount in old.mounts:
            other = now.get(mount.target)
            if (
                other
                and mount.kind != "tmpfs"
                and _what(mount, before, before.name) != _what(other, after, before.name)
            ):
                yield Moved(new.name, mount.target, _words(mount), _words(other), _copy(mount, other))


def mount_changes(before: Project, after: Project) -> Iterator[MountChange]:
    """Named volumes that a service mounts at another path, no longer, or with other rights."""
    for old, new in in_both(before, after):
        now = {mount.target: mount for mount in new.mounts}
        for mount in old.mounts:
            if not mount.volume:
                continue
            same = now.get(mount.target)
            if same and same.volume == mount.volume:
                if same.read_only != mount.read_only:
                    yield _rights(new.name, same)
            elif elsewhere := _elsewhere(old, new, mount):
                yield MountChange(new.name, mount.volume, "path", mount.target, elsewhere, _path(old, mount, elsewhere))
            elif same is None:
                yield MountChange(
                    new.name, mount.volume, "dropped", mount.target, "", "" if mount.read_only else _dropped(mount)
                )


def _what(mount: Mount, project: Project, name: str) -> tuple[str, str]:
    """What is mounted: a volume by the name that the engine has for it in the project `name`."""
    settings = project.volumes[mount.volume].settings if mount.volume in project.volumes else {}
    usual = mount.source if str(settings.get("external", "false")) != "false" else f"{name}_{mount.source}"
    return mount.kind, str(settings.get("name") or usual) if mount.volume else mount.source


def _elsewhere(old: Service, new: Service, mount: Mount) -> str:
    known = {one.target for one in old.mounts if one.volume == mount.volume}
    return next((one.target for one in new.mounts if one.volume == mount.volume and one.target not in known), "")


def _rights(service: str, mount: Mount) -> MountChange:
    kind: Kind = "read-only" if mount.read_only else "writable"
    fix = "what it writes there fails from now on" if mount.read_only else "it may change what is in there from now on"
    return MountChange(service, mount.volume, kind, mount.target, mount.target, fix)


def _path(old: Service, mount: Mount, target: str) -> str:
    name = old.image or old.name
    return (
        f"the data stays in `{mount.volume}`, and is found at {target} now: be sure that the service looks there "
        f"({name} looked at {mount.target})"
    )


def _dropped(mount: Mount) -> str:
    return (
        f"the data stays in `{mount.volume}`; what the service still writes to {mount.target} is lost with its "
        "container"
    )


def _copy(old: Mount, new: Mount) -> str:
    if not old.source:
        return "what is in the anonymous volume is left behind: copy it out of the container before `up`"
    if new.kind == "tmpfs" or not new.source:
        return f"the data stays in `{old.source}`; what the service writes there now is lost with its container"
    return (
        f"the data stays in `{old.source}`: keep the old name, or stop the service and copy it over before `up`; "
        f"otherwise it starts with what is in `{new.source}`"
    )


def _words(mount: Mount) -> str:
    return mount.source or ("memory" if mount.kind == "tmpfs" else "an anonymous volume")
