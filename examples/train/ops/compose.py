# Managed by scaffold: updates merge this file.
"""What `docker compose` says about this project, and no more of it than is used."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ops import docker, envfile
from ops.beside import beside
from ops.errors import UNABLE, NoEngineError, OpsError

if TYPE_CHECKING:
    from ops.docker import Answer
    from ops.project import Project

FLOOR = (2, 24)
# Shorter values (`1`, `true`, a port) are no secrets, and hiding them would garble a message.
SHORTEST_SECRET = 6


@dataclass(frozen=True)
class Model:
    """The services and volumes of the project, profiles included."""

    services: list[str]
    volumes: dict[str, str]
    described: dict[str, dict[str, str]]
    # Everything Compose said, secrets in clear: for a sandbox's standard input, never shown or kept.
    document: dict[str, Any] = field(default_factory=dict, repr=False)

    def mounting(self, volume: str) -> dict[str, bool]:
        """Return the services that mount a volume, and whether each may write to it."""
        found: dict[str, bool] = {}
        for service, body in sorted((self.document.get("services") or {}).items()):
            for mount in body.get("volumes") or []:
                if mount.get("type") == "volume" and mount.get("source") == volume:
                    found[service] = found.get(service, False) or not mount.get("read_only", False)
        return found

    def image(self, service: str) -> str:
        """Return the image of a service, by the name that Compose gives one that it builds."""
        body = (self.document.get("services") or {}).get(service) or {}
        return str(body.get("image") or f"{self.document.get('name')}-{service}")


@dataclass(frozen=True)
class Running:
    """A container of a service, as `ps` shows it."""

    service: str
    name: str
    state: str
    health: str = ""
    exit_code: int = 0
    ports: tuple[str, ...] = ()


def require() -> None:
    """Refuse to go on without a Compose that is new enough."""
    answer = docker.run(["compose", "version"])
    if answer.code:
        fix = "install the Compose plugin, 2.24 or newer"
        raise NoEngineError("there is no `docker compose`", answer.first_error(), fix)
    said = answer.output.strip().rpartition(" ")[2]
    found = docker.version(said)
    if found < FLOOR:
        what = f"Docker Compose {said or '(no version)'} is too old"
        raise OpsError(what, fix="install the Compose plugin, 2.24 or newer", code=UNABLE)


def compose(project: Project, *arguments: str, patience: float | None = None) -> Answer:
    """Run Compose with the explicit list of files and with every profile."""
    files = [part for name in project.compose_files() for part in ("-f", name)]
    command = ["compose", *files, "--project-directory", ".", "--profile", "*", *arguments]
    return docker.run(command, folder=project.root, patience=patience)


def model(project: Project) -> Model:
    """Return the resolved project; the rest of the output, secrets in clear, is let go here."""
    arguments = ("config", "--format", "json")
    answer = compose(project, "--all-resources", *arguments)
    if answer.code and "unknown flag" in answer.errors:
        # An older Compose drops volumes that no service mounts; `x-scaffold` still names them.
        answer = compose(project, *arguments)
    said = None
    if answer.code == 0:
        # A wrapper around Compose may lose its exit code; no document is a failure as well.
        with suppress(ValueError):
            said = json.loads(answer.output)
    if not isinstance(said, dict):
        fix = f"see `{shown(project)} config -q`"
        raise OpsError("Compose cannot read this project", complaint(project, answer), fix)
    described = {**descriptions(said, "x-scaffold"), **descriptions(said, "x-scaffold-own")}
    held = {key: project.held_as(key) for key in described}
    for key, body in (said.get("volumes") or {}).items():
        held[key] = (body or {}).get("name") or project.held_as(key)
    return Model(sorted(said.get("services") or {}), dict(sorted(held.items())), described, said)


def described(project: Project) -> Model:
    """Return the resolved project; of a Compose that is too old, or none, say so first."""
    with beside(require) as new_enough:
        try:
            said = model(project)
        except OpsError:
            new_enough()
            raise
        new_enough()
    return said


def shown(project: Project) -> str:
    """Return the command to paste."""
    return " ".join(["docker compose", *(f"-f {name}" for name in project.compose_files())])


def complaint(project: Project, answer: Answer) -> str:
    """Return Compose's last line; it may quote a value of `.env`, which is hidden."""
    line = answer.last_error()
    for entry in envfile.load(project.root / ".env"):
        if len(entry.value) >= SHORTEST_SECRET:
            line = line.replace(entry.value, "***")
    return line


def descriptions(said: dict[str, Any], block: str) -> dict[str, dict[str, str]]:
    """Return what a root block says of each volume, as text."""
    volumes = (said.get(block) or {}).get("volumes") or {}
    return {
        key: {word: str(value) for word, value in body.items()}
        for key, body in volumes.items()
        if isinstance(body, dict)
    }


def ps(project: Project) -> list[Running]:
    """Return the containers of the services; those of `docker compose run` are not the service's."""
    answer = compose(project, "ps", "-a", "--format", "json")
    if answer.code:
        why = complaint(project, answer)
        raise NoEngineError("Compose cannot list the containers", why)
    found = [each for each in documents(answer.output) if not one_off(each)]
    return sorted(map(running, found), key=lambda each: (each.service, each.name))


def documents(output: str) -> list[dict[str, Any]]:
    """Read one object per line, or the array that Compose printed before 2.21."""
    text = output.strip()
    if text.startswith("["):
        whole: list[dict[str, Any]] = json.loads(text)
        return whole
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def one_off(said: dict[str, Any]) -> bool:
    """Tell whether a container was made by `docker compose run`."""
    return "com.docker.compose.oneoff=True" in str(said.get("Labels", ""))


def running(said: dict[str, Any]) -> Running:
    """Pick what is shown of a container."""
    ports = (
        f"{each.get('URL') or '*'}:{each['PublishedPort']}->{each['TargetPort']}/{each['Protocol']}"
        for each in said.get("Publishers") or []
        if each.get("PublishedPort")
    )
    return Running(
        str(said.get("Service", "")),
        str(said.get("Name", "")),
        str(said.get("State", "")),
        str(said.get("Health") or ""),
        int(said.get("ExitCode") or 0),
        tuple(sorted(set(ports))),
    )
