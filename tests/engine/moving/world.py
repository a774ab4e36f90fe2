"""A project whose volumes are moved: a service with two volumes, one with a folder of this machine, a spare volume."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.engine.backup import keeper
from tests.engine.backup.faults.world import docker, lies
from tests.support.running import Project, until

IMAGE = keeper.IMAGE
OWN = f"""\
services:
  app:
    image: {IMAGE}
    init: true
    command: ["sleep", "infinity"]
    volumes: [uploads:/data, images:/images]
  binder:
    image: {IMAGE}
    init: true
    command: ["sleep", "infinity"]
    volumes: ["./shared:/shared"]
volumes:
  uploads:
  images:
  datasets:
x-scaffold-own:
  volumes:
    uploads: {{responsibility: Uploads, class: files, owner: app, backup: files}}
    images: {{responsibility: Images, class: files, owner: app, backup: files}}
    datasets: {{responsibility: Data sets, class: files, owner: app, backup: files}}
"""
# Of everything that a copy could lose: owners, modes, times, links of both kinds, attributes, holes, odd names.
FILL = r"""
import os
os.makedirs("d/deep", exist_ok=True)
with open("d/blob", "wb") as file:
    file.write(os.urandom(2_000_000))
with open("d/holes", "wb") as file:
    file.write(b"begin"); file.seek(5_000_000); file.write(b"end")
os.link("d/blob", "d/deep/again")
os.link("d/blob", "outside")
os.symlink("d/blob", "link"); os.symlink("/nowhere", "d/dangling")
os.mkfifo("d/pipe")
for number in range(40):
    with open(f"d/deep/{number}", "w") as file:
        file.write(str(number) * number)
os.makedirs("d/empty")
with open(b"d/odd \xff\n name*[", "w") as file:
    file.write("odd")
os.setxattr("d/blob", "user.note", b"kept")
os.chown("d/deep/1", 1234, 4321); os.chmod("d/deep/1", 0o4711); os.chown("d", 10001, 10001)
os.utime("d/deep/2", ns=(1, 1_234_567_890_123_456_789))
os.utime("d", ns=(1, 1_111_111_111_222_222_222))
os.chown(".", 10001, 10002); os.chmod(".", 0o2750)
"""


@dataclass
class World:
    """The project, and questions about it. `other` is the name that it is said to have had before."""

    project: Project
    other: str
    volumes: list[str] = field(default_factory=list)

    def name(self, key: str) -> str:
        return f"{self.project.name}_{key}"

    def make(self, name: str, *arguments: str) -> str:
        """Make a volume with content of every kind."""
        docker("volume", "create", *arguments, name)
        self.volumes.append(name)
        keeper.python(name, f"import os; os.chdir('/things')\n{FILL}")
        return name

    def old(self, key: str) -> str:
        """A volume that the project had under its other name."""
        labels = (f"com.docker.compose.project={self.other}", f"com.docker.compose.volume={key}")
        return self.make(f"{self.other}_{key}", *(part for each in labels for part in ("--label", each)))

    def drop(self, *keys: str) -> None:
        """Let volumes of the project be absent; its services are too."""
        self.project.compose("rm", "--stop", "--force")
        for key in keys:
            docker("volume", "rm", "--force", self.name(key))

    def ops(self, *arguments: str, code: int = 0, cause: str = "") -> dict[str, Any]:
        """Run a verb, and return its document."""
        done = self.project.ops(*arguments, "--json", ok=False)
        assert done.returncode == code, done.stdout + done.stderr
        document: dict[str, Any] = json.loads(done.stdout)
        assert document.get("cause", "") == cause, document
        return document

    def running(self, *services: str) -> bool:
        label = f"label=com.docker.compose.project={self.project.name}"
        row = '{{.Label "com.docker.compose.service"}}'
        return set(services) <= set(docker("ps", "--filter", label, "--format", row).split())

    def held(self) -> list[str]:
        """Every volume whose name begins as those of the project do."""
        return [each for each in docker("volume", "ls", "--quiet").split() if each.startswith(self.project.name)]

    def in_order(self, *services: str) -> None:
        """Nothing is left of a run but what it keeps, and services run."""
        name = self.project.name
        assert docker("ps", "--all", "--quiet", "--filter", f"name=^/?{name}-ops-") == ""
        assert not (self.project.folder / ".ops" / "restore.json").exists()
        until(lambda: self.running(*services), seconds=60)

    def remove(self) -> None:
        self.project.ops("recover", ok=False)
        ids = docker("ps", "--all", "--quiet", "--filter", f"label=com.docker.compose.project={self.other}").split()
        if ids:
            docker("rm", "--force", *ids)
        self.project.remove()
        for each in {*self.held(), *self.volumes}:
            subprocess.run(["docker", "volume", "rm", "--force", each], capture_output=True, check=False)


def tree(place: str) -> dict[str, Any]:
    """Everything that can be known of a volume or a folder of this machine; of its root too."""
    here = place if place.startswith("/") else lies(place)
    found: dict[str, Any] = keeper.tree_of(Path(here)) if here else keeper.tree(place)
    return found


def below(found: dict[str, Any], folder: str) -> dict[str, Any]:
    """A part of a tree, as if it were one of its own."""
    head = f"./{folder}"
    part = {
        "." + name[len(head) :]: dict(each)
        for name, each in found.items()
        if name == head or name.startswith(f"{head}/")
    }
    for each in part.values():
        if "same file" in each:
            names = ["." + name[len(head) :] for name in each["same file"] if name.startswith(f"{head}/")]
            each["same file"], each["links"] = names, len(names)
    return part


def stranger(name: str, project: str, *mounts: str) -> str:
    """A container that runs under another project's name."""
    label = f"com.docker.compose.project={project}"
    flags = [part for each in mounts for part in ("-v", each)]
    return docker("run", "-d", "--init", "--name", name, "--label", label, *flags, IMAGE, "sleep", "infinity")


def folder_with(path: Path) -> Path:
    """A folder of this machine with content of every kind."""
    path.mkdir(parents=True, exist_ok=True)
    subprocess.run([sys.executable, "-c", FILL], cwd=path, check=True)
    return path
