# Managed by scaffold: updates merge this file.
"""From argv to exit code: the one place that prints and that catches."""

from __future__ import annotations

import argparse
import json
import os
import sys
import traceback
from pathlib import Path
from typing import TextIO

from ops import init, status
from ops.errors import INTERRUPTED, UNABLE, OpsError, Problem
from ops.report import Report

VERBS = {"init": init.run, "status": status.run}
EPILOG = """exit codes: 0 done; 1 done or looked, and something needs you; 2 refused: usage,
bad input or safety; 3 could not: engine, disk or network; 130 interrupted"""


def parser() -> argparse.ArgumentParser:
    """Declare the verbs and their options."""
    top = argparse.ArgumentParser(
        prog="python3 ops",
        description="Operate this Compose project.",
        epilog=EPILOG,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = top.add_subparsers(dest="verb", metavar="VERB", required=True)
    for name, module in (("init", init), ("status", status)):
        summary = (module.__doc__ or "").strip()
        verb = verbs.add_parser(name, help=summary, description=summary, allow_abbrev=False)
        verb.add_argument("--json", action="store_true", help="print one JSON document on stdout")
    return top


def main(argv: list[str] | None = None, root: Path | None = None) -> int:
    """Run one verb on the project whose folder holds `ops/`."""
    for stream in (sys.stdout, sys.stderr):
        tolerate(stream)
    arguments = sys.argv[1:] if argv is None else argv
    if not arguments:
        parser().print_help(sys.stderr)
        return 2
    options = parser().parse_args(arguments)
    project = root or Path(os.path.realpath(__file__)).parent.parent
    report = guarded(options.verb, project)
    try:
        show(report, as_json=options.json)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader went away (`| head`): not our error, and Python must not say so at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return report.code


def guarded(verb: str, project: Path) -> Report:
    """Turn whatever stops a verb into a report; no traceback unless OPS_DEBUG=1."""
    try:
        return VERBS[verb](project)
    except OpsError as error:
        return failed(error.problem, error.code)
    except KeyboardInterrupt:
        return failed(Problem("interrupted"), INTERRUPTED)
    except OSError as error:
        debug()
        where = f"`{error.filename}`" if error.filename else "this folder"
        fix = "put that right and run this again: what is already there is kept"
        why = error.strerror or type(error).__name__
        return failed(Problem(f"cannot use {where}", why, fix), UNABLE)
    except Exception as error:  # the boundary: anything else is a bug of ours
        debug()
        return failed(unexpected(error), UNABLE)


def unexpected(error: Exception) -> Problem:
    """Name a bug by type and place; its message might quote what Compose resolved."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{Path(frame.filename).name}:{frame.lineno}"
    return Problem(f"unexpected {type(error).__name__} at {place}", "", "OPS_DEBUG=1 shows the traceback")


def debug() -> None:
    """Print the traceback for whoever asked for it."""
    if os.environ.get("OPS_DEBUG") == "1":
        traceback.print_exc()


def failed(problem: Problem, code: int) -> Report:
    """Return a report that holds nothing but the reason."""
    return Report({}, problems=[problem], code=code)


def show(report: Report, *, as_json: bool) -> None:
    """Print data on stdout and problems on stderr."""
    if as_json:
        sys.stdout.write(json.dumps(report.as_document(), indent=2) + "\n")
    else:
        sys.stdout.writelines(line + "\n" for line in report.lines)
    # In this order also where both streams end in one file.
    sys.stdout.flush()
    for problem in report.problems:
        sys.stderr.writelines(line + "\n" for line in problem.lines())


def tolerate(stream: TextIO) -> None:
    """Escape what a terminal's encoding cannot show, rather than fail on it."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")
