"""Running a project's own `ops`."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from scaffold.errors import ScaffoldError


def init(project: Path, say: Callable[[str], None]) -> Mapping[str, Any]:
    """Run `ops init` and return its report, with its exit code; what it has to say beside goes to `say`.

    Raises ScaffoldError when it gives no report.
    """
    report, errors = _run(project, "init")
    for line in errors.splitlines():
        say(line)
    if report is None:
        raise ScaffoldError("the project's `ops init` failed", errors.strip())
    return report


def ask(project: Path, verb: str, *arguments: str) -> tuple[Mapping[str, Any] | None, str]:
    """Run a verb that changes nothing; return its report with its exit code, and why there is none or it failed.

    An `ops` from before the verb gives no report.
    """
    report, errors = _run(project, verb, *arguments)
    if report is None and "invalid choice" in errors:
        return None, f"its `ops` has no verb `{verb}` yet: scaffold update"
    if report is None:
        return None, errors.splitlines()[-1]
    first = (report.get("problems") or [{}])[0]
    return report, ": ".join(str(first[key]) for key in ("what", "why") if first.get(key))


def run(project: Path, verb: str, arguments: Sequence[str] = (), *, watched: bool = False) -> Mapping[str, Any]:
    """Run a verb of `ops` and return its report, with its exit code and, when it failed, its `problems`.

    `watched`: it says on standard error what it does, and what went wrong. A Ctrl-C reaches it too; it is waited for,
    since it puts right what it had begun. Raises ScaffoldError when it gives no report.
    """
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(
            _command(verb, *arguments), cwd=project, stdout=out, stderr=None if watched else errors
        )
        while process.poll() is None:
            with suppress(KeyboardInterrupt):
                process.wait()
        out.seek(0)
        errors.seek(0)
        said = errors.read()
        report = _read(out.read(), process.returncode)
    if report is None and "invalid choice" in said:
        raise ScaffoldError(
            f"the `ops` of this project has no `{verb}`",
            "its template is older than that",
            "bring it to a newer version: scaffold update",
        )
    if report is None:
        raise ScaffoldError(f"the project's `ops {verb}` failed", said.strip() or f"exit code {process.returncode}")
    return report


def _run(project: Path, verb: str, *arguments: str) -> tuple[dict[str, Any] | None, str]:
    done = subprocess.run(_command(verb, *arguments), cwd=project, capture_output=True, text=True, check=False)
    report = _read(done.stdout, done.returncode)
    return report, done.stderr if report else done.stderr.strip() or f"exit code {done.returncode}"


def _command(verb: str, *arguments: str) -> list[str]:
    return [sys.executable, "ops", verb, *arguments, "--json"]


def _read(out: str, code: int) -> dict[str, Any] | None:
    try:
        report = json.loads(out)
    except ValueError:
        return None
    return {**report, "exit_code": code} if isinstance(report, dict) else None
