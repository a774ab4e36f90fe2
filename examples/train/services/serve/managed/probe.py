# Managed by scaffold: updates merge this file.
"""`python -m managed.probe`: exit 0 while requests are answered by the newest model, else print why not and exit 1."""

from __future__ import annotations

import json
import sys
import urllib.error
import urllib.request
from contextlib import suppress

ADDRESS = "http://127.0.0.1:8000/health"


def main() -> int:
    """Return the exit code."""
    try:
        with urllib.request.urlopen(ADDRESS, timeout=4):
            return 0
    except urllib.error.HTTPError as error:
        said = str(error)
        with suppress(ValueError, LookupError, TypeError):
            said = json.loads(error.read())["error"]
    except OSError as error:
        said = f"no answer: {error}"
    sys.stdout.write(f"{said}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
