# Managed by scaffold: updates merge this file.
"""Some services of this project once more, on other volumes: no ports, no way out, nothing of the real ones touched.

A dump is loaded into a server that runs here, so that no application writes into half a database; a drill starts here.
The Compose file for it is made from the resolved project and goes to Compose on standard input: it holds secrets.
"""

from __future__ import annotations

import json
import secrets
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ops import docker
from ops.errors import UNABLE, OpsError
from ops.volumes import freeze

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ops.compose import Model
    from ops.docker import Container
    from ops.project import Project

LABEL = "ops.sandbox"
PATIENCE = 600  # seconds for everything to get healthy
# What would reach out of the sandbox, or into the real project.
REACHING = (
    "ports", "container_name", "restart", "build", "deploy", "labels", "links", "external_links", "network_mode",
    "profiles", "develop", "volumes_from", "scale", "pull_policy", "ipc", "pid",
)  # fmt: skip
SETTLING = 3  # seconds that Compose may go on
ENGINE_SOCKET = "docker.sock"


@dataclass(frozen=True)
class Sandbox:
    """A running sandbox."""

    name: str
    file: str
    this: Project

    def compose(self, *arguments: str, patience: int = docker.TIMEOUT) -> docker.Answer:
        """Run Compose on it."""
        command = ["compose", "-f", "-", "--project-name", self.name, "--project-directory", ".", *arguments]
        return docker.run(command, folder=self.this.root, stdin=self.file, patience=patience)

    def containers(self) -> list[Container]:
        """Return its containers."""
        return docker.containers(self.name)

    def container(self, service: str) -> str:
        """Return the id of a service's container."""
        found = [each.id for each in self.containers() if each.service == service]
        if not found:
            raise OpsError(f"service `{service}` did not start", code=UNABLE, cause="unhealthy")
        return found[0]

    def up(self) -> None:
        """Start everything in it and wait until it is healthy."""
        arguments = ["up", "--detach", "--wait", "--wait-timeout", str(PATIENCE), "--no-build", "--pull", "never"]
        answer = self.compose(*arguments, patience=PATIENCE + docker.TIMEOUT)
        if answer.code:
            raise OpsError("what was restored does not start", self.reason(answer), code=UNABLE, cause="unhealthy")

    def reason(self, answer: docker.Answer) -> str:
        """Say which service is not well; a log may hold anything, so none is quoted."""
        bad = [f"`{each.service}` is {each.state}" for each in self.containers() if each.state != "running"]
        line = answer.last_error()
        return f"{line}; {', '.join(bad)}" if bad else line

    def stop(self) -> None:
        """Stop the servers as their images want it, so that what they wrote is whole on its volume."""
        answer = self.compose("stop", patience=PATIENCE)
        if answer.code:
            raise OpsError("cannot stop what was started to load a dump", answer.last_error(), code=UNABLE)


@contextmanager
def started(
    this: Project, model: Model, services: Sequence[str], volumes: Mapping[str, str], images: Mapping[str, str]
) -> Iterator[Sandbox]:
    """Start services on volumes (key in `compose.yaml` to name in the engine); all but the volumes goes at the end.

    `images` gives the image of each service: one that the engine has.
    """
    name = f"{this.name}-ops-{secrets.token_hex(4)}"
    said = document(model, this.name, services, volumes, images)
    sandbox = Sandbox(name, json.dumps(said), this)
    try:
        sandbox.up()
        yield sandbox
    except KeyboardInterrupt:
        with freeze.undisturbed():
            settle(name)
        raise
    finally:
        remove(name)


def document(
    model: Model, project: str, services: Sequence[str], volumes: Mapping[str, str], images: Mapping[str, str]
) -> dict[str, Any]:
    """Return the Compose file of a sandbox."""
    whole = model.document
    bodies = {
        id: service(body, services, volumes, images[id], project)
        for id, body in (whole.get("services") or {}).items()
        if id in services
    }
    networks = sorted({name for body in bodies.values() for name in body.get("networks") or {}})
    return {
        "services": bodies,
        "networks": {key: {"internal": True, "labels": {LABEL: project}} for key in [*networks, "default"]},
        "volumes": {key: {"external": True, "name": name} for key, name in volumes.items()},
        "secrets": whole.get("secrets") or {},
        "configs": whole.get("configs") or {},
    }


def service(
    body: dict[str, Any], services: Sequence[str], volumes: Mapping[str, str], image: str, project: str
) -> dict[str, Any]:
    """Return one service as it runs in a sandbox."""
    kept = {key: value for key, value in body.items() if key not in REACHING}
    kept["image"] = image
    kept["labels"] = {LABEL: project}
    kept["volumes"] = [each for each in (mounted(mount, volumes) for mount in body.get("volumes") or []) if each]
    waits = body.get("depends_on") or {}
    kept["depends_on"] = {id: how for id, how in waits.items() if id in services}
    if kept.get("healthcheck"):
        kept["healthcheck"] = hastened(kept["healthcheck"])
    return kept


def mounted(mount: dict[str, Any], volumes: Mapping[str, str]) -> dict[str, Any] | None:
    """Return a mount as it may be here: other volumes, and nothing of the host is written to."""
    kind, source = mount.get("type"), str(mount.get("source", ""))
    if kind == "volume" and source not in volumes:
        # A cache, or a volume that is not restored: a tmpfs keeps even an empty one from being left behind.
        return {"type": "tmpfs", "target": mount["target"]}
    if kind == "bind" and source.endswith(ENGINE_SOCKET):
        return None
    if kind == "bind":
        return {**mount, "read_only": True}
    return mount


def hastened(probe: dict[str, Any]) -> dict[str, Any]:
    """Ask sooner than in everyday life, and as often as takes the same time."""
    if probe.get("disable"):
        return probe
    return {**probe, "interval": "2s", "retries": max(int(probe.get("retries") or 3), 30)}


def remove(name: str) -> None:
    """Remove the containers and networks of a sandbox, by label; its volumes are its caller's."""
    label = f"label={docker.PROJECT}={name}"
    ids = docker.ask(["ps", "-aq", "--filter", label, "--filter", f"label={LABEL}"]).split()
    if ids:
        docker.run(["rm", "--force", "--volumes", *ids])
    for each in docker.ask(["network", "ls", "-q", "--filter", label, "--filter", f"label={LABEL}"]).split():
        docker.run(["network", "rm", each])


def settle(name: str) -> None:
    """Remove a sandbox, and what is made of it after that: Compose goes on for a moment when it is interrupted."""
    for _ in range(SETTLING):
        remove(name)
        time.sleep(1)


def clear(project: str) -> int:
    """Remove what killed runs left of sandboxes of a project; return how many there were."""
    names = left(project)
    for each in sorted(names):
        settle(each)
    return len(names)


def left(project: str) -> set[str]:
    """Return the names of the sandboxes that are there."""
    row = f'{{{{.Label "{docker.PROJECT}"}}}}'
    said = docker.ask(["ps", "-a", "--filter", f"label={LABEL}={project}", "--format", row])
    nets = docker.ask(["network", "ls", "--filter", f"label={LABEL}={project}", "--format", row])
    return {*said.split(), *nets.split()}
