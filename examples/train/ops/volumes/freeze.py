# Managed by scaffold: updates merge this file.
"""Keep the writers of a group of volumes still while it is copied, and set them going again whatever happens."""

from __future__ import annotations

import signal
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ops import docker, state
from ops.errors import UNABLE, OpsError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ops.docker import Container

PAUSE, STOP = "pause", "stop"
SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
UNKNOWN = ""


class UnpausableError(OpsError):
    """A container that the kernel could not pause: a busy one on a busy machine, or where pausing is not allowed."""


@dataclass
class Freeze:
    """How long a group was kept still, and which containers were."""

    containers: list[Container]
    how: str
    began: float = field(default_factory=time.monotonic)
    milliseconds: int = 0


def writers(containers: list[Container], volumes: set[str]) -> list[Container]:
    """Return the containers that run and may write to one of the volumes; readers change nothing."""
    return [each for each in containers if each.active and each.writable & volumes]


@contextmanager
def frozen(root: Path, containers: list[Container], how: str) -> Iterator[Freeze]:
    """Pause or stop containers for as long as the block runs; a journal outlives a kill."""
    freeze = Freeze(containers, how)
    noted = journal(containers, how)
    if containers:
        state.save(root, state.QUIESCED, noted)
    try:
        for number, each in enumerate(containers):
            entry = noted["containers"][number]
            if how == STOP:
                entry["stopping"] = True
                state.save(root, state.QUIESCED, noted)
            still(each, how)
            entry["stopping"] = False
        yield freeze
    finally:
        if containers:
            with undisturbed():
                left = resume(noted)
                freeze.milliseconds = int((time.monotonic() - freeze.began) * 1000)
                if left:
                    # Graver than whatever else may have gone wrong in the block.
                    raise not_resumed(left)
                state.clear(root, state.QUIESCED)


def journal(containers: list[Container], how: str) -> dict[str, Any]:
    """Return what is needed to set these containers going again."""
    entries = [
        {
            "id": each.id,
            "name": each.name,
            "project": each.project,
            "service": each.service,
            "patience": each.patience,
        }
        for each in containers
    ]
    return {"how": how, "containers": entries}


def still(container: Container, how: str) -> None:
    """Pause or stop one container."""
    answer = docker.run(["pause", container.id]) if how == PAUSE else stop(container.id, container.patience)
    if answer.code and "No such container" not in answer.errors:
        failure = UnpausableError if how == PAUSE else OpsError
        raise failure(f"cannot {how} container `{container.name}`", answer.last_error(), code=UNABLE)


def stop(container: str, patience: int) -> docker.Answer:
    """Stop a container; it is asked first, and has its own time to end."""
    return docker.run(["stop", "--time", str(patience), container], patience=patience + docker.TIMEOUT)


def hindrance(entry: dict[str, Any], volumes: set[str]) -> str:
    """Stop the containers of a journal once more; say what still keeps volumes from being touched, if anything."""
    try:
        for each in entry.get("containers") or []:
            answer = stop(each["id"], int(each.get("patience", 10)))
            if answer.code and "No such container" not in answer.errors:
                return f"`{each.get('name')}` cannot be stopped: {answer.last_error()}"
        # Such as one that was made anew, or was never asked.
        running = [each.name for each in docker.containers(None) if each.active and each.writable & volumes]
    except OpsError as error:
        return error.problem.what
    return f"`{running[0]}` runs on it: docker stop {running[0]}" if running else ""


def resume(entry: dict[str, Any]) -> list[str]:
    """Set the containers of a journal going again, in reverse; return the names of those that would not."""
    how = str(entry.get("how", PAUSE))
    containers = reversed(entry.get("containers") or [])
    # Twice: an engine under load has been seen to refuse once.
    return [str(each.get("name")) for each in containers if not any(resumed(each, how) for _ in range(2))]


def resumed(entry: dict[str, Any], how: str) -> bool:
    """Set one container going again; one that was replaced meanwhile runs as whoever replaced it wanted."""
    if how == PAUSE and docker.run(["unpause", entry["id"]]).code == 0:
        return True  # without a look at it first: it stands still meanwhile
    now = state_of(entry["id"])
    if now == "running" and entry.get("stopping"):
        # The engine goes on stopping it after `docker stop` was interrupted, and a start before its end does nothing.
        stop(entry["id"], int(entry.get("patience", 10)))
        now = state_of(entry["id"])
    if not now or now == "running":
        return now != UNKNOWN
    if how == PAUSE and now != "paused":
        return True  # stopped or killed meanwhile, by somebody
    verb = "unpause" if now == "paused" else "start"
    return docker.run([verb, entry["id"]]).code == 0


def state_of(container: str) -> str | None:
    """Return the state of a container; nothing when it is gone, and `UNKNOWN` when the engine does not say."""
    answer = docker.run(["inspect", "--type", "container", "--format", "{{.State.Status}}", container])
    if answer.code:
        return None if "no such" in answer.errors.lower() else UNKNOWN
    return answer.output.strip()


def not_resumed(names: list[str]) -> OpsError:
    """Say which containers stand still."""
    listed = ", ".join(f"`{name}`" for name in names)
    fix = "python3 ops recover; or by hand: docker unpause NAME, docker start NAME"
    return OpsError(f"{listed} could not be set going again", fix=fix, code=UNABLE, cause="unfinished")


@contextmanager
def undisturbed() -> Iterator[None]:
    """Let no Ctrl-C come between: what is being undone is undone first."""
    before = []
    for each in SIGNALS:
        with suppress(ValueError):  # not in the main thread
            before.append((each, signal.signal(each, signal.SIG_IGN)))
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, handler)
