"""`python -m app.health`: exit 0 while the worker does its work, else print why not and exit 1."""

from __future__ import annotations

import os
import sys

from app import heartbeat

# Seconds. The worker beats with every batch and every pass, so three missed passes or a minute are too many.
LIMIT = max(60.0, 3 * float(os.environ.get("INDEX_POLL_SECONDS", "5")))


def main() -> int:
    """Return the exit code."""
    age = heartbeat.age()
    if age is not None and age < LIMIT:
        return 0
    silence = "no pass has ended yet" if age is None else f"no sign of life for {age:.0f} seconds"
    sys.stdout.write(f"{silence}; {heartbeat.error() or 'no error either'}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
