# Managed by scaffold: updates merge this file.
"""From argv to exit code: the one place that prints and that catches."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import signal
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from ops.errors import INTERRUPTED, UNABLE, OpsError, Problem, cause_of
from ops.report import Report

if TYPE_CHECKING:
    from collections.abc import Iterable

# Each verb and its module. Only the one that is asked for is loaded: nothing here is kept compiled.
VERBS = {
    "init": "init",
    "status": "status",
    "backup": "backup",
    "restore": "restore",
    "verify": "verify",
    "drill": "drill",
    "list": "list_sets",
    "usage": "usage",
    "forget": "forget",
    "move": "move",
    "recover": "recover",
}
# These end in one line for a log: what was done, or the word for what went wrong.
LOGGED = set(VERBS) - {"init", "status", "usage"}
EPILOG = """exit codes: 0 done; 1 done or looked, and something needs you; 2 refused: usage,
bad input or safety; 3 could not: engine, disk or network; 130 interrupted"""


def parser(names: Iterable[str] = VERBS) -> argparse.ArgumentParser:
    """Declare verbs and their options."""
    top = argparse.ArgumentParser(
        prog="python3 ops",
        description="Operate this Compose project.",
        epilog=EPILOG,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = top.add_subparsers(dest="verb", metavar="VERB", required=True)
    for name in names:
        module = module_of(name)
        summary = (module.__doc__ or "").strip()
        verb = verbs.add_parser(name, help=summary, description=summary, allow_abbrev=False)
        verb.add_argument("--json", action="store_true", help="print one JSON document on stdout")
        declare = getattr(module, "options", None)
        if declare:
            declare(verb)
    return top


def module_of(verb: str) -> Any:
    """Return the module of a verb."""
    return importlib.import_module(f"ops.{VERBS[verb]}")


def main(argv: list[str] | None = None, root: Path | None = None) -> int:
    """Run one verb on the project whose folder holds `ops/`."""
    for stream in (sys.stdout, sys.stderr):
        tolerate(stream)
    arguments = sys.argv[1:] if argv is None else argv
    if not arguments:
        parser().print_help(sys.stderr)
        return 2
    known = arguments[0] in VERBS
    options = parser(arguments[:1] if known else VERBS).parse_args(arguments)
    project = root or Path(os.path.realpath(__file__)).parent.parent
    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), interrupt)
    report = guarded(options, project)
    try:
        show(report, options)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader went away (`| head`): not our error, and Python must not say so at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    tell_monitor(options, report)
    return report.code


def tell_monitor(options: argparse.Namespace, report: Report) -> None:
    """Call the URL that was given with `--ping`, if one was."""
    if getattr(options, "ping", None):
        from ops import ping  # noqa: PLC0415 (loads what opens URLs: half of this program's start)

        ping.send(options.ping, good=report.code == 0)


def interrupt(_number: int, _frame: object) -> None:
    """Let `kill` and a shutdown end a run the way Ctrl-C does: what was frozen is set going again."""
    raise KeyboardInterrupt


def guarded(options: argparse.Namespace, project: Path) -> Report:
    """Turn whatever stops a verb into a report; no traceback unless OPS_DEBUG=1."""
    try:
        report: Report = module_of(options.verb).run(project, options)
        return report
    except OpsError as error:
        return failed(error.problem, error.code)
    except KeyboardInterrupt:
        return failed(Problem("interrupted", cause="interrupted"), INTERRUPTED)
    except OSError as error:
        debug()
        where = f"`{error.filename}`" if error.filename else "this folder"
        fix = "put that right and run this again: what is already there is kept"
        why = error.strerror or type(error).__name__
        return failed(Problem(f"cannot use {where}", why, fix, cause_of(error)), UNABLE)
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
    return Report({}, problems=[problem], code=code, cause=problem.cause)


def show(report: Report, options: argparse.Namespace) -> None:
    """Print data on stdout and problems on stderr."""
    # Where a set goes to stdout, nothing else may.
    out = sys.stderr if getattr(options, "output", None) == "-" else sys.stdout
    if options.json:
        out.write(json.dumps(report.as_document(), indent=2) + "\n")
    else:
        out.writelines(line + "\n" for line in report.lines)
    # In this order also where both streams end in one file.
    out.flush()
    for problem in report.problems:
        sys.stderr.writelines(line + "\n" for line in problem.lines())
    if options.verb in LOGGED and report.code:
        sys.stderr.write(f"ops {options.verb}: {report.cause or 'failed'} (exit code {report.code})\n")
    elif report.last and not options.json:
        out.write(f"ops {options.verb}: {report.last}\n")


def tolerate(stream: TextIO) -> None:
    """Escape what a terminal's encoding cannot show, rather than fail on it."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")
