"""A generated project on a real engine, handled as its user would."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.support import waiting

ANONYMOUS = re.compile(r"[0-9a-f]{64}")
APPS = ("flask", "fastapi")
# Who has the clients in a project without an application: a service that its user added.
OWN_SERVICE = "notebook"


class Project:
    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder
        self.name = name

    @property
    def application(self) -> str:
        """The service that the project's clients are installed in."""
        return next((id for id in APPS if (self.folder / "services" / id).is_dir()), OWN_SERVICE)

    def run(self, *command: str, ok: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command in the project's folder."""
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False)
        assert not ok or done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}{self.logs()}"
        return done

    def compose(self, *arguments: str, ok: bool = True) -> str:
        return self.run("docker", "compose", *arguments, ok=ok).stdout

    def ops(self, *arguments: str, ok: bool = True) -> subprocess.CompletedProcess[str]:
        return self.run(sys.executable, "ops", *arguments, ok=ok)

    def init(self) -> None:
        """`ops init`, with ports that are free on this machine."""
        self.ops("init")
        self.free_ports()

    def free_ports(self) -> None:
        """Take ports that nobody has."""
        path = self.folder / ".env"
        path.write_text(
            re.sub(r"^(\w+_PORT)=\d+$", lambda match: f"{match[1]}={waiting.free_port()}", path.read_text(), flags=re.M)
        )

    def up(self, *arguments: str) -> None:
        self.compose("up", "--detach", "--wait", *arguments)

    def logs(self) -> str:
        done = subprocess.run(
            ["docker", "compose", "logs", "--no-color", "--tail", "40"],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout + done.stderr

    def configure(self, **variables: object) -> None:
        """Change lines of `.env`."""
        path = self.folder / ".env"
        text = path.read_text()
        for name, value in variables.items():
            text, count = re.subn(rf"^{name}=.*$", f"{name}={value}", text, flags=re.MULTILINE)
            assert count == 1, name
        path.write_text(text)

    def port(self, variable: str) -> int:
        found = re.search(rf"^{variable}=(\d+)$", (self.folder / ".env").read_text(), re.MULTILINE)
        assert found
        return int(found[1])

    def address(self, path: str) -> str:
        """Where the application is, from this machine."""
        return f"http://127.0.0.1:{self.port(f'{self.application.upper()}_PORT')}{path}"

    def get(self, path: str) -> tuple[int, Any]:
        """GET from the application; status and the JSON, or bytes, of the answer."""
        return self.send(urllib.request.Request(self.address(path)))

    def post(self, path: str, document: object) -> tuple[int, Any]:
        """POST a JSON document to the application."""
        body = json.dumps(document).encode()
        return self.send(urllib.request.Request(self.address(path), body, {"Content-Type": "application/json"}))

    def upload(self, name: str, content: bytes) -> tuple[int, Any]:
        mark = "----boundary"
        head = f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
        request = urllib.request.Request(
            self.address("/uploads"),
            data=head.encode() + content + f"\r\n--{mark}--\r\n".encode(),
            headers={"Content-Type": f"multipart/form-data; boundary={mark}"},
        )
        return self.send(request)

    def send(self, request: urllib.request.Request) -> tuple[int, Any]:
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                status, body, kind = answer.status, answer.read(), answer.headers["Content-Type"]
        except urllib.error.HTTPError as error:
            status, body, kind = error.code, error.read(), error.headers["Content-Type"]
        return status, json.loads(body) if kind == "application/json" else body

    def in_app(self, code: str) -> str:
        """Run Python where the project's clients are installed, as the application would."""
        return self.compose("exec", "-T", self.application, "python", "-c", code).strip()

    def volumes(self) -> set[str]:
        """Every volume that this project's containers or labels reach, anonymous ones included."""
        label = f"label=com.docker.compose.project={self.name}"
        named = self.run("docker", "volume", "ls", "--quiet", "--filter", label).stdout.split()
        ids = self.run("docker", "ps", "--all", "--quiet", "--filter", label).stdout.split()
        mounts = self.run("docker", "inspect", "--format", "{{json .Mounts}}", *ids).stdout if ids else ""
        mounted = [
            mount["Name"] for line in mounts.splitlines() for mount in json.loads(line) if mount["Type"] == "volume"
        ]
        return {*named, *mounted}

    def declared(self) -> set[str]:
        """Every volume of the project's, those that only jobs use included."""
        return {f"{self.name}_{volume}" for volume in self.compose("--profile", "*", "config", "--volumes").split()}

    def move(self, folder: Path) -> None:
        shutil.move(self.folder, folder)
        self.folder = folder

    def remove(self) -> None:
        """Take everything of this project out of the engine."""
        label = f"label=com.docker.compose.project={self.name}"
        reference = f"reference={self.name}-*"
        for listing, removal in (
            (["ps", "--all", "--quiet", "--filter", label], ["rm", "--force", "--volumes"]),
            (["volume", "ls", "--quiet", "--filter", label], ["volume", "rm", "--force"]),
            # What a restore kept: no project's, so that Compose leaves it alone.
            (["volume", "ls", "--quiet", "--filter", f"name={self.name}_"], ["volume", "rm", "--force"]),
            (["network", "ls", "--quiet", "--filter", label], ["network", "rm"]),
            # By name: one image can be that of two projects, and by its number both would lose it.
            (["image", "ls", "--format", "{{.Repository}}:{{.Tag}}", "--filter", reference], ["image", "rm"]),
        ):
            found = subprocess.run(["docker", *listing], capture_output=True, text=True, check=True).stdout.split()
            if found:
                subprocess.run(["docker", *removal, *found], capture_output=True, check=False)


def until(condition: Callable[[], object], seconds: float = 120) -> None:
    """Wait for what takes a request or a command to find out."""
    waiting.until(condition, seconds=seconds, pause=0.5)
