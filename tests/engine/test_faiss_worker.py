"""The FAISS worker on a real engine: killed in the middle, three at once, and readers that notice nothing."""

from __future__ import annotations

import json
import threading
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.engine.conftest import Make
from tests.support.running import Project, until

pytestmark = pytest.mark.engine

# How long uploads stream in, in seconds, and how many in each of them.
STREAM = 60
RATE = 4

# Files big enough for the next generation to take a while.
BIG = 8

# Each file of the newest generation, with its pieces in the table of files, in that of pieces, and in the index.
CONTENT = """
import json, sqlite3, faiss
from pathlib import Path
store = Path("/data/vector_store")
current = store / json.loads((store / "CURRENT").read_text())["generation"]
base = sqlite3.connect(f"file:{current}/pieces.sqlite?mode=ro&immutable=1", uri=True)
assert base.execute("PRAGMA integrity_check").fetchone() == ("ok",)
index = current / "index.faiss"
vectors = faiss.read_index(str(index)).ntotal if index.exists() else 0
files = dict(base.execute("SELECT name, pieces FROM files"))
pieces = dict(base.execute("SELECT file, count(*) FROM pieces GROUP BY file"))
left = sorted(path.name for path in store.iterdir())
print(json.dumps({"files": files, "pieces": pieces, "vectors": vectors, "left": left}))
"""


@pytest.fixture
def project(make: Make) -> Project:
    project = make(services=["fastapi", "faiss-worker"])
    project.init()
    project.configure(INDEX_POLL_SECONDS=1)
    return project


def search(project: Project, question: str) -> list[str]:
    """The sources that a search finds, best first."""
    status, found = project.get(f"/search?q={urllib.parse.quote(question)}")
    assert status == 200, found
    return [hit["source"] for hit in found["sources"]]


def content(project: Project) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(project.in_app(CONTENT))
    return said


def pending(project: Project) -> list[str]:
    names: list[str] = project.get("/search?q=anything")[1]["pending"]
    return names


def containers(project: Project) -> list[str]:
    return project.compose("ps", "--quiet", "faiss-worker").split()


def test_uploads_are_found_and_gone_when_they_are_deleted(project: Project) -> None:
    project.up()
    assert project.get("/links") == (200, {"faiss_worker": {"ok": True}})
    assert search(project, "anything at all") == []
    project.upload("bread.txt", b"Sourdough needs flour, water, salt and a night of rest.")
    project.upload("engine.txt", b"The piston moves in the cylinder and turns the crankshaft.")
    project.upload("picture.bin", bytes(range(256)))
    until(lambda: pending(project) == [])
    assert search(project, "flour and salt for sourdough")[0] == "bread.txt"
    assert search(project, "what turns the crankshaft")[0] == "engine.txt"
    inside = "from pathlib import Path; Path('/data/uploads/bread.txt').unlink()"
    project.in_app(inside)
    until(lambda: "bread.txt" not in content(project)["files"])
    assert "bread.txt" not in search(project, "flour and salt for sourdough")
    # The index is the worker's alone: whoever reads it cannot write it.
    write = (
        "from pathlib import Path\ntry: Path('/data/vector_store/x').touch()\nexcept OSError as e: print(e.strerror)"
    )
    refused = project.in_app(write)
    assert refused == "Read-only file system"
    project.compose("down")
    project.up()
    assert search(project, "what turns the crankshaft")[0] == "engine.txt"
    # Searching needs no worker.
    project.compose("stop", "faiss-worker")
    assert search(project, "what turns the crankshaft")[0] == "engine.txt"


def test_killed_in_the_middle_of_a_write(project: Project) -> None:
    project.up()
    project.upload("kept.txt", b"The lighthouse keeper counts ships.")
    until(lambda: pending(project) == [])
    for number in range(BIG):
        line = f"volume {number} speaks of nothing but gravel and sand number {number}. "
        project.upload(f"big-{number}.txt", (line * 30_000).encode())
    # It returns as soon as the next generation is being written.
    waiting = "until ls -d /data/vector_store/.building-* >/dev/null 2>&1; do :; done"
    project.compose("exec", "-T", "fastapi", "timeout", "60", "sh", "-c", waiting)
    project.run("docker", "kill", "--signal", "KILL", *containers(project))
    after = content(project)
    assert any(name.startswith(".building-") for name in after["left"]), "killed too late: this proves nothing"
    assert "kept.txt" in after["files"]
    assert len(after["files"]) < 1 + BIG
    assert after["files"] == after["pieces"], "what is served is whole"
    assert search(project, "lighthouse keeper")[0] == "kept.txt"

    project.up()
    until(lambda: pending(project) == [], 240)
    done = content(project)
    assert set(done["files"]) == {"kept.txt", *(f"big-{number}.txt" for number in range(BIG))}
    assert done["files"] == done["pieces"]
    assert done["vectors"] == sum(done["pieces"].values())
    until(lambda: not any(name.startswith(".building-") for name in content(project)["left"]))
    assert search(project, "lighthouse keeper")[0] == "kept.txt"


def test_three_workers_and_a_reader_under_a_stream_of_uploads(project: Project) -> None:
    project.up("--scale", "faiss-worker=3")
    assert len(containers(project)) == 3
    project.upload("first.txt", b"The very first document is about a heron.")
    until(lambda: pending(project) == [])
    with polled(project) as (searches, errors):
        names = stream(project)
        until(lambda: pending(project) == [])
    assert errors == []
    assert len(searches) > STREAM
    found = content(project)
    assert set(found["files"]) == {"first.txt", *names}
    assert set(found["files"].values()) == {1}
    assert found["files"] == found["pieces"]
    assert found["vectors"] == len(names) + 1
    assert search(project, f"item{len(names) - 1}")[0] == names[-1]


@contextmanager
def polled(project: Project) -> Iterator[tuple[list[int], list[object]]]:
    """Search all the while: how often, and what went wrong."""
    searches: list[int] = []
    errors: list[object] = []
    finished = threading.Event()

    def poll() -> None:
        while not finished.is_set():
            try:
                assert "first.txt" in search(project, "a heron")
            except (AssertionError, OSError) as error:
                errors.append(error)
            searches.append(1)

    reader = threading.Thread(target=poll)
    reader.start()
    try:
        yield searches, errors
    finally:
        finished.set()
        reader.join()


def stream(project: Project) -> list[str]:
    """Upload one small file after the other, and kill the worker that writes half way. Returns their names."""
    names: list[str] = []
    began = time.monotonic()
    while (elapsed := time.monotonic() - began) < STREAM:
        number = len(names)
        names.append(f"note-{number}.txt")
        status, answer = project.upload(names[-1], f"Note {number} mentions item{number} and little else.".encode())
        assert status == 201, answer
        if number == STREAM * RATE // 2:
            kill_the_writer(project)
        time.sleep(max(0.0, (number + 1) / RATE - elapsed))
    return names


def kill_the_writer(project: Project) -> None:
    """The one that does not wait for the lock; another takes over."""
    for id in containers(project):
        logs = project.run("docker", "logs", id)
        if "waiting" not in logs.stdout + logs.stderr:
            project.run("docker", "kill", "--signal", "KILL", id)
            return
    raise AssertionError("all of them wait")
