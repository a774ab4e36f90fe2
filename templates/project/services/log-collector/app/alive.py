"""The file that says this collector does its work, and the one beside it that says what went wrong."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

FILE = Path(os.environ.get("HEARTBEAT_FILE", "/tmp/alive"))
ERROR = FILE.with_name(f"{FILE.name}.error")


def beat() -> None:
    """Say that all is well."""
    FILE.touch()
    ERROR.unlink(missing_ok=True)


def fail(error: str) -> None:
    """Keep what went wrong, for the healthcheck to print once the last beat is too old."""
    with suppress(OSError):
        ERROR.write_text(f"{error}\n", encoding="utf-8", errors="backslashreplace")


def age() -> float | None:
    """Seconds since the last beat; None when there was none."""
    try:
        return time.time() - FILE.stat().st_mtime
    except FileNotFoundError:
        return None


def error() -> str:
    """What went wrong since the last beat; empty when nothing did."""
    try:
        return ERROR.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return ""
