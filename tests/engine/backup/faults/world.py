"""A small project on a real engine: PostgreSQL as generated, and two services that its user added, with files."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.running import Project, until

IMAGE = "python:3.13.15-slim-trixie"
# `app` is paused while its volume is copied, `indexer` is stopped, which takes it a moment.
OWN = f"""\
services:
  app:
    image: {IMAGE}
    init: true
    command: ["sleep", "infinity"]
    volumes: [uploads:/data]
    stop_grace_period: 5s
    healthcheck: &probe
      test: ["CMD", "test", "!", "-e", "/data/bad"]
      interval: 1s
      retries: 2
  indexer:
    image: {IMAGE}
    command: ["sh", "-c", "trap 'sleep 1; exit 0' TERM; while :; do sleep 0.2; done"]
    volumes: [index:/data]
    stop_grace_period: 5s
    healthcheck: *probe
volumes:
  uploads:
  index:
x-scaffold-own:
  volumes:
    uploads: {{responsibility: Uploads, class: files, owner: app, backup: files}}
    index: {{responsibility: Index, class: index, owner: indexer, backup: chroma}}
"""
SERVICES = {"uploads": "app", "index": "indexer"}
FILL = """mkdir -p /data/d
echo "$1" > /data/hello
ln -sfn hello /data/link
head -c 2000000 /dev/urandom > /data/d/blob"""
LISTING = 'cd "$0" && find . -printf "%p %y %m %U %G %s %T@\\n" | sort && find . -type f | sort | xargs -r sha256sum'


@dataclass(frozen=True)
class World:
    """The project, and questions about it."""

    project: Project

    def ops(self, *arguments: str, code: int | None = 0, cause: str = "") -> subprocess.CompletedProcess[str]:
        """Run a verb that ends in an exit code and, when it fails, in a word."""
        done = self.project.ops(*arguments, ok=False)
        said = done.stdout + done.stderr
        assert code is None or done.returncode == code, said
        if cause:
            ending = f"ops {arguments[0]}: {cause} (exit code {code})"
            assert said.strip().splitlines()[-1] == ending, said
        return done

    def json(self, *arguments: str, code: int = 0) -> dict[str, Any]:
        """Run a verb and return its document."""
        document: dict[str, Any] = json.loads(self.ops(*arguments, "--json", code=code).stdout)
        return document

    def write(self, text: str) -> None:
        """Give both volumes of files some content."""
        for service in SERVICES.values():
            self.project.compose("exec", "-T", service, "sh", "-c", FILL, "sh", text)

    def sql(self, statement: str) -> str:
        """Run a statement in the database."""
        return self.project.compose(
            "exec", "-T", "postgres", "psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-U", "app", "-c", statement
        ).strip()

    def content(self, *volumes: str) -> dict[str, str]:
        """Everything that can be seen of the files of some volumes."""
        return {each: look(f"{self.project.name}_{each}", LISTING) for each in volumes or SERVICES}

    def states(self) -> dict[str, str]:
        """The state of each service, and its health."""
        label = f"label=com.docker.compose.project={self.project.name}"
        row = '{{.Label "com.docker.compose.service"}}\t{{.Status}}'
        lines = docker("ps", "--all", "--filter", label, "--format", row).splitlines()
        return dict(line.split("\t") for line in lines)

    def sets(self) -> list[Path]:
        """What is in the folder of sets, half ones too."""
        home = self.project.folder / "backups" / self.project.name
        return sorted(home.iterdir()) if home.is_dir() else []

    def volumes(self) -> list[str]:
        """Every volume whose name begins as this project's do."""
        names = docker("volume", "ls", "--quiet").split()
        return [each for each in names if each.startswith((f"{self.project.name}_", f"{self.project.name}-"))]

    def left(self) -> list[str]:
        """What a run left that should be gone with it."""
        name = self.project.name
        found = docker("ps", "--all", "--filter", f"name=^/?{name}-ops-", "--format", "{{.Names}}").split()
        for kind in ("ps", "volume ls", "network ls"):
            for label in (f"ops.helper={name}", f"ops.sandbox={name}"):
                found += docker(*kind.split(), "--quiet", "--filter", f"label={label}").split()
        found += [each for each in self.volumes() if "-before-" in each or "-ops-" in each]
        journals = [self.project.folder / ".ops" / each for each in ("quiesced.json", "restore.json")]
        found += [path.name for path in journals if path.exists()]
        return found + [path.name for path in self.sets() if path.name.startswith(".")]

    def running(self) -> bool:
        """Whether every service runs and is well."""
        return all("(healthy)" in status for status in self.states().values())

    def in_order(self) -> None:
        """Everything runs, and nothing is left of a run."""
        left = self.left()
        assert not left, left
        until(self.running, seconds=60)

    def remove(self) -> None:
        """Take the project, and what `ops` made for it, out of the engine."""
        self.project.ops("recover", ok=False)
        self.project.remove()
        if self.volumes():
            docker("volume", "rm", "--force", *self.volumes())


def docker(*arguments: str) -> str:
    """Run `docker`, and return what it says."""
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def lies(volume: str) -> str:
    """Where a volume's files are on this machine; empty where its own options say so.

    A look from here costs a hundredth of one from a container.
    """
    path, options = docker("volume", "inspect", "--format", "{{.Mountpoint}}\t{{json .Options}}", volume).split("\t")
    return path if options in {"null", "{}"} else ""


def look(volume: str, script: str) -> str:
    """Run a script with the path of a volume as `$0`."""
    if here := lies(volume):
        return subprocess.run(["sh", "-c", script, here], capture_output=True, text=True, check=True).stdout.strip()
    mount = f"type=volume,source={volume},target=/volume,readonly,volume-nocopy"
    return docker(
        "run", "--rm", "--pull", "never", "--network", "none", "--mount", mount, "--entrypoint", "sh", IMAGE, "-c",
        script, "/volume",
    )  # fmt: skip


def hasten(folder: Path) -> None:
    """Let probes come sooner."""
    for path in folder.glob("services/*/compose.yaml"):
        path.write_text(re.sub(r"interval: 1\ds", "interval: 2s", path.read_text()))


def python(project: Project, *arguments: str, **more: Any) -> subprocess.Popen[str]:
    """Start a verb, and go on."""
    return subprocess.Popen(
        [sys.executable, "ops", *arguments],
        cwd=project.folder,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **more,
    )
