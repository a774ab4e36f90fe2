"""A generated project's files, the fake `docker`, and what a run came to."""

from __future__ import annotations

import json
import re
import stat
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# What `ops` makes: 32 random bytes as text.
TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
HERE = Path(__file__).resolve().parent
OPS = HERE.parents[2] / "templates" / "project" / "ops"
OLDEST = Path.home() / ".pyenv" / "versions" / "3.9.18" / "bin" / "python"
PYTHONS = [sys.executable, *([str(OLDEST)] if OLDEST.exists() else [])]

# For scripts whose memory is measured: the most so far, in KiB. `ru_maxrss` begins with that of whoever started them.
PEAK = """
def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))
"""

COMPOSE = """\
# Managed by scaffold: updates merge this file.
name: my-rag

include:
  - services/flask/compose.yaml
  # your own includes below this line

volumes:
  # MongoDB database files
  mongo_data:

secrets:
  mongo_password:
    file: secrets/mongo_password

  flask_secret_key:
    file: secrets/flask_secret_key

  # your own secrets below this line

x-scaffold:
  volumes:
    mongo_data:
      responsibility: MongoDB database files
      class: database
      owner: mongo
      backup: mongo-dump

    # your own descriptions below this line
  secrets:
    mongo_password:
      volume: mongo_data        # whose data it opens

    flask_secret_key:
"""
EXAMPLE = "# Where the web app listens\nFLASK_PORT=8000\n\n# How much it says\nLOG_LEVEL=info\n"
EPOCH = "2020-01-01T00:00:00Z"


@dataclass
class Engine:
    """What the fake `docker` answers; change it, then run something."""

    folder: Path
    state: dict[str, Any] = field(default_factory=dict)

    def set(self, **changes: Any) -> None:
        """Change some answers."""
        self.state.update(changes)
        (self.folder / "state.json").write_text(json.dumps(self.state))

    def hold(self, *names: str, created: str = EPOCH, project: str = "my-rag") -> None:
        """Hold labelled volumes of a project."""
        self.set(
            volumes=[
                {"name": name, "project": project, "key": name.partition("_")[2], "created": created} for name in names
            ]
        )

    def calls(self) -> list[list[str]]:
        """Return how `docker` was called."""
        path = self.folder / "calls"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@dataclass
class Done:
    """What a run came to."""

    code: int
    out: str
    err: str

    def document(self) -> dict[str, Any]:
        """Return the one document on stdout."""
        found: dict[str, Any] = json.loads(self.out)
        return found


Run = Callable[..., Done]


def python_id(path: str) -> str:
    """Name a Python in a test's name."""
    return Path(path).parents[1].name


def mode(path: Path) -> int:
    """Return a file's permissions."""
    return stat.S_IMODE(path.stat().st_mode)


def leftovers(root: Path) -> list[Path]:
    """Return files that a run did not finish."""
    return list(root.rglob(".ops-new-*"))
