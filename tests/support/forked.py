"""`scaffold` in a child of the test's process: with a terminal of its own, or beside another one."""

from __future__ import annotations

import os
import pty
import sys
from collections.abc import Sequence
from pathlib import Path

from scaffold.cli.main import run


def beside(*runs: Sequence[object]) -> list[int]:
    """Run several at once and return their exit codes."""
    children = []
    for arguments in runs:
        child = os.fork()
        if child == 0:
            _run(arguments)
        children.append(child)
    return [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]


def typed(arguments: Sequence[object], waiting_for: str, keys: bytes, log: Path) -> tuple[int, str]:
    """Run on a terminal, type `keys` once it shows `waiting_for`, and return the exit code and all that was shown."""
    child, terminal = pty.fork()
    if child == 0:
        # pytest has put others in their place.
        sys.stdin, sys.stdout, sys.stderr = (open(number, mode) for number, mode in enumerate("rww"))  # noqa: PTH123, SIM115
        _run(arguments)
    shown, done = "", False
    with log.open("w") as file:
        while text := _read(terminal):
            shown += text
            file.write(text)
            if "\x1b[6n" in text:  # where is the cursor?
                os.write(terminal, b"\x1b[1;1R")
            if not done and waiting_for in shown:
                os.write(terminal, keys)
                done = True
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), shown


def _run(arguments: Sequence[object]) -> None:
    code = 99
    try:
        code = run([str(argument) for argument in arguments])
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)  # what follows in the test is the parent's


def _read(terminal: int) -> str:
    try:
        return os.read(terminal, 65536).decode(errors="replace")
    except OSError:  # the child has closed it
        return ""
