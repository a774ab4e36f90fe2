"""The projects that are known: the one in a folder, and those whose folders containers name in their labels."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scaffold.compose.load import parse, plain
from scaffold.compose.project import Place, Project, Volume, files_in, read_project
from scaffold.engine.state import State
from scaffold.errors import ScaffoldError

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
_VARIABLE = "COMPOSE_PROJECT_NAME"
# Whatever such a file declares is not retired, only not in use at the moment: `-f compose.dev.yaml`.
_FILES = ("compose*.yml", "compose*.yaml", "docker-compose*.yml", "docker-compose*.yaml")


@dataclass(frozen=True, slots=True)
class Known:
    """A project: its name in the engine, its folder, and what its files declare; None where they cannot be read.

    `beside` are volumes that other Compose files in its folder declare, `unread` files that could not be read.
    """

    name: str
    folder: Path | None = None
    project: Project | None = None
    beside: Mapping[str, Volume] = field(default_factory=dict)
    unread: tuple[str, ...] = ()

    @property
    def volumes(self) -> dict[str, Volume]:
        """The declared volumes by their keys."""
        return {**self.beside, **(self.project.volumes if self.project else {})}

    def engine_name(self, volume: Volume) -> str:
        """What the engine calls a declared volume; empty when that hangs on a variable."""
        name = str(volume.settings.get("name") or "")
        if not name:
            return volume.name if external(volume) else f"{self.name}_{volume.name}"
        return "" if "$" in name else name


def external(volume: Volume) -> bool:
    """Whether somebody else makes a volume and only its use is declared."""
    return str(volume.settings.get("external") or "false").lower() != "false"


def in_folder(folder: Path, env: Mapping[str, str]) -> Known:
    """The project in a folder, under the name that Compose gives it. Raises ScaffoldError when it cannot be read."""
    project = read_project(files_in(folder))
    return _known(_name(folder, project.name, env), folder, project)


def by_label(name: str, folder: Path) -> Known:
    """The project of that name whose containers were started in a folder; one without files where there are none."""
    try:
        return _known(name, folder, read_project(files_in(folder)))
    except ScaffoldError as error:
        return Known(name, unread=(f"{folder}: {error.why or error.what}",))


def others(state: State, known: Known | None = None) -> list[Known]:
    """The projects that have containers, each with the folders in which those were started, but for the `known` one."""
    here = known.folder.resolve() if known and known.folder else None
    places = sorted({(each.project, each.folder) for each in state.containers if each.project})
    return [
        by_label(name, Path(folder)) if folder else Known(name)
        for name, folder in places
        if not (known and name == known.name and folder and Path(folder).resolve() == here)
    ]


def _known(name: str, folder: Path, project: Project) -> Known:
    beside: dict[str, Volume] = {}
    unread = list(project.unread)
    for path in sorted({path for pattern in _FILES for path in folder.glob(pattern)}):
        if path.name in project.files:
            continue
        try:
            beside |= {volume.name: volume for volume in _declared(path)}
        except ScaffoldError as error:
            unread.append(f"{path.name}: {error.why or error.what}")
    return Known(name, folder, project, beside, tuple(unread))


def _declared(path: Path) -> Iterator[Volume]:
    source = parse(path.name, files_in(path.parent)(path.name) or "")
    volumes: Any = plain(source.data.get("volumes")) or {}
    for key, body in volumes.items() if isinstance(volumes, dict) else ():
        settings = body if isinstance(body, dict) else {}
        line = source.lines.get(("volumes", key), 1)
        yield Volume(str(key), settings, "", "", "", "", Place(path.name, line))


def _name(folder: Path, declared: str, env: Mapping[str, str]) -> str:
    """As Compose finds it: the environment, `.env`, the file, the folder."""
    text = files_in(folder)(".env") or ""
    found = re.findall(rf"^[ \t]*(?:export[ \t]+)?{_VARIABLE}[ \t]*=[ \t]*[\"']?([^\s\"'#]*)", text, re.MULTILINE)
    for name, place in (
        (env.get(_VARIABLE, ""), f"{_VARIABLE} in the environment"),
        (found[-1] if found else "", f"{_VARIABLE} in .env"),
        (declared, "`name:` in compose.yaml"),
    ):
        if name and not _NAME.fullmatch(name):
            raise ScaffoldError(
                f"{place} is not a project name: {name}",
                fix="write it plainly: lower-case letters, digits, `_` and `-`, no `$`",
            )
        if name:
            return name
    name = re.sub(r"[^a-z0-9_-]", "", folder.resolve().name.lower()).lstrip("_-")
    if not name:
        raise ScaffoldError(f"the project in {folder} has no name", fix="write `name:` into compose.yaml")
    return name
