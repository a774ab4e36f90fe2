"""The packages of an application and of the log collector, and the two volumes that they have in common."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import jinja2

PROJECT = Path(__file__).resolve().parents[3] / "templates" / "project"
ENTRY = PROJECT / "services" / "log-collector"

# Writes lines `{"writer": …, "number": …}` of about `length` bytes, and says after each that it is written.
WRITER = """
import json, sys
from pathlib import Path
from clients.log_collector import Files
folder, name, count, size, files, length = sys.argv[1:]
log = Files(Path(folder), int(size), int(files))
for number in range(int(count)):
    line = json.dumps({"writer": name, "number": number, "fill": "x" * (int(length) - 40)}).encode() + b"\\n"
    assert log.write(line) == line
    print(number, flush=True)
"""


@dataclass
class Place:
    """The volumes, and ways to run what is in the packages."""

    root: Path
    url: str = ""
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def positions(self) -> Path:
        return self.root / "positions"

    @property
    def web(self) -> Path:
        """The folder of a service."""
        return self.logs / "web"

    def environment(self) -> dict[str, str]:
        return {
            "LOG_DIR": str(self.logs),
            "LOG_POSITIONS_DIR": str(self.positions),
            "LOG_FILE_MB": "1",
            "LOG_FILES": "3",
            "LOG_SHIP_URL": self.url,
            "HEARTBEAT_FILE": str(self.root / "alive"),
            "PYTHONPATH": str(self.root),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONWARNINGS": "error",
            "PATH": os.environ["PATH"],
            **self.variables,
        }

    def render(self) -> None:
        """Write the packages as a project has them."""
        (self.root / "clients").mkdir()
        shutil.copy(ENTRY / "client.py", self.root / "clients" / "log_collector.py")
        text = (PROJECT / "clients" / "__init__.py.jinja").read_text()
        template = jinja2.Template(text, trim_blocks=True, lstrip_blocks=True)
        stack = {"clients": [{"module": "log_collector"}], "providers": {"logs": ["log_collector"]}}
        (self.root / "clients" / "__init__.py").write_text(template.render(stack=stack))
        for part in ("app", "managed"):
            shutil.copytree(ENTRY / part, self.root / part, ignore=shutil.ignore_patterns("__pycache__"))
        for folder in (self.logs, self.positions):
            folder.mkdir()

    @property
    def client(self) -> Any:
        return import_module("clients.log_collector")

    @property
    def tail(self) -> Any:
        return import_module("managed.tail")

    def files(self, size: int = 10_000, count: int = 3, service: str = "web") -> Any:
        return self.client.Files(self.logs / service, size, count)

    def paths(self, service: str = "web") -> list[Path]:
        return sorted((self.logs / service).glob("*.log"))

    def text(self) -> list[str]:
        """Every line that is there, the oldest first."""
        return "".join(path.read_text() for path in self.paths()).splitlines()

    def writer(self, name: str, lines: int, size: int, files: int, length: int = 100) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", WRITER, str(self.web), name, *map(str, (lines, size, files, length))]
        return subprocess.Popen(command, env=self.environment(), stdout=subprocess.PIPE, text=True)

    def run(self, code: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run lines of Python as an application would."""
        command = [sys.executable, "-c", code]
        options = {"capture_output": True, "text": True, "timeout": 120, "env": self.environment(), **options}
        done: subprocess.CompletedProcess[str] = subprocess.run(command, check=False, **options)
        return done

    @contextmanager
    def collector(self, number: int = 0) -> Iterator[Collector]:
        """Run a collector; it is gone at the end."""
        running = Collector(self, number)
        try:
            yield running
        finally:
            running.process.kill()
            running.process.wait()

    def shipped(self, service: str = "web") -> list[dict[str, Any]]:
        """What all collectors put out for a service, in order; not the line that one may be writing just now."""
        texts = [path.read_text() for path in sorted(self.root.glob("collector-*.log"))]
        found = [json.loads(line) for text in texts for line in text[: text.rfind("\n") + 1].splitlines()]
        return [line for line in found if line["source"] == service]


class Collector:
    """`python -m app`, as a process that writes to a file."""

    def __init__(self, place: Place, number: int) -> None:
        self.log = place.root / f"collector-{number}.log"
        with self.log.open("ab") as out:
            command = [sys.executable, "-m", "app"]
            self.process = subprocess.Popen(command, stdout=out, stderr=out, cwd=place.root, env=place.environment())

    def says(self, words: str) -> bool:
        return words in self.log.read_text()

    def end(self, how: int = signal.SIGTERM) -> int:
        """Send a signal; return the exit code."""
        self.process.send_signal(how)
        return self.process.wait(timeout=60)
