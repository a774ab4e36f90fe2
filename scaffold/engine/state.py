"""What an engine holds, as plain values: read from its answers once, asked as often as one likes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

PROJECT = "com.docker.compose.project"
VOLUME = "com.docker.compose.volume"
# What `ops` puts on the copy of a volume from before a restore or a move: the name of that volume.
SAFETY = "ops.safety"
# On containers of `ops` that hold a project for a run.
LOCK = "ops.lock"

_ANONYMOUS_LABEL = "com.docker.volume.anonymous"
_ANONYMOUS = re.compile(r"[0-9a-f]{64}")
_ACTIVE = frozenset({"running", "restarting", "paused"})
_SECRET = re.compile(r"(\b\w*(?:pass|secret|key|token)\w*=)[^,]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Held:
    """A volume that the engine holds."""

    name: str
    driver: str = "local"
    options: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    created: str = ""
    mountpoint: str = ""

    @property
    def project(self) -> str:
        """The Compose project that made it, by its label."""
        return self.labels.get(PROJECT, "")

    @property
    def key(self) -> str:
        """What it is called in that project's file, by its label."""
        return self.labels.get(VOLUME, "")

    @property
    def safety_of(self) -> str:
        """The volume whose content from before a restore or a move it holds; empty when it is none of those."""
        return self.labels.get(SAFETY, "")

    @property
    def anonymous(self) -> bool:
        """Whether nobody gave it a name."""
        return _ANONYMOUS_LABEL in self.labels or _ANONYMOUS.fullmatch(self.name) is not None

    @property
    def shown_options(self) -> dict[str, str]:
        """The driver's options without what is secret in them."""
        return {key: _SECRET.sub(r"\1***", f"{key}={value}")[len(key) + 1 :] for key, value in self.options.items()}


@dataclass(frozen=True, slots=True)
class Use:
    """A container that mounts a volume: at which path, and whether it may write there."""

    container: str
    project: str
    service: str
    folder: str
    state: str
    volume: str
    target: str
    writable: bool

    @property
    def active(self) -> bool:
        """Whether the container's processes are there."""
        return self.state in _ACTIVE


@dataclass(frozen=True, slots=True)
class Container:
    """A container, stopped ones too."""

    name: str
    project: str
    service: str
    folder: str
    state: str
    uses: tuple[Use, ...]
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class State:
    """Everything that is asked of an engine, of one moment."""

    volumes: Mapping[str, Held]
    containers: tuple[Container, ...]
    users: Mapping[str, tuple[Use, ...]]

    def of_project(self, name: str) -> list[Held]:
        """The volumes that carry a project's label."""
        return [held for held in self.volumes.values() if held.project == name]


def state(volumes: Iterable[Mapping[str, Any]], containers: Iterable[Mapping[str, Any]]) -> State:
    """The state that two answers of the engine tell of: its list of volumes, and its list of all containers."""
    found = tuple(sorted((container(each) for each in containers), key=lambda each: each.name))
    users: dict[str, list[Use]] = {}
    for one in found:
        for use in one.uses:
            users.setdefault(use.volume, []).append(use)
    return State(
        {each.name: each for each in sorted(map(held, volumes), key=lambda each: each.name)},
        found,
        {name: tuple(uses) for name, uses in users.items()},
    )


def held(said: Mapping[str, Any]) -> Held:
    """One volume, as the engine describes it."""
    return Held(
        name=str(said["Name"]),
        driver=str(said.get("Driver") or ""),
        options={str(key): str(value) for key, value in (said.get("Options") or {}).items()},
        labels={str(key): str(value) for key, value in (said.get("Labels") or {}).items()},
        created=str(said.get("CreatedAt") or ""),
        mountpoint=str(said.get("Mountpoint") or ""),
    )


def container(said: Mapping[str, Any]) -> Container:
    """One container of the engine's list."""
    labels = said.get("Labels") or {}
    name = str((said.get("Names") or [said.get("Id", "")[:12]])[0]).lstrip("/")
    project, service = (str(labels.get(key) or "") for key in (PROJECT, "com.docker.compose.service"))
    folder = str(labels.get("com.docker.compose.project.working_dir") or "")
    now = str(said.get("State") or "")
    mounts = [each for each in said.get("Mounts") or [] if each.get("Type") == "volume" and each.get("Name")]
    uses = tuple(
        Use(name, project, service, folder, now, each["Name"], str(each.get("Destination") or ""), each.get("RW", True))
        for each in mounts
    )
    return Container(name, project, service, folder, now, uses, labels)


def sizes(said: Mapping[str, Any]) -> dict[str, int]:
    """The sizes in an engine's account of its disk; of a volume on another machine's disk it knows none."""
    counted = {each["Name"]: (each.get("UsageData") or {}).get("Size", -1) for each in said.get("Volumes") or []}
    return {name: size for name, size in counted.items() if size >= 0}
