"""The worker's own signs of life: its log, its heartbeat and what the healthcheck says."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.support.waiting import until
from tests.unit.faiss.helpers import Place, contents, workers


def old(path: Path) -> float:
    """Make a beat an hour old. Returns when it was."""
    os.utime(path, (path.stat().st_atime, path.stat().st_mtime - 3600))
    return path.stat().st_mtime


def next_beat(place: Place) -> None:
    before = old(place.heartbeat)
    until(lambda: place.heartbeat.stat().st_mtime > before, "the next beat")


def test_no_sign_of_life_before_there_is_an_index(place: Place) -> None:
    assert place.health() == (1, "no pass has ended yet; no error either\n")


def test_a_first_pass_that_fails_is_no_life(place: Place) -> None:
    shutil.rmtree(place.uploads)
    with workers(place) as [worker]:
        until(lambda: worker.log.read_text().count("failed") > 2, "failures")
        assert not place.heartbeat.exists()
        assert place.health() == (1, f"no pass has ended yet; FileNotFoundError: there is no folder {place.uploads}\n")
        place.uploads.mkdir()
        until(place.heartbeat.exists, "a beat")
        assert place.health() == (0, "")
        assert not worker.says("Traceback")
    assert contents(place) == {}


@pytest.mark.parametrize("uploads", [0, 3])
def test_it_indexes_and_lives(place: Place, uploads: int) -> None:
    for number in range(uploads):
        place.put(f"{number}.txt", "text")
    with workers(place) as [worker]:
        until(lambda: (place.store / "CURRENT").exists() and place.current()["files"] == uploads, "the index")
        until(place.heartbeat.exists, "a beat")
        next_beat(place)
        assert place.health() == (0, "")
        assert worker.end() == 0
        lines = worker.log.read_text().splitlines()
    assert all(line.split()[2] == "INFO" for line in lines)
    assert [line.split()[3] for line in lines] == ["started", "published", *["published"] * (uploads > 0), "stopped"]


def test_failures_stop_the_heartbeat_until_a_pass_succeeds(place: Place) -> None:
    place.model("model-a")
    place.put("a.txt", "alpha")
    with workers(place) as [worker]:
        until(lambda: (place.store / "CURRENT").exists() and place.current()["files"] == 1, "the index")
        place.model("model-a", away=True)
        for number in range(100):
            place.put(f"{number}.txt", "text")
        until(lambda: worker.says("failed"), "a failure")
        before = old(place.heartbeat)
        until(lambda: worker.log.read_text().count("failed") > 3, "more failures")
        assert place.heartbeat.stat().st_mtime == before
        code, said = place.health()
        assert (code, said.split("; ")[1]) == (1, "ConnectionError: the model server is away\n")
        assert said.startswith("no sign of life for 36")
        assert len(said.splitlines()) == 1
        place.model("model-a")
        until(lambda: place.heartbeat.stat().st_mtime > before, "a success")
        assert place.health() == (0, "")
        assert not (place.root / "alive.error").exists()
        pauses = [line.rpartition("next_in=")[2] for line in worker.log.read_text().splitlines() if "failed" in line]
        assert pauses[:4] == ["0.2", "0.4", "0.8", "1.6"]
    place.build_all()
    assert len(contents(place)) == 101


def test_every_batch_is_a_beat(place: Place) -> None:
    """A large upload and a slow model are no reason to call the worker dead."""
    place.model("slow", seconds=0.3)
    for number in range(32 * 20):
        place.put(f"{number}.txt", "text")
    with workers(place) as [worker]:
        until(place.heartbeat.exists, "a first beat")
        for _ in range(3):
            next_beat(place)
        assert place.leftovers()
        assert place.current()["files"] == 0
        assert worker.end() == 0


def test_who_waits_for_the_lock_lives(place: Place) -> None:
    place.build()
    with workers(place, 2) as running:
        until(lambda: any(worker.says("waiting") for worker in running), "one that waits")
        [writer] = [worker for worker in running if worker.says("started")]
        assert writer.end() == 0
        before = old(place.heartbeat) if place.heartbeat.exists() else 0
        until(lambda: place.heartbeat.exists() and place.heartbeat.stat().st_mtime > before, "a beat")


def test_a_volume_it_cannot_write_is_one_line(place: Place) -> None:
    place.store.rmdir()
    with workers(place) as [worker]:
        assert worker.process.wait(timeout=60) == 1
        assert worker.says('failed error="FileNotFoundError: ')
        assert not worker.says("Traceback")
    assert "FileNotFoundError" in place.health()[1]
