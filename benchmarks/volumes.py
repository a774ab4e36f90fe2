"""`scaffold volumes` of a project with 500 volumes, without sizes: needs an engine, and leaves nothing in it."""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import time
import uuid

COUNT = 500
ROUNDS = 5
PROMISE = 3.0  # seconds


def _docker(*arguments: str) -> str:
    return subprocess.run(["docker", *arguments], check=True, capture_output=True, text=True).stdout


def _once(project: str) -> float:
    start = time.perf_counter()
    command = [sys.executable, "-m", "scaffold", "volumes", "--project", project]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    seconds = time.perf_counter() - start
    assert len(said.splitlines()) == COUNT + 2, "a heading, the names of columns, and a line for each"
    return seconds


def main() -> None:
    """Make volumes, time the table, remove them."""
    project = f"bench-{uuid.uuid4().hex[:8]}"
    names = [f"{project}_v{number}" for number in range(COUNT)]
    try:
        for number, name in enumerate(names):
            labels = ("com.docker.compose.project=" + project, f"com.docker.compose.volume=v{number}")
            _docker("volume", "create", *(f"--label={label}" for label in labels), name)
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        times = [_once(project) for _ in range(ROUNDS)]
    finally:
        known = set(_docker("volume", "ls", "--quiet", "--filter", f"name={project}_").split())
        if left := [name for name in names if name in known]:
            _docker("volume", "rm", *left)
    print(f"scaffold volumes, {COUNT} volumes of one project, {ROUNDS} rounds")
    print(f"  processor time {resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before:.2f} s for all rounds")
    print(f"  median {statistics.median(times):.2f} s   best {min(times):.2f} s   promised under {PROMISE:.0f} s")


if __name__ == "__main__":
    main()
