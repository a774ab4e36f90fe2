"""Running a project's own `ops`."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from scaffold.errors import ScaffoldError


def init(project: Path, say: Callable[[str], None]) -> Mapping[str, Any]:
    """Run `ops init` and return its report, with its exit code; what it has to say beside goes to `say`.

    Raises ScaffoldError when it gives no report.
    """
    done = subprocess.run(
        [sys.executable, "ops", "init", "--json"], cwd=project, capture_output=True, text=True, check=False
    )
    for line in done.stderr.splitlines():
        say(line)
    try:
        report: dict[str, Any] = json.loads(done.stdout)
    except ValueError as error:
        raise ScaffoldError(
            "the project's `ops init` failed", done.stderr.strip() or f"exit code {done.returncode}"
        ) from error
    return {**report, "exit_code": done.returncode}
