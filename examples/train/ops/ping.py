# Managed by scaffold: updates merge this file.
"""Tell a monitor how a run ended: its URL after a good one, the URL with `/fail` after any other."""

from __future__ import annotations

import sys
import urllib.request
from urllib.parse import urlsplit

PATIENCE = 10  # seconds


def send(url: str, *, good: bool) -> None:
    """Call the URL; a monitor that cannot be reached changes nothing but what is said."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"}:
        sys.stderr.write("note: --ping takes an http or https address; nobody was told\n")
        return
    called = url if good else parts._replace(path=parts.path.rstrip("/") + "/fail").geturl()
    try:
        with urllib.request.urlopen(called, timeout=PATIENCE):
            pass
    except (OSError, ValueError) as error:
        # Without the address: what identifies a monitor is a secret of a kind.
        sys.stderr.write(f"note: the monitor could not be told: {type(error).__name__}\n")
