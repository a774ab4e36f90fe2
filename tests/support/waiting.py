"""Waiting for something to come true, and ports that nobody has."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from pathlib import Path


def until(
    condition: Callable[[], object],
    what: str = "a condition",
    *,
    seconds: float = 60,
    pause: float = 0.005,
    log: Path | None = None,
) -> None:
    """Wait for a condition, far longer than it ever takes; what a `log` says is told when it never comes true."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"still waiting for {what}\n{log.read_text() if log else ''}")
        time.sleep(pause)


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
    return port
