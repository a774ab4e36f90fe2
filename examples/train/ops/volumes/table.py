# Managed by scaffold: updates merge this file.
"""The volume table: what `compose.yaml` declares and describes, beside what the engine holds for this project."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ops import docker

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ops.compose import Model
    from ops.docker import Container, Volume
    from ops.project import Project

ANONYMOUS = re.compile(r"[0-9a-f]{64}")
PRESENT, ABSENT, RETIRED = "present", "absent", "retired"


@dataclass(frozen=True)
class Entry:
    """One volume: its key in `compose.yaml`, its name in the engine, and what is said of it."""

    key: str
    name: str
    state: str
    responsibility: str = ""
    kind: str = ""
    owner: str = ""
    backup: str = ""
    refill: str = ""


def table(this: Project, model: Model, volumes: Sequence[Volume], containers: Sequence[Container]) -> list[Entry]:
    """Return the declared volumes in the order of their names, then the retired ones."""
    held = {each.name for each in volumes}
    declared = [
        entry(key, name, PRESENT if name in held else ABSENT, model.described.get(key, {}))
        for key, name in model.volumes.items()
    ]
    names = set(model.volumes.values())
    anonymous = {name for each in containers for name in each.volumes.values() if ANONYMOUS.fullmatch(name)}
    retired = [
        entry(each.key, each.name, RETIRED, {})
        for each in volumes
        if each.project == this.name and each.name not in names | anonymous
    ]
    return [*declared, *retired]


def entry(key: str, name: str, state: str, said: dict[str, str]) -> Entry:
    """Return one row."""
    return Entry(
        key,
        name,
        state,
        said.get("responsibility", ""),
        said.get("class", ""),
        said.get("owner", ""),
        said.get("backup", ""),
        said.get("refill", ""),
    )


def driver(name: str) -> str:
    """Return the driver of a volume in the engine."""
    answer = docker.run(["volume", "inspect", "--format", "{{.Driver}}", name])
    return answer.output.strip() if answer.code == 0 else ""
