"""What a project's Compose files say, read without Docker and with every variable left as it is written.

Files come through a function, so a project can be read from a folder, from a commit, or as an update would make it.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scaffold.compose.build import Build, build
from scaffold.compose.extends import extended
from scaffold.compose.load import Raw, Source, overlay, parse, plain, unreadable
from scaffold.compose.mounts import Mount, mount, tmpfs
from scaffold.compose.services import canonical, joined, misshapen
from scaffold.errors import CouldNotError

ROOT = "compose.yaml"
# In the order in which Compose looks for the user's own file.
OVERRIDES = (
    "compose.override.yml",
    "compose.override.yaml",
    "docker-compose.override.yml",
    "docker-compose.override.yaml",
)

Read = Callable[[str], str | None]

_BLOCKS = ("services", "volumes", "secrets", "configs", "networks")
_DESCRIBED = ("x-scaffold", "x-scaffold-own")
_VARIABLE = re.compile(r"^[ \t]*(?:export[ \t]+)?([A-Za-z_]\w*)[ \t]*=[ \t]*(.*?)[ \t]*$", re.MULTILINE)
_COMMENT = re.compile(r"(?:^|\s+)#.*")


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is declared: a file of the project, and the line (1-based)."""

    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Service:
    """A service. `config` is all that was written, in one form, paths counted from the project's folder."""

    name: str
    image: str
    build: Build | None
    mounts: tuple[Mount, ...]
    secrets: tuple[str, ...]
    profiles: tuple[str, ...]
    config: Mapping[str, Any]
    place: Place


@dataclass(frozen=True, slots=True)
class Volume:
    """A declared volume: what Compose is told (`settings`), and what `x-scaffold` says of it; "" where it is silent."""

    name: str
    settings: Mapping[str, Any]
    responsibility: str
    klass: str
    owner: str
    backup: str
    place: Place

    @property
    def driver(self) -> str:
        """Its driver: Compose takes `local` where a file says none."""
        return str(self.settings.get("driver") or "local")

    @property
    def options(self) -> dict[str, str]:
        """What its driver is told, as text; it may have variables in it."""
        options = self.settings.get("driver_opts")
        return {str(key): str(value) for key, value in options.items()} if isinstance(options, dict) else {}


@dataclass(frozen=True, slots=True)
class Secret:
    """A declared secret, and the volume whose data it opens, if any."""

    name: str
    settings: Mapping[str, Any]
    volume: str


@dataclass(frozen=True, slots=True)
class Project:
    """A project as its files declare it.

    `variables` are names and defaults from .env.example; `set_here` names that .env gives a value, None without one;
    `files` the Compose files that were read; `unread` those that are included and could not be.
    """

    name: str
    services: Mapping[str, Service]
    volumes: Mapping[str, Volume]
    secrets: Mapping[str, Secret]
    variables: Mapping[str, str]
    set_here: frozenset[str] | None
    files: tuple[str, ...]
    unread: tuple[str, ...]


def files_in(folder: Path) -> Read:
    """Reads the files of a project that lies in a folder.

    What it gives raises ScaffoldError for a file that is no text, CouldNotError for one that cannot be opened.
    """

    def read(path: str) -> str | None:
        try:
            return (folder / path).read_text(encoding="utf-8")
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            return None
        except UnicodeDecodeError as error:
            raise unreadable(path, error.object.count(b"\n", 0, error.start) + 1, "it is no UTF-8 text") from error
        except OSError as error:
            # .env holds secrets, and may be another user's.
            if path == ".env":
                return None
            raise CouldNotError(f"cannot read {path}", error.strerror or str(error)) from error

    return read


def read_project(read: Read) -> Project:
    """The project whose files `read` gives by their path from the project's folder, or None where there is none.

    Raises ScaffoldError when there is no compose.yaml, or a file cannot be parsed (with its line).
    """
    files = _Files(read)
    root = files.load([ROOT], ".", ())
    if ROOT not in files.seen:
        raise unreadable(ROOT, 1, "there is no such file")
    own = next((name for name in OVERRIDES if read(name) is not None), None)
    if own:
        root = files.load([own], ".", (), root)
    return _project(root, files, read)


def in_both(before: Project, after: Project) -> Iterator[tuple[Service, Service]]:
    """The services that two projects have in common, as each has them."""
    return ((before.services[name], new) for name, new in after.services.items() if name in before.services)


@dataclass(slots=True)
class _Files:
    """Loads files with what they include, and keeps where everything was found first."""

    read: Read
    seen: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    places: dict[tuple[str, str], Place] = field(default_factory=dict)

    def load(self, paths: list[str], folder: str, within: tuple[str, ...], below: Raw | None = None) -> Raw:
        """The files, each laid over those before it, the first over `below`; paths in them count from `folder`."""
        merged: Raw = below or {}
        for path in paths:
            text = None if "$" in path or "://" in path or path in within else self.read(path)
            if text is None:
                self.unread.append(path)
                continue
            source = parse(path, text)
            self.seen.append(path)
            for key, line in source.lines.items():
                self.places.setdefault(key, Place(path, line))
            data = _checked(source, folder)
            for included in _includes(source, folder):
                merged = overlay(merged, self.load(*included, (*within, path)))
            merged = overlay(merged, data)
        return merged


def _checked(source: Source, folder: str) -> Raw:
    data = {key: value for key, value in source.data.items() if key != "include"}
    for block in (*_BLOCKS, *_DESCRIBED):
        entries = plain(data.get(block)) or {}
        if not isinstance(entries, dict):
            raise unreadable(source.path, 1, f"`{block}` is no mapping of names")
        for name, body in entries.items():
            if not isinstance(body, dict | None):
                raise unreadable(source.path, source.lines.get((block, name), 1), f"`{block}.{name}` is no mapping")
    services = data.get("services")
    if isinstance(services, dict):
        data["services"] = {name: _canonical(source, name, body, folder) for name, body in services.items()}
    return data


def _canonical(source: Source, name: str, body: Any, folder: str) -> Any:
    if not isinstance(body, dict):
        return body or {}
    if key := misshapen(body):
        line = source.lines.get(("services", name), 1)
        raise unreadable(source.path, line, f"`services.{name}.{key}` is no list")
    return canonical(body, folder)


def _includes(source: Source, folder: str) -> Iterator[tuple[list[str], str]]:
    """Each included set of files, and the folder that paths in it count from."""
    items = plain(source.data.get("include")) or []
    if not isinstance(items, list):
        raise unreadable(source.path, 1, "`include` is no list")
    for item in items:
        entry = item if isinstance(item, dict) else {"path": item}
        path = entry.get("path") or []
        paths = [joined(folder, str(one)) for one in (path if isinstance(path, list) else [path])]
        if not paths:
            continue
        given = entry.get("project_directory")
        yield paths, joined(folder, str(given)) if given else posixpath.dirname(paths[0]) or "."


def _project(root: Raw, files: _Files, read: Read) -> Project:
    described = {block: _descriptions(root, block) for block in ("volumes", "secrets")}
    blocks = {block: {str(name): body or {} for name, body in (root.get(block) or {}).items()} for block in _BLOCKS}
    services = {name: extended(body, blocks["services"], read) for name, body in blocks["services"].items()}
    env = read(".env")
    return Project(
        name=str(root.get("name") or ""),
        services={name: _service(name, body, files, read) for name, body in services.items()},
        volumes={
            name: _volume(name, body, described["volumes"].get(name, {}), files)
            for name, body in blocks["volumes"].items()
        },
        secrets={
            name: Secret(name, body, str(described["secrets"].get(name, {}).get("volume") or ""))
            for name, body in blocks["secrets"].items()
        },
        variables={key: _unquoted(value) for key, value in _VARIABLE.findall(read(".env.example") or "")},
        # Names only: what stands behind them may be secret.
        set_here=None if env is None else frozenset(key for key, value in _VARIABLE.findall(env) if _unquoted(value)),
        files=tuple(dict.fromkeys(files.seen)),
        unread=tuple(dict.fromkeys(files.unread)),
    )


def _service(name: str, body: Raw, files: _Files, read: Read) -> Service:
    mounts = [mount(item) for (item,) in (body.get("volumes") or {}).values()]
    settings = body.get("build")
    return Service(
        name=name,
        image=str(body.get("image") or ""),
        build=build(settings, read) if isinstance(settings, dict) else None,
        mounts=(*(one for one in mounts if one), *(tmpfs(item) for item in body.get("tmpfs") or [] if item)),
        secrets=tuple(_named(item) for (item,) in (body.get("secrets") or {}).values()),
        profiles=tuple(str(profile) for profile in body.get("profiles") or []),
        config=body,
        place=files.places.get(("services", name), Place(ROOT, 1)),
    )


def _named(item: Any) -> str:
    return str(item.get("source") or "") if isinstance(item, dict) else str(item)


def _volume(name: str, settings: Raw, about: Raw, files: _Files) -> Volume:
    said = {word: str(about.get(word) or "") for word in ("responsibility", "class", "owner", "backup")}
    return Volume(
        name=name,
        settings={key: value for key, value in settings.items() if not str(key).startswith("x-")},
        responsibility=said["responsibility"],
        klass=said["class"],
        owner=said["owner"],
        backup=said["backup"],
        place=files.places.get(("volumes", name), Place(ROOT, 1)),
    )


def _descriptions(root: Raw, block: str) -> dict[str, Raw]:
    found: dict[str, Raw] = {}
    for about in _DESCRIBED:
        entries = (root.get(about) or {}).get(block)
        found |= {name: body for name, body in (entries or {}).items() if isinstance(body, dict)}
    return found


def _unquoted(value: str) -> str:
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        return value[1:-1]
    return _COMMENT.sub("", value)
