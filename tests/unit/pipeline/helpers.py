"""A pipeline's volumes and packages as its images have them, and its stages as programs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import jinja2

PROJECT = Path(__file__).resolve().parents[3] / "templates" / "project"
VOLUMES = {"RAW_DATA_DIR": "raw", "PROCESSED_DATA_DIR": "processed", "MODEL_WEIGHTS_DIR": "weights"}

# A stage's own code, small enough to see through: it copies the words, slowly when it is told to.
PREPROCESS = """
import os, time
from pathlib import Path
def preprocess(raw, processed):
    for path in sorted(raw.rglob("*.txt")):
        (processed / path.name).write_text(path.read_text().upper())
        if wait := os.environ.get("WAIT_FOR"):
            Path(wait + ".begun").touch()
            while not Path(wait).exists():
                time.sleep(0.01)
    return {"files": len(list(processed.iterdir()))}
"""
TRAIN = """
import json
def train(data, weights):
    text = " ".join(path.read_text() for path in sorted(data.glob("*.txt")))
    (weights / "parts").mkdir()
    (weights / "parts" / "half.txt").write_text(text)
    (weights / "model.txt").write_text(text)
    return {"length": len(text)}
"""


@dataclass
class Place:
    """The volumes and the packages below one folder."""

    root: Path

    def __post_init__(self) -> None:
        clients = self.root / "clients"
        clients.mkdir()
        template = jinja2.Template((PROJECT / "clients" / "__init__.py.jinja").read_text(), trim_blocks=True)
        (clients / "__init__.py").write_text(template.render(stack={"clients": [], "providers": {}}))
        for module in ("generations", "stages"):
            shutil.copy(PROJECT / "clients" / f"{module}.py", clients)
        for service in ("ingest", "preprocess", "train", "serve"):
            for part in ("app", "managed"):
                ignore = shutil.ignore_patterns("__pycache__")
                source = PROJECT / "services" / service / part
                shutil.copytree(source, self.root / service / part, ignore=ignore)
        self.code("preprocess", PREPROCESS)
        self.code("train", TRAIN)
        for name in VOLUMES.values():
            (self.root / name).mkdir()

    @property
    def raw(self) -> Path:
        return self.root / "raw"

    @property
    def processed(self) -> Path:
        return self.root / "processed"

    @property
    def weights(self) -> Path:
        return self.root / "weights"

    def code(self, service: str, text: str) -> None:
        """Replace a stage's own code, as its owner would."""
        (self.root / service / "app" / f"{service}.py").write_text(text)

    def environment(self, service: str) -> dict[str, str]:
        return {
            **os.environ,
            **{variable: str(self.root / name) for variable, name in VOLUMES.items()},
            "PYTHONPATH": f"{self.root}:{self.root / service}",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONWARNINGS": "error",
        }

    def start(self, service: str, *arguments: str, code: str = "", **variables: str) -> subprocess.Popen[str]:
        """Start a stage, or lines of Python where it runs."""
        command = [sys.executable, *(["-c", code] if code else ["-m", "managed"]), *arguments]
        environment = self.environment(service) | variables
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        return subprocess.Popen(command, cwd=self.root / service, env=environment, text=True, **pipes)  # type: ignore[call-overload, no-any-return]

    def run(self, service: str, *arguments: str, code: str = "", **variables: str) -> tuple[int, str]:
        """Run it to its end: exit code and what it said."""
        process = self.start(service, *arguments, code=code, **variables)
        said, _ = process.communicate(timeout=60)
        return process.returncode, said

    def clients(self, module: str) -> Any:
        return import_module(f"clients.{module}")

    def current(self, store: Path) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((store / "CURRENT").read_text())
        return found

    def words(self, store: Path) -> str:
        """What the current generation holds, read as it was written."""
        folder = store / self.current(store)["generation"]
        for name, size in self.current(store)["sizes"].items():
            assert (folder / name).stat().st_size == size
        return " ".join(path.read_text() for path in sorted(folder.glob("*.txt")))

    def generations(self, store: Path) -> list[int]:
        return sorted(int(path.name[-8:]) for path in store.glob("generation-*"))

    def leftovers(self, store: Path) -> list[str]:
        return [path.name for path in store.glob(".*") if path.name != ".lock"]


@contextmanager
def ended(process: subprocess.Popen[str]) -> Iterator[subprocess.Popen[str]]:
    """See to it that a process ends."""
    try:
        yield process
    finally:
        process.kill()
        process.communicate()
