# Managed by scaffold: updates merge this file.
"""Where a volume lives that is not on the engine's own disk: on NFS, on a disk of its own, in memory.

What is there outlives the volume, but for memory: a volume that the engine does not have yet may be full all the same.
"""

from __future__ import annotations

import json
import secrets
import socket
import stat
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ops import docker
from ops.errors import UNABLE, OpsError, Problem
from ops.volumes.made import Made

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ops.compose import Model
    from ops.docker import Volume

Options = dict[str, str]  # a volume's `driver_opts`

NFS = ("nfs", "nfs4")
PORT = 2049
PATIENCE = 3  # seconds
MEMORY = "tmpfs"


def declared(model: Model) -> dict[str, Options]:
    """Return how the project's files place each volume; those that they leave to the engine's disk have none."""
    found = {}
    for key, body in (model.document.get("volumes") or {}).items():
        options = {name: str(value) for name, value in ((body or {}).get("driver_opts") or {}).items()}
        if options and (body.get("driver") or "local") == "local":
            found[key] = options
    return found


def in_memory(options: Options) -> bool:
    """Tell whether all of it is gone when the last container that mounts it stops."""
    return options.get("type") == MEMORY


def outlives(options: Options) -> bool:
    """Tell whether what is there stays when the volume is removed, and was there before it was made."""
    return bool(options.get("device")) and not in_memory(options)


def shown(options: Options) -> str:
    """Return where that is, in words."""
    if not options:
        return "the engine's disk"
    if in_memory(options):
        return "memory"
    server = mount_option(options, "addr")
    return f"{server}{options.get('device', '')}" if server else options.get("device", "")


def mount_option(options: Options, name: str) -> str:
    """Return one of the mount options; empty when it is not there."""
    for each in options.get("o", "").split(","):
        word, _, value = each.partition("=")
        if word == name:
            return value
    return ""


def problems(places: Mapping[str, Options]) -> dict[str, Problem]:
    """Look whether each place is there, by volume; servers are all asked at once."""
    if not places or docker.remote():
        return {}  # an engine on another machine has other disks and another network
    found: dict[str, Problem] = {}

    def look(key: str, options: Options) -> None:
        problem = missing(key, options)
        if problem:
            found[key] = problem

    # Looking a name up has no time limit of its own: who does not answer in time is left behind.
    asking = {key: threading.Thread(target=look, args=(key, each), daemon=True) for key, each in places.items()}
    for each in asking.values():
        each.start()
    for key, each in asking.items():
        each.join(PATIENCE + 1)
        if each.is_alive():
            found[key] = no_server(key, mount_option(places[key], "addr"), "its name cannot be looked up")
    return {key: found[key] for key in places if key in found}


def missing(key: str, options: Options) -> Problem | None:
    """Say what is not there of one place."""
    device = options.get("device", "")
    if options.get("type") in NFS:
        return silent(key, mount_option(options, "addr"), mount_option(options, "port"), options)
    # Elsewhere the engine is in a virtual machine, with disks of its own.
    return no_disk(key, device) if device.startswith("/dev/") and sys.platform == "linux" else None


def no_disk(key: str, device: str) -> Problem | None:
    """Say that a disk is not on this machine."""
    fix = "attach it to this machine; `ls -l /dev/disk/by-id` shows the disks that are"
    try:
        mode = Path(device).stat().st_mode
    except OSError as error:
        what = f"the disk of volume `{key}` is not on this machine"
        return Problem(what, f"{device}: {error.strerror}", fix, "not-found")
    if stat.S_ISBLK(mode):
        return None
    return Problem(f"what volume `{key}` is to live on is no disk", f"{device} is something else", fix, "not-found")


def silent(key: str, server: str, port: str, options: Options) -> Problem | None:
    """Say that an NFS server does not answer."""
    if not server or mount_option(options, "proto") == "rdma":
        return None
    number = int(port) if port.isdigit() and int(port) else PORT
    try:
        socket.create_connection((server, number), timeout=PATIENCE).close()
    except OSError as error:
        return no_server(key, server, f"port {number} of it: {error.strerror or error}")
    return None


def no_server(key: str, server: str, why: str) -> Problem:
    """Say so."""
    what = f"the NFS server `{server}` of volume `{key}` does not answer"
    fix = "start it, and let this machine through its firewall; its address is in `compose.yaml` under `driver_opts`"
    return Problem(what, why, fix, "down")


def require(places: Mapping[str, Options]) -> None:
    """Refuse to go on when a place is not there."""
    for problem in problems(places).values():
        raise error_of(problem)


def error_of(problem: Problem) -> OpsError:
    """Return a problem as what ends a run."""
    return OpsError(problem.what, problem.why, problem.fix, UNABLE, problem.cause)


def moved(model: Model, volumes: list[Volume]) -> list[Problem]:
    """Compare where the engine has each volume with where the project's files put it."""
    places = declared(model)
    there = {each.name for each in volumes}
    # One from outside is as its maker wants it; one that Compose does not tell of cannot be compared.
    ours = [key for key, body in (model.document.get("volumes") or {}).items() if not (body or {}).get("external")]
    names = {model.volumes[key]: key for key in ours if model.volumes.get(key) in there}
    if not names:
        return []
    row = "{{.Name}}\t{{.Driver}}\t{{json .Options}}"
    found = []
    for line in docker.run(["volume", "inspect", "--format", row, *names]).output.splitlines():
        name, _, rest = line.partition("\t")
        driver, _, said = rest.partition("\t")
        # Another driver's volume is its owner's own doing.
        if name in names and driver == "local":
            held = {option: str(value) for option, value in (json.loads(said) or {}).items()}
            if held != places.get(names[name], {}):
                found.append(elsewhere(names[name], held, places.get(names[name], {})))
    return found


def elsewhere(key: str, held: Options, wanted: Options) -> Problem:
    """Say that the engine has a volume in another place, or with other options."""
    return Problem(
        f"volume `{key}` is not where `compose.yaml` puts it",
        f"the engine has it on {shown(held)}, the file says {shown(wanted)}; Compose goes on with the first, or offers "
        "to make it anew, which deletes what is in it",
        f"change the file back, or take the data along: scaffold volumes move {key}",
    )


@contextmanager
def beneath(project: str, options: Options) -> Iterator[str]:
    """Yield a volume for a look at what is in a place; removing it leaves that as it is."""
    name = f"{project}-ops-look-{secrets.token_hex(4)}"
    docker.ask(["volume", "create", *Made(options=options, labels={docker.HELPER: project}).arguments(), name])
    try:
        yield name
    finally:
        docker.run(["volume", "rm", name])
