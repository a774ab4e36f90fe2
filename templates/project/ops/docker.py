# Managed by scaffold: updates merge this file.
"""The `docker` command: the only place that starts it."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from ops.errors import NoEngineError

if TYPE_CHECKING:
    from pathlib import Path

PROJECT = "com.docker.compose.project"
VOLUME = "com.docker.compose.volume"
TIMEOUT = 60
TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[+-]\d\d:\d\d)")
# Named fields only: a container's environment, which holds passwords, is never asked for.
CONTAINER = (
    '{"name":{{json .Name}},"mounts":{{json .Mounts}},'
    '"service":{{json (index .Config.Labels "com.docker.compose.service")}},'
    '"folder":{{json (index .Config.Labels "com.docker.compose.project.working_dir")}},'
    '"health":{{with .State.Health}}{{json .Log}}{{else}}null{{end}}}'
)


@dataclass(frozen=True)
class Answer:
    """What a command said. Only lines of its complaint are for people: output may hold secrets."""

    code: int
    output: str
    errors: str

    def last_error(self) -> str:
        """Return the last line of the command's own complaint."""
        return self.error_lines()[-1]

    def first_error(self) -> str:
        """Return its first line: `docker` ends some complaints with an advice."""
        return self.error_lines()[0]

    def error_lines(self) -> list[str]:
        """Return the lines that say something; at least one."""
        lines = [line.strip() for line in self.errors.splitlines() if line.strip()]
        return lines or [f"exit code {self.code}"]


@dataclass(frozen=True)
class Volume:
    """A volume that the engine holds, and the Compose labels it carries."""

    name: str
    project: str
    key: str


@dataclass(frozen=True)
class Container:
    """A container of a project: where it came from, the volumes it mounts by target, what its failing probe said."""

    name: str
    service: str
    folder: str
    volumes: dict[str, str]
    complaint: str = ""


def run(arguments: list[str], folder: Path | None = None) -> Answer:
    """Run `docker` and return what it said, whatever its exit code."""
    try:
        done = subprocess.run(
            ["docker", *arguments],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=TIMEOUT,
            check=False,
        )
    except FileNotFoundError:
        fix = "install Docker, or put its `docker` on PATH"
        raise NoEngineError("there is no `docker` command", fix=fix) from None
    except PermissionError:
        raise NoEngineError("the `docker` command may not be run") from None
    except subprocess.TimeoutExpired:
        # Not chained: the exception carries the output.
        why = f"`docker {arguments[0]}` did not answer in {TIMEOUT} seconds"
        raise NoEngineError("no Docker engine in reach", why) from None
    return Answer(done.returncode, done.stdout, done.stderr)


def ask(arguments: list[str]) -> str:
    """Run a command that only fails when the engine is not there."""
    answer = run(arguments)
    if answer.code:
        raise NoEngineError("no Docker engine in reach", answer.last_error())
    return answer.output


def volumes() -> list[Volume]:
    """Return every volume the engine holds."""
    row = f'{{{{.Name}}}}\t{{{{.Label "{PROJECT}"}}}}\t{{{{.Label "{VOLUME}"}}}}'
    said = ask(["volume", "ls", "--format", row]).splitlines()
    return [Volume(*[*line.split("\t"), "", ""][:3]) for line in said if line]


def volume_created(name: str) -> int | None:
    """Return when a volume was created, in seconds since 1970, where its driver says so."""
    answer = run(["volume", "inspect", "--format", "{{.CreatedAt}}", name])
    return seconds(answer.output) if answer.code == 0 else None


def oldest_container(volume: str) -> int | None:
    """Return when the oldest container that mounts a volume was created."""
    ids = ask(["ps", "-aq", "--no-trunc", "--filter", f"volume={volume}"]).split()
    if not ids:
        return None
    said = run(["inspect", "--type", "container", "--format", "{{.Created}}", *ids]).output
    return min(filter(None, map(seconds, said.splitlines())), default=None)


def engine_version() -> tuple[int, ...]:
    """Return the engine's version; empty when it is not a number."""
    return version(ask(["version", "--format", "{{.Server.Version}}"]))


def containers(project: str) -> list[Container]:
    """Return the containers of a project, stopped ones too."""
    ids = ask(["ps", "-aq", "--no-trunc", "--filter", f"label={PROJECT}={project}"]).split()
    if not ids:
        return []
    # One that was removed meanwhile makes the command fail and the others still be told.
    said = run(["inspect", "--type", "container", "--format", CONTAINER, *ids]).output
    found = [container(json.loads(line)) for line in said.splitlines() if line.strip()]
    return sorted(found, key=lambda each: each.name)


def container(said: dict[str, object]) -> Container:
    """Pick what we use of one container."""
    mounts = said["mounts"]
    volumes = {
        str(mount["Destination"]): str(mount.get("Name", ""))
        for mount in (mounts if isinstance(mounts, list) else [])
        if mount.get("Type") == "volume"
    }
    name = str(said["name"]).lstrip("/")
    health = said.get("health")
    return Container(name, str(said["service"] or ""), str(said["folder"] or ""), volumes, complaint(health))


def complaint(health: object) -> str:
    """Return the output of the latest health probe, if that failed."""
    last = health[-1] if isinstance(health, list) and health else {}
    return str(last.get("Output", "")) if last.get("ExitCode") else ""


def version(text: str) -> tuple[int, ...]:
    """Read a version such as `v2.24.5` or `28.2.2-rc1`."""
    match = re.match(r"v?(\d+(?:\.\d+)*)", text.strip())
    return tuple(int(part) for part in match.group(1).split(".")) if match else ()


def seconds(text: str) -> int | None:
    """Read a time as the engine writes it; some volume drivers answer year 1, which is no time."""
    match = TIME.search(text)
    if match is None or match.group(1) < "2013":
        return None
    zone = "+00:00" if match.group(2) == "Z" else match.group(2)
    return int(datetime.fromisoformat(match.group(1) + zone).timestamp())
