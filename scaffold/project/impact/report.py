"""What a change of a project means for its data and its containers: a comparison of two projects, and nothing else.

Nothing here asks an engine or the disk; what only an engine knows is not said.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from scaffold.compose.project import Project, Secret, Volume
from scaffold.project.impact.broken import Broken, broken
from scaffold.project.impact.images import ImageChange, image_changes
from scaffold.project.impact.mounting import MountChange, Moved, mount_changes, moved
from scaffold.project.impact.recreate import Rebuilt, Recreated, rebuilt, recreated

# Settings that name another volume, rather than make this one anew.
_ELSEWHERE = {"name", "external"}


@dataclass(frozen=True, slots=True)
class Setting:
    """One key of a volume that is declared otherwise: what was there and what is; None where it is not written."""

    key: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Redefined:
    """A volume that is there and is declared otherwise.

    `elsewhere`: another volume is used from then on, and the data stays in the old one. Otherwise Compose asks whether
    to make it anew, and who says yes loses the data.
    """

    volume: str
    settings: tuple[Setting, ...]
    elsewhere: bool


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable of .env.example: its defaults, None where it is not there; `set_here`: .env gives it a value."""

    name: str
    before: str | None
    after: str | None
    set_here: bool | None


@dataclass(frozen=True, slots=True)
class Impact:
    """Everything that a change means for data, secrets, settings and containers."""

    broken: tuple[Broken, ...]
    renamed: tuple[str, str] | None
    volumes_added: tuple[Volume, ...]
    volumes_kept: tuple[Volume, ...]
    volumes_orphaned: tuple[Volume, ...]
    moved: tuple[Moved, ...]
    mounts: tuple[MountChange, ...]
    redefined: tuple[Redefined, ...]
    images: tuple[ImageChange, ...]
    secrets_added: tuple[Secret, ...]
    secrets_gone: tuple[Secret, ...]
    variables_added: tuple[Variable, ...]
    variables_gone: tuple[Variable, ...]
    defaults: tuple[Variable, ...]
    services_added: tuple[str, ...]
    services_removed: tuple[str, ...]
    recreated: tuple[Recreated, ...]
    rebuilt: tuple[Rebuilt, ...]
    unread: tuple[str, ...]

    @property
    def needs_you(self) -> bool:
        """Whether a person has to do or decide something before `up`, or data is lost, left behind or not readable."""
        return bool(
            self.broken
            or self.renamed
            or self.moved
            or self.redefined
            or any(change.fix for change in self.mounts if change.kind in {"path", "dropped"})
            or any(change.todo for change in self.images)
        )

    @property
    def raises_major(self) -> tuple[ImageChange, ...]:
        """The services with a database whose major goes up or down: no update does that on its own."""
        return tuple(change for change in self.images if change.database and change.major in {"up", "down"})

    @property
    def empty(self) -> bool:
        """Whether nothing changes; what merely stays, or could not be read, is no change."""
        return not any(getattr(self, name) for name in self.__slots__ if name not in {"volumes_kept", "unread"})

    def as_dict(self) -> dict[str, Any]:
        """All of it for `--json`."""
        parts = {name: getattr(self, name) for name in self.__slots__}
        shown: dict[str, Any] = {name: [_shown(item) for item in value or ()] for name, value in parts.items()}
        shown["renamed"] = {"before": self.renamed[0], "after": self.renamed[1]} if self.renamed else None
        raised = [change.service for change in self.raises_major]
        return {"empty": self.empty, "needs_you": self.needs_you, "raises_major": raised, **shown}


def impact(before: Project, after: Project, changed: Collection[str] = ()) -> Impact:
    """What becoming `after` means for `before`; `changed` are the paths, from the project's folder, that differ."""
    built = tuple(rebuilt(before, after, changed))
    added, gone, defaults = _variables(before, after)
    return Impact(
        broken=tuple(broken(before, after)),
        renamed=(before.name, after.name) if before.name != after.name else None,
        volumes_added=_only(after.volumes, before.volumes),
        volumes_kept=tuple(volume for name, volume in after.volumes.items() if name in before.volumes),
        volumes_orphaned=_only(before.volumes, after.volumes),
        moved=tuple(moved(before, after)),
        mounts=tuple(mount_changes(before, after)),
        redefined=tuple(_redefined(before, after)),
        images=tuple(image_changes(before, after)),
        secrets_added=_only(after.secrets, before.secrets),
        secrets_gone=_only(before.secrets, after.secrets),
        variables_added=added,
        variables_gone=gone,
        defaults=defaults,
        services_added=tuple(name for name in after.services if name not in before.services),
        services_removed=tuple(name for name in before.services if name not in after.services),
        recreated=tuple(recreated(before, after, changed, built)),
        rebuilt=built,
        unread=tuple(dict.fromkeys((*before.unread, *after.unread))),
    )


def _only(here: Mapping[str, Any], there: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(item for name, item in here.items() if name not in there)


def _redefined(before: Project, after: Project) -> Iterator[Redefined]:
    for name, new in after.volumes.items():
        if name not in before.volumes:
            continue
        first, second = _told(before, before.volumes[name]), _told(after, new)
        keys = [key for key in sorted(first.keys() | second.keys()) if first.get(key) != second.get(key)]
        if keys:
            settings = tuple(Setting(key, first.get(key), second.get(key)) for key in keys)
            yield Redefined(name, settings, elsewhere=bool(_ELSEWHERE & set(keys)))


def _told(project: Project, volume: Volume) -> dict[str, Any]:
    """A volume's settings without those that say what goes without saying."""
    usual = {"driver": "local", "name": f"{project.name}_{volume.name}", "external": "false"}
    return {key: value for key, value in volume.settings.items() if value not in (None, {}, [], usual.get(key))}


def _variables(before: Project, after: Project) -> tuple[tuple[Variable, ...], ...]:
    names = [*after.variables, *(name for name in before.variables if name not in after.variables)]
    here = after.set_here if after.set_here is not None else before.set_here
    found = [
        Variable(name, before.variables.get(name), after.variables.get(name), None if here is None else name in here)
        for name in names
    ]
    return (
        tuple(one for one in found if one.before is None),
        tuple(one for one in found if one.after is None),
        tuple(one for one in found if None not in {one.before, one.after} and one.before != one.after),
    )


def _shown(item: Any) -> Any:
    if isinstance(item, Volume):
        return {
            "name": item.name,
            "responsibility": item.responsibility,
            "class": item.klass,
            "owner": item.owner,
            "backup": item.backup,
        }
    if isinstance(item, Secret):
        return {"name": item.name, "volume": item.volume or None}
    return item if isinstance(item, str) else _lists(asdict(item))


def _lists(value: Any) -> Any:
    """A value as JSON gives it back."""
    if isinstance(value, dict):
        return {key: _lists(item) for key, item in value.items()}
    return [_lists(item) for item in value] if isinstance(value, list | tuple) else value
