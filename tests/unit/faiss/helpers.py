"""A project's folders with the worker and the client in it, and what an index really has."""

from __future__ import annotations

import json
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import faiss
import jinja2
import numpy as np

PROJECT = Path(__file__).resolve().parents[3] / "templates" / "project"
ENTRY = PROJECT / "services" / "faiss-worker"
POLL = "0.1"

# A model server's module. What it is called, how long its vectors are and whether it is there comes from a file.
MODEL = """
import json, os, time, zlib
from pathlib import Path
FILE = Path(os.environ["FAKE_MODEL"])
class Server:
    embedder = property(lambda self: json.loads(FILE.read_text())["id"])
    def embed(self, texts):
        model = json.loads(FILE.read_text())
        with FILE.with_suffix(".calls").open("a") as calls:
            calls.write(f"{len(texts)}\\n")
        time.sleep(model.get("seconds", 0))
        if model.get("away"):
            raise ConnectionError("the model server is away")
        if "answer" in model:
            return model["answer"]
        rows = [[0.0] * model["dimension"] for _ in texts]
        for row, text in zip(rows, texts):
            for word in text.split():
                row[zlib.crc32(f"{model['id']} {word}".encode()) % len(row)] += 1.0
        return rows
def connect():
    return Server()
"""


@dataclass
class Place:
    """The two volumes, the rendered packages, and the ways to run what is in them."""

    root: Path

    @property
    def uploads(self) -> Path:
        return self.root / "uploads"

    @property
    def store(self) -> Path:
        return self.root / "store"

    @property
    def heartbeat(self) -> Path:
        return self.root / "alive"

    def environment(self) -> dict[str, str]:
        return {
            "UPLOADS_DIR": str(self.uploads),
            "VECTOR_STORE_DIR": str(self.store),
            "HEARTBEAT_FILE": str(self.heartbeat),
            "FAKE_MODEL": str(self.root / "model.json"),
            "INDEX_POLL_SECONDS": POLL,
            "PYTHONPATH": str(self.root),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONUNBUFFERED": "1",
            # Several workers on few cores: threads that spin for each other take all the time.
            "OMP_NUM_THREADS": "1",
        }

    def render(self) -> None:
        """Write the packages as a project has them."""
        (self.root / "clients").mkdir()
        for module in ("generations", "texts"):
            shutil.copy(PROJECT / "clients" / f"{module}.py", self.root / "clients")
        shutil.copy(ENTRY / "client.py", self.root / "clients" / "faiss_worker.py")
        (self.root / "clients" / "fake_model.py").write_text(MODEL)
        for part in ("app", "managed"):
            shutil.copytree(ENTRY / part, self.root / part, ignore=shutil.ignore_patterns("__pycache__"))
        self._providers([])
        for folder in (self.uploads, self.store):
            folder.mkdir()

    def model(self, id: str, dimension: int = 1024, **more: Any) -> None:
        """Have a model server from now on, in this process and in new ones."""
        (self.root / "model.json").write_text(json.dumps({"id": id, "dimension": dimension, **more}))
        self._providers(["fake_model"])

    def no_model(self) -> None:
        self._providers([])

    def _providers(self, modules: list[str]) -> None:
        text = (PROJECT / "clients" / "__init__.py.jinja").read_text()
        template = jinja2.Template(text, trim_blocks=True, lstrip_blocks=True)
        stack = {"clients": [{"module": "faiss_worker"}], "providers": {"embeddings": modules}}
        (self.root / "clients" / "__init__.py").write_text(template.render(stack=stack))
        if loaded := sys.modules.get("clients"):
            loaded.PROVIDERS["embeddings"] = tuple(modules)

    def clients(self, module: str = "") -> Any:
        """Import the package of this place, or a module of it."""
        return import_module(f"clients.{module}" if module else "clients")

    @property
    def builder(self) -> Any:
        """The part of the worker that makes generations."""
        return import_module("managed.build")

    def put(self, name: str, text: str | bytes) -> Path:
        """Upload a file as the applications do: nobody sees half of it."""
        path = self.uploads / name
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.part")
        part.write_bytes(text if isinstance(text, bytes) else text.encode())
        part.replace(path)
        return path

    def build(self) -> bool:
        """Make one pass in this process."""
        worker = self.clients("faiss_worker")
        new: bool = self.builder.build(self.uploads, self.store, worker.embedder(), lambda: None)
        return new

    def build_all(self) -> int:
        """Make passes until there is nothing left. Returns how many had something to do."""
        passes = 0
        while self.build():
            passes += 1
        return passes

    def search(self, question: str, count: int = 5) -> list[str]:
        """Search in this process; the names of the files, best first."""
        return [hit.source for hit in self.clients("faiss_worker").search(question, count)]

    def current(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.store / "CURRENT").read_text())
        return found

    def generations(self) -> list[str]:
        return sorted(path.name for path in self.store.glob("generation-*"))

    def leftovers(self) -> list[str]:
        return [path.name for pattern in (".building-*", ".CURRENT-*") for path in self.store.glob(pattern)]

    def run(self, code: str, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run lines of Python in a process of its own."""
        command = [sys.executable, "-c", code, *arguments]
        options = {"capture_output": True, "text": True, "timeout": 120, **options}
        done: subprocess.CompletedProcess[str] = subprocess.run(command, check=False, **options)
        return done

    def health(self) -> tuple[int, str]:
        done = self.run("import sys; from app.health import main; sys.exit(main())")
        assert not done.stderr
        return done.returncode, done.stdout


class Worker:
    """`python -m app`, as a process."""

    def __init__(self, place: Place, number: int = 0) -> None:
        self.log = place.root / f"worker-{number}.log"
        with self.log.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "app"], stdout=out, stderr=subprocess.STDOUT, cwd=place.root
            )

    def says(self, words: str) -> bool:
        return words in self.log.read_text()

    def end(self, how: int = signal.SIGTERM) -> int:
        """Send a signal; return the exit code."""
        self.process.send_signal(how)
        return self.process.wait(timeout=60)


@contextmanager
def workers(place: Place, count: int = 1) -> Iterator[list[Worker]]:
    """Run some workers; none is left at the end."""
    running = [Worker(place, number) for number in range(count)]
    try:
        yield running
    finally:
        for worker in running:
            worker.process.kill()
            worker.process.wait()


def contents(place: Place) -> dict[str, str | None]:
    """What the index has, read without the client: each file's text, or None where it found none.

    Fails unless every piece has exactly one vector, that of its text, and every file its pieces exactly once.
    """
    folder = place.store / place.current()["generation"]
    with closing(sqlite3.connect(f"file:{folder}/pieces.sqlite?mode=ro", uri=True)) as database:
        files = database.execute("SELECT name, pieces FROM files").fetchall()
        pieces = database.execute("SELECT id, file, position, text FROM pieces ORDER BY file, position").fetchall()
        meta = dict(database.execute("SELECT key, value FROM meta"))
    assert sorted(path.name for path in folder.iterdir()) == (["index.faiss"] if pieces else []) + ["pieces.sqlite"]
    found: dict[str, str | None] = {}
    for name, count in files:
        own = [(position, text) for _, file, position, text in pieces if file == name]
        assert [position for position, _ in own] == list(range(count))
        found[name] = own[0][1] + "".join(text[150:] for _, text in own[1:]) if own else None
    assert {file for _, file, _, _ in pieces} <= set(found)
    if pieces:
        check_vectors(place, folder / "index.faiss", [(id, text) for id, _, _, text in pieces], meta["embedder"])
    return found


def check_vectors(place: Place, path: Path, pieces: list[tuple[int, str]], embedder: str) -> None:
    """Fail unless the index has the vector of each text and no other."""
    index: Any = faiss.read_index(str(path))
    assert sorted(faiss.vector_to_array(index.id_map).tolist()) == sorted(id for id, _ in pieces)
    client = place.clients("faiss_worker")
    own = client.Words() if embedder == client.Words.id else client.embedder()
    assert own.id == embedder
    expected = own.embed([text for _, text in pieces])
    for (id, _), vector in zip(pieces, expected, strict=True):
        np.testing.assert_allclose(index.reconstruct(id), vector, atol=1e-6)


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))
