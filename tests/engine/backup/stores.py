"""What the tests of every store have in common: a secret that changes, writes that go on, programs that get killed."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.support.running import Project


def set_secret(project: Project, name: str, value: str) -> None:
    """Write a secret's file as its owner would."""
    path = project.folder / "secrets" / name
    if path.exists():
        path.chmod(0o600)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.write_text(value)
    path.chmod(0o444)


@contextmanager
def writing(write: Callable[[int], object]) -> Iterator[None]:
    """Call `write` with growing numbers for as long as the block runs; it has to succeed each time."""
    stop = threading.Event()
    errors: list[BaseException] = []

    def go() -> None:
        number = 0
        try:
            while not stop.is_set():
                write(number)
                number += 1
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=go)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
    assert not errors, errors


def dumped(project: Project, volume: str) -> dict[str, Any]:
    """Back one volume up; what the set says of it."""
    said = json.loads(project.ops("backup", "--only", volume, "--json").stdout)
    item: dict[str, Any] = said["items"][0]
    assert item["method"] == "dump", item
    return item


def sets(project: Project) -> list[str]:
    """The sets that count."""
    return sorted(path.name for path in (project.folder / "backups").glob("*/2*"))


@contextmanager
def killing(project: Project, service: str, program: str) -> Iterator[None]:
    """Kill a program in a container, by a pattern of its command line, as soon as the block starts it."""
    script = """
        for try in {1..6000}; do
            for each in /proc/[0-9]*; do
                mapfile -d '' -t words 2> /dev/null < $each/cmdline || continue
                if [[ ${words[*]} =~ ^$1 ]]; then kill -9 ${each#/proc/}; echo killed; exit; fi
            done
            sleep 0.01
        done
    """
    command = ["docker", "compose", "exec", "-T", service, "bash", "-c", script, "bash", program]
    with subprocess.Popen(command, cwd=project.folder, stdout=subprocess.PIPE, text=True) as killer:
        yield
        said, _ = killer.communicate(timeout=120)
    assert said == "killed\n"
