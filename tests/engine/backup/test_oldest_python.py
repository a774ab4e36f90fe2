"""Every verb on the oldest Python that `ops` supports, with nothing installed and nothing in the environment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.engine.backup import keeper
from tests.engine.conftest import Make
from tests.unit.ops.helpers import OLDEST

pytestmark = pytest.mark.engine


def test_every_verb(make: Make, tmp_path: Path) -> None:
    """Where there is no such Python, with the one of the tests: cut off from what is installed all the same."""
    project = keeper.project(make)
    project.up()
    volume = f"{project.name}_things"
    keeper.python(volume, "open('/things/note', 'w').write('kept')")
    # What makes `docker compose` work here, and a home in which nothing is.
    environment = {name: os.environ[name] for name in ("PATH", "DOCKER_CONFIG", "DOCKER_HOST") if name in os.environ}
    environment["HOME"] = str(tmp_path)
    python = str(OLDEST) if OLDEST.is_file() else sys.executable

    def ops(*arguments: str) -> str:
        command = [python, "-I", "-S", "-W", "error", "ops", *arguments]
        done = subprocess.run(command, cwd=project.folder, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{arguments}\n{done.stdout}{done.stderr}"
        assert "Warning" not in done.stderr
        return done.stdout

    set = json.loads(ops("backup", "--json"))["set"]
    ops("verify", "--deep", set)
    keeper.python(volume, "open('/things/note', 'w').write('spoilt')")
    ops("restore", set, "--replace")
    assert keeper.python(volume, "print(open('/things/note').read())") == "kept\n"
    ops("drill", set)
    (listed,) = json.loads(ops("list", "--json"))["sets"]
    assert (listed["verified"]["good"], listed["drilled"]["good"]) == (True, True)
    ops("forget", "--keep-last", "1")
    ops("recover")
    ops("status")
    ops("usage", "things")
