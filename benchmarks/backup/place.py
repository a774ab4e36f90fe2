"""Where it happens: a generated project with a volume and a writer for each corpus, and a folder for what is stored."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from benchmarks.backup.corpora import Corpus
from benchmarks.backup.memory import Started
from scaffold.project.render import render
from tests.support.images import ensure
from tests.support.running import Project
from tools import examples

# It has Python, for what is done in containers, and GNU tar.
IMAGE = "python:3.13.15-slim-trixie"
HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Place:
    """A project that runs, the folder for what contenders store, and which containers were started."""

    project: Project
    out: Path
    started: Started

    def volume(self, corpus: Corpus) -> str:
        """The engine's name of a corpus's volume."""
        return f"{self.project.name}_{corpus.name}_data"

    def writer(self, corpus: Corpus) -> str:
        """The container that keeps writing into it."""
        return f"{self.project.name}-{corpus.name}-1"

    def container(self, volumes: Sequence[str], *command: str, options: Sequence[str] = ()) -> list[str]:
        """The command line of a container of its own: `volumes` as `-v` takes them."""
        mounts = [word for volume in volumes for word in ("-v", volume)]
        name = f"{self.project.name}-run-{uuid.uuid4().hex[:6]}"
        return ["docker", "run", "--rm", "--name", name, *mounts, *options, IMAGE, *command]

    def look(self, volumes: Sequence[str], *command: str, code: str = "") -> str:
        """What a command in a container says, with `code` on its standard input."""
        words = self.container(volumes, *command, options=["-i", "--log-driver", "none"])
        return subprocess.run(words, input=code, capture_output=True, text=True, check=True).stdout

    def fill(self, corpus: Corpus) -> str:
        """Make a corpus in its volume, start its writer, and return the digest of the content."""
        volume = f"{self.volume(corpus)}:/data"
        self.project.compose("up", "--detach", corpus.name)
        self.look([volume], "python", "-", *corpus.fill, code=(HERE / "fill.py").read_text())
        return self.digest(corpus)

    def digest(self, corpus: Corpus) -> str:
        """A digest of all that is in a corpus's volume. Reading it also brings it into the page cache."""
        volume = f"{self.volume(corpus)}:/data:ro"
        return self.look([volume], "python", "-", "digest", code=(HERE / "fill.py").read_text())

    def stored(self, folder: Path) -> int:
        """Bytes of the files in a folder, some of which are root's."""
        return sum(map(int, self.look([f"{folder}:/x:ro"], "find", "/x", "-type", "f", "-printf", "%s\n").split()))

    def clear(self) -> None:
        """Remove all that was stored; some of it is root's."""
        self.look([f"{self.out}:/x"], "find", "/x", "-mindepth", "1", "-delete")

    def longest_gap(self, corpus: Corpus, since: float) -> float:
        """For how long, in seconds, the writer was kept from writing since a time."""
        time.sleep(0.3)
        said = subprocess.run(
            ["docker", "logs", self.writer(corpus)], capture_output=True, text=True, check=True
        ).stdout
        gaps = [line.split() for line in said.splitlines()]
        return max((float(gap) for when, gap in gaps if float(when) >= since), default=0.0)


@contextmanager
def prepared(corpora: Sequence[Corpus], parent: Path) -> Iterator[Place]:
    """Render and start a project; all of it is gone afterwards, also after Ctrl-C and a polite kill."""
    ensure([IMAGE, "redis:8.8-trixie"])
    on_signals(signal.default_int_handler)
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir=parent))
    name = f"bench-{uuid.uuid4().hex[:8]}"
    project = Project(folder / name, name)
    started = Started(name)
    place = Place(project, folder / "out", started)
    place.out.mkdir()
    try:
        with examples.snapshot("9.0.0") as template:
            render(template, {"project_name": name, "services": ["redis"]}, project.folder)
        (project.folder / "compose.override.yaml").write_text(json.dumps(override(corpora), indent=2))
        project.init()
        yield place
    finally:
        # A second Ctrl-C would leave the rest.
        on_signals(signal.SIG_IGN)
        started.stop()
        remove(place)
        shutil.rmtree(folder)
        on_signals(signal.default_int_handler)


def on_signals(handler: Callable[[int, FrameType | None], None] | signal.Handlers) -> None:
    """Say what an interrupt and a polite kill do, whatever whoever started us had said."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, handler)


def override(corpora: Sequence[Corpus]) -> dict[str, object]:
    """The user's own part of the project: a volume for each corpus, described, and what writes into it."""
    code = (HERE / "writer.py").read_text()
    return {
        "services": {
            corpus.name: {
                "image": IMAGE,
                "command": ["python", "-c", code.replace("$", "$$")],
                "volumes": [f"{corpus.name}_data:/data"],
                "network_mode": "none",
            }
            for corpus in corpora
        },
        "volumes": {f"{corpus.name}_data": {} for corpus in corpora},
        "x-scaffold-own": {
            "volumes": {
                f"{corpus.name}_data": {
                    "responsibility": corpus.what,
                    "class": corpus.kind,
                    "owner": corpus.name,
                    "backup": "files",
                }
                for corpus in corpora
            }
        },
    }


def remove(place: Place) -> None:
    """Take everything out of the engine: what ran when we were interrupted first, it holds volumes."""
    ours = ["docker", "ps", "--all", "--quiet", "--filter", f"name=^/{place.project.name}"]
    if left := subprocess.run(ours, capture_output=True, text=True, check=True).stdout.split():
        subprocess.run(["docker", "rm", "--force", "--volumes", *left], capture_output=True, check=False)
    place.clear()
    place.project.remove()
    owned = ["docker", "volume", "ls", "--quiet", "--filter", f"name=^{place.project.name}"]
    for volume in subprocess.run(owned, capture_output=True, text=True, check=True).stdout.split():
        subprocess.run(["docker", "volume", "rm", volume], capture_output=True, check=False)
