"""Sets are stored in a repository whole or not at all, whoever is killed; and locks of the dead go."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap

import pytest

from ops.errors import OpsError
from ops.sets.repository import staged
from tests.support.ops import FOLDER
from tests.support.waiting import until
from tests.unit.ops.restic_place import Place


def test_a_repository_in_use_says_so_and_a_lock_of_the_dead_goes(place: Place) -> None:
    id = place.store({"db": b"1"})
    said = {**os.environ, "RESTIC_REPOSITORY": str(place.path)}
    holder = subprocess.Popen(
        [place.restic, "backup", "--stdin"], env=said, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    )
    try:
        until(lambda: bool(place.locks()), pause=0.1)
        with pytest.raises(OpsError) as caught:
            place.repository.forget([id])
        assert caught.value.problem.cause == "locked"
        assert place.stored() == [id]
    finally:
        holder.kill()
        holder.communicate()
    assert place.locks()
    place.repository.forget([id])
    assert place.stored() == []


def test_a_snapshot_that_is_not_whole_does_not_stay(place: Place) -> None:
    place.before('case "$1" in backup) REAL "$@"; exit 3;; esac; exec REAL "$@"')
    with pytest.raises(OpsError) as caught:
        place.store({"db": b"1"})
    assert (caught.value.problem.cause, caught.value.code) == ("changed", 3)
    assert place.stored() == []


DRIVER = """
import signal, sys
sys.path.insert(0, {tests!r})
from tests.support import ops
ops.register()
from pathlib import Path
from ops.project import Project
from ops.sets.repository import Repository, staged
from ops.sets.restic import Restic
from tests.unit.ops.restic_place import make

def interrupt(number, frame):
    raise KeyboardInterrupt

signal.signal(signal.SIGTERM, interrupt)
one = Repository(Project(Path({root!r}), "rag", []), Restic({path!r}))
with staged(one.this) as stage:
    id = make(stage.home, {{"weights": __import__("os").urandom(4 << 20)}}, "rag")
    one.store(stage, stage.home / id)
"""


def driven(place: Place) -> subprocess.Popen[bytes]:
    """Store a set in a process of its own, slowly, and come back once restic writes."""
    place.before('case "$1" in backup) exec REAL --limit-upload 1024 "$@";; esac; exec REAL "$@"')
    script = DRIVER.format(tests=str(FOLDER.parents[2]), root=str(place.root), path=str(place.path))
    before = place.size()
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)], stderr=subprocess.PIPE, start_new_session=True
    )
    until(lambda: place.size() > before + 1000 and bool(place.locks()), pause=0.1)
    return process


@pytest.mark.parametrize("everyone", [True, False], ids=["ctrl-c", "kill"])
def test_an_interrupted_run_leaves_neither_snapshot_nor_lock(place: Place, everyone: bool) -> None:
    process = driven(place)
    if everyone:
        os.killpg(process.pid, signal.SIGINT)
    else:
        process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert process.returncode, errors
    assert b"KeyboardInterrupt" in errors
    assert place.stored() == []
    assert place.locks() == []
    assert not (place.root / ".ops" / "restic" / "rag").exists()
    place.store({"db": b"1"})


def test_a_restic_that_outlives_its_run_keeps_its_files(place: Place) -> None:
    process = driven(place)
    process.kill()
    process.communicate()
    home = place.root / ".ops" / "restic" / "rag"
    with pytest.raises(OpsError) as caught, staged(place.repository.this):
        pass
    assert caught.value.problem.cause == "locked"
    assert (home / "set" / "manifest.json").is_file()
    # It ends by itself, and what it stored is whole.
    until(lambda: not place.locks(), pause=0.1)
    [id] = place.stored()
    until(lambda: free(place), pause=0.1)
    with place.repository.fetched(place.made(id)) as path:
        assert len((path / "weights" / "content.tar").read_bytes()) == 4 << 20


def free(place: Place) -> bool:
    try:
        with staged(place.repository.this):
            return True
    except OpsError:
        return False
