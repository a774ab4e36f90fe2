"""Stages: done once for each input, whole or not at all, and started clean after a death."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from tests.support.waiting import until
from tests.unit.pipeline.helpers import PREPROCESS, Place, ended

# Dies, as by a power cut, at the n-th step that has to do with the disk's state.
DYING = """
import os, runpy, sys
from pathlib import Path
left = int(sys.argv.pop(1))
def dying(real):
    def step(*arguments, **more):
        global left
        if left == 0:
            os._exit(9)
        left -= 1
        return real(*arguments, **more)
    return step
os.fsync, os.rename, os.replace, os.mkdir = map(dying, (os.fsync, os.rename, os.replace, os.mkdir))
Path.rename, Path.replace, Path.chmod, Path.write_text = map(
    dying, (Path.rename, Path.replace, Path.chmod, Path.write_text))
runpy.run_module("managed", run_name="__main__")
"""


def put(place: Place, name: str, text: str) -> None:
    (place.raw / name).write_text(text)


def done(place: Place, service: str, *arguments: str, **variables: str) -> str:
    code, said = place.run(service, *arguments, **variables)
    assert code == 0, said
    assert "Traceback" not in said
    return said


def test_each_stage_works_once_for_each_input(place: Place) -> None:
    put(place, "a.txt", "alpha")
    assert "published generation-00000000" in done(place, "preprocess")
    assert "published generation-00000000" in done(place, "train")
    assert place.words(place.weights) == "ALPHA"
    for service in ("preprocess", "train"):
        assert "nothing to do" in done(place, service)
    put(place, "b.txt", "beta")
    assert "published generation-00000001" in done(place, "preprocess")
    assert "length=10" in done(place, "train")
    assert place.words(place.weights) == "ALPHA BETA"
    about = json.loads((place.weights / "generation-00000001" / "about.json").read_text())
    assert about["from"] == "generation-00000001"
    assert about["input"] == place.current(place.processed)["digest"]
    assert about["result"] == {"length": 10}


def test_other_code_or_another_setting_is_other_work(place: Place) -> None:
    put(place, "a.txt", "alpha")
    done(place, "preprocess")
    assert "published" in done(place, "preprocess", PREPROCESS_DEPTH="2")
    assert "nothing to do" in done(place, "preprocess", PREPROCESS_DEPTH="2", TRAIN_DEPTH="3")
    place.code("preprocess", PREPROCESS.replace("upper", "lower"))
    assert "published" in done(place, "preprocess")
    assert place.words(place.processed) == "alpha"
    (place.root / "preprocess" / "app" / "requirements.txt").write_text("another==1\n")
    assert "published" in done(place, "preprocess")


def test_force_works_again_and_the_same_outcome_is_no_new_input(place: Place) -> None:
    put(place, "a.txt", "alpha")
    done(place, "preprocess")
    done(place, "train")
    assert "published generation-00000001" in done(place, "preprocess", "--force")
    assert "nothing to do" in done(place, "train")


def test_a_cache_that_was_lost_and_filled_again_is_no_new_input(place: Place) -> None:
    put(place, "a.txt", "alpha")
    done(place, "preprocess")
    done(place, "train")
    place.processed.rename(place.root / "lost")
    place.processed.mkdir()
    assert "published" in done(place, "preprocess")
    assert "nothing to do" in done(place, "train")


def test_without_input_it_says_what_to_do(place: Place) -> None:
    (place.raw / ".hidden").write_text("somebody is writing this")
    code, said = place.run("preprocess")
    assert code == 2
    assert said == (f"error: there are no files in {place.raw}\nhint: put some there: docker compose run --rm ingest\n")
    code, said = place.run("train")
    assert code == 2
    assert "hint: make it: docker compose run --rm preprocess" in said
    assert place.generations(place.processed) == place.generations(place.weights) == []


def test_damaged_input_is_refused_and_damaged_output_made_again(place: Place) -> None:
    put(place, "a.txt", "alpha")
    done(place, "preprocess")
    done(place, "train")
    (place.weights / "generation-00000000" / "model.txt").write_text("")
    said = done(place, "train")
    assert "damaged" in said
    assert "published generation-00000001" in said
    (place.processed / "generation-00000000" / "a.txt").write_text("")
    code, said = place.run("train")
    assert code == 2
    assert "damaged" in said
    assert place.words(place.weights) == "ALPHA"


@pytest.mark.parametrize(
    ("code", "why"),
    [
        (
            "def train(data, weights):\n    (weights / 'half').write_text('x')\n    raise ValueError('no luck')\n",
            "no luck",
        ),
        ("def train(data, weights):\n    pass\n", "wrote nothing"),
        ("import nothing_of_this_name\n", "No module named"),
        ("", "has no attribute 'train'"),
        (
            "def train(data, weights):\n    (weights / 'x').symlink_to('/etc')\n    (weights / 'y').touch()\n",
            "no ordinary",
        ),
    ],
)
def test_work_that_fails_changes_nothing(place: Place, code: str, why: str) -> None:
    put(place, "a.txt", "alpha")
    done(place, "preprocess")
    done(place, "train")
    before = (place.weights / "CURRENT").read_bytes()
    place.code("train", code)
    exit_code, said = place.run("train")
    assert exit_code == 3
    assert why in said
    assert "what was there before still counts" in said
    assert (place.weights / "CURRENT").read_bytes() == before
    assert place.leftovers(place.weights) == []
    assert place.generations(place.weights) == [0]


def test_input_that_changes_while_it_is_read_is_not_published(place: Place) -> None:
    put(place, "a.txt", "alpha")
    go = place.root / "go"
    with ended(place.start("preprocess", WAIT_FOR=str(go))) as process:
        until(Path(f"{go}.begun").exists, "the stage to read")
        put(place, "b.txt", "beta")
        go.touch()
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 3
    assert "changed while it was read" in said
    assert place.generations(place.processed) == []


def test_death_at_every_step(place: Place) -> None:
    """Readers have the old state or the new one, whole; the run after it starts clean and ends the work."""
    put(place, "a.txt", "old")
    done(place, "preprocess")
    done(place, "train")
    put(place, "a.txt", "new")
    done(place, "preprocess")
    deaths, seen = 0, set()
    while place.run("train", str(deaths), "--force", code=DYING)[0] == 9:
        deaths += 1
        seen.add(place.words(place.weights))
        with place.clients("generations").held(place.weights):
            pass
    assert deaths > 10
    assert seen == {"OLD", "NEW"}
    done(place, "train")
    assert place.words(place.weights) == "NEW"
    assert place.leftovers(place.weights) == []
    assert len(place.generations(place.weights)) <= 3


def test_kill_9_amid_the_work_and_the_run_after_it(place: Place) -> None:
    put(place, "a.txt", "old")
    done(place, "preprocess")
    put(place, "a.txt", "new")
    go = place.root / "go"
    with ended(place.start("preprocess", WAIT_FOR=str(go))) as process:
        until(Path(f"{go}.begun").exists, "the stage to be at work")
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert place.leftovers(place.processed)
    assert place.words(place.processed) == "OLD"
    done(place, "preprocess")
    assert place.words(place.processed) == "NEW"
    assert place.leftovers(place.processed) == []


def test_interrupted_it_leaves_nothing(place: Place) -> None:
    put(place, "a.txt", "old")
    go = place.root / "go"
    with ended(place.start("preprocess", WAIT_FOR=str(go))) as process:
        until(Path(f"{go}.begun").exists, "the stage to be at work")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode == 130
    assert place.leftovers(place.processed) == []


def test_two_at_once_do_the_work_once(place: Place) -> None:
    put(place, "a.txt", "alpha")
    go = place.root / "go"
    with ended(place.start("preprocess", WAIT_FOR=str(go))) as first:
        until(Path(f"{go}.begun").exists, "the first to be at work")
        with ended(place.start("preprocess")) as second:
            assert second.stdout
            assert "another run writes" in second.stdout.readline()
            go.touch()
            said, _ = second.communicate(timeout=60)
        assert first.wait(timeout=60) == 0
    assert second.returncode == 0
    assert "nothing to do" in said
    assert place.generations(place.processed) == [0]


RESULT = """
import numpy as np
def train(data, weights):
    (weights / "x").touch()
    return {"f": np.float32(0.5), "i": np.int64(3), "nan": float("nan"), 1: {"t": (1, np.bool_(True))}, "a": np.ones(2)}
def published(generation, about):
    print(generation, about["result"]["f"], flush=True)
    raise ConnectionError("the tracker is away")
"""


def test_results_are_kept_as_json_and_what_comes_after_cannot_take_a_model_back(place: Place) -> None:
    put(place, "a.txt", "alpha")
    done(place, "preprocess")
    place.code("train", RESULT)
    code, said = place.run("train")
    assert code == 1
    assert "generation-00000000 0.5\n" in said
    assert "the tracker is away" in said
    result = place.current(place.weights)["result"]
    assert result == {"f": 0.5, "i": 3, "nan": None, "1": {"t": [1, True]}, "a": "[1. 1.]"}
    assert "nothing to do" in done(place, "train")
