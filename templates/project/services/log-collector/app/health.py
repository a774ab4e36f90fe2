"""`python -m app.health`: exit 0 while logs are read and taken, else print why not and exit 1."""

from __future__ import annotations

import sys

from app import alive

# Seconds. It beats with every batch and every look, and a batch may wait for its answer.
LIMIT = 60.0


def main() -> int:
    """Return the exit code."""
    age = alive.age()
    if age is not None and age < LIMIT:
        return 0
    silence = "nothing was read yet" if age is None else f"nothing was shipped for {age:.0f} seconds"
    sys.stdout.write(f"{silence}; {alive.error() or 'no error either'}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
