"""An engine and projects, written down as the engine's API and Compose files have them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scaffold.engine import known as projects
from scaffold.engine import state as states
from scaffold.engine.known import Known
from scaffold.engine.state import PROJECT, VOLUME, State

CREATED = "2026-01-31T02:00:00Z"
COMPOSE = """\
name: me
services:
  db:
    image: mongo
    volumes: [data:/data/db, "config:/data/configdb"]
  app:
    image: app
    volumes: ["data:/seen:ro"]
volumes:
  data:
  config:
x-scaffold:
  volumes:
    data: {responsibility: Database files, class: database, owner: db, backup: mongo-dump}
"""


def volume(name: str, project: str = "", key: str = "", **more: Any) -> dict[str, Any]:
    """A volume as the engine lists it."""
    labels = {**({PROJECT: project} if project else {}), **({VOLUME: key} if key else {}), **more.pop("Labels", {})}
    return {"Name": name, "Driver": "local", "Options": None, "Labels": labels or None, "CreatedAt": CREATED, **more}


def container(name: str, project: str = "", folder: str = "", *mounts: str, **more: Any) -> dict[str, Any]:
    """A container as the engine lists it; a mount is `VOLUME:TARGET`, with `:ro` behind it if it is read-only."""
    labels = {
        **({PROJECT: project, "com.docker.compose.service": name} if project else {}),
        **({"com.docker.compose.project.working_dir": folder} if folder else {}),
        **more.pop("Labels", {}),
    }
    listed = [
        {
            "Type": "volume",
            "Name": each.split(":")[0],
            "Destination": each.split(":")[1],
            "RW": not each.endswith(":ro"),
        }
        for each in mounts
    ]
    return {"Id": "0" * 64, "Names": [f"/{name}"], "State": "running", "Labels": labels, "Mounts": listed, **more}


def state(volumes: list[dict[str, Any]], *containers: dict[str, Any]) -> State:
    return states.state(volumes, containers)


def project(folder: Path, files: Mapping[str, str] | str = COMPOSE) -> Known:
    """A project in a folder of its own."""
    folder.mkdir(exist_ok=True)
    for path, text in ({"compose.yaml": files} if isinstance(files, str) else files).items():
        (folder / path).write_text(text)
    return projects.in_folder(folder, {})
