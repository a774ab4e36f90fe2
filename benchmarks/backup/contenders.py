"""Who is compared. Each keeps the writer still while it reads: a copy of a volume that is being written to is none.

The usual recipe is `docker run -v VOLUME:/data -v FOLDER:/backup IMAGE tar czf`. Plain tar and restic run in a
container the same way, restic as the program of this machine, mounted. `ops backup` is run as a user runs it. That
data reaches the disk is waited for by those only who do so themselves.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.backup.corpora import Corpus
from benchmarks.backup.memory import Watch
from benchmarks.backup.place import Place

Step = Sequence[str]
# The commands that back up a corpus to a folder, or restore it from there.
Steps = Callable[[Place, Corpus, Path], list[Step]]
EMPTY = "find /data -mindepth 1 -delete"


@dataclass(frozen=True, slots=True)
class Result:
    """What one run took: seconds, bytes."""

    seconds: float
    together: int
    alone: int
    stored: int = 0
    frozen: float = 0
    said: str = ""


@dataclass(frozen=True, slots=True)
class Contender:
    """A way to back up and to restore; `before` is done once. One may go on `after` another, in its folder."""

    name: str
    backup: Steps
    restore: Steps | None = None
    before: Steps | None = None
    after: str = ""


def backed_up(contender: Contender, place: Place, corpus: Corpus) -> Result:
    """Back up a corpus, and look at what came of it."""
    folder = place.out / (contender.after or contender.name).replace(" ", "-")
    (folder / "stored").mkdir(parents=True, exist_ok=True)
    if contender.before:
        timed(contender.before(place, corpus, folder), place)
    began = time.time()
    result = timed(contender.backup(place, corpus, folder), place)
    frozen = place.longest_gap(corpus, began)
    stored = place.stored(folder / "stored")
    return Result(result.seconds, result.together, result.alone, stored, frozen, result.said)


def restored(contender: Contender, place: Place, corpus: Corpus, digest: str) -> Result:
    """Restore a corpus over what is there; the content has to be what it was."""
    assert contender.restore
    folder = place.out / contender.name.replace(" ", "-")
    result = timed(contender.restore(place, corpus, folder), place)
    if place.digest(corpus) != digest:
        raise SystemExit(f"{contender.name}: what it restored of `{corpus.name}` is not what was backed up")
    return result


def timed(steps: list[Step], place: Place) -> Result:
    """Run the steps one after the other, and look at time and memory of them all."""
    os.sync()
    said = ""
    with Watch(place.started) as watch:
        start = time.perf_counter()
        for step in steps:
            done = subprocess.run(step, cwd=place.project.folder, capture_output=True, text=True, check=False)
            if done.returncode:
                raise SystemExit(f"{' '.join(step[:4])} … ended with {done.returncode}:\n{done.stdout}{done.stderr}")
            said = done.stdout
        seconds = time.perf_counter() - start
    return Result(seconds, watch.together, watch.alone, said=said)


def held_still(place: Place, corpus: Corpus, step: Step) -> list[Step]:
    """A step while the writer is paused: the shortest way to keep it from writing."""
    writer = place.writer(corpus)
    return [["docker", "pause", writer], step, ["docker", "unpause", writer]]


def at_once(_: Place, __: Corpus, step: Step) -> list[Step]:
    """A step that no writer disturbs."""
    return [step]


def stopped(place: Place, corpus: Corpus, step: Step) -> list[Step]:
    """A step while the writer is stopped, as it has to be when its files are replaced."""
    writer = place.writer(corpus)
    return [["docker", "stop", writer], step, ["docker", "start", writer]]


def tar(flag: str, name: str) -> tuple[Steps, Steps]:
    """GNU tar in a container, with a flag for how it compresses."""

    def backup(place: Place, corpus: Corpus, folder: Path) -> list[Step]:
        volumes = [f"{place.volume(corpus)}:/data", f"{folder / 'stored'}:/backup"]
        return held_still(
            place, corpus, place.container(volumes, "tar", f"c{flag}f", f"/backup/{name}", "-C", "/data", ".")
        )

    def restore(place: Place, corpus: Corpus, folder: Path) -> list[Step]:
        volumes = [f"{place.volume(corpus)}:/data", f"{folder / 'stored'}:/backup"]
        shell = f"{EMPTY} && tar x{flag}f /backup/{name} -C /data"
        return stopped(place, corpus, place.container(volumes, "sh", "-c", shell))

    return backup, restore


def restic(shell: str, hold: Callable[[Place, Corpus, Step], list[Step]]) -> Steps:
    """Restic's commands in a container; the host has a name, or it would compare with no earlier run."""

    def steps(place: Place, corpus: Corpus, folder: Path) -> list[Step]:
        program = shutil.which("restic")
        volumes = [
            f"{place.volume(corpus)}:/data",
            f"{folder / 'stored'}:/backup",
            f"{folder / 'cache'}:/cache",
            f"{program}:/usr/local/bin/restic:ro",
        ]
        # Without a password there is no repository; this one opens random bytes.
        variables = ["RESTIC_REPOSITORY=/backup", "RESTIC_CACHE_DIR=/cache", "RESTIC_PASSWORD=benchmark"]
        options = [word for variable in variables for word in ("-e", variable)]
        return hold(place, corpus, place.container(volumes, "sh", "-c", shell, options=options))

    return steps


def kit_backup(_: Place, corpus: Corpus, folder: Path) -> list[Step]:
    """`ops backup`: it keeps the writer still itself."""
    return [
        [sys.executable, "ops", "backup", "--only", f"{corpus.name}_data", "--to", str(folder / "stored"), "--json"]
    ]


def kit_restore(_: Place, corpus: Corpus, folder: Path) -> list[Step]:
    """`ops restore`: it stops the writer, and keeps a copy of what it replaces, itself."""
    manifest = next((folder / "stored").rglob("manifest.json"))
    only = ["--only", f"{corpus.name}_data"]
    return [[sys.executable, "ops", "restore", str(manifest.parent), *only, "--replace", "--json"]]


def itself(result: Result) -> float:
    """For how many seconds the kit itself says that it kept the writer still."""
    return float(sum(item["frozen_ms"] for item in json.loads(result.said)["items"])) / 1000


BACKUP = "restic backup --quiet --host benchmark /data"
USUAL, KIT = "usual recipe", "ops backup"
CONTENDERS = [
    Contender(USUAL, *tar("z", "data.tar.gz")),
    Contender("plain tar", *tar("", "data.tar")),
    Contender(
        "restic",
        restic(BACKUP, held_still),
        restic(f"{EMPTY} && restic restore --quiet latest --target /", stopped),
        before=restic("restic init --quiet", at_once),
    ),
    Contender("restic again", restic(BACKUP, held_still), after="restic"),
    Contender(KIT, kit_backup, kit_restore),
]
