"""`scaffold volumes` asks the engine that `docker` would: by a context, by a variable, over ssh."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.engine.backup import keeper
from tests.engine.conftest import new_name
from tests.engine.test_volumes import Create, create, rows  # noqa: F401 (a fixture)
from tests.support import sockets
from tests.support.cli import Runner
from tools.examples import ROOT

pytestmark = pytest.mark.engine

SOCKET = "unix:///var/run/docker.sock"
# What sshd does: a command in a shell of the other machine, where none of our variables is set.
SSH = """\
#!/bin/sh
echo "$@" >> {log}
while [ "$1" != -- ]; do shift; done
unset DOCKER_HOST DOCKER_CONTEXT
exec sh -c "$3"
"""


@pytest.fixture
def orphan(create: Create) -> str:  # noqa: F811
    name = new_name()
    create(f"{name}_data", name, "data")
    return name


@pytest.mark.parametrize("how", ["variable", "current"])
def test_the_context_of_the_docker_command(
    orphan: str, scaffold: Runner, workplace: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """Made by `docker` itself, which then leads elsewhere for want of it."""
    monkeypatch.setenv("DOCKER_CONFIG", str(workplace / "config"))
    name = new_name()
    keeper.run(["docker", "context", "create", name, "--docker", f"host={SOCKET}"])
    if how == "variable":
        monkeypatch.setenv("DOCKER_CONTEXT", name)
    else:
        keeper.run(["docker", "context", "use", name])
    said = scaffold("volumes", orphan, "--json").document
    assert said["engine"] == f"{SOCKET}, context `{name}`"
    assert rows(said, orphan).keys() == {f"{orphan}_data"}
    keeper.run(["docker", "context", "update", name, "--docker", "host=unix:///nowhere.sock"])
    with sockets.left_open():
        gone = scaffold("volumes", orphan)
    assert (gone.code, f"context `{name}`" in gone.err, "No such file" in gone.err) == (3, True, True)


def test_an_engine_over_ssh(orphan: str, workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ssh = workplace / "bin" / "ssh"
    ssh.parent.mkdir()
    ssh.write_text(SSH.format(log=workplace / "log"))
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", f"{ssh.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("DOCKER_HOST", "ssh://me@there:2222")
    command = [sys.executable, "-m", "scaffold", "volumes", orphan, "--json"]
    said = subprocess.run(command, capture_output=True, text=True, check=True)
    assert rows(json.loads(said.stdout), orphan).keys() == {f"{orphan}_data"}
    assert "-l me -p 2222 -- there docker system dial-stdio\n" in (workplace / "log").read_text()
    ssh.write_text("#!/bin/sh\nexit 255\n")
    refused = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (refused.returncode, "no Docker engine in reach (ssh://me@there:2222)" in refused.stderr) == (3, True)


def test_ssh_without_the_package_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK loads it even where it only calls `ssh`."""
    monkeypatch.setenv("DOCKER_HOST", "ssh://there")
    code = "import sys; sys.modules['paramiko'] = None; from scaffold.cli.main import main; main(['volumes', '--all'])"
    refused = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)
    assert (refused.returncode, "pip install 'compose-scaffold[ssh]'" in refused.stderr) == (3, True), refused.stderr
