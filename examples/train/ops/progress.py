# Managed by scaffold: updates merge this file.
"""Say what goes on while it takes long: on a terminal only, so that a timer's log stays short."""

from __future__ import annotations

import sys


def watched() -> bool:
    """Tell whether somebody sits there."""
    return sys.stderr.isatty()


def say(text: str) -> None:
    """Show one step on standard error."""
    if watched():
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()
