# Managed by scaffold: updates merge this file.
"""Set going what was stopped for a restore or a move, and wait until it is well."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from ops import compose, docker, state
from ops.errors import UNABLE, OpsError, Problem
from ops.progress import say

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ops.docker import Container
    from ops.project import Project
    from ops.volumes.refill import Refill

HEALTH_PATIENCE = 600  # seconds
UP_PATIENCE = 3600  # an image may be built
POLL = 1.0
ALIVE = "running"
MOVES = "moves.json"


def start(running: Sequence[Container]) -> None:
    """Start containers again, in reverse."""
    for each in reversed(running):
        answer = docker.run(["start", each.id])
        if answer.code:
            raise OpsError(
                f"container `{each.name}` does not start", answer.last_error(), code=UNABLE, cause="unhealthy"
            )


def wait(running: Sequence[Container], after: str) -> None:
    """Wait for health; one that ends, or is called unhealthy, will not do."""
    deadline = time.monotonic() + HEALTH_PATIENCE
    waiting = list(running)
    while waiting:
        left = []
        for each in waiting:
            now = health(each.id)
            if now == "starting" and time.monotonic() < deadline:
                left.append(each)
            elif now not in {"healthy", ALIVE}:
                raise OpsError(f"container `{each.name}` is {now} after {after}", code=UNABLE, cause="unhealthy")
        waiting = left
        if waiting:
            say(f"waiting for {', '.join(each.service for each in waiting)}")
            time.sleep(POLL)


def health(container: str) -> str:
    """Return `starting`, `healthy`, `unhealthy`, or the state of a container without a probe."""
    row = "{{.State.Status}} {{with .State.Health}}{{.Status}}{{end}}"
    answer = docker.run(["inspect", "--type", "container", "--format", row, container])
    state, _, said = answer.output.strip().partition(" ")
    return (said or state) if state == ALIVE else state or "gone"


def up(this: Project, services: Mapping[str, int]) -> list[Container]:
    """Let Compose make the containers of services anew, as many as there were; return those that run."""
    scale = [part for name, count in services.items() for part in ("--scale", f"{name}={count}")]
    say(f"starting {', '.join(services)}")
    answer = compose.compose(this, "up", "--detach", "--no-deps", *scale, *services, patience=UP_PATIENCE)
    if answer.code:
        why, fix = compose.complaint(this, answer), "docker compose up --detach --wait"
        raise OpsError(f"{', '.join(services)} cannot be started", why, fix, UNABLE, "unhealthy")
    return [each for each in docker.containers(this.name) if each.service in services and each.active]


def conclude(work: Refill) -> list[Problem]:
    """End a move whose content is in place: start what uses it, remember it. Once more does no harm."""
    problems = []
    ids, services = work.after.get("start") or [], work.after.get("up") or {}
    try:
        running = [each for each in docker.containers(None) if each.id in ids] if ids else []
        start(running)
        if services:
            running += up(work.this, services)
        wait(running, work.what)
    except OpsError as error:
        problems.append(error.problem)
    remember(work.this, work.moved)
    work.finish()
    return problems


def remember(this: Project, moved: Sequence[dict[str, Any]]) -> None:
    """Note what was moved: it is not moved once more, and `status` names what is kept of it."""
    known = moves(this)
    new = [each for each in moved if each not in known]
    if new:
        state.save(this.root, MOVES, {"moves": [*known, *new]})


def moves(this: Project) -> list[dict[str, Any]]:
    """Return what was moved in this folder, the oldest first."""
    said = state.load(this.root, MOVES) or {}
    return [each for each in said.get("moves") or [] if isinstance(each, dict)]
