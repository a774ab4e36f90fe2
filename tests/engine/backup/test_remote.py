"""An engine on another machine: nothing of this machine's folders is there, and everything goes through its API.

That machine is a second engine in a mount namespace of its own, in which the folder with the projects is an empty one,
reached by TCP. What that leaves untried: a network that is slow or breaks, and SSH.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.engine.backup import keeper
from tests.engine.conftest import Make
from tests.support import waiting
from tests.support.running import Project

pytestmark = pytest.mark.engine

IMAGE = "redis:8.8-trixie"
# A bridge of its own: told to use none, an engine removes `docker0`, which is the other engine's here.
ENGINE = """
mount -t tmpfs tmpfs "$1"
ip link add "$4" type bridge
ip addr add 10.214.0.1/24 dev "$4"
ip link set "$4" up
exec dockerd --host "$2" --data-root "$3/data" --exec-root "$3/exec" --pidfile "$3/pid" --bridge "$4" \
  --iptables=false --ip6tables=false --default-address-pool base=10.213.0.0/16,size=24
"""
PATIENCE = 60


@dataclass(frozen=True)
class Engine:
    address: str
    process: subprocess.Popen[bytes]

    def docker(self, *arguments: str) -> str:
        return keeper.run(["docker", "--host", self.address, *arguments])

    def machine(self, script: str, *arguments: str) -> None:
        """Run a shell script on the engine's machine."""
        keeper.run(["nsenter", "--target", str(self.process.pid), "--mount", "sh", "-euc", script, "sh", *arguments])


@pytest.fixture
def engine(
    docker: dict[str, str], tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Engine]:
    """Start it with the one image that is needed; afterwards nothing of it is left."""
    if os.getuid() != 0 or not all(map(shutil.which, ("dockerd", "ip", "unshare", "nsenter"))):
        pytest.skip("only root can start a second engine, with dockerd, ip, unshare and nsenter")
    for key, value in docker.items():
        monkeypatch.setenv(key, value)
    place = tmp_path_factory.mktemp("engine")
    address = f"tcp://127.0.0.1:{waiting.free_port()}"
    bridge = f"st{secrets.token_hex(4)}"
    command = ["unshare", "--mount", "--propagation", "private", "sh", "-euc", ENGINE, "sh"]
    with (place / "log").open("wb") as log:
        process = subprocess.Popen([*command, str(tmp_path), address, str(place), bridge], stdout=log, stderr=log)
    try:
        asking = ["docker", "--host", address, "version"]
        answers = lambda: subprocess.run(asking, capture_output=True, check=False).returncode == 0  # noqa: E731
        waiting.until(answers, seconds=PATIENCE, pause=0.5, log=place / "log")
        with subprocess.Popen(["docker", "save", IMAGE], stdout=subprocess.PIPE) as saved:
            subprocess.run(["docker", "--host", address, "load", "--quiet"], stdin=saved.stdout, check=True)
        yield Engine(address, process)
    finally:
        process.terminate()
        process.wait(timeout=PATIENCE)
        time.sleep(0.5)
        subprocess.run(["ip", "link", "delete", bridge], check=False)
        shutil.rmtree(place, ignore_errors=True)


@pytest.fixture
def project(engine: Engine, make: Make) -> Project:
    """Redis, and files of the user's own."""
    made = keeper.project(make)
    override = made.folder / "compose.override.yaml"
    document = yaml.safe_load(override.read_text())
    document["services"]["keeper"]["image"] = IMAGE
    override.write_text(yaml.safe_dump(document))
    assert engine.docker("ps", "--all", "--quiet") == ""
    return made


def test_backup_restore_and_drill_through_tcp_and_through_a_context(
    engine: Engine, project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", engine.address)
    seen = ["run", "--rm", "--network", "none", "--volume", f"{project.folder}:/seen", "--entrypoint", "ls", IMAGE]
    assert engine.docker(*seen, "/seen") == "", "a folder of this machine is not there"
    # Compose mounts secrets from the engine's machine: they have to be there too.
    secret = project.folder / "secrets/redis_password"
    copying = 'mkdir -p "$(dirname "$1")"; printf %s "$2" > "$1"; chmod 0444 "$1"'
    engine.machine(copying, str(secret), secret.read_text())
    project.up()
    volume = f"{project.name}_things"
    put(project, "kept")
    key(project, "set", "note", "kept")

    made = json.loads(project.ops("backup", "--json").stdout)
    assert {item["volume"]: item["method"] for item in made["items"]} == {"redis_data": "dump", "things": "pause"}
    assert all(item["warnings"] == [] for item in made["items"])
    assert engine.docker("volume", "ls", "--quiet", "--filter", "name=ops-scratch") == ""
    project.ops("verify", "--deep", made["set"])
    project.compose("down")
    engine.docker("volume", "rm", volume, f"{project.name}_redis_data")
    project.ops("restore", made["set"])
    project.up()
    assert note(project) == "kept"
    assert key(project, "get", "note") == "kept"

    # The same engine as the current context of the `docker` command.
    monkeypatch.delenv("DOCKER_HOST")
    use_context(project, engine, tmp_path / "docker", monkeypatch)
    put(project, "spoilt")
    project.ops("restore", made["set"], "--only", "things", "--replace")
    assert note(project) == "kept"
    project.ops("drill", made["set"])
    assert json.loads(project.ops("backup", "--only", "things", "--json").stdout)["items"][0]["method"] == "pause"
    project.compose("down", "--volumes")


def use_context(project: Project, engine: Engine, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the engine the current context of a configuration of its own."""
    (folder / "cli-plugins").mkdir(parents=True)
    for plugin in (Path(os.environ.get("DOCKER_CONFIG", "/nowhere")) / "cli-plugins").glob("*"):
        (folder / "cli-plugins" / plugin.name).symlink_to(plugin.resolve())
    monkeypatch.setenv("DOCKER_CONFIG", str(folder))
    project.run("docker", "context", "create", "far", "--docker", f"host={engine.address}")
    project.run("docker", "context", "use", "far")


def put(project: Project, text: str) -> None:
    project.compose("exec", "-T", "keeper", "sh", "-c", f"printf %s {text} > /things/note")


def note(project: Project) -> str:
    return project.compose("exec", "-T", "keeper", "cat", "/things/note")


def key(project: Project, *command: str) -> str:
    asking = 'REDISCLI_AUTH="$(cat /run/secrets/redis_password)" exec redis-cli "$@"'
    return project.compose("exec", "-T", "redis", "sh", "-euc", asking, "sh", *command).strip()
