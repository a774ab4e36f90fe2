# Managed by scaffold: updates merge this file.
"""One run at a time: a lock in this folder, and one in the engine for whoever works from another folder or machine."""

from __future__ import annotations

import os
import socket
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ops import docker, state
from ops.errors import UNABLE, OpsError

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ops.project import Project

# An image with nothing in it, made on the spot: a container of it can be created, and never run.
EMPTY = "ops-empty:1"
EMPTY_TAR = bytes(10240)
LABEL = "ops.lock"
GONE = "the run that holds it has ended"


@contextmanager
def held(this: Project, verb: str) -> Iterator[None]:
    """Hold the project for one verb; refuse at once when another run has it."""
    with folder_held(this):
        take_engine(this, verb)
        try:
            yield
        finally:
            release(this)


@contextmanager
def folder_held(this: Project) -> Iterator[None]:
    """Hold this folder only: for what touches sets and no volume, engine or not."""
    handle = os.open(state.folder(this.root) / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        take_folder(handle)
        yield
    finally:
        os.close(handle)


def take_folder(handle: int) -> None:
    """Take the lock that the kernel drops with the process, however that ends."""
    if sys.platform == "win32":
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise taken("another `python3 ops` works in this folder") from None
    except OSError:
        return  # no locks on this file system; the engine's still holds


def take_engine(this: Project, verb: str) -> None:
    """Create a container with a fixed name: the engine lets one run only do that."""
    for _ in range(3):
        answer = docker.run(["create", "--pull", "never", "--name", name(this), *label(verb), EMPTY, "lock"])
        if answer.code == 0:
            return
        if "No such image" in answer.errors:
            ensure_empty()
            continue
        if "Conflict" not in answer.errors and "in use" not in answer.errors:
            raise OpsError("cannot lock the project in the engine", answer.last_error(), code=UNABLE)
        holder = who(this)
        if holder != GONE:
            fix = f"wait for it; if it is surely gone: docker rm {name(this)}, then python3 ops recover"
            raise taken(holder, fix)
        release(this)
    raise taken("another run was faster")


def taken(why: str, fix: str = "wait for it to end") -> OpsError:
    """Say who has the project."""
    return OpsError("another run has this project", why, fix, code=UNABLE, cause="locked")


def release(this: Project) -> None:
    """Let go of the engine's lock."""
    docker.run(["rm", "--force", "--volumes", name(this)])


def name(this: Project) -> str:
    """Return the name of the lock."""
    return f"{this.name}-ops-lock"


def label(verb: str) -> list[str]:
    """Say on the lock whose it is."""
    pid = os.getpid()
    said = {"host": host(), "pid": pid, "born": born(pid), "verb": verb, "since": int(time.time())}
    text = " ".join(f"{key}={value}" for key, value in said.items())
    return ["--label", f"{LABEL}={text}"]


def who(this: Project) -> str:
    """Say who holds the engine's lock, or that nobody does any more."""
    row = f'{{{{index .Config.Labels "{LABEL}"}}}}'
    answer = docker.run(["inspect", "--type", "container", "--format", row, name(this)])
    if answer.code:
        return GONE
    said = dict(part.partition("=")[::2] for part in answer.output.split() if "=" in part)
    if said.get("host") == host() and not alive(said.get("pid", ""), said.get("born", "")):
        return GONE
    when = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(int(said.get("since") or 0)))
    machine = said.get("host", "another machine").partition("/")[0]
    return f"`ops {said.get('verb', '')}`, process {said.get('pid')} on {machine}, since {when}"


def host() -> str:
    """Return what tells this machine, since its last start, from others."""
    boot = ""
    with suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return f"{socket.gethostname()}/{boot}".replace(" ", "")


def alive(pid: str, since: str) -> bool:
    """Tell whether a process of this machine still runs, and is the same one."""
    if not pid.isdigit():
        return True
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return not since or born(int(pid)) == since


def born(pid: int) -> str:
    """Return when a process started, in the kernel's ticks, where the kernel says so: process ids come again."""
    with suppress(OSError, IndexError):
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[19]
    return ""


def ensure_empty() -> None:
    """Make the empty image when the engine has none yet: nothing is ever pulled."""
    if docker.run(["image", "inspect", "--format", "{{.Id}}", EMPTY]).code == 0:
        return
    with docker.feeding(["import", "-", EMPTY]) as pipe:
        pipe.write(EMPTY_TAR)
