"""Loading generated projects in the real Compose, of several versions, without an engine."""

from __future__ import annotations

import json
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

from tests.support import engine

# The floor that is promised, the last of the second line, and the newest.
VERSIONS = ("2.24.7", "2.40.3", engine.DEFAULT_COMPOSE)


@cache
def config(project: Path, version: str, *files: str) -> dict[str, Any]:
    """What Compose makes of a project, which may not change afterwards. Fails on an error, and on any warning."""
    names = [argument for name in files or ("compose.yaml",) for argument in ("-f", name)]
    command: list[str | Path] = [engine.compose_binary(version), *names, "--profile", "*", "config", "--format", "json"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == "", done.stderr
    data: dict[str, Any] = json.loads(done.stdout)
    return data
