"""A project with a declared and an anonymous volume, and what there is to know of the two."""

from __future__ import annotations

import json

from tests.engine.conftest import Run
from tests.support.running import Project

IMAGE = "redis:8.8-trixie"

# The service has a volume that the project declares, and a mount without a name, which makes an anonymous one.
NAMED, UNNAMED = "/data", "/scratch"
LABEL = "scaffold-tests.lifecycle"
OTHER = """services:
  other:
    image: redis:8.8-trixie
    entrypoint: ["sleep", "infinity"]
    tmpfs: [/data]
    init: true
"""
SCRATCH = """
  redis:
    volumes:
      - type: volume
        target: /scratch
        volume:
          labels:
            {label}: {name}
"""


class Life:
    """A project that runs, with a mark in each of the two volumes."""

    def __init__(self, project: Project, run: Run) -> None:
        self.project = project
        self.run = run
        self.label = f"{LABEL}={project.name}"
        override = OTHER + SCRATCH.format(label=LABEL, name=project.name)
        (project.folder / "compose.override.yaml").write_text(override)

    def up(self, *arguments: str) -> None:
        # Without waiting for health: the mounts are there as soon as the container is.
        self.project.compose("up", "--detach", *arguments)

    def docker(self, *arguments: str, ok: bool = True) -> str:
        done = self.project.run("docker", *arguments, ok=ok)
        return done.stdout + done.stderr

    def container(self) -> str:
        """The service's container, and none of `run`."""
        labels = (f"project={self.project.name}", "service=redis", "oneoff=False")
        filters = [word for label in labels for word in ("--filter", f"label=com.docker.compose.{label}")]
        return self.docker("ps", "--all", "--quiet", *filters).strip()

    def volume(self, path: str) -> str:
        """The volume that the service has at a path."""
        mounts = json.loads(self.docker("inspect", "--format", "{{json .Mounts}}", self.container()))
        [name] = [mount["Name"] for mount in mounts if mount["Destination"] == path]
        return str(name)

    def mark(self) -> None:
        self.project.compose("exec", "-T", "redis", "touch", f"{NAMED}/mark", f"{UNNAMED}/mark")

    def exists(self, volume: str) -> bool:
        return volume in self.docker("volume", "ls", "--quiet").split()

    def marked(self, volume: str) -> bool:
        """Whether the mark is in a volume that exists."""
        look = ["--rm", "--volume", f"{volume}:/looked:ro", "--tmpfs", "/data", "--entrypoint", "ls"]
        return "mark" in self.docker("run", *look, IMAGE, "/looked").split()

    def edit(self, old: str, new: str, name: str = "compose.yaml") -> None:
        path = self.project.folder / name
        assert old in path.read_text(), old
        path.write_text(path.read_text().replace(old, new))

    def prune(self) -> None:
        """Prune this project's volumes, and no other's: it is not alone on the engine."""
        for label in (f"com.docker.compose.project={self.project.name}", self.label):
            self.docker("volume", "prune", "--force", "--filter", f"label={label}")

    def remove(self) -> None:
        self.project.remove()
        if left := self.docker("volume", "ls", "--quiet", "--filter", f"label={self.label}").split():
            self.docker("volume", "rm", *left)
