"""A project's packages with the libraries they need, the real servers behind them, and HTTP as users speak it."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import tomllib
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import IO, Any, NamedTuple

import jinja2

from tests.support import images
from tests.support.engine import cached_folder, run
from tests.support.waiting import free_port, until

PROJECT = Path(__file__).resolve().parents[3] / "templates" / "project"
APPS = ("flask", "fastapi")
SERVICES = ("llama-cpp", "ollama", "chroma", "qdrant", "seaweedfs")

# As the Dockerfiles start them.
COMMANDS = {
    "flask": "gunicorn --bind 127.0.0.1:{port} --workers 2 --threads 4 --worker-tmp-dir /dev/shm --timeout 120 "
    "--no-control-socket app:create_app()",
    "fastapi": "uvicorn app.main:app --host 127.0.0.1 --port {port}",
}


def entry(service: str) -> dict[str, Any]:
    return tomllib.loads((PROJECT / "services" / service / "service.toml").read_text())


def python() -> Path:
    """A Python that has what the applications and the clients require, each in the version that they pin."""
    files = [PROJECT / "services" / app / "app" / "requirements.txt" for app in APPS]
    wanted = {line for file in files for line in file.read_text().split()}
    wanted |= {line for service in SERVICES for line in entry(service)["client"]["requirements"]}

    def install(folder: Path) -> None:
        run([sys.executable, "-m", "venv", folder])
        run([folder / "bin" / "python", "-m", "pip", "install", "--quiet", *sorted(wanted)])

    key = sha256(repr(sorted(wanted)).encode()).hexdigest()[:16]
    return cached_folder(f"clients-{key}", install) / "bin" / "python"


def server_files(folder: str) -> Path:
    """What the stand-in image of this name has its server from."""
    standin = next(each for each in images.STANDINS.values() if each.folder == folder)
    found = images.prepared(standin)
    assert found
    return found


@dataclass
class Place:
    """Packages as a project with these services has them, an uploads folder, and the environment of an application."""

    root: Path
    services: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.uploads = self.root / "uploads"
        self.uploads.mkdir()
        self.environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(self.root),
            "PYTHONDONTWRITEBYTECODE": "1",
            # What each library does when it is used as it should be: no warning.
            "PYTHONWARNINGS": "error",
            "UPLOADS_DIR": str(self.uploads),
            "MAX_UPLOAD_MB": "1",
            "FLASK_SECRET_KEY": "secret",
            **self.environment,
        }
        self._render()

    def _render(self) -> None:
        clients = self.root / "clients"
        clients.mkdir()
        providers: dict[str, list[str]] = {}
        for service in self.services:
            module = service.replace("-", "_")
            shutil.copy(PROJECT / "services" / service / "client.py", clients / f"{module}.py")
            for capability in {name for offer in entry(service)["offers"] for name in offer["capabilities"]}:
                providers.setdefault(capability, []).append(module)
        shared = {"documents": {"vectors"}, "texts": {"vectors"}, "model_server": {"chat", "embeddings"}}
        for module, capabilities in shared.items():
            if capabilities & set(providers):
                shutil.copy(PROJECT / "clients" / f"{module}.py", clients)
        template = jinja2.Template((PROJECT / "clients" / "__init__.py.jinja").read_text(), trim_blocks=True)
        stack = {"clients": [{"module": each.replace("-", "_")} for each in self.services], "providers": providers}
        (clients / "__init__.py").write_text(template.render(stack=stack))
        for app in APPS:
            ignore = shutil.ignore_patterns("__pycache__")
            shutil.copytree(PROJECT / "services" / app / "app", self.root / app / "app", ignore=ignore)

    @contextmanager
    def serve(self, app: str) -> Iterator[Site]:
        """Run an application as its image does."""
        port = free_port()
        command = [str(python()), "-m", *COMMANDS[app].format(port=port).split()]
        log = self.root / f"{app}-{port}.log"
        site = Site(port, log)
        # A refused upload leaves a temporary file to the garbage collector, in both frameworks.
        quiet = {"PYTHONWARNINGS": "error,ignore::ResourceWarning"}
        with running(command, log, cwd=self.root / app, env=self.environment | quiet):
            until(lambda: answers(port, "/health"), f"{app} to start", log=log)
            yield site


@dataclass
class Remote:
    """A process that has the clients of a place; call their functions by name."""

    process: subprocess.Popen[str]

    def __call__(self, function: str, *arguments: Any, **keywords: Any) -> Any:
        """Call `module.function`. What it raises comes as RuntimeError, the kind first."""
        return self.at_once([(function, *arguments)], keywords)[0]

    def at_once(self, calls: Iterable[tuple[Any, ...]], keywords: dict[str, Any] | None = None) -> list[Any]:
        """Make all calls at the same time, each in a thread."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps([[name, rest, keywords or {}] for name, *rest in calls]) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise EOFError("the process has ended")
        said = json.loads(line)
        if "raised" in said:
            raise RuntimeError(f"{said['raised']}: {said['message']}")
        returned: list[Any] = said["returned"]
        return returned


@contextmanager
def remote(place: Place) -> Iterator[Remote]:
    """Start such a process; it is gone at the end."""
    # What qdrant-client says of its engine that runs in the process; a server has no reason to.
    quiet = {"PYTHONWARNINGS": "error,ignore:Payload indexes have no effect:UserWarning"}
    command = [str(python()), str(Path(__file__).with_name("remote.py"))]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=place.root,
        env=place.environment | quiet,
    ) as process:
        try:
            yield Remote(process)
        finally:
            process.kill()


@contextmanager
def running(command: list[str], log: Path, **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program until the end of the block, with everything that it started."""
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, start_new_session=True, **options)
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def send(
    port: int, method: str, path: str, body: bytes | Iterable[bytes] = b"", headers: dict[str, str] | None = None
) -> Answer:
    """One request, its path sent as it is."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        # A server may refuse a body before it is all there: its answer is what counts.
        try:
            connection.request(method, path, body, headers or {})
        except (BrokenPipeError, ConnectionResetError):
            connection.sock.setblocking(True)
        answer = connection.getresponse()
        return Answer(answer.status, {key.lower(): value for key, value in answer.getheaders()}, answer.read())
    finally:
        connection.close()


def answers(port: int, path: str) -> bool:
    try:
        return send(port, "GET", path).status == 200
    except OSError:
        return False


@dataclass
class Site:
    """An application that runs."""

    port: int
    log: Path

    def send(self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> Answer:
        return send(self.port, method, path, body, headers)

    def get(self, path: str) -> Answer:
        return self.send("GET", path)

    def post(self, path: str, document: object) -> Answer:
        return self.send("POST", path, json.dumps(document).encode(), {"Content-Type": "application/json"})

    def upload(self, name: str, content: bytes, field: str = "file", chunked: bool = False) -> Answer:
        mark = uuid.uuid4().hex
        head = f'--{mark}\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"\r\n\r\n'
        body = head.encode() + content + f"\r\n--{mark}--\r\n".encode()
        kind = {"Content-Type": f"multipart/form-data; boundary={mark}"}
        pieces = (body[at : at + 65536] for at in range(0, len(body), 65536))
        return send(self.port, "POST", "/uploads", pieces if chunked else body, kind)

    @contextmanager
    def stream(self, path: str, document: object) -> Iterator[IO[bytes]]:
        """POST, and read the answer as it comes."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            body = json.dumps(document).encode()
            connection.request("POST", path, body, {"Content-Type": "application/json"})
            with connection.getresponse() as answer:
                yield answer
        finally:
            connection.close()
